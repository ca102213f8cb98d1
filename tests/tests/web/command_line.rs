//! `segwatch … --url` against the real server, and against servers that are none.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use segwatch::base::Timestamp;
use segwatch::cli::{Backend, Local, Request};
use segwatch::web::{About, Command, Limits, Published, Remark};
use segwatch_tests::program::{Run, segwatch};

use crate::{Fake, Folder, HASH, Running, start, start_with};
use segwatch_tests::authority::Authority;

fn run(line: &str) -> Run {
    segwatch(line.split_whitespace())
}

fn demo(name: &str) -> PathBuf {
    segwatch_tests::tool::repository().join("tests/captures").join(name)
}

/// An agent with users, TLS where a certificate is given, whose findings are those of a capture.
fn start_with_findings(folder: &Folder, tls: Option<(String, String)>) -> Running {
    let request = Request { config: Some(demo("demo.yaml")), captures: vec![demo("demo.pcap")], ..Request::default() };
    let snapshot = Local.replay(&request, None, &mut |_, _| {}).expect("readable").snapshot;
    let published = Published::new(About::default(), Arc::new(snapshot), Timestamp(0), String::new());
    let fake = Fake { published: Some(Arc::new(published)).into(), ..Fake::default() };
    let mut config = format!("basic_auth_users: {{ ann: {HASH} }}\n");
    if let Some((certificate, key)) = tls {
        folder.write("cert.pem", &certificate);
        folder.write("key.pem", &key);
        config += "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";
    }
    folder.write("password", "U*U\n");
    folder.write("wrong", "U*V\n");
    let config = folder.write("web.yml", &config);
    start_with(fake, Some(config), Limits::default())
}

fn as_ann(folder: &Folder, url: &str) -> String {
    format!("--url {url} --user ann --password-file {}", folder.path().join("password").display())
}

/// Nothing on standard output, code 2, and this on standard error.
fn refused(line: &str, parts: &[&str]) {
    let run = run(line);
    assert_eq!((run.exit, run.out.as_str()), (2, ""), "{line}");
    for part in parts {
        assert!(run.err.contains(part), "{line}: {}", run.err);
    }
    let visible = run.err.strip_suffix('\n').expect("a line");
    assert!(!visible.chars().any(char::is_control) && visible.len() < 2000, "{line}: {visible}");
}

#[test]
fn lists_are_those_of_the_capture() {
    let folder = Folder::new("lists");
    let running = start_with_findings(&folder, None);
    let agent = as_ann(&folder, &format!("http://{}/", running.address));
    let (policy, capture) = (demo("demo.yaml").display().to_string(), demo("demo.pcap").display().to_string());
    for list in ["devices", "findings", "zones"] {
        for format in ["text", "json"] {
            let of_agent = run(&format!("{list} --format {format} {agent}"));
            let of_capture = run(&format!("{list} --format {format} --config {policy} {capture}"));
            assert_eq!((of_agent.exit, of_agent.err.as_str()), (0, ""), "{list}");
            assert_eq!(of_agent.out, of_capture.out);
            assert!(!of_agent.out.contains("none\n"), "there is something to list: {}", of_agent.out);
        }
    }
}

#[test]
fn what_a_person_says_reaches_the_agent() {
    let folder = Folder::new("says");
    let running = start_with_findings(&folder, None);
    let agent = as_ann(&folder, &format!("http://{}", running.address));
    for (line, said) in [
        ("findings close ab12 --by Ann --reason moved", "closed\n"),
        ("findings ack ab12 --by Ann --reason moved", "acknowledged\n"),
        ("drill --by Ann", "a drill was raised\n"),
    ] {
        let run = run(&format!("{line} {agent}"));
        assert_eq!((run.exit, run.out.as_str(), run.err.as_str()), (0, said, ""));
    }
    let remark = Remark { id: "ab12".into(), by: "Ann".into(), reason: "moved".into(), user: "ann".into() };
    let drill = Command::Drill { by: "Ann".into(), user: "ann".into() };
    let asked = running.fake.commands.lock().unwrap().clone();
    assert_eq!(asked, [Command::Close(remark.clone()), Command::Acknowledge(remark), drill]);
    refused(
        &format!("findings close 404 --by Ann --reason x {agent}"),
        &["there is no finding 404; `segwatch findings"],
    );
    refused(&format!("drill --by again {agent}"), &["a drill is under way"]);
    refused(&format!("drill --by dead {agent}"), &["no engine"]);
    refused(&format!("drill --by busy {agent}"), &["the engine is busy; try again"]);
    refused(&format!("drill --by {} {agent}", "x".repeat(300)), &["`by` is 1 to 256 characters"]);
}

#[test]
fn who_may_not_is_told_what_to_do() {
    let folder = Folder::new("may-not");
    let running = start_with_findings(&folder, None);
    let url = format!("http://{}", running.address);
    let wrong = folder.path().join("wrong").display().to_string();
    let right = folder.path().join("password").display().to_string();
    let closing = "findings close ab12 --by Ann --reason x";
    refused(&format!("zones --url {url}"), &[&url, "say --user and --password-file"]);
    refused(&format!("{closing} --url {url}"), &["say --user and --password-file"]);
    for (user, file) in [("ann", &wrong), ("bob", &right)] {
        refused(&format!("{closing} --url {url} --user {user} --password-file {file}"), &["knows no such user"]);
    }
    assert!(running.fake.commands.lock().unwrap().is_empty());
    // What cannot be sent is not tried.
    let empty = folder.write("empty", "\n").display().to_string();
    let long = folder.write("long", &"x".repeat(5000)).display().to_string();
    for (who, part) in [
        ("--user ann".to_owned(), "--password-file"),
        (format!("--password-file {right}"), "--user"),
        ("--user ann --password-file /nowhere/x".to_owned(), "/nowhere/x"),
        (format!("--user ann --password-file {empty}"), "no password"),
        (format!("--user ann --password-file {long}"), "more than"),
        (format!("--user a:b --password-file {right}"), "colon"),
    ] {
        refused(&format!("zones --url {url} {who}"), &[part]);
    }
    refused(&format!("zones --url http://192.0.2.1:1 --user ann --password-file {right}"), &["clear text", "https://"]);
    refused("zones --url http://ann:U*U@127.0.0.1:1", &["no user and no password"]);

    let open = start();
    refused(&format!("{closing} --url http://{}", open.address), &["basic_auth_users"]);
    *open.fake.published.lock().unwrap() = None;
    refused(&format!("zones --url http://{}", open.address), &["nothing current is published; try again"]);
}

#[test]
fn https_is_for_agents_that_an_authority_vouches_for() {
    let (folder, authority) = (Folder::new("vouch"), Authority::new());
    let running = start_with_findings(&folder, Some(authority.sign("127.0.0.1")));
    let agent = as_ann(&folder, &format!("https://{}", running.address));
    let ours = folder.write("ours.pem", &authority.pem).display().to_string();
    let others = folder.write("others.pem", &Authority::new().pem).display().to_string();
    let none = folder.write("none.pem", "nothing\n").display().to_string();
    assert_eq!(run(&format!("drill --by Ann {agent} --ca-file {ours}")).out, "a drill was raised\n");
    assert!(run(&format!("findings {agent} --ca-file {ours}")).out.contains("internet-egress"));
    running.fake.commands.lock().unwrap().clear();
    refused(&format!("drill --by Ann {agent} --ca-file {others}"), &["no encrypted connection", "--ca-file"]);
    refused(&format!("drill --by Ann {agent}"), &["no encrypted connection", "--ca-file"]);
    refused(&format!("drill --by Ann {agent} --ca-file {none}"), &["no certificate"]);
    refused(&format!("drill --by Ann {agent} --ca-file /nowhere/x"), &["/nowhere/x"]);
    let other_name = as_ann(&folder, &format!("https://localhost:{}", running.address.port()));
    refused(&format!("drill --by Ann {other_name} --ca-file {ours}"), &["no encrypted connection"]);
    refused(&format!("zones --url http://{}", running.address), &["http://"]);
    assert!(running.fake.commands.lock().unwrap().is_empty());
}

/// Gives these bytes to each who asks, then closes; tells what was asked.
fn impostor(answer: Vec<u8>) -> (SocketAddr, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (told, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap_or(0);
            let _ = told.send(String::from_utf8_lossy(&head[..read]).into_owned());
            // Who has enough hangs up.
            let _ = stream.write_all(&answer);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read(&mut head);
        }
    });
    (address, asked)
}

fn http(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[test]
fn an_answer_that_is_none_is_refused_whole() {
    let json = "200 OK\r\nContent-Type: application/json";
    let text = "200 OK\r\nContent-Type: text/plain";
    let zone = "{\"schema\":\"segwatch/zones/1\",\"zones\":[{\"name\":\"\\u001b[2J\u{9b}x\",\"verdict\":\"green\"}]}";
    for (what, answer) in [
        ("nothing", Vec::new()),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("noise", b"\x1b[2J\x00\xff\x07".to_vec()),
        ("a page", http("200 OK\r\nContent-Type: text/html", "<html>all is green</html>")),
        ("another's text", http("404 Not Found", "\x1b[2J404 page not found")),
        ("no JSON", http(json, "\x1b[2J")),
        ("no UTF-8", [http("200 OK\r\nContent-Type: application/json", "")[..50].to_vec(), b"\xff".to_vec()].concat()),
        ("another JSON", http(json, "{\"status\":\"success\",\"data\":{}}")),
        ("an unknown word", http(json, zone)),
        ("a sentence in place of a list", http(text, "closed")),
        ("half", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{".to_vec()),
        ("deep", http(json, &"[".repeat(100_000))),
        ("a long head", format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20)).into_bytes()),
        ("a refusal with colours", http("409 Conflict", "{\"error\":\"\\u001b[31mno\\nyes\"}")),
        ("a long refusal", http("500 Oops", &format!("{{\"error\":\"{}\"}}", "x".repeat(60_000)))),
        ("an endless refusal", http("500 Oops", &"x".repeat(1 << 20))),
        ("a status of no kind", http("999 Oops", "")),
    ] {
        let (address, _asked) = impostor(answer);
        println!("{what}");
        refused(&format!("zones --url http://{address}"), &[&format!("http://{address}: ")]);
    }
    let html = http("200 OK\r\nContent-Type: text/html", "<html>closed</html>");
    let long = http(text, &"x".repeat(100_000));
    for answer in [html, long, http(json, "{}"), http("204 No Content", "")] {
        let (address, _asked) = impostor(answer);
        refused(&format!("drill --by Ann --url http://{address}"), &[&address.to_string()]);
    }
    let (address, _asked) = impostor(http(text, "raised\u{9b}2J\x1b]0;x\x07\nand more"));
    let run = run(&format!("drill --by Ann --url http://{address}"));
    assert_eq!((run.exit, run.out.as_str()), (0, "raised\\x9b2J\\x1b]0;x\\x07\n"));
}

#[test]
fn a_list_without_end_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let sent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
        let mut sent = 0_usize;
        while sent < 1 << 30 && stream.write_all(&[b' '; 1 << 16]).is_ok() {
            sent += 1 << 16;
        }
        sent
    });
    refused(&format!("zones --url http://{address}"), &["more than 67108864 bytes"]);
    assert!(sent.join().unwrap() < 1 << 30);
}

#[test]
fn a_redirect_is_not_followed_and_gets_no_password() {
    let folder = Folder::new("redirect");
    folder.write("password", "U*U\n");
    let (thief, stolen) = impostor(http("200 OK\r\nContent-Type: text/plain", "raised"));
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (address, asked) = impostor(http(&format!("{status}\r\nLocation: http://{thief}/api"), ""));
        for line in ["zones", "drill --by Ann"] {
            let agent = as_ann(&folder, &format!("http://{address}"));
            refused(&format!("{line} {agent}"), &["elsewhere", &thief.to_string()]);
            let asked = asked.recv().unwrap().to_lowercase();
            assert!(asked.contains("authorization: basic yw5uoluqvq=="), "{asked}");
        }
    }
    assert!(stolen.try_recv().is_err());
}

#[test]
fn nobody_there() {
    let port = segwatch_tests::tool::free_port();
    refused(&format!("zones --url http://127.0.0.1:{port}"), &["nobody listens there"]);
    refused(&format!("drill --by Ann --url https://127.0.0.1:{port}"), &["nobody listens there"]);
    refused("zones --url http://nowhere.invalid", &["nowhere.invalid"]);
    refused("zones --url 127.0.0.1:10420", &["http://"]);
    refused("zones --url file:///etc/passwd", &["http://"]);
}
