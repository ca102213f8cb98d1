//! Real networks for tests: namespaces and veth pairs, torn down by themselves. They need root; [`missing`] says what else.

mod namespace;
mod sender;

pub use namespace::Namespace;
pub use sender::Sender;

use std::process::Command;

/// What this machine lacks for a lab, if anything.
pub fn missing() -> Option<String> {
    for (program, arguments) in [("ip", "-V"), ("ethtool", "--version")] {
        if run(Command::new(program).arg(arguments)).is_err() {
            return Some(format!("`{program}` is not installed"));
        }
    }
    let name = format!("segwatch-try-{}", std::process::id());
    let made = run(Command::new("ip").args(["netns", "add", &name])).and_then(|()| {
        run(Command::new("ip").args(["-n", &name, "link", "add", "a", "type", "veth", "peer", "name", "b"]))
    });
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
