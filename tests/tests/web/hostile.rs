//! Clients that mean no good.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use segwatch::web::{Limits, MAX_BODY_BYTES};

use crate::client::{connect, exchange, get, parse, request};
use crate::{ANN, Fake, Folder, HASH, start, start_with};

#[test]
fn heads_have_a_limit() {
    let running = start();
    let long = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    assert_eq!(parse(&exchange(running.address, long.as_bytes())).status, 431);
    let many = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(500));
    assert_eq!(parse(&exchange(running.address, many.as_bytes())).status, 431);
    let path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1 << 20));
    assert!(matches!(parse(&exchange(running.address, path.as_bytes())).status, 414 | 431));
    assert_eq!(get(running.address, "/metrics").status, 200);
}

#[test]
fn bodies_have_a_limit() {
    let folder = Folder::new("bodies");
    let config = folder.write("web.yml", &format!("basic_auth_users: {{ ann: {HASH} }}\n"));
    let running = start_with(Fake::default(), Some(config), Limits::default());
    let json = "Content-Type: application/json";
    let path = "/api/v1/findings/ab/close";
    let huge = format!("{{\"by\":\"ann\",\"reason\":\"{}\"}}", "x".repeat(MAX_BODY_BYTES));
    assert_eq!(request(running.address, "POST", path, &[ANN, json], &huge).status, 413);
    // Announced, and never sent: the answer does not wait for it.
    let announced =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\n{ANN}\r\n{json}\r\nContent-Length: 99999999999\r\n\r\n");
    let mut stream = connect(running.address);
    stream.write_all(announced.as_bytes()).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
    assert!(running.fake.commands.lock().unwrap().is_empty());
}

/// What one reader takes for a body and the next for a request.
#[test]
fn nothing_is_smuggled() {
    let running = start();
    let hidden = "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let length = hidden.len();
    for head in [
        format!("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"),
        format!(
            "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        "POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        format!("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: {length}\r\n\r\n"),
        format!("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: +{length}\r\n\r\n"),
        format!("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length : {length}\r\n\r\n"),
        "POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n".to_owned(),
        "POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n".to_owned(),
        "GET /metrics HTTP/1.1\nHost: x\r\n\rX: y\r\n\r\n".to_owned(),
    ] {
        let answers = exchange(running.address, format!("{head}{hidden}").as_bytes());
        assert!(!answers.contains("segwatch is healthy"), "{head}\n{answers}");
        assert!(parse(&answers).status >= 400, "{head}\n{answers}");
    }
    assert!(running.fake.commands.lock().unwrap().is_empty());
}

#[test]
fn bytes_that_are_no_request_are_refused() {
    let running = start();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET  /metrics HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n\r\n\r\n\r\nX",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n",
    ] {
        let mut stream = connect(running.address);
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let answer = String::from_utf8_lossy(&all);
        assert!(answer.is_empty() || parse(&answer).status >= 400, "{bytes:?}\n{answer}");
    }
    for path in [
        "/../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/metrics",
        "/./metrics",
        "/metrics%00",
        "/static/../metrics",
    ] {
        assert_eq!(get(running.address, path).status, 404, "{path}");
    }
    // A byte that is not UTF-8 in a header that is read.
    let answer = exchange(
        running.address,
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: \xff\xfe\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(parse(&answer).status, 200);
}

#[test]
fn slow_clients_are_cut_at_every_stage() {
    let limits = Limits {
        head: Duration::from_millis(600),
        answer: Duration::from_millis(600),
        idle: Duration::from_millis(600),
        ..Limits::default()
    };
    let folder = Folder::new("slow");
    let config = folder.write("web.yml", &format!("basic_auth_users: {{ ann: {HASH} }}\n"));
    let running = start_with(Fake::default(), Some(config), limits);
    let post = format!(
        "POST /api/v1/findings/ab/close HTTP/1.1\r\nHost: x\r\n{ANN}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    );
    let whole = format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{ANN}\r\n\r\n");
    // What is sent at once, and what follows byte by byte.
    for (begin, drip) in [
        ("", ""),
        ("", "GET / HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyy"),
        (post.as_str(), "{{{{{{{{{{{{{{{{{{"),
        (whole.as_str(), ""),
    ] {
        let started = Instant::now();
        let mut stream = connect(running.address);
        stream.write_all(begin.as_bytes()).unwrap();
        let mut drip = drip.bytes();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut buffer = [0; 4096];
        loop {
            assert!(started.elapsed() < Duration::from_secs(5), "{begin:?}");
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    if let Some(byte) = drip.next() {
                        let _ = stream.write_all(&[byte]);
                    }
                }
                Err(_) => break,
            }
        }
        assert!(started.elapsed() > Duration::from_millis(500), "{begin:?}");
    }
    assert_eq!(running.server.stats().late, 4);
    assert_eq!(running.server.stats().open, 0);
}

#[test]
fn too_many_clients_cannot_shut_others_out() {
    let limits = Limits { connections: 16, connections_per_address: 8, ..Limits::default() };
    let running = start_with(Fake::default(), None, limits);
    let idle: Vec<_> = (0..100).map(|_| connect(running.address)).collect();
    for _ in 0..20 {
        assert_eq!(get(running.address, "/metrics").status, 200);
    }
    let stats = running.server.stats();
    assert!(stats.most <= 8 && stats.displaced >= 92, "{stats:?}");
    drop(idle);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is sent, the server lives, answers nothing it should not, and goes on.
    #[test]
    fn no_bytes_stop_the_server(bytes in proptest::collection::vec(any::<u8>(), 0..600), prefix in 0..4usize) {
        use std::sync::OnceLock;
        static RUNNING: OnceLock<crate::Running> = OnceLock::new();
        let running = RUNNING.get_or_init(start);
        let prefix = ["", "GET /metrics HTTP/1.1\r\n", "POST /-/reload HTTP/1.1\r\nContent-Length: 20\r\n", "GET "][prefix];
        let mut stream = connect(running.address);
        let _ = stream.write_all(&[prefix.as_bytes(), &bytes].concat());
        let _ = stream.shutdown(Shutdown::Write);
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        prop_assert_eq!(get(running.address, "/-/healthy").status, 200);
    }
}
