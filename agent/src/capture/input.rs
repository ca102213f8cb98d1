//! The bytes of a capture: a file, standard input or any reader, unpacked if its first bytes say gzip or zstd.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::os::fd::AsFd;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// Packed bytes read at a time.
const PACKED_READ: usize = 128 * 1024;

/// Largest zstd window accepted, as a power of two: 128 MiB, what `zstd -d` takes without `--long=31`.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// The bytes looked at to tell the packing, put back in front.
type Whole = Chain<Cursor<Vec<u8>>, Counted>;

/// A capture's unpacked bytes, streamed.
pub(super) enum Input {
    Plain(Whole),
    Gzip(Box<MultiGzDecoder<BufReader<Whole>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<Whole>>>),
}

impl Input {
    /// Opens a file, or standard input for `-`, and reads as much as tells the packing.
    pub(super) fn open(path: &Path) -> io::Result<Input> {
        Input::new(Box::new(open_file(path)?))
    }

    /// Reads as much as tells the packing.
    pub(super) fn new(bytes: Box<dyn Read + Send>) -> io::Result<Input> {
        let mut raw = Counted { bytes, taken: 0 };
        let mut magic = Vec::with_capacity(4);
        raw.by_ref().take(4).read_to_end(&mut magic)?;
        let packing = packing(&magic);
        let whole = Cursor::new(magic).chain(raw);
        Ok(match packing {
            Packing::None => Input::Plain(whole),
            Packing::Gzip => Input::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED_READ, whole)))),
            Packing::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(BufReader::with_capacity(PACKED_READ, whole))?;
                decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
                Input::Zstd(Box::new(decoder))
            }
        })
    }

    /// Reads some bytes; 0 is the end.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Plain(input) => input.read(into),
            Input::Gzip(input) => input.read(into),
            Input::Zstd(input) => input.read(into),
        }
    }

    /// Bytes taken from the file so far, before unpacking.
    pub(super) fn taken(&self) -> u64 {
        let whole = match self {
            Input::Plain(input) => input,
            Input::Gzip(input) => input.get_ref().get_ref(),
            Input::Zstd(input) => input.get_ref().get_ref(),
        };
        whole.get_ref().1.taken
    }

    /// Says what an error of [`Input::read`] means.
    pub(super) fn describe(&self, error: &io::Error) -> String {
        let packing = match self {
            Input::Plain(_) => return format!("cannot be read: {error}"),
            Input::Gzip(_) => "gzip",
            Input::Zstd(_) => "zstd",
        };
        match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("{packing} data cut short"),
            _ => format!("{packing} data cannot be unpacked: {error}"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

/// Tells the packing: RFC 1952 clause 2.3.1 for gzip, RFC 8878 clauses 3.1.1 and 3.1.2 for zstd, whose first frame may be skippable.
fn packing(magic: &[u8]) -> Packing {
    match *magic {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Packing::Zstd,
        _ => Packing::None,
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        // A descriptor of its own: `Stdin` would put a small buffer of its own in between.
        Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    } else {
        File::open(path)
    }
}

/// Bytes that know how many of them were read.
pub(super) struct Counted {
    bytes: Box<dyn Read + Send>,
    taken: u64,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(into)?;
        self.taken += count as u64;
        Ok(count)
    }
}
