//! The packets that prove a finding, as pcapng files of the agent's own folder: `ID-SECONDS-N.pcapng`, readable by its
//! user alone. A file gets its name once it is whole and on the disk; the SHA-256 that goes into the journal is that of
//! the file under its name.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{is_short, pcapng};
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
    /// What could not be deleted when it could not be finished.
    unfinished: Option<PathBuf>,
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
        Ok(Store { directory: directory.to_owned(), total, files, unfinished: None })
    }

    /// Writes a proof. `None` if the finding or its device has as much as it may. Names of files that had to leave for it
    /// go to `cut`, also if there is an error.
    ///
    /// # Errors
    /// What the system says, or that the disk has no room but for the journal; there is no new file then.
    pub fn write(&mut self, proof: &Proof, cut: &mut Vec<String>) -> io::Result<Option<Receipt>> {
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
            return Ok(None);
        }
        let seconds = proof.at.0.div_euclid(1_000_000_000);
        let number = self.files.iter().filter(|file| file.name.starts_with(&prefix)).count() + 1;
        let mut name = format!("{prefix}{seconds}-{number}{ENDING}");
        while self.files.iter().any(|file| file.name == name) {
            name.insert(name.len() - ENDING.len(), 'x');
        }
        self.make_room(length, cut)?;
        self.put(&name, &bytes)?;
        self.files.push(Kept { seconds, name: name.clone(), bytes: length, device });
        let (packets, sha256) = (proof.frames.len(), sha256_hex(&[&bytes]));
        Ok(Some(Receipt { id: finding.id.clone(), file: name, packets, bytes: length, sha256 }))
    }

    /// Tries whether the disk takes something now, and leaves nothing of it.
    ///
    /// # Errors
    /// As for [`Store::write`].
    pub fn probe(&mut self, cut: &mut Vec<String>) -> io::Result<()> {
        self.make_room(1, cut)?;
        let path = self.directory.join(format!("probe{UNFINISHED}"));
        let result = put(&path, b"?");
        self.clear(path);
        result
    }

    /// A file gets its name once it is whole and on the disk.
    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if let Some(path) = self.unfinished.take() {
            self.clear(path);
        }
        let (path, unfinished) = (self.directory.join(name), self.directory.join(format!("{name}{UNFINISHED}")));
        if let Err(error) = put(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path)) {
            self.clear(unfinished);
            return Err(error);
        }
        // A name that a power cut may take away is none.
        File::open(&self.directory).and_then(|folder| folder.sync_all()).inspect_err(|_| self.clear(path))
    }

    /// Deletes what is not finished, now or before the next file.
    fn clear(&mut self, path: PathBuf) {
        if fs::remove_file(&path).is_err_and(|error| error.kind() != ErrorKind::NotFound) {
            self.unfinished = Some(path);
        }
    }

    /// Deletes the oldest files until so many bytes more are within the limit, and the disk has them besides what is
    /// the journal's.
    fn make_room(&mut self, more: u64, cut: &mut Vec<String>) -> io::Result<()> {
        let mut used: u64 = self.files.iter().map(|file| file.bytes).sum();
        while used + more > self.total || self.files.len() >= MAX_FILES || is_short(&self.directory, more)? {
            let Some(oldest) = self.files.first().cloned() else { return Err(ErrorKind::StorageFull.into()) };
            self.delete(&oldest)?;
            self.files.remove(0);
            used -= oldest.bytes;
            cut.push(oldest.name);
        }
        Ok(())
    }

    /// Deletes the older half, so that more important records find room. The names go to `cut`.
    ///
    /// # Errors
    /// What the system says.
    pub fn give_way(&mut self, cut: &mut Vec<String>) -> io::Result<()> {
        for _ in 0..self.files.len().div_ceil(2) {
            let Some(oldest) = self.files.first().cloned() else { break };
            self.delete(&oldest)?;
            self.files.remove(0);
            cut.push(oldest.name);
        }
        Ok(())
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
