//! Real networks for tests: namespaces and veth pairs, torn down by themselves. They need root; [`available`] tells.

mod namespace;
mod sender;

pub use namespace::Namespace;
pub use sender::Sender;

use std::io::{Write, stderr};
use std::process::Command;
use std::sync::OnceLock;

/// What this machine lacks for a lab, if anything. Found out once.
pub fn missing() -> Option<&'static str> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    MISSING.get_or_init(find_missing).as_deref()
}

/// For a test that needs a lab: says on standard error why there is none, if so, and whether to go on. With
/// SEGWATCH_LAB=required in the environment, going without one is a failure.
pub fn available() -> bool {
    let Some(why) = missing() else { return true };
    assert!(std::env::var_os("SEGWATCH_LAB").is_none_or(|lab| lab != "required"), "no lab: {why}");
    // The test harness keeps what macros print of a test that passes.
    let _ = writeln!(stderr(), "SKIPPED, no lab: {why}");
    false
}

fn find_missing() -> Option<String> {
    for (program, argument) in [("ip", "-V"), ("ethtool", "--version")] {
        if run(Command::new(program).arg(argument)).is_err() {
            return Some(format!("`{program}` is not installed"));
        }
    }
    let name = format!("segwatch-try-{}", std::process::id());
    let pair = ["-n", &name, "link", "add", "name", "one", "type", "veth", "peer", "name", "two"];
    let made = run(Command::new("ip").args(["netns", "add", &name])).and_then(|()| run(Command::new("ip").args(pair)));
    let _ = run(Command::new("ip").args(["netns", "del", &name]));
    made.err().map(|why| format!("no network namespace with a veth pair can be made: {why}"))
}

/// Runs a command to its end; what it said if it failed.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
