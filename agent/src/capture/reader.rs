//! One capture file, whatever its format.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::input::Input;
use super::pcap::Pcap;
use super::pcapng::Pcapng;
use super::window::Window;
use crate::base::Timestamp;
use crate::packet::LinkType;

/// Longest frame accepted, in bytes: MAXIMUM_SNAPLEN of libpcap. A record that claims more is damage.
pub(super) const MAX_FRAME: u32 = 262_144;

/// The same for the three link types whose packets may be longer, D-Bus (231), USBPcap (249) and EBHSCR (279).
pub(super) const MAX_LONG_FRAME: u32 = 16 * 1024 * 1024;

/// What reading one step yields.
pub(super) enum Step {
    Frame(Head),
    End,
    Fault(Fault),
}

/// A frame, with the place of its bytes in the window.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) at: Timestamp,
    pub(super) link_type: LinkType,
    pub(super) wire_len: u32,
    pub(super) place: usize,
    pub(super) len: usize,
}

impl Head {
    /// Without the frame check sequence of so many bytes, as far as it was captured: it differs between copies of
    /// the same frame, and most captures have none.
    #[inline]
    pub(super) fn without_fcs(mut self, fcs: u32) -> Head {
        if fcs != 0 && self.link_type == LinkType::Ethernet {
            self.wire_len = self.wire_len.saturating_sub(fcs);
            self.len = self.len.min(self.wire_len as usize);
        }
        self
    }
}

/// Packets that a file says were not captured.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Drops {
    /// In the buffer of the capturing system.
    pub kernel: u64,
    /// At the interface.
    pub interface: u64,
}

impl Drops {
    pub(super) fn and(self, other: Drops) -> Drops {
        Drops {
            kernel: self.kernel.saturating_add(other.kernel),
            interface: self.interface.saturating_add(other.interface),
        }
    }
}

/// Damage of one file.
pub(super) struct Fault {
    pub(super) offset: u64,
    pub(super) packet: u64,
    pub(super) what: String,
}

/// Longest frame accepted of a link type.
pub(super) fn max_frame(link_type: LinkType) -> u32 {
    match link_type {
        LinkType::Other(231 | 249 | 279) => MAX_LONG_FRAME,
        _ => MAX_FRAME,
    }
}

/// Says that the stream ended inside something, and why if it was not simply its end.
pub(super) fn cut(window: &Window, what: &str, needed: usize, had: usize) -> String {
    let mut text = format!("{what} of {needed} bytes cut after {had}");
    if let Some(failure) = window.failure() {
        let _ = write!(text, ": {failure}");
    }
    text
}

/// A capture file being read.
pub(super) struct Reader {
    window: Window,
    format: Format,
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl Reader {
    /// Opens a file (`-` is standard input) and reads its header, in steps of `chunk` bytes.
    pub(super) fn open(path: &Path, chunk: usize) -> Result<Reader, Fault> {
        Reader::over(Input::open(path), chunk)
    }

    /// Reads the header of an input that was opened.
    pub(super) fn over(input: io::Result<Input>, chunk: usize) -> Result<Reader, Fault> {
        let no_capture = |what| Fault { offset: 0, packet: 0, what };
        let input = input.map_err(|error| no_capture(format!("cannot be opened: {error}")))?;
        let mut window = Window::new(input, chunk);
        window.need(4);
        if let Some(pcap) = Pcap::open(&mut window) {
            return Ok(Reader { window, format: Format::Pcap(pcap?) });
        }
        if Pcapng::recognise(&window) {
            return Ok(Reader { window, format: Format::Pcapng(Pcapng::default()) });
        }
        Err(no_capture(not_a_capture(&mut window)))
    }

    /// Reads the next frame. After a fault or the end there is nothing to read.
    #[inline]
    pub(super) fn advance(&mut self) -> Step {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.advance(&mut self.window),
            Format::Pcapng(pcapng) => pcapng.advance(&mut self.window),
        }
    }

    /// The bytes of the frame read last.
    #[inline]
    pub(super) fn bytes(&self, head: Head) -> &[u8] {
        self.window.lent(head.place, head.len)
    }

    /// What the file, as far as it was read, says of packets that were not captured.
    pub(super) fn dropped(&self) -> Drops {
        match &self.format {
            Format::Pcap(_) => Drops::default(),
            Format::Pcapng(pcapng) => pcapng.dropped(),
        }
    }

    /// Bytes taken from the file, before unpacking.
    pub(super) fn taken(&self) -> u64 {
        self.window.taken()
    }
}

fn not_a_capture(window: &mut Window) -> String {
    window.need(8);
    let bytes = window.bytes();
    match (window.failure(), bytes) {
        (Some(failure), _) => failure.to_owned(),
        (None, []) => "empty file, not even a capture header".to_owned(),
        (None, bytes) => {
            let mut hex = String::new();
            for byte in bytes.iter().take(8) {
                let _ = write!(hex, " {byte:02x}");
            }
            format!("not a capture file (first bytes{hex})")
        }
    }
}
