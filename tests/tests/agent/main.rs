//! `segwatch run` as a process on a real interface: killed, reloaded, stopped, starved of disk, and asked by too many.
//!
//! Without the rights for a network namespace a test says so and passes; SEGWATCH_LAB=required makes that a failure.
//! SEGWATCH_LONG=1 makes the rounds as many as they must once have been (`make soak`); figures go to standard output.

// As clippy.toml allows in tests; helpers are not seen as such.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod cameras;
mod client;
mod crowd;
mod disk;
mod evidence;
mod faults;
mod flood;
mod kill;
mod log;
mod pages;
mod pause;
mod power;
mod recorded;
mod refusals;
mod reload;
mod remarks;
mod sinks;
mod site;
mod stop;
mod strain;
mod syslog_tls;
mod systemd;

use std::time::{Duration, Instant};

use segwatch_tests::lab::{Namespace, available};

use site::Site;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs a test on a cable of its own, from `far` to the mirror port `near`.
fn lab(name: &str, test: impl FnOnce(Site) + Send) {
    if !available() {
        return;
    }
    let namespace = Namespace::new();
    namespace.veth("far", "near");
    namespace.within(|| test(Site::new(name)));
}

/// Whether this is the long run.
fn is_long() -> bool {
    std::env::var_os("SEGWATCH_LONG").is_some_and(|value| value == "1")
}

/// So many rounds, or so many in the long run.
fn rounds(short: u32, long: u32) -> u32 {
    if is_long() { long } else { short }
}

/// Asks until there is an answer.
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// SplitMix64: small, and the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
