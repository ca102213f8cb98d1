//! Who may ask what.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use segwatch::config::WebConfig;
use segwatch::web::{Command, Limits, Note, Remark, Server, Settings, bind, check_exposure};

use crate::client::request;
use crate::{ANN, Fake, Folder, HASH, Running, eventually, runtime, start, start_with};

const JSON: &str = "Content-Type: application/json";
const BODY: &str = "{\"by\":\"Ann\",\"reason\":\"known test\"}";
/// `ann:wrong`.
const WRONG: &str = "Authorization: Basic YW5uOndyb25n";
/// `bob:U*U`.
const BOB: &str = "Authorization: Basic Ym9iOlUqVQ==";

fn start_with_users(folder: &Folder) -> Running {
    let config = folder.write("web.yml", &format!("basic_auth_users:\n  ann: {HASH}\n"));
    start_with(Fake::default(), Some(config), Limits { reread: Duration::from_millis(100), ..Limits::default() })
}

#[test]
fn without_users_findings_cannot_be_closed_even_on_loopback() {
    let running = start();
    for path in ["/api/v1/findings/ab12/close", "/api/v1/findings/ab12/ack", "/api/v1/drill"] {
        let answer = request(running.address, "POST", path, &[JSON], BODY);
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("basic_auth_users"), "{}", answer.body);
    }
    assert!(running.fake.commands.lock().unwrap().is_empty());
}

#[test]
fn a_reload_needs_no_user_where_none_is_configured() {
    let running = start();
    let answer = request(running.address, "POST", "/-/reload", &[], "");
    assert_eq!((answer.status, answer.body.as_str()), (200, "policy loaded\n"));
    assert_eq!(*running.fake.commands.lock().unwrap(), [Command::Reload]);
}

#[test]
fn a_browser_writes_nothing() {
    let folder = Folder::new("browser");
    let running = start_with_users(&folder);
    for header in
        ["Origin: http://evil.example", "Origin: null", "Origin: http://segwatch", "Sec-Fetch-Site: cross-site"]
    {
        assert_eq!(request(running.address, "POST", "/-/reload", &[ANN, header], "").status, 403, "{header}");
    }
    assert!(running.fake.commands.lock().unwrap().is_empty());
    assert_eq!(request(running.address, "GET", "/", &[ANN, "Sec-Fetch-Site: none"], "").status, 200);
}

#[test]
fn with_users_everything_needs_one() {
    let folder = Folder::new("users");
    let running = start_with_users(&folder);
    for (method, path) in
        [("GET", "/"), ("GET", "/metrics"), ("GET", "/-/healthy"), ("POST", "/-/reload"), ("GET", "/nowhere")]
    {
        for headers in [
            &[][..],
            &[WRONG],
            &[BOB],
            &["Authorization: Bearer x"],
            &["Authorization: Basic %%%"],
            &["Authorization: Basic"],
        ] {
            let answer = request(running.address, method, path, headers, "");
            assert_eq!(answer.status, 401, "{path} {headers:?}");
            assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Basic realm=")));
        }
    }
    assert!(running.fake.commands.lock().unwrap().is_empty());
    assert!(running.fake.notes.lock().unwrap().contains(&Note::LoginFailed([127, 0, 0, 1].into())));
    for path in ["/", "/metrics", "/-/healthy"] {
        assert_eq!(request(running.address, "GET", path, &[ANN], "").status, 200);
    }
}

#[test]
fn packets_are_for_users_alone() {
    let running = start();
    assert_eq!(request(running.address, "GET", "/api/v1/findings/ab12/evidence", &[], "").status, 403, "no users");
    let folder = Folder::new("evidence");
    let running = start_with_users(&folder);
    let get = |path: &str, headers: &[&str]| request(running.address, "GET", path, headers, "");
    assert_eq!(get("/api/v1/findings/ab12/evidence", &[WRONG]).status, 401);
    let answer = get("/api/v1/findings/ab12/evidence", &[ANN]);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-pcapng")));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"ab12.pcapng\""));
    assert_eq!(get("/api/v1/findings/404/evidence", &[ANN]).status, 404);
    assert_eq!(get("/api/v1/findings/../evidence", &[ANN]).status, 404);
    assert_eq!(request(running.address, "POST", "/api/v1/findings/ab12/evidence", &[ANN], "").status, 405);
}

#[test]
fn a_user_closes_and_acknowledges_with_a_reason() {
    let folder = Folder::new("close");
    let running = start_with_users(&folder);
    let remark = |id: &str| Remark { id: id.into(), by: "Ann".into(), reason: "known test".into(), user: "ann".into() };
    let post = |path: &str, headers: &[&str], body: &str| request(running.address, "POST", path, headers, body);
    assert_eq!(post("/api/v1/findings/ab12/close", &[ANN, JSON], BODY).status, 200);
    assert_eq!(post("/api/v1/findings/ab12/ack", &[ANN, JSON], BODY).status, 200);
    assert_eq!(post("/api/v1/findings/404/close", &[ANN, JSON], BODY).status, 404);
    let asked = std::mem::take(&mut *running.fake.commands.lock().unwrap());
    assert_eq!(
        asked,
        [Command::Close(remark("ab12")), Command::Acknowledge(remark("ab12")), Command::Close(remark("404"))]
    );
    let bad = [
        "",
        "[]",
        "{\"by\":\"Ann\"}",
        "{\"by\":\"\",\"reason\":\"x\"}",
        "{\"by\":\"a\",\"reason\":\" \"}",
        "{\"by\":\"a\",\"reason\":\"x\",\"z\":1}",
        "{\"by\":\"a\",\"reason\":\"x\\u001b[2J\"}",
        "{\"by\":\"a\\n\",\"reason\":\"x\"}",
    ];
    for body in bad {
        assert_eq!(post("/api/v1/findings/ab12/close", &[ANN, JSON], body).status, 400, "{body}");
    }
    let long = format!("{{\"by\":\"a\",\"reason\":\"{}\"}}", "x".repeat(257));
    assert_eq!(post("/api/v1/findings/ab12/close", &[ANN, JSON], &long).status, 400);
    for kind in ["Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "X: y"] {
        assert_eq!(post("/api/v1/findings/ab12/close", &[ANN, kind], BODY).status, 415);
    }
    assert!(running.fake.commands.lock().unwrap().is_empty());
}

#[test]
fn a_user_raises_a_drill() {
    let folder = Folder::new("drill");
    let running = start_with_users(&folder);
    let post = |headers: &[&str], body: &str| request(running.address, "POST", "/api/v1/drill", headers, body).status;
    assert_eq!(post(&[ANN, JSON], "{\"by\":\"Ann\"}"), 200);
    assert_eq!(post(&[ANN, JSON], "{\"by\":\"again\"}"), 409);
    let asked = std::mem::take(&mut *running.fake.commands.lock().unwrap());
    let drill = |by: &str| Command::Drill { by: by.into(), user: "ann".into() };
    assert_eq!(asked, [drill("Ann"), drill("again")]);
    for body in ["", "{}", "{\"by\":\"\"}", "{\"by\":\"a\\n\"}", BODY] {
        assert_eq!(post(&[ANN, JSON], body), 400, "{body}");
    }
    assert_eq!(post(&[JSON], "{\"by\":\"Ann\"}"), 401);
    assert_eq!(post(&[ANN, JSON, "Origin: http://evil.example"], "{\"by\":\"Ann\"}"), 403);
    assert_eq!(request(running.address, "GET", "/api/v1/drill", &[ANN], "").status, 405);
    assert!(running.fake.commands.lock().unwrap().is_empty());
}

#[test]
fn a_right_password_is_compared_once_and_a_wrong_one_never_waits_long() {
    let folder = Folder::new("cache");
    let running = start_with_users(&folder);
    assert_eq!(request(running.address, "GET", "/-/healthy", &[ANN], "").status, 200);
    // A flood of guesses occupies the comparisons; who is known does not stand in that queue.
    let address = running.address;
    let flood: Vec<_> =
        (0..80).map(|_| std::thread::spawn(move || request(address, "GET", "/metrics", &[WRONG], "").status)).collect();
    let started = Instant::now();
    for _ in 0..10 {
        assert_eq!(request(running.address, "GET", "/-/healthy", &[ANN], "").status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    for guess in flood {
        assert!(matches!(guess.join().unwrap(), 401 | 503));
    }
}

#[test]
fn a_changed_file_is_taken_and_a_bad_one_is_not() {
    let folder = Folder::new("change");
    let running = start_with_users(&folder);
    let status = |header: &str| request(running.address, "GET", "/-/healthy", &[header], "").status;
    assert_eq!((status(ANN), status(BOB)), (200, 401));
    folder.write("web.yml", &format!("basic_auth_users:\n  bob: {HASH}\n"));
    eventually("taken", || status(BOB) == 200);
    assert_eq!(status(ANN), 401);
    // Half written, empty, wrong: nobody gets in who could not before.
    for (text, part) in [
        ("", "is empty"),
        ("basic_auth_users:\n", "is empty"),
        ("basic_auth_users: { eve: secret }\n", "no bcrypt hash"),
    ] {
        running.fake.notes.lock().unwrap().clear();
        folder.write("web.yml", text);
        eventually("refused", || !running.fake.notes.lock().unwrap().is_empty());
        std::thread::sleep(Duration::from_millis(400));
        assert_eq!((status(BOB), status("X: y")), (200, 401), "{text}");
        let notes = running.fake.notes.lock().unwrap();
        let refused: Vec<&String> = notes
            .iter()
            .filter_map(|note| if let Note::ConfigRefused(what) = note { Some(what) } else { None })
            .collect();
        assert!(refused.len() == 1 && refused[0].contains(part) && !refused[0].contains("secret"), "{refused:?}");
    }
    std::fs::remove_file(folder.path().join("web.yml")).unwrap();
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!((status(BOB), status("X: y")), (200, 401));
}

#[test]
fn only_loopback_may_be_open() {
    let loopback: Vec<SocketAddr> =
        vec!["127.0.0.1:1".parse().unwrap(), "[::1]:1".parse().unwrap(), "[::ffff:127.0.0.2]:1".parse().unwrap()];
    assert_eq!(check_exposure(&loopback, &WebConfig::default()), Ok(()));
    let users = WebConfig { users: [("ann".to_owned(), HASH.to_owned())].into(), ..WebConfig::default() };
    for wide in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:10.0.0.1]:1", "[fe80::1]:1"] {
        let addresses = [loopback[0], wide.parse().unwrap()];
        let open = check_exposure(&addresses, &WebConfig::default()).expect_err(wide);
        assert!(open.contains("TLS and authentication") && open.contains("--web.config.file"), "{open}");
        assert!(check_exposure(&addresses, &users).expect_err(wide).contains("needs TLS:"));
    }
    // And the server itself holds it.
    let runtime = runtime();
    let _inside = runtime.enter();
    let listeners = bind("0.0.0.0:0").expect("a port");
    let settings = Settings::load(None).expect("no file");
    assert!(Server::start(std::sync::Arc::new(Fake::default()), listeners, settings, Limits::default()).is_err());
}

#[test]
fn bind_says_what_is_wrong() {
    assert!(bind("localhost:0").expect("loopback").iter().all(|l| l.local_addr().unwrap().ip().is_loopback()));
    let taken = bind("127.0.0.1:0").unwrap();
    let address = taken[0].local_addr().unwrap().to_string();
    assert!(bind(&address).expect_err("in use").to_string().contains(&address));
    assert!(bind("203.0.113.77:0").is_err() && bind("nonsense").is_err());
}
