//! Several capture files as one stream ordered by time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::input::Input;
use super::reader::{Drops, Fault, Head, Reader, Step};
use super::{Damage, Frame, FrameSource, Next};
use crate::base::Timestamp;

/// Files read together; those beyond are named as damage.
const MAX_FILES: usize = 65_536;

/// Above so many files, one whose turn has not come is closed again, so that neither descriptors nor memory run out.
const KEPT_OPEN: usize = 16;

/// Bytes fetched at a time: large enough to make system calls cheap, small enough to stay in a core's cache.
const CHUNK: usize = 256 * 1024;

/// The same to see the first frame of a file that is then closed again.
const PEEK_CHUNK: usize = 4 * 1024;

/// Capture files, merged by (time, order of the files, position). The order inside a file is kept: what is compared is
/// the time of each file's next frame.
pub struct Files {
    names: Vec<String>,
    files: Vec<File>,
    /// The file that yielded the last frame, and so is asked first.
    current: Option<usize>,
    /// The next frame of every other file that has one.
    heads: BinaryHeap<Reverse<Place>>,
    /// Damage found, not yet told.
    damage: VecDeque<Damage>,
    started: bool,
}

/// How far the reading has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes of the files read so far, before unpacking.
    pub read: u64,
    /// Bytes of all files; `None` if one is no regular file.
    pub total: Option<u64>,
}

/// Where a frame stands in the merged stream.
type Place = (Timestamp, usize);

struct File {
    path: PathBuf,
    /// What is read in place of the file at `path`, until the reader takes it.
    bytes: Option<Box<dyn Read + Send>>,
    /// Its size, if it is a regular file and so can be opened again.
    size: Option<u64>,
    reader: Option<Reader>,
    /// The frame read last, if the reader is open.
    head: Option<Head>,
    /// Bytes read by a reader that is closed.
    taken: u64,
    /// What it said of packets that were not captured, when it was closed.
    dropped: Drops,
}

impl Files {
    /// Over these files, `-` being standard input. Nothing fails here: a file that cannot be opened, or is no
    /// capture, is told as [`Damage`], and the others are read.
    pub fn open(paths: &[PathBuf]) -> Files {
        let mut damage = VecDeque::new();
        if paths.len() > MAX_FILES {
            let what = format!("{} files more than the {MAX_FILES} read together", paths.len() - MAX_FILES);
            damage.push_back(Damage { source: u16::MAX, offset: 0, packet: 0, what });
        }
        let paths = paths.get(..MAX_FILES).unwrap_or(paths);
        Files {
            names: paths.iter().map(|path| path.display().to_string()).collect(),
            files: paths.iter().map(|path| File::new(path)).collect(),
            current: None,
            heads: BinaryHeap::new(),
            damage,
            started: false,
        }
    }

    /// Over one capture that is read from `bytes`, under this name.
    pub fn from_reader(name: &str, bytes: Box<dyn Read + Send>) -> Files {
        let file = File {
            path: PathBuf::from(name),
            bytes: Some(bytes),
            size: None,
            reader: None,
            head: None,
            taken: 0,
            dropped: Drops::default(),
        };
        Files { names: vec![name.to_owned()], files: vec![file], ..Files::open(&[]) }
    }

    /// The files as the user named them, by [`Frame::source`].
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What each file that was read to its end says of packets that were not captured, by [`Frame::source`].
    pub fn dropped(&self) -> impl Iterator<Item = (u16, Drops)> {
        self.files.iter().enumerate().map(|(index, file)| (source(index), file.dropped))
    }

    /// How far the reading has come.
    pub fn progress(&self) -> Progress {
        Progress {
            read: self.files.iter().map(File::taken).sum(),
            total: self.files.iter().map(|file| file.size).sum(),
        }
    }

    /// Finds the first frame of each file.
    fn start(&mut self) {
        self.started = true;
        let may_close = self.files.len() > KEPT_OPEN;
        for index in 0..self.files.len() {
            let Some(file) = self.files.get_mut(index) else { break };
            match file.first(if may_close && file.size.is_some() { PEEK_CHUNK } else { CHUNK }) {
                Ok(Some(at)) => {
                    if may_close {
                        file.close();
                    }
                    self.heads.push(Reverse((at, index)));
                }
                Ok(None) => {}
                Err(fault) => self.damage.push_back(damage(index, fault)),
            }
        }
    }

    /// Makes the file current whose next frame is the earliest; `None` if there is none, or damage to tell first.
    #[cold]
    fn turn(&mut self) -> Option<(usize, Head)> {
        while self.damage.is_empty() {
            let Reverse((_, index)) = self.heads.pop()?;
            let file = self.files.get_mut(index)?;
            match file.resume() {
                Ok(Some(head)) => {
                    self.current = Some(index);
                    return Some((index, head));
                }
                Ok(None) => {}
                Err(fault) => self.damage.push_back(damage(index, fault)),
            }
        }
        None
    }

    /// The next frame of the current file, or of another one that comes first.
    #[inline]
    fn advance(&mut self) -> Option<(usize, Head)> {
        if let Some(index) = self.current
            && let Some(file) = self.files.get_mut(index)
            && let Some(reader) = &mut file.reader
        {
            match reader.advance() {
                Step::Frame(head) => {
                    let place = (head.at, index);
                    match self.heads.peek() {
                        Some(Reverse(other)) if *other < place => {
                            file.head = Some(head);
                            self.heads.push(Reverse(place));
                        }
                        _ => return Some((index, head)),
                    }
                }
                Step::End => file.close(),
                Step::Fault(fault) => {
                    file.close();
                    self.damage.push_back(damage(index, fault));
                }
            }
            self.current = None;
        }
        self.turn()
    }
}

impl FrameSource for Files {
    #[inline]
    fn next(&mut self) -> Next<'_> {
        if !self.started {
            self.start();
        }
        if let Some((index, head)) = self.advance() {
            let data = self
                .files
                .get(index)
                .and_then(|file| file.reader.as_ref())
                .map_or(&[][..], |reader| reader.bytes(head));
            let Head { at, link_type, wire_len, .. } = head;
            return Next::Frame(Frame { at, link_type, source: source(index), wire_len, data });
        }
        self.damage.pop_front().map_or(Next::End, Next::Damage)
    }
}

impl File {
    fn new(path: &Path) -> File {
        let regular = |metadata: std::fs::Metadata| metadata.is_file().then_some(metadata.len());
        let size = if path == Path::new("-") { None } else { path.metadata().ok().and_then(regular) };
        File { path: path.to_owned(), bytes: None, size, reader: None, head: None, taken: 0, dropped: Drops::default() }
    }

    /// Opens the file and reads its first frame; tells its time.
    fn first(&mut self, chunk: usize) -> Result<Option<Timestamp>, Fault> {
        self.taken = 0;
        let reader = match self.bytes.take() {
            Some(bytes) => Reader::over(Input::new(bytes), chunk)?,
            None => Reader::open(&self.path, chunk)?,
        };
        let reader = self.reader.insert(reader);
        match reader.advance() {
            Step::Frame(head) => {
                self.head = Some(head);
                Ok(Some(head.at))
            }
            Step::End => {
                self.close();
                Ok(None)
            }
            Step::Fault(fault) => {
                self.close();
                Err(fault)
            }
        }
    }

    /// The frame that was read last, from the file opened again if it was closed.
    fn resume(&mut self) -> Result<Option<Head>, Fault> {
        if self.reader.is_none() {
            self.first(CHUNK)?;
        }
        Ok(self.head.take())
    }

    fn close(&mut self) {
        self.taken = self.taken();
        self.dropped = self.reader.as_ref().map_or(self.dropped, Reader::dropped);
        self.reader = None;
        self.head = None;
    }

    fn taken(&self) -> u64 {
        self.reader.as_ref().map_or(self.taken, Reader::taken)
    }
}

fn damage(index: usize, fault: Fault) -> Damage {
    Damage { source: source(index), offset: fault.offset, packet: fault.packet, what: fault.what }
}

/// [`MAX_FILES`] fit.
fn source(index: usize) -> u16 {
    index as u16
}
