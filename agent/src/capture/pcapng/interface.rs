//! Interface descriptions: link type, snap length, clock.

use crate::base::Timestamp;
use crate::capture::reader::{Drops, max_frame};
use crate::packet::LinkType;

const IF_TSRESOL: u16 = 9;
const IF_FCSLEN: u16 = 13;
const IF_TSOFFSET: u16 = 14;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

const NANOSECONDS: u64 = 1_000_000_000;

/// One interface of a section.
pub(super) struct Interface {
    pub(super) link_type: LinkType,
    /// Bytes kept of each packet; 0 is no limit.
    pub(super) snap_len: u32,
    pub(super) max_frame: u32,
    /// Bytes of frame check sequence at the end of each frame on the wire.
    pub(super) fcs: u32,
    /// What it dropped, by its statistics.
    pub(super) dropped: Drops,
    clock: Clock,
    /// Nanoseconds to add to each time.
    offset: i128,
}

impl Drops {
    /// Reads the options of a statistics block.
    pub(super) fn read(&mut self, bytes: &[u8], big_endian: bool) {
        let _ = options(bytes, big_endian, |code, value| {
            let (first, second) = (word(value, 0, big_endian), word(value, 4, big_endian));
            let (high, low) = if big_endian { (first, second) } else { (second, first) };
            let count = u64::from(high) << 32 | u64::from(low);
            match code {
                // All ones are written for a number that is not known.
                _ if value.len() != 8 || count == u64::MAX => {}
                ISB_IFDROP => self.interface = count,
                ISB_OSDROP => self.kernel = count,
                _ => {}
            }
            Ok(())
        });
    }
}

/// How ticks become nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Clock {
    /// So many nanoseconds per tick.
    Times(u64),
    /// So many ticks per nanosecond.
    Per(u128),
    /// Ticks of 2 to the minus so many seconds.
    Binary(u32),
}

impl Interface {
    /// Reads the body of an interface description block, its header of 8 bytes included.
    pub(super) fn read(body: &[u8], big_endian: bool) -> Result<Interface, String> {
        let link_type = LinkType::from(u32::from(half(body, 8, big_endian)));
        let mut interface = Interface {
            link_type,
            snap_len: word(body, 12, big_endian),
            max_frame: max_frame(link_type),
            fcs: 0,
            dropped: Drops::default(),
            clock: Clock::Times(1_000),
            offset: 0,
        };
        options(body.get(16..).unwrap_or_default(), big_endian, |code, value| {
            match (code, value) {
                (IF_TSRESOL, [resolution]) => interface.clock = Clock::of(*resolution),
                (IF_TSOFFSET, value) if value.len() == 8 => {
                    let (first, second) = (word(value, 0, big_endian), word(value, 4, big_endian));
                    let (high, low) = if big_endian { (first, second) } else { (second, first) };
                    let seconds = (u64::from(high) << 32 | u64::from(low)) as i64;
                    interface.offset = i128::from(seconds) * i128::from(NANOSECONDS);
                }
                // In bits by the specification, in bytes by some writers: no FCS is shorter than 8 bits.
                (IF_FCSLEN, [len]) => interface.fcs = u32::from(if *len < 8 { *len } else { len / 8 }),
                (IF_TSRESOL | IF_TSOFFSET, value) => {
                    return Err(format!("interface with a clock option ({code}) of {} bytes", value.len()));
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(interface)
    }

    /// The time of so many ticks, saturating.
    #[inline]
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        let plain = match self.clock {
            Clock::Times(factor) if self.offset == 0 => {
                ticks.checked_mul(factor).and_then(|time| i64::try_from(time).ok())
            }
            _ => None,
        };
        plain.map_or_else(|| self.time_slowly(ticks), Timestamp)
    }

    fn time_slowly(&self, ticks: u64) -> Timestamp {
        let time = self.clock.nanoseconds(ticks) + self.offset;
        Timestamp(i64::try_from(time).unwrap_or(if time < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl Clock {
    /// From the value of if_tsresol: a negative power of 10, or of 2 if the highest bit is set.
    fn of(resolution: u8) -> Clock {
        let exponent = u32::from(resolution & 0x7f);
        match exponent {
            _ if resolution & 0x80 != 0 => Clock::Binary(exponent),
            0..=9 => Clock::Times(10_u64.pow(9 - exponent)),
            // Where this overflows, 64 bits of ticks are less than a nanosecond anyway.
            _ => Clock::Per(10_u128.checked_pow(exponent - 9).unwrap_or(u128::MAX)),
        }
    }

    fn nanoseconds(self, ticks: u64) -> i128 {
        match self {
            Clock::Times(factor) => i128::from(ticks) * i128::from(factor),
            Clock::Per(divisor) => (u128::from(ticks) / divisor) as i128,
            // Below 2^94, so the shift by at most 127 is all there is to it.
            Clock::Binary(shift) => (i128::from(ticks) * i128::from(NANOSECONDS)) >> shift,
        }
    }
}

/// Walks options: code, length, value padded to 4 bytes. They end with code 0, or where their place ends.
pub(super) fn options(
    mut bytes: &[u8],
    big_endian: bool,
    mut each: impl FnMut(u16, &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    while bytes.len() >= 4 {
        let (code, len) = (half(bytes, 0, big_endian), usize::from(half(bytes, 2, big_endian)));
        if code == 0 {
            break;
        }
        let Some(value) = bytes.get(4..4 + len) else {
            return Err(format!("option {code} of {len} bytes does not fit its block"));
        };
        each(code, value)?;
        bytes = bytes.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(())
}

/// Four bytes as a number; 0 beyond the end.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    match bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
        Some(bytes) if big_endian => u32::from_be_bytes(*bytes),
        Some(bytes) => u32::from_le_bytes(*bytes),
        None => 0,
    }
}

/// Two bytes as a number; 0 beyond the end.
#[inline]
pub(super) fn half(bytes: &[u8], at: usize, big_endian: bool) -> u16 {
    match bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
        Some(bytes) if big_endian => u16::from_be_bytes(*bytes),
        Some(bytes) => u16::from_le_bytes(*bytes),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(resolution: u8, ticks: u64) -> i64 {
        let interface = Interface {
            link_type: LinkType::Ethernet,
            snap_len: 0,
            max_frame: 0,
            fcs: 0,
            dropped: Drops::default(),
            clock: Clock::of(resolution),
            offset: 0,
        };
        interface.time(ticks).0
    }

    #[test]
    fn reads_every_clock_resolution() {
        assert_eq!(time(0, 7), 7_000_000_000);
        assert_eq!(time(3, 1_500), 1_500_000_000);
        assert_eq!(time(6, 1_500_000), 1_500_000_000);
        assert_eq!(time(9, 1_500_000_000), 1_500_000_000);
        assert_eq!(time(12, 1_500_000_000_999), 1_500_000_000);
        assert_eq!(time(28, u64::MAX), 1);
        assert_eq!(time(127, u64::MAX), 0);
        assert_eq!(time(0x80, 3), 3_000_000_000);
        assert_eq!(time(0x80 | 10, 1_536), 1_500_000_000);
        assert_eq!(time(0x80 | 32, 3 << 31), 1_500_000_000);
        assert_eq!(time(0x80 | 127, u64::MAX), 0);
        assert_eq!(time(0, u64::MAX), i64::MAX);
        assert_eq!(time(9, u64::MAX), i64::MAX);
    }

    #[test]
    fn an_offset_is_added_before_saturating() {
        let mut interface = Interface {
            link_type: LinkType::Ethernet,
            snap_len: 0,
            max_frame: 0,
            fcs: 0,
            dropped: Drops::default(),
            clock: Clock::of(9),
            offset: 0,
        };
        interface.offset = -1_000_000_000;
        assert_eq!(interface.time(500_000_000).0, -500_000_000);
        interface.offset = i128::from(i64::MIN) * 1_000_000_000;
        assert_eq!(interface.time(0).0, i64::MIN);
    }
}
