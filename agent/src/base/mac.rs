//! IEEE 802 MAC addresses.

use std::fmt;
use std::str::FromStr;

/// A 48-bit IEEE 802 MAC address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The all-ones broadcast address.
    pub const BROADCAST: Mac = Mac([0xff; 6]);
    /// All zeros: "no address" where a header has none.
    pub const ZERO: Mac = Mac([0; 6]);

    /// True for broadcast and multicast (the I/G bit, IEEE 802-2014 clause 8.2.2).
    pub fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// True if the address was assigned locally (the U/L bit), so that no maker's prefix applies.
    pub fn is_local(self) -> bool {
        self.0[0] & 2 != 0
    }

    /// The address as an integer, first octet most significant.
    pub fn bits(self) -> u64 {
        let b = self.0;
        u64::from_be_bytes([0, 0, b[0], b[1], b[2], b[3], b[4], b[5]])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = self.0;
        write!(f, "{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5])
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Mac {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Mac {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no MAC address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMac;

impl fmt::Display for BadMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a MAC address has 12 hexadecimal digits, as in 44:19:b6:01:02:03")
    }
}

impl std::error::Error for BadMac {}

impl FromStr for Mac {
    type Err = BadMac;

    /// Reads any usual notation: `44:19:b6:01:02:03`, `44-19-B6-01-02-03`, `4419.b601.0203`, `4419b6010203`.
    fn from_str(text: &str) -> Result<Self, BadMac> {
        let mut digits = [0u8; 12];
        let mut count = 0;
        for (at, c) in text.bytes().enumerate() {
            match (c as char).to_digit(16) {
                Some(d) if count < 12 => {
                    digits[count] = d as u8;
                    count += 1;
                }
                None if matches!(c, b':' | b'-' | b'.') && at > 0 && count % 2 == 0 => {}
                _ => return Err(BadMac),
            }
        }
        if count != 12 || !text.ends_with(|c: char| c.is_ascii_hexdigit()) {
            return Err(BadMac);
        }
        let mut mac = [0u8; 6];
        for (octet, pair) in mac.iter_mut().zip(digits.chunks(2)) {
            *octet = pair[0] << 4 | pair[1];
        }
        Ok(Mac(mac))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_notation() {
        let mac = Mac([0x44, 0x19, 0xb6, 1, 2, 3]);
        for text in ["44:19:b6:01:02:03", "44-19-B6-01-02-03", "4419.b601.0203", "4419b6010203"] {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_mac() {
        for text in
            ["", "44:19:b6:01:02", "44:19:b6:01:02:03:", "44:19:b6:01:02:0g", "4:419b6010203", "44:19:b6:01:02:03:04"]
        {
            assert_eq!(text.parse::<Mac>(), Err(BadMac), "{text}");
        }
    }
}
