//! Many scrapers and many clients that only hold on to their connection: a good client does not notice.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use segwatch::web::Limits;
use segwatch_tests::crowd::{resident_kib, scraper, slow_client};

use crate::client::{connect, get};
use crate::{Fake, published_with, runtime, start_with};

/// Demanded of a good client (99th percentile); a request without an answer counts as one that took for ever.
const MAX_P99: Duration = Duration::from_millis(250);
/// The same where the machine is busy with other tests, and nothing is optimised.
const MAX_P99_UNOPTIMISED: Duration = Duration::from_secs(1);
/// Memory that the whole test may take more than before, its own clients included.
const MAX_GROWTH_KIB: u64 = 256 << 10;

#[test]
fn slow_clients_do_not_hold_up_a_good_one() {
    run(
        20,
        200,
        Duration::from_secs(4),
        Limits { connections: 192, connections_per_address: 160, ..Limits::default() },
    );
}

/// `cargo test --release -p segwatch-tests --test web -- --ignored --nocapture`
#[test]
#[ignore = "takes a minute"]
fn a_hundred_scrapers_and_a_thousand_slow_clients_for_a_minute() {
    // Both ends of the connections are in this process.
    let raised =
        Command::new("prlimit").args(["--nofile=8192:8192", "--pid", &std::process::id().to_string()]).status();
    if !raised.is_ok_and(|status| status.success()) {
        return eprintln!("skipped: prlimit cannot raise the number of open files");
    }
    run(100, 1000, Duration::from_secs(60), Limits::default());
}

fn run(scrapers: usize, slow: usize, time: Duration, limits: Limits) {
    let most = limits.connections;
    // As large as a page may be.
    let fake = Fake {
        published: Mutex::new((1..100).rev().find_map(|zones| published_with("herlev", zones))),
        ..Fake::default()
    };
    let running = start_with(fake, None, limits);
    let address = running.address;
    let before = resident_kib(std::process::id());
    let clients = runtime();
    let scrapes = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + time;
    for _ in 0..scrapers {
        clients.spawn(scraper(address, scrapes.clone(), end));
    }
    for number in 0..slow {
        clients.spawn(slow_client(address, number));
    }
    let (mut times, mut growth) = (Vec::new(), 0);
    std::thread::sleep(Duration::from_millis(300));
    while Instant::now() < end {
        let started = Instant::now();
        let answer = get(address, "/metrics");
        times.push(if answer.status == 200 { started.elapsed() } else { Duration::MAX });
        growth = growth.max(resident_kib(std::process::id()).saturating_sub(before));
        std::thread::sleep(Duration::from_millis(20));
    }
    clients.shutdown_background();
    times.sort_unstable();
    let p99 = times[(times.len() - 1) * 99 / 100];
    let failed = times.iter().filter(|time| **time == Duration::MAX).count();
    let stats = running.server.stats();
    println!(
        "{scrapers} scrapers, {slow} slow clients, {time:?}: {} good requests, {failed} without an answer, median {:?}, p99 {p99:?}, most {:?}; {} scrapes; {stats:?}; memory +{growth} KiB",
        times.len(),
        times[times.len() / 2],
        times[times.len() - 1],
        scrapes.load(Ordering::Relaxed),
    );
    let allowed = if cfg!(debug_assertions) { MAX_P99_UNOPTIMISED } else { MAX_P99 };
    assert!(p99 < allowed, "p99 {p99:?}");
    assert!(stats.most <= most, "{stats:?}");
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB");
    assert!(scrapes.load(Ordering::Relaxed) >= scrapers as u64, "scrapers got nothing");
    // A connection that was alive through it still is served.
    let mut last = connect(address);
    last.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    last.read_to_string(&mut text).unwrap();
    assert!(text.contains("segwatch is healthy"));
}
