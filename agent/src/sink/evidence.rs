//! The packets that prove a finding, as pcapng files of the agent's own folder: `ID-SECONDS-N.pcapng`, readable by its
//! user alone. A file gets its name once it is whole and on the disk; the SHA-256 that goes into the journal is that of
//! the file under its name.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::pcapng;
use crate::base::{Timestamp, escape};
use crate::engine::{FindingStatus, KeptFrame};
use crate::policy::sha256_hex;

/// Bytes of files of one finding.
pub const MAX_OF_FINDING: u64 = 4 << 20;
/// Bytes of files of all findings of one device.
pub const MAX_OF_DEVICE: u64 = 64 << 20;
/// Bytes of all files, unless the configuration says otherwise. Beyond it the oldest are deleted.
pub const DEFAULT_TOTAL: u64 = 1 << 30;
/// Files in the folder; beyond it the oldest are deleted.
const MAX_FILES: usize = 100_000;
const ENDING: &str = ".pcapng";
const UNFINISHED: &str = ".new";

/// What the journal says of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// Id of the finding.
    pub id: String,
    /// Name in the folder.
    pub file: String,
    /// Packets in it.
    pub packets: usize,
    /// Bytes.
    pub bytes: u64,
    /// Of the file.
    pub sha256: String,
}

/// What is to be written.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The finding as it was then.
    pub finding: FindingStatus,
    /// Its packets, at least one.
    pub frames: Vec<KeptFrame>,
    /// Names of the interfaces.
    pub interfaces: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// The folder.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    total: u64,
    files: Vec<Kept>,
}

/// A file in the folder, the oldest first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Kept {
    seconds: i64,
    name: String,
    bytes: u64,
    device: String,
}

impl Store {
    /// Opens the folder, and makes it if it is not there. What a crash left unfinished is deleted.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(directory: &Path, total: u64) -> io::Result<Store> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.ends_with(UNFINISHED) {
                fs::remove_file(entry.path())?;
            } else if let Some((_, seconds)) = parts(&name) {
                let bytes = entry.metadata()?.len();
                files.push(Kept { seconds, name, bytes, device: String::new() });
            }
        }
        files.sort();
        Ok(Store { directory: directory.to_owned(), total, files })
    }

    /// Writes a proof. `None` if the finding or its device has as much as it may; the names of files that had to leave
    /// for it come besides.
    ///
    /// # Errors
    /// What the system says; there is no new file then.
    pub fn write(&mut self, proof: &Proof) -> io::Result<(Option<Receipt>, Vec<String>)> {
        let finding = &proof.finding;
        let summary = escape(&finding.summary);
        let about = format!("Evidence of finding {} ({}).", finding.id, finding.kind.name());
        let first = format!("finding {}: {summary}", finding.id);
        let bytes = pcapng::section(&proof.frames, [&about, &first], &proof.interfaces);
        let length = bytes.len() as u64;
        let device = device_of(finding);
        let of = |is_of: &dyn Fn(&Kept) -> bool| {
            self.files.iter().filter(|file| is_of(file)).map(|file| file.bytes).sum::<u64>() + length
        };
        let prefix = format!("{}-", finding.id);
        if of(&|file| file.name.starts_with(&prefix)) > MAX_OF_FINDING
            || of(&|file| file.device == device) > MAX_OF_DEVICE
        {
            return Ok((None, Vec::new()));
        }
        let seconds = proof.at.0.div_euclid(1_000_000_000);
        let number = self.files.iter().filter(|file| file.name.starts_with(&prefix)).count() + 1;
        let mut name = format!("{prefix}{seconds}-{number}{ENDING}");
        while self.files.iter().any(|file| file.name == name) {
            name.insert_str(name.len() - ENDING.len(), "x");
        }
        let cut = self.make_room(length)?;
        let (path, unfinished) = (self.directory.join(&name), self.directory.join(format!("{name}{UNFINISHED}")));
        if let Err(error) = put(&unfinished, &bytes).and_then(|()| fs::rename(&unfinished, &path)) {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        File::open(&self.directory)?.sync_all()?;
        self.files.push(Kept { seconds, name: name.clone(), bytes: length, device });
        let (packets, sha256) = (proof.frames.len(), sha256_hex(&[&bytes]));
        Ok((Some(Receipt { id: finding.id.clone(), file: name, packets, bytes: length, sha256 }), cut))
    }

    /// Deletes the oldest files until so many bytes more are within the limit.
    fn make_room(&mut self, more: u64) -> io::Result<Vec<String>> {
        let mut used: u64 = self.files.iter().map(|file| file.bytes).sum();
        let mut cut = Vec::new();
        while !self.files.is_empty() && (used + more > self.total || self.files.len() >= MAX_FILES) {
            let oldest = self.files.remove(0);
            self.delete(&oldest)?;
            used -= oldest.bytes;
            cut.push(oldest.name);
        }
        Ok(cut)
    }

    /// Deletes the older half, so that more important records find room. Returns the names.
    ///
    /// # Errors
    /// What the system says.
    pub fn give_way(&mut self) -> io::Result<Vec<String>> {
        let half: Vec<Kept> = self.files.drain(..self.files.len().div_ceil(2)).collect();
        half.iter().try_for_each(|file| self.delete(file))?;
        Ok(half.into_iter().map(|file| file.name).collect())
    }

    fn delete(&self, file: &Kept) -> io::Result<()> {
        match fs::remove_file(self.directory.join(&file.name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// All that is there of a finding, as one pcapng (sections may follow each other). `None` if there is nothing.
///
/// # Errors
/// What the system says.
pub fn read(directory: &Path, id: &str) -> io::Result<Option<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        if let Some((of, seconds)) = parts(&name)
            && of == id
        {
            names.push((seconds, name));
        }
    }
    names.sort();
    let mut all = Vec::new();
    for (_, name) in names {
        // One may be deleted meanwhile.
        if let Ok(file) = File::open(directory.join(&name)) {
            file.take(MAX_OF_FINDING).read_to_end(&mut all)?;
        }
    }
    Ok((!all.is_empty()).then_some(all))
}

/// Id and seconds of a file's name.
fn parts(name: &str) -> Option<(&str, i64)> {
    let mut parts = name.strip_suffix(ENDING)?.rsplitn(3, '-');
    let (_, seconds, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some((id, seconds.parse().ok()?))
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn device_of(finding: &FindingStatus) -> String {
    let device = &finding.device;
    device.mac.map(|mac| mac.to_string()).or(device.ip.map(|ip| ip.to_string())).unwrap_or_default()
}
