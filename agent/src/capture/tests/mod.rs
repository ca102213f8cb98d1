//! Captures made by hand, and those of others.

mod corpus;
mod damage;
mod formats;
mod make;
mod merge;
mod packed;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Damage, Files, FrameSource, Next};
use crate::packet::LinkType;

/// A frame with its own bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    source: u16,
    at: i64,
    link_type: LinkType,
    wire_len: u32,
    data: Vec<u8>,
}

/// All that a source told.
#[derive(PartialEq, Eq, Debug, Default)]
struct Told {
    frames: Vec<Seen>,
    damage: Vec<Damage>,
}

impl Told {
    /// The time and first byte of each frame.
    fn brief(&self) -> Vec<(i64, u8)> {
        self.frames.iter().map(|frame| (frame.at, frame.data.first().copied().unwrap_or_default())).collect()
    }

    /// The frames of a capture that must be sound.
    #[track_caller]
    fn sound(self) -> Vec<Seen> {
        assert_eq!(self.damage, []);
        self.frames
    }
}

fn tell(files: &mut Files) -> Told {
    let mut told = Told::default();
    loop {
        match files.next() {
            Next::Frame(frame) => told.frames.push(Seen {
                source: frame.source,
                at: frame.at.0,
                link_type: frame.link_type,
                wire_len: frame.wire_len,
                data: frame.data.to_vec(),
            }),
            Next::Silence => panic!("a file is never silent"),
            Next::Damage(damage) => told.damage.push(damage),
            Next::End => return told,
        }
    }
}

/// Reads captures, each from a file of its own.
fn read_all<B: AsRef<[u8]>>(captures: &[B]) -> Told {
    let directory = Directory::new();
    tell(&mut Files::open(&directory.fill(captures)))
}

fn read(capture: impl AsRef<[u8]>) -> Told {
    read_all(&[capture])
}

/// A directory that is gone with the value.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("segwatch-capture-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a directory for test files");
        Directory(path)
    }

    fn fill<B: AsRef<[u8]>>(&self, captures: &[B]) -> Vec<PathBuf> {
        let write = |(index, bytes): (usize, &B)| {
            let path = self.0.join(index.to_string());
            std::fs::write(&path, bytes).expect("a test file is written");
            path
        };
        captures.iter().enumerate().map(write).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
