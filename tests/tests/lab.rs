//! The live lab (`tests/lab/`): segwatch on the mirror of a real switch between real hosts, with a real Prometheus and a
//! real Alertmanager. Without the rights or the programs for it, it says so and passes; SEGWATCH_LAB=required makes that
//! a failure. With SEGWATCH_LONG in the environment, clean traffic lasts longer; `make lab` runs all there is.

use std::io::{Write as _, stderr};
use std::process::{Command, Stdio};

use segwatch_tests::lab::available;
use segwatch_tests::tool;

/// What the lab's script ends with where it cannot run.
const SKIPPED: i32 = 77;

#[test]
fn the_live_lab() {
    if !available() {
        return;
    }
    let mut lab = Command::new(tool::repository().join("tests/lab/live"));
    lab.arg(env!("CARGO_BIN_EXE_segwatch-under-test")).stdin(Stdio::null());
    if std::env::var_os("SEGWATCH_LONG").is_some() {
        lab.arg("--long");
    }
    let run = lab.output().expect("the script runs");
    let said = [run.stdout, run.stderr].map(|stream| String::from_utf8_lossy(&stream).into_owned()).concat();
    if run.status.code() == Some(SKIPPED) {
        assert!(std::env::var_os("SEGWATCH_LAB").is_none_or(|lab| lab != "required"), "no lab: {said}");
        // The test harness keeps what macros print of a test that passes.
        let _ = writeln!(stderr(), "SKIPPED, no live lab: {}", said.trim());
        return;
    }
    assert!(run.status.success(), "{said}");
}
