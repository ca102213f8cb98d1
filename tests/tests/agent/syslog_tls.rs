//! Syslog over TLS (RFC 5425), to a server with a certificate of an authority of our own.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use segwatch_tests::authority::Authority;

use crate::cameras::Cameras;
use crate::faults::{failing, is_failing};
use crate::site::{Site, finding_ids, total};
use crate::{PATIENCE, eventually, lab};

const SERVER: &str = "127.0.0.1:6514";

/// Takes so many connections, and so many messages of each; then it closes them.
fn serve(authority: &Authority, connections: usize, messages: usize) -> Receiver<String> {
    let (cert, key) = authority.sign("127.0.0.1");
    let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let config = Arc::new(builder.with_single_cert(chain, key).expect("a certificate that fits"));
    let listener = TcpListener::bind(SERVER).expect("a socket");
    let (tell, told) = channel();
    thread::spawn(move || {
        for _ in 0..connections {
            let (socket, _) = listener.accept().expect("it comes");
            socket.set_read_timeout(Some(PATIENCE)).expect("set");
            let connection = ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = StreamOwned::new(connection, socket);
            for _ in 0..messages {
                let Some(message) = framed(&mut stream) else { break };
                let _ = tell.send(message);
            }
        }
    });
    told
}

/// One message with its length in front (RFC 5425, section 4.3.1).
fn framed(stream: &mut impl Read) -> Option<String> {
    let (mut length, mut byte) = (String::new(), [0]);
    loop {
        stream.read_exact(&mut byte).ok()?;
        match byte {
            [b' '] => break,
            [digit] => length.push(char::from(digit)),
        }
    }
    let mut message = vec![0; length.parse().expect("a length")];
    stream.read_exact(&mut message).ok()?;
    Some(String::from_utf8(message).expect("UTF-8"))
}

fn policy(site: &Site, authority: &Authority, file: &str) {
    let file = site.write(file, &authority.pem);
    site.write_policy(&format!("sinks: {{ syslog: {{ url: \"tls://{SERVER}\", ca_file: {} }} }}\n", file.display()));
}

fn finding(told: &Receiver<String>) -> String {
    eventually("a finding", || told.recv_timeout(PATIENCE).ok().filter(|message| message.contains(" finding [")))
}

#[test]
fn a_server_of_a_known_authority_hears_of_findings() {
    lab("syslog-tls", |mut site| {
        let authority = Authority::new();
        policy(&site, &authority, "ca.pem");
        // It hangs up after each message, as one does that is restarted.
        let told = serve(&authority, 1_000, 1);
        site.start();
        let mut cameras = Cameras::new();
        for camera in 0..5 {
            cameras.break_out(camera);
            let message = finding(&told);
            assert!(message.starts_with("<130>1 ") && message.contains("kind=\"internet-egress\""), "{message}");
            assert!(message.contains(&format!("device=\"44:19:b6:01:00:0{camera}\"")), "{message}");
        }
    });
}

#[test]
fn a_server_of_another_authority_hears_nothing() {
    lab("syslog-tls-other", |mut site| {
        let (ours, other) = (Authority::new(), Authority::new());
        policy(&site, &ours, "ca.pem");
        let told = serve(&other, 1_000, 1_000);
        site.start();
        let mut cameras = Cameras::new();
        cameras.break_out(0);
        eventually("it is told", || is_failing("syslog"));
        assert!(failing().expect("a status")["syslog"].to_string().contains("certificate"));
        eventually("the finding", || finding_ids().filter(|ids| ids.len() == 1));
        assert!(told.try_recv().is_err());
        // What was meant for a server that is no more is lost, and counted.
        policy(&site, &other, "other.pem");
        site.signal("HUP");
        site.until("it is counted", |page| page.value("segwatch_sink_lost_total", &[("sink", "syslog")]) > Some(0.0));
        cameras.break_out(1);
        assert!(finding(&told).contains("device=\"44:19:b6:01:00:01\""), "only what came since");
        eventually("it is well", || failing()?.is_empty().then_some(()));
    });
}

#[test]
fn a_server_that_says_nothing_holds_up_nobody() {
    lab("syslog-tls-dead", |mut site| {
        policy(&site, &Authority::new(), "ca.pem");
        let listener = TcpListener::bind(SERVER).expect("a socket");
        site.start();
        let mut cameras = Cameras::new();
        cameras.break_out(0);
        let silent = listener.accept().expect("it comes");
        eventually("it is told", || is_failing("syslog"));
        (0..500).for_each(|round| cameras.talk(round % 8));
        cameras.break_out(1);
        eventually("the findings", || finding_ids().filter(|ids| ids.len() == 2));
        assert_eq!(total(&site.until_counted(cameras.sent), "segwatch_capture_dropped_packets_total"), 0.0);
        drop(silent);
        assert_eq!(site.stop().0, Some(0));
    });
}
