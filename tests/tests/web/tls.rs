//! HTTPS with certificates made here.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use segwatch::config::{ClientAuth, TlsVersion};
use segwatch::web::{Command, Limits, Note, Settings, check_exposure};
use segwatch_tests::authority::Authority;

use crate::client::{Answer, connect, get, parse};
use crate::{Fake, Folder, HASH, Running, eventually, start_with};

struct Client<'a> {
    trusts: &'a Authority,
    shows: Option<(String, String)>,
    versions: Vec<&'static rustls::SupportedProtocolVersion>,
}

impl Client<'_> {
    fn new(trusts: &Authority) -> Client<'_> {
        Client { trusts, shows: None, versions: rustls::DEFAULT_VERSIONS.to_vec() }
    }

    fn request(&self, address: SocketAddr, text: &str) -> Result<Answer, String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.trusts.pem.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match &self.shows {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let chain = CertificateDer::pem_slice_iter(cert.as_bytes()).map(Result::unwrap).collect();
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        };
        let name = ServerName::try_from("segwatch.example").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, connect(address));
        stream.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
        let mut all = Vec::new();
        match stream.read_to_end(&mut all) {
            Err(error) if all.is_empty() => Err(error.to_string()),
            _ if all.is_empty() => Err("closed".to_owned()),
            _ => Ok(parse(&String::from_utf8_lossy(&all))),
        }
    }

    fn get(&self, address: SocketAddr) -> Result<Answer, String> {
        self.request(address, "GET /metrics HTTP/1.1\r\nHost: segwatch.example\r\nConnection: close\r\n\r\n")
    }
}

fn start(folder: &Folder, authority: &Authority, more: &str) -> Running {
    let (cert, key) = authority.sign("segwatch.example");
    folder.write("cert.pem", &cert);
    folder.write("key.pem", &key);
    folder.write("ca.pem", &authority.pem);
    let text = format!("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n{more}");
    let config = folder.write("web.yml", &text);
    start_with(Fake::default(), Some(config), Limits { reread: Duration::from_millis(100), ..Limits::default() })
}

#[test]
fn https_serves_and_plain_http_gets_nothing() {
    let (folder, authority) = (Folder::new("https"), Authority::new());
    let running = start(&folder, &authority, "");
    let answer = Client::new(&authority).get(running.address).expect("served");
    assert!(answer.status == 200 && answer.body.contains("segwatch_build_info"));
    assert_eq!(get(running.address, "/metrics").status, 0);
    assert!(Client::new(&Authority::new()).get(running.address).is_err(), "another authority");
}

#[test]
fn versions_are_those_of_the_file() {
    let (folder, authority) = (Folder::new("versions"), Authority::new());
    let running = start(&folder, &authority, "  min_version: TLS13\n");
    let old = Client { versions: vec![&rustls::version::TLS12], ..Client::new(&authority) };
    assert!(old.get(running.address).is_err());
    assert_eq!(Client::new(&authority).get(running.address).expect("TLS 1.3").status, 200);
    drop(running);
    let running = start(&folder, &authority, "  max_version: TLS12\n");
    assert_eq!(old.get(running.address).expect("TLS 1.2").status, 200);
    let new = Client { versions: vec![&rustls::version::TLS13], ..Client::new(&authority) };
    assert!(new.get(running.address).is_err());
}

#[test]
fn clients_show_a_certificate_where_they_must() {
    let (folder, authority) = (Folder::new("client"), Authority::new());
    let more = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: [noc.example]\n";
    let running = start(&folder, &authority, more);
    assert!(Client::new(&authority).get(running.address).is_err(), "without one");
    let stranger = Client { shows: Some(Authority::new().sign("noc.example")), ..Client::new(&authority) };
    assert!(stranger.get(running.address).is_err(), "of another authority");
    let other = Client { shows: Some(authority.sign("camera.example")), ..Client::new(&authority) };
    assert!(other.get(running.address).is_err(), "of another name");
    let known = Client { shows: Some(authority.sign("noc.example")), ..Client::new(&authority) };
    assert_eq!(known.get(running.address).expect("served").status, 200);

    let body = "{\"by\":\"Ann\",\"reason\":\"known\"}";
    let post = format!(
        "POST /api/v1/findings/ab/close HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(known.request(running.address, &post).expect("taken").status, 200);
    let commands = running.fake.commands.lock().unwrap();
    assert!(
        matches!(&commands[..], [Command::Close(remark)] if remark.user.starts_with("certificate sha256:")),
        "{commands:?}"
    );

    // It is authentication enough to listen anywhere; TLS alone is not.
    let settings = Settings::load(Some(folder.path().join("web.yml"))).unwrap();
    let mut config = settings.config();
    let anywhere = ["0.0.0.0:1".parse().unwrap()];
    assert_eq!(check_exposure(&anywhere, &config), Ok(()));
    let tls = config.tls.as_mut().expect("TLS");
    assert_eq!((tls.min_version, tls.max_version), (TlsVersion::Tls12, TlsVersion::Tls13));
    tls.client_auth = ClientAuth::IfGiven;
    assert!(check_exposure(&anywhere, &config).expect_err("open").contains("needs authentication"));
}

#[test]
fn a_client_may_show_a_certificate() {
    let (folder, authority) = (Folder::new("may"), Authority::new());
    let more = "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n";
    let running = start(&folder, &authority, more);
    assert_eq!(Client::new(&authority).get(running.address).expect("served").status, 200);
    let stranger = Client { shows: Some(Authority::new().sign("noc.example")), ..Client::new(&authority) };
    assert!(stranger.get(running.address).is_err());
}

#[test]
fn a_renewed_certificate_is_taken_without_a_restart() {
    let (folder, old, new) = (Folder::new("renew"), Authority::new(), Authority::new());
    let running = start(&folder, &old, &format!("basic_auth_users: {{ ann: {HASH} }}\n"));
    let (cert, key) = new.sign("segwatch.example");
    // First the certificate, then its key: in between nothing changes, and the log says why.
    folder.write("cert.pem", &cert);
    eventually("refused", || {
        let notes = running.fake.notes.lock().unwrap();
        notes
            .iter()
            .any(|note| matches!(note, Note::ConfigRefused(what) if what.contains("not that of the certificate")))
    });
    assert_eq!(Client::new(&old).get(running.address).expect("the old one").status, 401);
    folder.write("key.pem", &key);
    eventually("taken", || Client::new(&new).get(running.address).is_ok_and(|answer| answer.status == 401));
    assert!(Client::new(&old).get(running.address).is_err());
    assert!(running.fake.notes.lock().unwrap().contains(&Note::ConfigTaken));
}

#[test]
fn a_handshake_that_never_ends_is_cut() {
    let (folder, authority) = (Folder::new("handshake"), Authority::new());
    drop(start(&folder, &authority, ""));
    let limits = Limits { head: Duration::from_millis(400), ..Limits::default() };
    let running = start_with(Fake::default(), Some(folder.path().join("web.yml")), limits);
    let mut stream = connect(running.address);
    stream.write_all(b"\x16\x03\x01\x02\x00").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(running.server.stats().late, 1);
}
