//! A policy proposed from capture files, which are read three times.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::drive;
use crate::base::{Mac, Timestamp};
use crate::capture::{Damage, Files, Progress};
use crate::config;
use crate::engine::{Engine, FlowRow, Options, Snapshot};
use crate::hint::VendorTable;
use crate::learn::{Draft, Heading, Survey, Talks, doubts, draft, propose, render};
use crate::policy::{InventoryDevice, Policy};

/// A camera that the user names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    /// By its MAC.
    Mac(Mac),
    /// By its address.
    Ip(IpAddr),
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The file, or why there is none.
    pub text: Result<String, Vec<String>>,
    /// The captures, as the user named them.
    pub files: Vec<String>,
    /// Where they could not be read on; then nothing is proposed.
    pub damage: Vec<Damage>,
}

/// Proposes a policy that watches these vendors and cameras.
///
/// # Errors
/// Standard input, or a pipe, could not be set aside to be read again.
pub fn learn(
    captures: &[PathBuf],
    vendors: &[String],
    cameras: &[Named],
    table: &VendorTable,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<Learned> {
    let files: Vec<String> = captures.iter().map(|path| path.display().to_string()).collect();
    let aside: Vec<Aside> = captures.iter().map(|path| Aside::of(path)).collect::<io::Result<_>>()?;
    let mut reader = Reader { paths: aside.iter().map(|file| file.path.clone()).collect(), table, progress };
    let (text, damage) = match reader.learn(&files, vendors, cameras) {
        Ok(text) => (Ok(text), Vec::new()),
        Err(Stopped::Damage(damage)) => (Err(Vec::new()), damage),
        Err(Stopped::Refused(why)) => (Err(why), Vec::new()),
    };
    Ok(Learned { text, files, damage })
}

enum Stopped {
    Damage(Vec<Damage>),
    Refused(Vec<String>),
}

impl From<Vec<String>> for Stopped {
    fn from(why: Vec<String>) -> Stopped {
        Stopped::Refused(why)
    }
}

struct Reader<'a> {
    paths: Vec<PathBuf>,
    table: &'a VendorTable,
    progress: &'a mut dyn FnMut(Progress),
}

impl Reader<'_> {
    fn learn(&mut self, files: &[String], vendors: &[String], cameras: &[Named]) -> Result<String, Stopped> {
        let mut survey = Survey::default();
        let engine = self.replay(first_policy(vendors, cameras), &mut |row| survey.note(row))?;
        let snapshot = engine.snapshot();
        let window = snapshot.window.map(|window| (window.first, window.last));
        let hosts = engine.hosts();
        let mut draft = draft(&hosts, &survey, &snapshot, vendors)?;
        drop(engine);

        let mut heading = Heading { files, verdict: None, window };
        let policy = policy(&draft, &heading)?;
        let mut talks = Talks::new(&draft);
        let snapshot = self.replay(policy.clone(), &mut |row| talks.note(row, &draft, &policy))?.snapshot();
        let doubts = doubts(&draft, &snapshot);
        if !doubts.is_empty() {
            return Err(doubts.into());
        }
        propose(&mut draft, &survey, &talks, &snapshot, &hosts)?;

        let snapshot = self.verdict(&draft, &heading)?;
        heading.verdict = Some(&snapshot);
        Ok(render(&draft, &heading))
    }

    fn verdict(&mut self, draft: &Draft, heading: &Heading<'_>) -> Result<Snapshot, Stopped> {
        Ok(self.replay(policy(draft, heading)?, &mut |_| {})?.snapshot())
    }

    fn replay(&mut self, policy: Policy, sink: &mut dyn FnMut(&FlowRow)) -> Result<Engine, Stopped> {
        let mut engine = Engine::new(policy, self.table.clone(), Options { rows: true, ..Options::default() });
        let damage = drive([&mut engine], &mut Files::open(&self.paths), self.progress, |[engine]| {
            if engine.has_rows() {
                engine.take_rows().iter().for_each(&mut *sink);
            }
            ControlFlow::Continue(())
        });
        if !damage.is_empty() {
            return Err(Stopped::Damage(damage));
        }
        engine.open_rows().for_each(|row| sink(&row));
        Ok(engine)
    }
}

/// The built-in policy, with other vendors and cameras of the user's.
fn first_policy(vendors: &[String], cameras: &[Named]) -> Policy {
    let mut policy = Policy::builtin();
    policy.watch_vendors = vendors.to_vec();
    policy.inventory = cameras
        .iter()
        .map(|camera| match *camera {
            Named::Mac(mac) => InventoryDevice { mac: Some(mac), ..InventoryDevice::default() },
            Named::Ip(ip) => InventoryDevice { ip: Some(ip), ..InventoryDevice::default() },
        })
        .collect();
    policy
}

/// The draft as everybody else will read it.
fn policy(draft: &Draft, heading: &Heading<'_>) -> Result<Policy, Vec<String>> {
    let text = render(draft, heading);
    let none = &mut |_: &str| Err(io::ErrorKind::NotFound.into());
    match config::load_str("proposal", &text, Timestamp(i64::MIN), none) {
        Ok(loaded) => Ok(loaded.config.policy),
        Err(problems) => {
            Err(problems.iter().map(|problem| format!("no policy for this: {}", problem.message)).collect())
        }
    }
}

/// A capture that can be read again.
struct Aside {
    path: PathBuf,
    is_copy: bool,
}

impl Aside {
    fn of(path: &Path) -> io::Result<Aside> {
        let is_stdin = path == Path::new("-");
        let is_pipe = || fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir());
        if !is_stdin && !is_pipe() {
            return Ok(Aside { path: path.to_owned(), is_copy: false });
        }
        let (mut file, copy) = new_file()?;
        // From here on it is removed, whatever happens.
        let aside = Aside { path: copy, is_copy: true };
        if is_stdin {
            io::copy(&mut io::stdin().lock(), &mut file)?;
        } else {
            io::copy(&mut File::open(path)?, &mut file)?;
        }
        Ok(aside)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if self.is_copy {
            // Nobody can be told, and the next clean-up of the temporary folder takes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A file of our own in the temporary folder.
fn new_file() -> io::Result<(File, PathBuf)> {
    const TRIES: u32 = 1000;
    for number in 0..TRIES {
        let path = std::env::temp_dir().join(format!("segwatch-learn-{}-{number}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
