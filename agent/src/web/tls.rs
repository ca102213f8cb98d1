//! TLS from the web configuration file.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use sha2::{Digest, Sha256};

use crate::config::{ClientAuth, TlsConfig, TlsFault, TlsPart, TlsVersion};

/// What rustls needs to serve.
///
/// # Errors
/// The part of the configuration that it cannot use.
pub(super) fn server_config(tls: &TlsConfig) -> Result<Arc<ServerConfig>, TlsFault> {
    let fault = |part, what: String| TlsFault { part, what };
    let certs = certificates(&tls.cert).map_err(|what| fault(TlsPart::Cert, what))?;
    let key = PrivateKeyDer::from_pem_slice(&tls.key)
        .map_err(|error| fault(TlsPart::Key, format!("this holds no private key in PEM: {error}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(tls))
        .map_err(|error| fault(TlsPart::Cert, error.to_string()))?;
    let builder = match (&tls.client_ca, tls.client_auth) {
        (Some(ca), ClientAuth::IfGiven | ClientAuth::Required) => {
            let mut roots = RootCertStore::empty();
            for cert in certificates(ca).map_err(|what| fault(TlsPart::ClientCa, what))? {
                roots.add(cert).map_err(|error| fault(TlsPart::ClientCa, error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match tls.client_auth {
                ClientAuth::IfGiven => verifier.allow_unauthenticated(),
                ClientAuth::Required | ClientAuth::None => verifier,
            };
            builder.with_client_cert_verifier(
                verifier.build().map_err(|error| fault(TlsPart::ClientCa, error.to_string()))?,
            )
        }
        _ => builder.with_no_client_auth(),
    };
    allowed_names(tls)?;
    let mut config = builder.with_single_cert(certs, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => fault(TlsPart::Key, "this key is not that of the certificate".to_owned()),
        rustls::Error::InvalidCertificate(_) => fault(TlsPart::Cert, error.to_string()),
        error => fault(TlsPart::Key, error.to_string()),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// `client_allowed_sans` as names that a certificate can be compared with.
pub(super) fn allowed_names(tls: &TlsConfig) -> Result<Vec<ServerName<'static>>, TlsFault> {
    let name = |name: &String| {
        ServerName::try_from(name.clone()).map_err(|_| TlsFault {
            part: TlsPart::ClientNames,
            what: "a name here is neither a DNS name nor an address".to_owned(),
        })
    };
    tls.client_names.iter().map(name).collect()
}

/// Whether a verified client's certificate bears one of the names.
pub(super) fn is_allowed(certificate: &CertificateDer<'_>, names: &[ServerName<'static>]) -> bool {
    let Ok(parsed) = ParsedCertificate::try_from(certificate) else { return false };
    names.is_empty() || names.iter().any(|name| verify_server_name(&parsed, name).is_ok())
}

/// What the journal calls a client with a verified certificate.
pub(super) fn certificate_name(certificate: &CertificateDer<'_>) -> String {
    let digest: String = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("certificate sha256:{digest}")
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certs: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certs {
        Ok(certs) if !certs.is_empty() => Ok(certs),
        Ok(_) => Err("this holds no certificate in PEM".to_owned()),
        Err(error) => Err(format!("this is no PEM: {error}")),
    }
}

fn versions(tls: &TlsConfig) -> Vec<&'static SupportedProtocolVersion> {
    [(TlsVersion::Tls12, &version::TLS12), (TlsVersion::Tls13, &version::TLS13)]
        .into_iter()
        .filter(|(version, _)| (tls.min_version..=tls.max_version).contains(version))
        .map(|(_, version)| version)
        .collect()
}
