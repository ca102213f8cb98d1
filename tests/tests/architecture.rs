//! Holds the structure: the direction of imports, who may name what, and that ARCHITECTURE.md tells of the modules that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use segwatch_tests::source::{Named, paths};

/// Lowest first; a module imports only from lower rows.
const LAYERS: &[&[&str]] = &[
    &["base"],
    &["packet"],
    &["device", "hint"],
    &["flow", "policy"],
    &["coverage", "finding"],
    &["engine"],
    &["config", "report", "explain", "learn", "metrics"],
    &["capture", "journal", "alert", "sink", "web"],
    &["daemon", "replay"],
    &["cli"],
];

/// The core ends here: it knows no clock, socket, file, thread or lock.
const HIGHEST_OF_CORE: &str = "engine";

/// Crates that one module alone may name.
const OWNED_CRATES: &[(&str, &[&str])] = &[
    ("capture", &["pcap", "pcap_file", "pcap_parser"]),
    ("packet", &["etherparse"]),
    ("metrics", &["prometheus", "prometheus_client"]),
    (
        "config",
        &["serde_yaml", "yaml_serde", "serde_saphyr", "saphyr", "saphyr_parser", "granit_parser", "marked_yaml"],
    ),
];

const FOREIGN_TO_CORE_MODULES: &[&str] = &["fs", "thread", "process", "env", "mpsc", "tokio", "parking_lot"];
const FOREIGN_TO_CORE_NAMES: &[&str] = &[
    "Instant",
    "SystemTime",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    "ToSocketAddrs",
    "Mutex",
    "RwLock",
    "Condvar",
    "Barrier",
];
const PRINTING: &[&str] = &["print!", "println!", "eprint!", "eprintln!", "dbg!"];

const ROOT_FOLDERS: &[&str] = &["agent", "config", "dashboards", "systemd", "tests", ".ci"];
const ROOT_FILES: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "Cargo.toml",
    "Cargo.lock",
    ".gitignore",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
];
/// Not part of the source: what git and cargo keep.
const IGNORED_AT_ROOT: &[&str] = &[".git", "target"];

#[test]
fn modules_import_only_from_lower_layers_and_name_only_what_they_own() {
    let broken: Vec<String> = sources().iter().flat_map(|(file, code)| violations(file, code)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_checker_finds_what_it_should() {
    let cases = [
        ("flow/table.rs", "use crate::engine::Engine;", "flow/table.rs:1: flow imports engine"),
        ("flow/table.rs", "use crate::{base::Mac, policy::Policy};", "flow/table.rs:1: flow imports policy"),
        ("flow/mod.rs", "mod tests { use super::super::cli::X; }", "flow/mod.rs:1: flow imports cli"),
        ("base/mac.rs", "\nfn f() { crate::packet::decode() }", "base/mac.rs:2: base imports packet"),
        ("helpers/mod.rs", "", "helpers/mod.rs:1: helpers is no module of the layers"),
        ("flow/mod.rs", "use crate::helpers::x;", "flow/mod.rs:1: flow imports helpers, which is no module"),
        ("replay/mod.rs", "use pcap::Capture;", "replay/mod.rs:1: only capture may name pcap"),
        ("flow/mod.rs", "fn f(p: etherparse::SlicedPacket) {}", "flow/mod.rs:1: only packet may name etherparse"),
        (
            "policy/mod.rs",
            "use serde_yaml as yaml; fn f() { serde_yaml::from_str() }",
            "only config may name serde_yaml",
        ),
        ("web/mod.rs", "use prometheus::Registry;", "web/mod.rs:1: only metrics may name prometheus"),
        ("replay/mod.rs", "fn f() { println!() }", "replay/mod.rs:1: only cli may print (println!)"),
        ("report/mod.rs", "use std::io::{self, stdout};", "report/mod.rs:1: only cli may print (stdout)"),
        ("cli/mod.rs", "fn f() { unsafe { g() } }", "cli/mod.rs:1: unsafe"),
        ("engine/mod.rs", "use std::time::{Duration, Instant};", "engine/mod.rs:1: the core names Instant"),
        ("engine/mod.rs", "use std::time; fn f() { time::SystemTime::now(); }", "the core names SystemTime"),
        ("device/mod.rs", "use std::{fs, io};", "device/mod.rs:1: the core names std::fs"),
        ("flow/mod.rs", "fn f() { jiff::Timestamp::now(); }", "flow/mod.rs:1: the core asks a clock"),
        ("hint/mod.rs", "use std::sync::{Arc, Mutex};", "hint/mod.rs:1: the core names Mutex"),
    ];
    for (file, code, expected) in cases {
        let found = violations(file, code);
        assert!(found.iter().any(|line| line.contains(expected)), "{code}\nexpected {expected}\nfound {found:?}");
    }
}

#[test]
fn the_checker_allows_what_it_should() {
    let cases = [
        ("flow/table.rs", "use super::key::Key; use crate::{base::Mac, device, hint::Hint};"),
        ("flow/table.rs", "#[cfg(test)] mod tests { fn f() { std::fs::read(\"x\"); println!(); } }"),
        ("flow/tests.rs", "fn f() { std::fs::read(\"x\"); }"),
        ("packet/ip.rs", "use std::net::{IpAddr, Ipv4Addr}; use etherparse::X; // unsafe, println!()"),
        ("capture/file.rs", "use std::fs::File; use pcap::Capture; fn f() { std::time::Instant::now(); }"),
        ("cli/mod.rs", "use crate::engine::Engine; fn f() { println!(\"{:?}\", std::io::stdout()); }"),
        ("main.rs", "fn main() -> ExitCode { segwatch::cli::main() }"),
        ("lib.rs", "pub mod base; pub mod cli;"),
    ];
    for (file, code) in cases {
        assert_eq!(violations(file, code), Vec::<String>::new(), "{code}");
    }
}

#[test]
fn architecture_page_lists_the_modules_that_exist() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let section = page.split("\n## ").find(|section| section.starts_with("Modules")).expect("a section Modules");
    let listed: BTreeSet<String> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_string).collect();
    let existing: BTreeSet<String> =
        sources().iter().filter(|(file, _)| file.contains('/')).map(|(file, _)| top(file).to_string()).collect();
    assert_eq!(listed, existing, "left: listed in ARCHITECTURE.md, right: folders of agent/src");
}

#[test]
fn the_root_holds_only_what_the_design_names() {
    let mut strange = Vec::new();
    for entry in fs::read_dir(root()).expect("the root").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let allowed = if entry.path().is_dir() { ROOT_FOLDERS } else { ROOT_FILES };
        if !allowed.contains(&name.as_str()) && !IGNORED_AT_ROOT.contains(&name.as_str()) {
            strange.push(name);
        }
    }
    assert!(strange.is_empty(), "neither a folder nor a file of the root: {strange:?}");
}

/// What is wrong in one file of `agent/src`, given with its path from there.
fn violations(file: &str, code: &str) -> Vec<String> {
    let module = top(file);
    let is_root = !file.contains('/');
    let mut broken = Vec::new();
    if !is_root && rank(module).is_none() {
        broken.push(format!("{file}:1: {module} is no module of the layers"));
    }
    let names = match paths(code, &module_path(file)) {
        Ok(names) => names,
        Err(error) => return vec![format!("{file}: {error}")],
    };
    let is_test_file = file.ends_with("/tests.rs") || file.contains("/tests/");
    for named in &names {
        let in_test = named.in_test || is_test_file;
        let faults = [
            wrong_import(module, named).filter(|_| !is_root),
            foreign_crate(module, named),
            (named.path == ["unsafe"]).then(|| "unsafe".to_string()),
            printing(module, named).filter(|_| !in_test),
            foreign_to_core(named).filter(|_| is_core(module) && !in_test),
        ];
        broken.extend(faults.into_iter().flatten().map(|fault| format!("{file}:{}: {fault}", named.line)));
    }
    broken
}

fn wrong_import(module: &str, named: &Named) -> Option<String> {
    let [start, target, ..] = named.path.as_slice() else { return None };
    if start != "crate" || target == module {
        return None;
    }
    match (rank(module), rank(target)) {
        (Some(own), Some(other)) if other < own => None,
        (_, None) => Some(format!("{module} imports {target}, which is no module")),
        _ => Some(format!("{module} imports {target}, which is not below it")),
    }
}

fn foreign_crate(module: &str, named: &Named) -> Option<String> {
    let [name, _, ..] = named.path.as_slice() else { return None };
    let (owner, _) = OWNED_CRATES.iter().find(|(_, crates)| crates.contains(&name.as_str()))?;
    (*owner != module).then(|| format!("only {owner} may name {name}"))
}

fn printing(module: &str, named: &Named) -> Option<String> {
    let last = named.path.last()?;
    let stream = named.path.len() > 1 && matches!(last.as_str(), "stdout" | "stderr");
    (module != "cli" && (stream || PRINTING.contains(&last.as_str()))).then(|| format!("only cli may print ({last})"))
}

fn foreign_to_core(named: &Named) -> Option<String> {
    let path: Vec<&str> = named.path.iter().map(String::as_str).collect();
    if let Some(name) = path.iter().find(|name| FOREIGN_TO_CORE_NAMES.contains(name)) {
        return Some(format!("the core names {name}"));
    }
    match path.as_slice() {
        ["std" | "core", module, ..] if FOREIGN_TO_CORE_MODULES.contains(module) => {
            Some(format!("the core names std::{module}"))
        }
        ["std", "sync", "mpsc", ..] => Some("the core names std::sync::mpsc".to_string()),
        [first, _, ..] if FOREIGN_TO_CORE_MODULES.contains(first) => Some(format!("the core names {first}")),
        [_, .., "now"] => Some("the core asks a clock".to_string()),
        _ => None,
    }
}

fn is_core(module: &str) -> bool {
    rank(module) <= rank(HIGHEST_OF_CORE) && rank(module).is_some()
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

fn top(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

/// `flow/table.rs` is `flow::table`, `flow/mod.rs` is `flow`, `lib.rs` is the crate itself.
fn module_path(file: &str) -> Vec<&str> {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" || path == "main" { Vec::new() } else { path.split('/').collect() }
}

/// All files of `agent/src`, with their path from there.
fn sources() -> Vec<(String, String)> {
    let base = root().join("agent/src");
    let mut found = Vec::new();
    let mut folders = vec![base.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&base).expect("below the sources").to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).expect("a source file")));
            }
        }
    }
    assert!(!found.is_empty(), "no sources under {}", base.display());
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
