//! Certificates of an authority of our own.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// One that signs.
pub struct Authority {
    /// Its own certificate.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Authority {
        let key = KeyPair::generate().expect("it is made");
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("it is made");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("it is made").pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// Certificate of a name, and its key, both PEM.
    pub fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("it is made");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("it is made");
        (params.signed_by(&key, &self.issuer).expect("it is made").pem(), key.serialize_pem())
    }
}
