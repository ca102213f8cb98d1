//! What each path answers.

use std::io::{Read, Write};
use std::process::Command as Program;
use std::time::{Duration, Instant};

use segwatch::web::{FlowQuery, Limits};
use segwatch_tests::exposition;

use crate::client::{connect, get, read_answer, request};
use crate::{Fake, eventually, published, published_with, start, start_with};

#[test]
fn metrics_are_what_prometheus_reads() {
    let running = start();
    let answer = get(running.address, "/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let page = exposition::parse(&answer.body).expect("sound");
    assert_eq!(page.value("segwatch_site_verdict", &[("verdict", "unverified")]), Some(1.0));
    assert_eq!(get(running.address, "/metrics?x=1").status, 200);
}

#[test]
fn nothing_stale_passes_for_the_present() {
    let running = start();
    *running.fake.published.lock().unwrap() = None;
    for path in ["/", "/metrics", "/api/v1/status", "/api/v1/zones", "/api/v1/devices", "/api/v1/findings"] {
        assert_eq!(get(running.address, path).status, 503, "{path}");
    }
    assert!(get(running.address, "/").body.contains("unverified"));
    *running.fake.published.lock().unwrap() = Some(published("herlev"));
    assert_eq!(get(running.address, "/metrics").status, 200);
}

#[test]
fn health_and_readiness_are_the_agents() {
    let running = start();
    assert_eq!(get(running.address, "/-/healthy").status, 200);
    assert_eq!(get(running.address, "/-/ready").status, 200);
    *running.fake.unready.lock().unwrap() = Some("no packet was judged yet".into());
    let answer = get(running.address, "/-/ready");
    assert_eq!((answer.status, answer.body.as_str()), (503, "no packet was judged yet\n"));
    assert_eq!(get(running.address, "/-/healthy").status, 200);
}

#[test]
fn the_page_escapes_and_forbids_scripts() {
    let running = start();
    *running.fake.published.lock().unwrap() = Some(published("<script>alert('1')</script>&\""));
    let answer = get(running.address, "/");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(answer.body.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"), "{}", answer.body);
    // One script, the page's own; nothing from elsewhere.
    assert_eq!(answer.body.matches("<script").count(), 1);
    assert!(!answer.body.contains("http://") && !answer.body.contains("https://"));
    assert!(
        answer.body.contains("segwatch 1.2.3")
            && answer.body.contains("<p class=\"verdict unverified\">unverified</p>")
    );
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let body = &answer.body;
    let links = body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    for link in links.filter(|link| link.starts_with('/')) {
        assert_eq!(get(running.address, link).status, 200, "{link}");
    }
}

#[test]
fn an_event_comes_when_the_page_says_something_else() {
    let running = start();
    let first = get(running.address, "/api/v1/events");
    assert_eq!((first.status, first.header("content-type")), (200, Some("text/event-stream")));
    let id = first.body.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id").to_owned();
    assert!(first.body.contains("\nevent: published\n") && first.body.ends_with("\n\n"), "{}", first.body);
    let known = format!("Last-Event-ID: {id}");
    let fake = running.fake.clone();
    let changes = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        *fake.published.lock().unwrap() = published_with("herlev", 2);
    });
    let second = request(running.address, "GET", "/api/v1/events", &[&known], "");
    changes.join().expect("no panic");
    assert_eq!(second.status, 200);
    assert!(!second.body.contains(&id), "another id: {}", second.body);
}

#[test]
fn flows_of_one_rule_are_asked_for() {
    let running = start();
    assert_eq!(get(running.address, "/api/v1/flows?rule=recorder%20pulls%20video&limit=7").status, 200);
    let asked = running.fake.queries.lock().unwrap().pop().expect("a query");
    assert_eq!((asked.rule.as_deref(), asked.limit), (Some("recorder pulls video"), 7));
    for bad in ["%", "%2", "%zz", "%ff"] {
        assert_eq!(get(running.address, &format!("/api/v1/flows?rule={bad}")).status, 400, "{bad}");
    }
}

#[test]
fn every_answer_has_the_headers_that_protect_a_browser() {
    let running = start();
    for path in ["/", "/metrics", "/-/healthy", "/api/v1/status", "/nowhere"] {
        let answer = get(running.address, path);
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cache-control", "no-store")]
        {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert!(answer.header("content-security-policy").is_some(), "{path}");
    }
}

#[test]
fn the_api_gives_json() {
    let running = start();
    for what in ["status", "zones", "devices", "findings", "flows"] {
        let answer = get(running.address, &format!("/api/v1/{what}"));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{what}");
        let json: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(json["schema"], format!("segwatch/{what}/1"));
        assert!(what == "status" || json[what].is_array(), "{json}");
    }
    let status: serde_json::Value = serde_json::from_str(&get(running.address, "/api/v1/status").body).unwrap();
    assert_eq!(
        (&status["site"], &status["verdict"], &status["version"]),
        (&"herlev".into(), &"unverified".into(), &"1.2.3".into())
    );
    let missing = get(running.address, "/api/v1/nothing");
    assert_eq!((missing.status, missing.header("content-type")), (404, Some("application/json")));
    assert!(serde_json::from_str::<serde_json::Value>(&missing.body).unwrap()["error"].is_string());
}

#[test]
fn flows_are_bounded() {
    let running = start();
    for (query, limit, only_violations) in
        [("", 1000, false), ("?limit=7", 7, false), ("?only=violations&limit=10000", 10_000, true)]
    {
        assert_eq!(get(running.address, &format!("/api/v1/flows{query}")).status, 200);
        assert_eq!(running.fake.queries.lock().unwrap().pop(), Some(FlowQuery { limit, only_violations, rule: None }));
    }
    for query in [
        "limit=0",
        "limit=10001",
        "limit=-1",
        "limit=1e3",
        "limit=",
        "limit",
        "limit=1&limit=2",
        "x=1",
        "only=all",
        "%6cimit=1",
    ] {
        assert_eq!(get(running.address, &format!("/api/v1/flows?{query}")).status, 400, "{query}");
    }
    assert!(running.fake.queries.lock().unwrap().is_empty());
}

#[test]
fn an_engine_that_does_not_answer_is_not_waited_for() {
    let fake = Fake { takes: Duration::from_secs(60), ..Fake::default() };
    let running = start_with(fake, None, Limits { command: Duration::from_millis(300), ..Limits::default() });
    let started = Instant::now();
    let all: Vec<_> = (0..12)
        .map(|_| {
            let address = running.address;
            std::thread::spawn(move || get(address, "/api/v1/flows").status)
        })
        .collect();
    let statuses: Vec<u16> = all.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(statuses.iter().all(|status| *status == 503) && started.elapsed() < Duration::from_secs(5), "{statuses:?}");
    assert!(running.fake.queries.lock().unwrap().len() <= 12);
    assert_eq!(get(running.address, "/metrics").status, 200);
}

#[test]
fn other_methods_and_paths_are_refused() {
    let running = start();
    for (method, path, status, allow) in [
        ("POST", "/metrics", 405, Some("GET, HEAD")),
        ("DELETE", "/", 405, Some("GET, HEAD")),
        ("GET", "/-/reload", 405, Some("POST")),
        ("PUT", "/-/reload", 405, Some("POST")),
        ("GET", "/api/v1/findings/ab/close", 405, Some("POST")),
        ("OPTIONS", "*", 404, None),
        ("TRACE", "/", 405, Some("GET, HEAD")),
        ("GET", "/metrics/", 404, None),
        ("GET", "//metrics", 404, None),
        ("POST", "/api/v1/findings/../close", 404, None),
        ("POST", "/api/v1/findings//close", 404, None),
        ("POST", "/api/v1/findings/a%2fb/close", 404, None),
        ("POST", "/api/v1/findings/ab/drop", 404, None),
    ] {
        let answer = request(running.address, method, path, &[], "");
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}");
    }
    assert!(running.fake.commands.lock().unwrap().is_empty());
}

#[test]
fn a_connection_serves_many_requests_and_waits_between_them() {
    let limits = Limits {
        head: Duration::from_millis(400),
        answer: Duration::from_millis(400),
        idle: Duration::from_secs(3),
        ..Limits::default()
    };
    let running = start_with(Fake::default(), None, limits);
    let mut stream = connect(running.address);
    for method in ["GET", "HEAD", "GET"] {
        stream.write_all(format!("{method} /metrics HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        if method == "HEAD" {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            assert!(String::from_utf8_lossy(&head).contains("content-length: "));
        } else {
            assert_eq!(read_answer(&mut stream).status, 200);
        }
        std::thread::sleep(Duration::from_millis(1200));
    }
    // And no longer than it may.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(running.server.stats().late, 1);
}

#[test]
fn a_stop_lets_answers_end() {
    let fake = Fake { takes: Duration::from_millis(500), ..Fake::default() };
    let running = start_with(fake, None, Limits::default());
    let address = running.address;
    let mut idle = connect(address);
    let asking = std::thread::spawn(move || get(address, "/api/v1/flows"));
    eventually("asked", || !running.fake.queries.lock().unwrap().is_empty());
    let started = Instant::now();
    running.runtime.block_on(running.server.stop());
    assert_eq!(asking.join().unwrap().status, 200);
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);
    assert!(std::net::TcpStream::connect(address).is_err());
}

/// A client that is not ours.
#[test]
fn curl_reads_it() {
    let running = start();
    let url = format!("http://{}/metrics", running.address);
    let Ok(output) = Program::new("curl").args(["-sS", "--noproxy", "*", "-D-", &url]).output() else {
        return eprintln!("skipped: curl is missing");
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("segwatch_build_info{"), "{text}");
}
