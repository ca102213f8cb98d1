//! The page: what stands on it, how large it gets, and (`tests/browser/`) what a real Chromium makes of it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use segwatch_tests::tool::{empty_folder, installed, repository};

use crate::client::get;
use crate::sites::{HOSTILE, crowded, rows, small};
use crate::{Fake, Running, start};

/// A page that loads in no time over a bad line too.
const MAX_PAGE_BYTES: usize = 1 << 20;
/// What the browser's script ends with where there is no Chromium.
const SKIPPED: i32 = 77;

fn showing(published: std::sync::Arc<segwatch::web::Published>) -> Running {
    let running = start();
    show(&running.fake, published);
    *running.fake.rows.lock().expect("no panic") = rows();
    running
}

fn show(fake: &Fake, published: std::sync::Arc<segwatch::web::Published>) {
    *fake.published.lock().expect("no panic") = Some(published);
}

#[test]
fn it_says_what_there_is_to_say() {
    let running = showing(small(false));
    let page = get(running.address, "/").body;
    for said in [
        "covered 96.3 % of 24 h, 2 gaps: <b>03:10–04:00</b> silent, <b>10:20–10:23</b> loss",
        "covered 0.0 % of the 1 h 35 min on record, 1 gap: <b>10:25–now</b> one-direction",
        "<span class=\"dim\">no record</span>",
        "<span class=\"badge unverified\">canary missing</span> <strong>recorder pulls video</strong> in cctv",
        "Muted until 2026-06-30 by netops@region.example: supplier tests &lt;b&gt;until&lt;/b&gt; June",
        "Acknowledged by ann at 2026-03-02 11:50:00Z: ticket 4711",
        "Decided by <strong>cloud, expired</strong> <code>segwatch.yaml:41</code>",
        "<a href=\"#i-0000000000000001\">1 open</a>",
        "<a href=\"/flows?rule=firmware%20%26%20%22more%22\">firmware &amp; &quot;more&quot;</a>: 0 flows",
        "<a class=\"badge violated\" href=\"/flows?from=cctv&amp;to=internet\">2 through</a>",
        "<strong>eth1 one-directional</strong>: of 4 devices only what they send is seen",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    assert!(!page.contains("<img") && !page.contains(HOSTILE), "{page}");
    let place = |what: &str| page.find(what).unwrap_or_else(|| panic!("{what}"));
    assert!(place("id=\"unknown\"") < place("id=\"findings\"") && place("id=\"findings\"") < place("id=\"cameras\""));
}

#[test]
fn it_leads_to_flows() {
    let running = showing(small(false));
    for (path, there, not_there) in [
        ("/flows?from=cctv&to=internet", "203.0.113.50", "198.51.100.1"),
        ("/flows?finding=0000000000000001", "203.0.113.50", "198.51.100.1"),
        ("/flows?finding=0000000000000003", "None is in the table now", "203.0.113.50</code>"),
        ("/flows?rule=recorder%20pulls%20video", "decided by recorder pulls video", "<img"),
        ("/flows?rule=%3Cimg%3E", "&lt;img&gt;", "<img"),
    ] {
        let answer = get(running.address, path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
        assert!(answer.body.contains(there) && !answer.body.contains(not_there), "{path}\n{}", answer.body);
    }
    for bad in ["", "?rule=a&rule=b", "?from=a", "?finding=..%2f", "?x=1"] {
        assert_eq!(get(running.address, &format!("/flows{bad}")).status, 400, "{bad}");
    }
    *running.fake.published.lock().expect("no panic") = None;
    assert_eq!(get(running.address, "/flows?rule=a").status, 503);
}

/// 500 cameras and 5,000 findings: what is shown is bounded, and what is not shown is counted.
#[test]
fn a_crowd_fits_on_it() {
    let running = showing(crowded(500, 5_000, 32));
    let page = get(running.address, "/").body;
    println!("{} bytes for 500 cameras and 5,000 findings", page.len());
    assert!(page.len() < MAX_PAGE_BYTES, "{} bytes", page.len());
    assert_eq!(page.matches("<details id=\"f-").count(), 200);
    assert_eq!(page.matches("<svg class=\"strip\"").count(), 500);
    for said in [
        "5000 are open: 1667 critical, 3333 warning. Here are 200, the worst first",
        "<summary>95 more devices</summary>",
        "And 24 more: ",
        "1667 through",
        "3333 attempted",
        "500 devices, 5000 open findings",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let larger = get(showing(crowded(3_000, 5_000, 32)).address, "/").body;
    assert!(larger.len() < 2 * MAX_PAGE_BYTES && larger.contains("And 2000 more: "), "{} bytes", larger.len());
}

/// Times and counts go on with each packet; that alone is nothing new.
#[test]
fn only_news_are_news() {
    let running = showing(small(false));
    let id = || {
        let event = get(running.address, "/api/v1/events").body;
        event.lines().find_map(|line| line.strip_prefix("id: ").map(str::to_owned)).expect("an id")
    };
    let first = id();
    let mut later = segwatch::engine::Snapshot::clone(small(false).snapshot());
    later.traffic.packets += 1_000;
    for device in &mut later.devices {
        device.coverage.sent += 100;
        device.coverage.last_seen = Some(segwatch::base::Timestamp(i64::MAX));
    }
    for finding in &mut later.findings {
        finding.last_seen = segwatch::base::Timestamp(i64::MAX);
        finding.peers[0].packets_out += 1;
    }
    show(&running.fake, crate::sites::again(&later));
    assert_eq!(id(), first);
    later.devices[5].verdict = segwatch::coverage::Verdict::Contained;
    show(&running.fake, crate::sites::again(&later));
    let second = id();
    assert_ne!(second, first);
    show(&running.fake, small(true));
    assert!(id() != first && id() != second);
}

#[test]
fn a_real_browser_shows_it() {
    if !installed(&["chromium", "python3"]) {
        let required = std::env::var_os("SEGWATCH_LAB").is_some_and(|lab| lab == "required");
        return assert!(!required, "no browser");
    }
    let running = showing(small(false));
    let pictures = empty_folder("page");
    let script = repository().join("tests/browser/page.py");
    let mut browser = Command::new("python3")
        .arg(script)
        .arg(format!("http://{}", running.address))
        .arg(&pictures)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python runs");
    let (mut to, of) = (browser.stdin.take().expect("a pipe"), browser.stdout.take().expect("a pipe"));
    // It says what it wants shown, and is told when that is so.
    for line in BufReader::new(of).lines() {
        match line.expect("text").as_str() {
            "show small" => show(&running.fake, small(false)),
            "show more" => show(&running.fake, small(true)),
            "show crowd" => show(&running.fake, crowded(500, 5_000, 32)),
            "show crowd again" => show(&running.fake, crowded(499, 5_000, 32)),
            "show nothing" => *running.fake.published.lock().expect("no panic") = None,
            said => {
                println!("{said}");
                continue;
            }
        }
        to.write_all(b"shown\n").expect("it listens");
    }
    let end = browser.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&end.stderr);
    if end.status.code() == Some(SKIPPED) {
        let _ = writeln!(std::io::stderr(), "SKIPPED, no browser: {said}");
        return;
    }
    assert!(end.status.success(), "{said}");
}
