//! The pcap format (draft-ietf-opsawg-pcap), and the variants of it that exist in the wild.

use super::reader::{Fault, Head, Step, cut, max_frame};
use super::window::Window;
use crate::base::Timestamp;
use crate::packet::LinkType;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// Records that must look right before another than the usual length of record headers is believed.
const PROBED_RECORDS: usize = 3;

/// Seconds between probed records at which they stop looking right.
const PROBED_SECONDS: u32 = 10_000_000;

/// A pcap file behind its header.
pub(super) struct Pcap {
    big_endian: bool,
    lengths: Lengths,
    /// Bytes in front of the data of each record; the first 16 mean the same in every variant.
    record_header: usize,
    /// Nanoseconds per unit of the sub-second field.
    unit: i64,
    link_type: LinkType,
    max_frame: u32,
    /// Bytes of frame check sequence at the end of each frame on the wire.
    fcs: u32,
    packets: u64,
}

/// Order of the two lengths of a record: captured and wire, reversed before version 2.3.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lengths {
    Usual,
    Reversed,
    /// Version 2.3 was written both ways: the smaller is what was captured.
    Either,
}

/// The fields of a record header.
struct Record {
    seconds: u32,
    fraction: u32,
    captured: u32,
    wire: u32,
}

/// What the magic number says.
struct Variant {
    big_endian: bool,
    unit: i64,
    file_header: usize,
    /// Lengths of record headers that occur, the likeliest first.
    record_headers: &'static [usize],
}

/// Standard pcap is also the magic of the ss990417 patch (24) and of Nokia's IPSO (20).
const STANDARD: &[usize] = &[16, 24, 20];
/// Kuznetsov's "modified" pcap: patches ss991029 (24) and ss990915 (28).
const MODIFIED: &[usize] = &[24, 28];

fn variant(magic: [u8; 4]) -> Option<Variant> {
    let of = |magic: u32| {
        let (unit, file_header, record_headers) = match magic {
            0xa1b2_c3d4 => (1_000, FILE_HEADER, STANDARD),
            0xa1b2_3c4d => (1, FILE_HEADER, &STANDARD[..1]),
            0xa1b2_cd34 => (1_000, FILE_HEADER, MODIFIED),
            // Ixia's hardware and software captures: the length of all records follows the header.
            0x1c00_01ac => (1, FILE_HEADER + 4, &STANDARD[..1]),
            0x1c00_01ab => (1_000, FILE_HEADER + 4, &STANDARD[..1]),
            _ => return None,
        };
        Some(Variant { big_endian: false, unit, file_header, record_headers })
    };
    of(u32::from_le_bytes(magic)).or_else(|| Some(Variant { big_endian: true, ..of(u32::from_be_bytes(magic))? }))
}

impl Pcap {
    /// Reads the header of a pcap file; `None` if it is none.
    pub(super) fn open(window: &mut Window) -> Option<Result<Pcap, Fault>> {
        let variant = variant(*window.bytes().first_chunk()?)?;
        Some(Pcap::open_variant(window, &variant).map_err(|what| Fault { offset: 0, packet: 1, what }))
    }

    fn open_variant(window: &mut Window, variant: &Variant) -> Result<Pcap, String> {
        if !window.need(variant.file_header) {
            return Err(cut(window, "capture header", variant.file_header, window.bytes().len()));
        }
        let Some(header) = window.bytes().first_chunk::<FILE_HEADER>() else {
            return Err(cut(window, "capture header", variant.file_header, 0));
        };
        let half = |at: usize| read_u16([header[at], header[at + 1]], variant.big_endian);
        let word =
            |at: usize| read_u32([header[at], header[at + 1], header[at + 2], header[at + 3]], variant.big_endian);
        let lengths = match (half(4), half(6)) {
            (2, 0..=2) | (543, _) => Lengths::Reversed,
            (2, 3) => Lengths::Either,
            (2, _) => Lengths::Usual,
            (major, minor) => return Err(format!("pcap version {major}.{minor} is not known")),
        };
        // Bits 0 to 15 hold the type; bit 26 says that bits 28 to 31 hold the length of the FCS, in units of 16 bits.
        let link = word(20);
        let link_type = LinkType::from(link & 0xffff);
        let fcs = if link & 0x0400_0000 != 0 { (link >> 28) * 2 } else { 0 };
        window.consume(variant.file_header);
        let mut pcap = Pcap {
            big_endian: variant.big_endian,
            lengths,
            record_header: RECORD_HEADER,
            unit: variant.unit,
            link_type,
            max_frame: max_frame(link_type),
            fcs,
            packets: 0,
        };
        pcap.record_header = pcap.probe(window, variant.record_headers);
        Ok(pcap)
    }

    /// Reads the next record.
    #[inline]
    pub(super) fn advance(&mut self, window: &mut Window) -> Step {
        match self.take(window) {
            Some(head) => Step::Frame(head),
            None => self.advance_slowly(window),
        }
    }

    /// The next record, if all of it is at hand and its length is sane.
    #[inline]
    fn take(&mut self, window: &mut Window) -> Option<Head> {
        let bytes = window.bytes();
        let record = self.record(bytes.first_chunk()?);
        let len = record.captured as usize;
        if record.captured > self.max_frame || bytes.len() < self.record_header + len {
            return None;
        }
        let place = window.place() + self.record_header;
        window.consume(self.record_header + len);
        self.packets += 1;
        // Both are 32 bits wide, so this cannot overflow; a fraction of a second or more simply carries.
        let at = Timestamp(i64::from(record.seconds) * 1_000_000_000 + i64::from(record.fraction) * self.unit);
        Some(Head { at, link_type: self.link_type, wire_len: record.wire, place, len }.without_fcs(self.fcs))
    }

    #[cold]
    fn advance_slowly(&mut self, window: &mut Window) -> Step {
        match self.fetch(window) {
            Ok(true) => match self.take(window) {
                Some(head) => Step::Frame(head),
                None => Step::End,
            },
            Ok(false) => Step::End,
            Err(what) => Step::Fault(Fault { offset: window.offset(), packet: self.packets + 1, what }),
        }
    }

    /// Brings all of the next record to hand; false at the end of the file.
    fn fetch(&mut self, window: &mut Window) -> Result<bool, String> {
        if !window.need(self.record_header) {
            let had = window.bytes().len();
            return if had == 0 && window.failure().is_none() {
                Ok(false)
            } else {
                Err(cut(window, "record header", self.record_header, had))
            };
        }
        let Some(header) = window.bytes().first_chunk() else { return Ok(false) };
        let captured = self.record(header).captured;
        if captured > self.max_frame {
            return Err(format!("record of {captured} bytes: longer than the {} allowed", self.max_frame));
        }
        if !window.need(self.record_header + captured as usize) {
            return Err(cut(window, "record", captured as usize, window.bytes().len() - self.record_header));
        }
        Ok(true)
    }

    #[inline]
    fn record(&self, header: &[u8; RECORD_HEADER]) -> Record {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *header;
        let mut record = Record {
            seconds: read_u32([a, b, c, d], self.big_endian),
            fraction: read_u32([e, f, g, h], self.big_endian),
            captured: read_u32([i, j, k, l], self.big_endian),
            wire: read_u32([m, n, o, p], self.big_endian),
        };
        if self.lengths == Lengths::Reversed || (self.lengths == Lengths::Either && record.captured > record.wire) {
            (record.captured, record.wire) = (record.wire, record.captured);
        }
        record
    }

    /// Tells the length of record headers by the first records, because the patches that made them longer kept the
    /// magic number: the first length with which those look right, else the likeliest.
    fn probe(&self, window: &mut Window, lengths: &[usize]) -> usize {
        let likeliest = lengths.first().copied().unwrap_or(RECORD_HEADER);
        if lengths.len() < 2 || self.lengths != Lengths::Usual {
            return likeliest;
        }
        lengths.iter().copied().find(|length| self.looks_right(window, *length)).unwrap_or(likeliest)
    }

    fn looks_right(&self, window: &mut Window, record_header: usize) -> bool {
        let mut offset = 0;
        let mut first = None;
        for _ in 0..PROBED_RECORDS {
            if !window.need(offset + record_header) {
                return false;
            }
            let Some(header) = window.bytes().get(offset..).and_then(|bytes| bytes.first_chunk()) else { return false };
            let record = self.record(header);
            let near = record.seconds.abs_diff(*first.get_or_insert(record.seconds)) < PROBED_SECONDS;
            let sane = (1..=self.max_frame.min(record.wire)).contains(&record.captured) && record.fraction < 1_000_000;
            if !near || !sane {
                return false;
            }
            offset += record_header + record.captured as usize;
        }
        true
    }
}

#[inline]
fn read_u32(bytes: [u8; 4], big_endian: bool) -> u32 {
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

#[inline]
fn read_u16(bytes: [u8; 2], big_endian: bool) -> u16 {
    if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}
