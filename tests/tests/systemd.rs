//! The unit and its companions, as systemd's own tools read them.

use std::fs;
use std::path::{Path, PathBuf};

use segwatch_tests::tool;

const MAX_EXPOSURE: &str = "15";
/// systemd before 254 does not know the keys of this one.
const FOR_NEWER_SYSTEMD: &str = "growing-delay.conf";

#[test]
fn the_unit_is_sound() {
    if tool::installed(&["systemd-analyze"]) {
        let unit = unit_in("systemd-verify");
        let checked = tool::run("systemd-analyze", &unit, ["verify", "--man=no", "./segwatch.service"]);
        assert!(checked.success && checked.text.is_empty(), "{}", checked.text);
    }
}

#[test]
fn the_unit_is_sound_with_each_drop_in() {
    if !tool::installed(&["systemd-analyze"]) {
        return;
    }
    for entry in fs::read_dir(folder().join("drop-ins")).expect("drop-ins") {
        let file = entry.expect("an entry").path();
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let unit = unit_in(&format!("systemd-{name}"));
        let text = fs::read_to_string(&file).expect("a drop-in").replace("\n#IP", "\nIP");
        fs::create_dir(unit.join("segwatch.service.d")).expect("a folder of our own");
        fs::write(unit.join("segwatch.service.d").join(&name), text).expect("a file of our own");
        let checked = tool::run("systemd-analyze", &unit, ["verify", "--man=no", "./segwatch.service"]);
        let complaints = checked.text.lines().filter(|line| name != FOR_NEWER_SYSTEMD || !line.contains("Unknown key"));
        assert_eq!(complaints.collect::<Vec<_>>(), Vec::<&str>::new(), "{name}");
        assert!(checked.success, "{name}");
        assert_exposure_at_most(&unit, MAX_EXPOSURE);
    }
}

#[test]
fn the_sandbox_is_tight() {
    if tool::installed(&["systemd-analyze"]) {
        assert_exposure_at_most(&folder(), MAX_EXPOSURE);
    }
}

#[test]
fn a_verifier_that_finds_nothing_would_be_noticed() {
    if !tool::installed(&["systemd-analyze"]) {
        return;
    }
    let unit = unit_in("systemd-broken");
    let file = unit.join("segwatch.service");
    let text = fs::read_to_string(&file).expect("the unit");
    fs::write(&file, text.replace("RestrictRealtime=yes", "RestrictRealtime=perhaps")).expect("a file of our own");
    let checked = tool::run("systemd-analyze", &unit, ["verify", "--man=no", "./segwatch.service"]);
    assert!(checked.text.contains("Failed to parse boolean"), "{}", checked.text);
    let security = ["security", "--offline=true", "--threshold=10", "./segwatch.service"];
    assert!(!tool::run("systemd-analyze", &folder(), security).success);
}

#[test]
fn the_unit_says_what_was_decided() {
    let unit = fs::read_to_string(folder().join("segwatch.service")).expect("the unit");
    for line in [
        "Type=notify",
        "WatchdogSec=30",
        "StartLimitIntervalSec=0",
        "User=segwatch",
        "StateDirectory=segwatch",
        "ExecStart=/usr/bin/segwatch run --config /etc/segwatch/segwatch.yaml",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "CapabilityBoundingSet=CAP_NET_RAW",
        "AmbientCapabilities=CAP_NET_RAW",
    ] {
        assert!(unit.lines().any(|it| it == line), "{line}");
    }
}

#[test]
fn user_and_folders_are_made() {
    if !tool::installed(&["systemd-sysusers", "systemd-tmpfiles"]) {
        return;
    }
    let root = tool::empty_folder("systemd-root");
    fs::create_dir_all(root.join("etc")).expect("a folder of our own");
    let rooted = format!("--root={}", root.display());
    let users = folder().join("sysusers.d/segwatch.conf").display().to_string();
    let made = tool::run("systemd-sysusers", &folder(), [&rooted, &users]);
    assert!(made.success, "{}", made.text);
    let passwd = fs::read_to_string(root.join("etc/passwd")).expect("users");
    assert!(passwd.starts_with("segwatch:x:") && passwd.contains(":/var/lib/segwatch:/usr/sbin/nologin"), "{passwd}");
    if !is_root() {
        eprintln!("skipped: systemd-tmpfiles gives folders away, which only root may");
        return;
    }
    let files = folder().join("tmpfiles.d/segwatch.conf").display().to_string();
    let made = tool::run("systemd-tmpfiles", &folder(), ["--create", &rooted, &files]);
    assert!(made.success && made.text.is_empty(), "{}", made.text);
    for made in ["etc/segwatch", "var/lib/segwatch"] {
        assert!(root.join(made).is_dir(), "{made}");
    }
}

fn assert_exposure_at_most(unit: &Path, threshold: &str) {
    let threshold = format!("--threshold={threshold}");
    let security = ["security", "--offline=true", &threshold, "./segwatch.service"];
    let judged = tool::run("systemd-analyze", unit, security);
    assert!(judged.success, "{}", judged.text);
}

fn folder() -> PathBuf {
    tool::repository().join("systemd")
}

/// A folder with the unit, its program replaced by one that is installed.
fn unit_in(name: &str) -> PathBuf {
    let unit = tool::empty_folder(name);
    let text = fs::read_to_string(folder().join("segwatch.service")).expect("the unit");
    fs::write(unit.join("segwatch.service"), text.replace("/usr/bin/segwatch", "/bin/true")).expect("a file of ours");
    unit
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    status.lines().any(|line| line.split_whitespace().take(3).eq(["Uid:", "0", "0"]))
}
