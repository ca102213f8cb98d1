//! Writes capture files: pcap (microseconds, little-endian) and pcapng.

use std::io::{self, Write};

use segwatch::base::Timestamp;

/// LINKTYPE_ETHERNET.
pub const ETHERNET: u32 = 1;
const SNAP_LENGTH: u32 = 262_144;

/// A pcap file being written. Times are cut to microseconds.
pub struct PcapWriter<W: Write> {
    out: W,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header.
    pub fn new(mut out: W, link_type: u32) -> io::Result<Self> {
        out.write_all(&0xa1b2_c3d4_u32.to_le_bytes())?;
        out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
        out.write_all(&SNAP_LENGTH.to_le_bytes())?;
        out.write_all(&link_type.to_le_bytes())?;
        Ok(PcapWriter { out })
    }

    /// Writes one whole frame.
    pub fn write(&mut self, at: Timestamp, frame: &[u8]) -> io::Result<()> {
        let mut header = [0; 16];
        let length = (frame.len() as u32).to_le_bytes();
        header[0..4].copy_from_slice(&(at.0.div_euclid(1_000_000_000) as u32).to_le_bytes());
        header[4..8].copy_from_slice(&((at.0.rem_euclid(1_000_000_000) / 1_000) as u32).to_le_bytes());
        header[8..12].copy_from_slice(&length);
        header[12..16].copy_from_slice(&length);
        self.out.write_all(&header)?;
        self.out.write_all(frame)
    }

    /// Flushes and returns what was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A pcap file in memory.
pub fn pcap(frames: &[(Timestamp, Vec<u8>)]) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), ETHERNET).expect("a vector takes everything");
    for (at, frame) in frames {
        writer.write(*at, frame).expect("a vector takes everything");
    }
    writer.out
}

/// The same as pcapng in memory: one section, one interface, nanoseconds.
pub fn pcapng(frames: &[(Timestamp, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    block(&mut out, 0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes(), &[1, 0, 0, 0], &[0xff; 8]]);
    // Option if_tsresol (9), one byte: 10^-9 seconds; padded; end of options.
    let resolution = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
    block(&mut out, 1, &[&[1, 0, 0, 0], &SNAP_LENGTH.to_le_bytes(), &resolution]);
    for (at, frame) in frames {
        let ticks = at.0 as u64;
        let length = (frame.len() as u32).to_le_bytes();
        let high = ((ticks >> 32) as u32).to_le_bytes();
        let low = (ticks as u32).to_le_bytes();
        block(&mut out, 6, &[&[0; 4], &high, &low, &length, &length, frame]);
    }
    out
}

fn block(out: &mut Vec<u8>, kind: u32, parts: &[&[u8]]) {
    let body: usize = parts.iter().map(|part| part.len()).sum();
    let padding = body.next_multiple_of(4) - body;
    let total = ((body + padding + 12) as u32).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(total);
    for part in parts {
        out.extend(*part);
    }
    out.extend(&[0; 4][..padding]);
    out.extend(total);
}
