//! Programs that are not ours: promtool, amtool, Prometheus, Alertmanager, systemd-analyze. Each is run where it is
//! installed; a test that lacks one says so and is skipped.

use std::fs::File;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How one run of a tool ended.
#[derive(Debug)]
pub struct Outcome {
    /// Whether its exit code was 0.
    pub success: bool,
    /// Both of its streams.
    pub text: String,
}

/// Whether all of these are installed. Those that are not are named on standard error, past the capture of test output.
pub fn installed(programs: &[&str]) -> bool {
    let is_missing = |program: &&str| Command::new(program).arg("--version").output().is_err();
    let missing: Vec<&str> = programs.iter().copied().filter(is_missing).collect();
    if !missing.is_empty() {
        let test = std::thread::current();
        let told =
            writeln!(io::stderr(), "skipped: {} needs {}", test.name().unwrap_or("a test"), missing.join(" and "));
        told.expect("standard error");
    }
    missing.is_empty()
}

/// Runs a tool to its end, in a folder of the repository.
pub fn run<A: AsRef<std::ffi::OsStr>>(program: &str, folder: &Path, args: impl IntoIterator<Item = A>) -> Outcome {
    let run = Command::new(program).current_dir(folder).args(args).stdin(Stdio::null()).output().expect("is installed");
    let text = [run.stdout, run.stderr].map(|stream| String::from_utf8_lossy(&stream).into_owned()).concat();
    Outcome { success: run.status.success(), text }
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// An empty folder of its own for a test of this name, below the build folder.
pub fn empty_folder(name: &str) -> PathBuf {
    let folder = repository().join("target/tmp").join(name);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{}: {error}", folder.display()),
        _ => std::fs::create_dir_all(&folder).expect("a folder of our own"),
    }
    folder
}

/// A port of the loopback that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port()
}

/// A program that runs until this is dropped, also by a test that fails.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it; what it says goes to `log`.
    pub fn start<A: AsRef<std::ffi::OsStr>>(program: &str, log: PathBuf, args: impl IntoIterator<Item = A>) -> Daemon {
        let out = File::create(&log).expect("a file of our own");
        let err = out.try_clone().expect("a second handle");
        let child = Command::new(program).args(args).stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Daemon { child: child.expect("is installed"), log }
    }
}

impl Daemon {
    /// Asks it to end, and waits until it has.
    pub fn end(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill is there");
        assert!(asked.success(), "it does not run any more");
        self.child.wait().expect("it is ours");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Either fails only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let _ = writeln!(io::stderr(), "--- {}\n{log}", self.log.display());
        }
    }
}
