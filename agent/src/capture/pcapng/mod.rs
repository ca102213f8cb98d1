//! The pcapng format (draft-ietf-opsawg-pcapng): sections, interfaces, packets. Blocks without a packet are stepped over.

mod interface;

use interface::Interface;

use super::reader::{Drops, Fault, Head, Step, cut, max_frame};
use super::window::Window;
use crate::base::Timestamp;

/// Longest block accepted, in bytes; libpcap and Wireshark have the same limit.
const MAX_BLOCK: u32 = 16 * 1024 * 1024;

/// Interfaces remembered per section; more are damage.
const MAX_INTERFACES: usize = 65_536;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
/// Obsolete, succeeded by the enhanced packet block.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// Bytes before the data of a packet block, old or enhanced.
const PACKET_HEADER: usize = 28;
/// Bytes before the data of a simple packet block.
const SIMPLE_HEADER: usize = 12;
/// The total length that ends each block.
const TRAILER: usize = 4;

/// A pcapng file being read.
#[derive(Default)]
pub(super) struct Pcapng {
    /// Byte order of the section.
    big_endian: bool,
    /// Interfaces of the section.
    interfaces: Vec<Interface>,
    packets: u64,
    /// Time of the last packet, which simple packets share: they have none of their own.
    last: Timestamp,
    /// Packets that interfaces of earlier sections dropped.
    dropped: Drops,
}

impl Pcapng {
    /// True if a section header begins the stream.
    pub(super) fn recognise(window: &Window) -> bool {
        window.bytes().first_chunk() == Some(&SECTION_HEADER.to_be_bytes())
    }

    /// Reads blocks up to the next packet.
    #[inline]
    pub(super) fn advance(&mut self, window: &mut Window) -> Step {
        match self.take(window) {
            Some(head) => Step::Frame(head),
            None => self.advance_slowly(window),
        }
    }

    /// The next block, if it is a sound enhanced packet all of which is at hand.
    #[inline]
    fn take(&mut self, window: &mut Window) -> Option<Head> {
        let bytes = window.bytes();
        let header = bytes.first_chunk::<PACKET_HEADER>()?;
        let total = self.word(header, 4) as usize;
        if self.word(header, 0) != ENHANCED_PACKET || bytes.len() < total || !total.is_multiple_of(4) {
            return None;
        }
        let trailer = bytes.get(total.checked_sub(TRAILER)?..total)?.first_chunk::<TRAILER>()?;
        if self.word(trailer, 0) as usize != total {
            return None;
        }
        let interface = self.interfaces.get(self.word(header, 8) as usize)?;
        let captured = self.word(header, 20);
        if captured > interface.max_frame || PACKET_HEADER + captured as usize + TRAILER > total {
            return None;
        }
        let ticks = u64::from(self.word(header, 12)) << 32 | u64::from(self.word(header, 16));
        let head = Head {
            at: interface.time(ticks),
            link_type: interface.link_type,
            wire_len: self.word(header, 24),
            place: window.place() + PACKET_HEADER,
            len: captured as usize,
        }
        .without_fcs(interface.fcs);
        self.last = head.at;
        self.packets += 1;
        window.consume(total);
        Some(head)
    }

    #[cold]
    fn advance_slowly(&mut self, window: &mut Window) -> Step {
        loop {
            let offset = window.offset();
            match self.block(window) {
                Ok(Block::Packet(head)) => {
                    self.last = head.at;
                    self.packets += 1;
                    return Step::Frame(head);
                }
                Ok(Block::Other) => {}
                Ok(Block::End) => return Step::End,
                Err(what) => return Step::Fault(Fault { offset, packet: self.packets + 1, what }),
            }
        }
    }

    /// Reads one block of any type.
    fn block(&mut self, window: &mut Window) -> Result<Block, String> {
        if !window.need(8) {
            let had = window.bytes().len();
            let ended = had == 0 && window.failure().is_none();
            return if ended { Ok(Block::End) } else { Err(cut(window, "block header", 8, had)) };
        }
        let starts_section = Pcapng::recognise(window);
        if starts_section {
            self.start_section(window)?;
        }
        let Some(header) = window.bytes().first_chunk::<8>() else { return Ok(Block::End) };
        let (kind, total) = (self.word(header, 0), self.word(header, 4));
        let least = match kind {
            SECTION_HEADER => 28,
            INTERFACE_DESCRIPTION => 20,
            PACKET | ENHANCED_PACKET => PACKET_HEADER + TRAILER,
            INTERFACE_STATISTICS => 24,
            SIMPLE_PACKET => SIMPLE_HEADER + TRAILER,
            _ => 12,
        };
        if (total as usize) < least {
            return Err(format!("block of {total} bytes: its type {kind} needs {least}"));
        }
        if total > MAX_BLOCK {
            return Err(format!("block of {total} bytes: longer than the {MAX_BLOCK} allowed"));
        }
        if !total.is_multiple_of(4) {
            return Err(format!("block of {total} bytes: not a multiple of 4"));
        }
        let len = total as usize;
        let wanted = matches!(
            kind,
            SECTION_HEADER | INTERFACE_DESCRIPTION | INTERFACE_STATISTICS | PACKET | SIMPLE_PACKET | ENHANCED_PACKET
        );
        if !wanted {
            return self.step_over(window, len);
        }
        if !window.need(len) {
            return Err(cut(window, "block", len, window.bytes().len()));
        }
        let place = window.place();
        let block = window.lent(place, len);
        let (body, trailer) = block.split_at(len - TRAILER);
        self.check_trailer(total, trailer)?;
        let found = match kind {
            SECTION_HEADER => {
                self.check_section(body)?;
                Block::Other
            }
            INTERFACE_DESCRIPTION => {
                if self.interfaces.len() == MAX_INTERFACES {
                    return Err(format!("more than {MAX_INTERFACES} interfaces in one section"));
                }
                self.interfaces.push(Interface::read(body, self.big_endian)?);
                Block::Other
            }
            INTERFACE_STATISTICS => {
                self.statistics(body);
                Block::Other
            }
            SIMPLE_PACKET => Block::Packet(self.simple_packet(body, place)?),
            _ => Block::Packet(self.packet(kind, body, place)?),
        };
        window.consume(len);
        Ok(found)
    }

    /// A new section has its own byte order, told by a magic number, and its own interfaces.
    fn start_section(&mut self, window: &mut Window) -> Result<(), String> {
        if !window.need(12) {
            return Err(cut(window, "section header", 28, window.bytes().len()));
        }
        self.big_endian = match window.bytes().get(8..12) {
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => true,
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => false,
            _ => return Err("section header without its byte-order magic".to_owned()),
        };
        self.dropped = self.dropped();
        self.interfaces.clear();
        Ok(())
    }

    /// Statistics count from the start of the capture, so the latest of an interface hold. Damaged ones say nothing:
    /// packets are read all the same.
    fn statistics(&mut self, body: &[u8]) {
        let big_endian = self.big_endian;
        let number = self.word(body, 8) as usize;
        if let Some(interface) = self.interfaces.get_mut(number) {
            interface.dropped.read(body.get(20..).unwrap_or_default(), big_endian);
        }
    }

    /// What the file says of packets that were not captured.
    pub(super) fn dropped(&self) -> Drops {
        self.interfaces.iter().fold(self.dropped, |sum, interface| sum.and(interface.dropped))
    }

    fn check_section(&self, body: &[u8]) -> Result<(), String> {
        let half = |at: usize| interface::half(body, at, self.big_endian);
        if half(12) != 1 {
            return Err(format!("pcapng version {}.{} is not known", half(12), half(14)));
        }
        interface::options(body.get(24..).unwrap_or_default(), self.big_endian, |_, _| Ok(()))
    }

    fn packet(&self, kind: u32, body: &[u8], place: usize) -> Result<Head, String> {
        let number = match kind {
            PACKET => usize::from(interface::half(body, 8, self.big_endian)),
            _ => self.word(body, 8) as usize,
        };
        let interface = self.interface(number)?;
        let captured = self.word(body, 20);
        check_captured(captured, interface, body.len(), PACKET_HEADER)?;
        let ticks = u64::from(self.word(body, 12)) << 32 | u64::from(self.word(body, 16));
        Ok(Head {
            at: interface.time(ticks),
            link_type: interface.link_type,
            wire_len: self.word(body, 24),
            place: place + PACKET_HEADER,
            len: captured as usize,
        }
        .without_fcs(interface.fcs))
    }

    /// A simple packet is of the first interface and was cut to its snap length.
    fn simple_packet(&self, body: &[u8], place: usize) -> Result<Head, String> {
        let interface = self.interface(0)?;
        let wire_len = self.word(body, 8);
        let captured = if interface.snap_len == 0 { wire_len } else { wire_len.min(interface.snap_len) };
        check_captured(captured, interface, body.len(), SIMPLE_HEADER)?;
        Ok(Head {
            at: self.last,
            link_type: interface.link_type,
            wire_len,
            place: place + SIMPLE_HEADER,
            len: captured as usize,
        }
        .without_fcs(interface.fcs))
    }

    fn interface(&self, number: usize) -> Result<&Interface, String> {
        let known = self.interfaces.len();
        self.interfaces
            .get(number)
            .ok_or_else(|| format!("packet of interface {number} where the section has described {known}"))
    }

    /// Steps over a block without keeping it.
    fn step_over(&self, window: &mut Window, len: usize) -> Result<Block, String> {
        let begin = window.offset();
        if !window.skip(len - TRAILER) || !window.need(TRAILER) {
            let had = window.offset() - begin + window.bytes().len() as u64;
            return Err(cut(window, "block", len, had as usize));
        }
        self.check_trailer(len as u32, window.bytes())?;
        window.consume(TRAILER);
        Ok(Block::Other)
    }

    fn check_trailer(&self, total: u32, trailer: &[u8]) -> Result<(), String> {
        match self.word(trailer, 0) {
            same if same == total => Ok(()),
            other => Err(format!("block of {total} bytes at its start but {other} at its end")),
        }
    }

    #[inline]
    fn word(&self, bytes: &[u8], at: usize) -> u32 {
        interface::word(bytes, at, self.big_endian)
    }
}

enum Block {
    Packet(Head),
    Other,
    End,
}

/// Holds the captured length against the limit and against the block, given without its trailer.
fn check_captured(captured: u32, interface: &Interface, body: usize, header: usize) -> Result<(), String> {
    let max = max_frame(interface.link_type);
    if captured > max {
        return Err(format!("packet of {captured} bytes: longer than the {max} allowed"));
    }
    if header + captured as usize > body {
        return Err(format!("packet of {captured} bytes does not fit its block of {}", body + TRAILER));
    }
    Ok(())
}
