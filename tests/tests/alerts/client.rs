//! What the sink makes of an Alertmanager's answers, and how it speaks TLS: against a server of our own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use segwatch::alert::{Note, Origin, Settings, Sink, Times, Trouble};
use segwatch::config::AlertmanagerConfig;
use segwatch_tests::tool;

use crate::direct::{finding, published};

const LONG: Duration = Duration::from_secs(30);

#[test]
fn over_tls_with_a_password() {
    let folder = tool::empty_folder("direct-tls");
    let ours = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(folder.join("ca.pem"), ours.cert.pem()).expect("a file of our own");
    fs::write(folder.join("password"), "s3cret\n").expect("a file of our own");
    let key = PrivateKeyDer::try_from(ours.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![ours.cert.der().clone()], key)
        .expect("a certificate of our own");
    let (port, requests) = serve(Some(Arc::new(tls)), "200 OK");
    let mut config = config(format!("https://localhost:{port}/prefix"));
    (config.username, config.password_file) = (Some("me".into()), Some(folder.join("password")));
    config.ca_file = Some(folder.join("ca.pem"));
    let (sink, _notes) = start(config.clone());
    sink.offer(published(&[finding("f1", "cctv")]));
    let request = requests.recv_timeout(LONG).expect("a request");
    assert!(request.starts_with("POST /prefix/api/v2/alerts HTTP/1.1\r\n"), "{request}");
    // RFC 7617 of `me:s3cret`.
    assert!(request.contains("\r\nauthorization: Basic bWU6czNjcmV0\r\n"), "{request}");
    assert!(request.contains("\"id\":\"f1\""), "{request}");

    // Signed by nobody whom the system knows.
    config.ca_file = None;
    let (sink, notes) = start(config);
    sink.offer(published(&[finding("f1", "cctv")]));
    let note = notes.recv_timeout(LONG).expect("a note");
    assert!(matches!(&note, Note::Failed { why: Trouble::Receiver(_), .. }), "{note}");
}

#[test]
fn what_is_wrong_with_alerts_is_lost_and_what_is_wrong_with_the_receiver_is_tried_again() {
    for (status, is_lost) in [
        ("400 Bad Request", true),
        ("422 Unprocessable Entity", true),
        ("401 Unauthorized", false),
        ("404 Not Found", false),
        ("429 Too Many Requests", false),
        ("302 Found", false),
        ("503 Service Unavailable", false),
    ] {
        let (port, requests) = serve(None, status);
        let (sink, notes) = start(config(format!("http://127.0.0.1:{port}")));
        sink.offer(published(&[finding("f1", "cctv")]));
        requests.recv_timeout(LONG).expect("a request");
        let Note::Failed { why, .. } = notes.recv_timeout(LONG).expect("a note") else { panic!("{status}") };
        let code = status.split(' ').next().unwrap_or_default();
        let told = format!("status {code} no \u{1b}[2J");
        let (wanted, again) = if is_lost { (Trouble::Alerts(told), false) } else { (Trouble::Receiver(told), true) };
        assert_eq!(why, wanted);
        assert!(!why.to_string().contains('\u{1b}'), "{why}");
        if again {
            requests.recv_timeout(LONG).expect("it is tried again");
        }
        drop(sink);
    }
}

#[test]
fn a_lost_alert_is_counted_and_a_file_that_cannot_be_kept_is_told() {
    let (port, requests) = serve(None, "400 Bad Request");
    let (notes, told) = channel();
    let notes = Mutex::new(notes);
    let store = Box::new(|_: &str| Err(std::io::Error::other("no room")));
    let sink = Sink::start(settings(config(format!("http://127.0.0.1:{port}"))), Some("{"), store, move |note| {
        let _ = notes.lock().expect("no panic").send(note);
    });
    let sink = sink.expect("threads");
    sink.offer(published(&[finding("f1", "cctv")]));
    requests.recv_timeout(LONG).expect("a request");
    let mut texts: Vec<String> = (0..3).map(|_| told.recv_timeout(LONG).expect("a note").to_string()).collect();
    texts.sort();
    assert!(
        texts[0].starts_with("Alertmanager http://127.0.0.1:") && texts[0].contains(" refuses alerts: "),
        "{texts:?}"
    );
    assert!(texts[1].starts_with("the outbox of alerts is not kept: EOF while parsing"), "{texts:?}");
    assert_eq!(texts[2], "the outbox of alerts is not kept: no room");
    crate::alertmanager::wait("it is counted", 10, || sink.lost() == 1);
}

fn config(url: String) -> AlertmanagerConfig {
    AlertmanagerConfig {
        urls: vec![url],
        username: None,
        password_file: None::<PathBuf>,
        ca_file: None,
        resend: 1_000_000_000,
        external_url: None,
        line: 1,
    }
}

fn settings(config: AlertmanagerConfig) -> Settings {
    Settings { times: Times::of(config.resend), config, origin: Origin::default() }
}

fn start(config: AlertmanagerConfig) -> (Sink, Receiver<Note>) {
    let (notes, told) = channel();
    let notes = Mutex::new(notes);
    let note = move |note| drop(notes.lock().expect("no panic").send(note));
    (Sink::start(settings(config), None, Box::new(|_| Ok(())), note).expect("threads"), told)
}

/// Answers every request with this status, until the process ends; the port, and the requests.
fn serve(tls: Option<Arc<ServerConfig>>, status: &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    let (requests, got) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(LONG)).expect("a timeout");
            let request = match &tls {
                None => answer(stream, status),
                Some(tls) => {
                    let connection = ServerConnection::new(Arc::clone(tls)).expect("a connection");
                    answer(StreamOwned::new(connection, stream), status)
                }
            };
            // A client that does not like the certificate goes away.
            if let Ok(request) = request
                && requests.send(request).is_err()
            {
                break;
            }
        }
    });
    (port, got)
}

fn answer<S: Read + Write>(stream: S, status: &str) -> std::io::Result<String> {
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
        request += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let text = "no \u{1b}[2J";
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    let stream = reader.get_mut();
    stream.write_all((head + text).as_bytes())?;
    stream.flush()?;
    Ok(request + &String::from_utf8_lossy(&body))
}
