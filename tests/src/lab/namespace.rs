//! A network namespace of its own.

use std::fs::File;
use std::panic::resume_unwind;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use nix::sched::{CloneFlags, setns};

use super::run;

/// Makes names different within one process.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A network namespace, deleted with all that is in it when dropped, also by a test that fails.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A new one, with loopback up and without IPv6, so that no host says anything by itself.
    pub fn new() -> Namespace {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespace = Namespace { name: format!("segwatch-{}-{number}", std::process::id()) };
        run(Command::new("ip").args(["netns", "add", &namespace.name])).expect("a namespace");
        namespace.ip("link set lo up");
        namespace.shell("for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done");
        namespace
    }

    /// Its name, as `ip netns` has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `ip` in it; the arguments are separated by spaces.
    pub fn ip(&self, arguments: &str) {
        run(Command::new("ip").args(["-n", &self.name]).args(arguments.split_whitespace())).expect("ip does as told");
    }

    /// A shell's command in it.
    pub fn shell(&self, script: &str) {
        run(&mut self.command("sh", &["-ec", script])).expect("the script works");
    }

    /// A program to run in it.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]).args(arguments);
        command
    }

    /// A veth pair in it, both ends up, without the offloads that change what is captured.
    pub fn veth(&self, one: &str, other: &str) {
        self.ip(&format!("link add name {one} type veth peer name {other}"));
        for end in [one, other] {
            self.shell(&format!("ethtool -K {end} tx off tso off gso off gro off rxvlan off txvlan off"));
            self.ip(&format!("link set {end} up"));
        }
    }

    /// Runs something on a thread in it. Threads that it starts, and sockets that it opens, are in it too.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let file = File::open(format!("/run/netns/{}", self.name)).expect("the namespace has a file");
        thread::scope(|scope| {
            let entered = scope.spawn(move || {
                setns(file, CloneFlags::CLONE_NEWNET).expect("root may enter a namespace");
                work()
            });
            entered.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }
}

impl Default for Namespace {
    fn default() -> Namespace {
        Namespace::new()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Where it is gone already there is nothing to delete.
        let _ = run(Command::new("ip").args(["netns", "del", &self.name]));
    }
}
