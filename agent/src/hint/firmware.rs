//! Firmware as devices write it: a version, and often the day it was built.

use std::cmp::Ordering;

/// Parts of a version that are compared.
const MAX_PARTS: usize = 6;
/// Characters that are read.
const MAX_TEXT: usize = 96;

/// `V5.5.0 build 170725`, `V5.4.4 161125`, `V5.7.13_230822`, `2.800.0000000.13.R, Build Date: 2021-04-16`, `5.20.3`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Firmware {
    /// Parts of the version; none where only the day is known.
    pub version: Vec<u32>,
    /// Day it was built, as `YYMMDD`.
    pub build: Option<u32>,
}

impl Firmware {
    /// Reads a version, a day, or both.
    pub fn parse(text: &str) -> Option<Firmware> {
        let text = text.trim();
        let end = text.char_indices().nth(MAX_TEXT).map_or(text.len(), |(at, _)| at);
        let text = text.get(..end)?;
        let (version, rest) = version(text.strip_prefix(['V', 'v']).unwrap_or(text));
        let (version, rest) = if version.len() >= 2 { (version, rest) } else { (Vec::new(), text) };
        let build = build(rest);
        (!version.is_empty() || build.is_some()).then_some(Firmware { version, build })
    }

    /// How this compares with what an advisory names; `None` where nobody can tell: a day is missing, or version and day
    /// say opposite things, as on another branch.
    pub fn against(&self, named: &Firmware) -> Option<Ordering> {
        let days = match (self.build, named.build) {
            (Some(own), Some(named)) => Some(own.cmp(&named)),
            _ => None,
        };
        if named.version.is_empty() {
            return days;
        }
        if self.version.is_empty() {
            return None;
        }
        let part = |version: &[u32], at: usize| version.get(at).copied().unwrap_or(0);
        let length = self.version.len().max(named.version.len());
        let versions = (0..length)
            .map(|at| part(&self.version, at).cmp(&part(&named.version, at)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal);
        match (versions, days) {
            (Ordering::Equal, Some(days)) => Some(days),
            (Ordering::Equal, None) => named.build.is_none().then_some(Ordering::Equal),
            (versions, None | Some(Ordering::Equal)) => Some(versions),
            (versions, Some(days)) => (versions == days).then_some(versions),
        }
    }
}

/// Numbers between dots at the start (`-6` behind them counts too), and what follows.
fn version(text: &str) -> (Vec<u32>, &str) {
    let (mut parts, mut rest) = (Vec::new(), text);
    while parts.len() < MAX_PARTS {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Some((number, tail)) = rest.split_at_checked(digits).filter(|_| digits > 0) else { break };
        let Ok(number) = number.parse() else { break };
        parts.push(number);
        rest = tail;
        let next = |tail: &str| tail.bytes().take_while(u8::is_ascii_digit).count();
        match tail.as_bytes() {
            [b'.', ..] if next(&tail[1..]) > 0 => rest = &tail[1..],
            [b'-', ..] if (1..=3).contains(&next(&tail[1..])) => rest = &tail[1..],
            _ => break,
        }
    }
    (parts, rest)
}

/// The first day in a text: `YYMMDD`, `YYYYMMDD` or `YYYY-MM-DD`.
fn build(text: &str) -> Option<u32> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes.get(at..)?.iter().take_while(|b| b.is_ascii_digit()).count();
        let number = |from: usize, length: usize| text.get(from..from + length)?.parse::<u32>().ok();
        let dashes = bytes.get(at + 4) == Some(&b'-') && bytes.get(at + 7) == Some(&b'-');
        let day = match run {
            6 => number(at, 6),
            8 => number(at, 8)?.checked_sub(20_000_000),
            4 if dashes => match (number(at, 4)?.checked_sub(2_000), number(at + 5, 2), number(at + 8, 2)) {
                (Some(year), Some(month), Some(day)) => Some(year * 10_000 + month * 100 + day),
                _ => None,
            },
            _ => None,
        };
        if let Some(day) = day.filter(|&day| is_day(day)) {
            return Some(day);
        }
        at += run.max(1);
    }
    None
}

fn is_day(day: u32) -> bool {
    day < 1_000_000 && (1..=12).contains(&(day / 100 % 100)) && (1..=31).contains(&(day % 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_devices_write() {
        for (text, version, build) in [
            ("V5.5.0 build 170725", &[5, 5, 0][..], Some(170_725)),
            ("V5.4.4 161125", &[5, 4, 4], Some(161_125)),
            ("V5.6.2build 190701", &[5, 6, 2], Some(190_701)),
            ("V5.0, build 191213", &[5, 0], Some(191_213)),
            ("V5.7.13_230822", &[5, 7, 13], Some(230_822)),
            ("V1.4.0_b221212", &[1, 4, 0], Some(221_212)),
            ("v4.0.1build171121", &[4, 0, 1], Some(171_121)),
            ("V2.3.8-6", &[2, 3, 8, 6], None),
            ("2.800.0000000.13.R", &[2, 800, 0, 13], None),
            ("2.800.0000000.13.R, Build Date: 2021-04-16", &[2, 800, 0, 13], Some(210_416)),
            ("5.20.3", &[5, 20, 3], None),
            ("build 210625", &[], Some(210_625)),
        ] {
            assert_eq!(Firmware::parse(text), Some(Firmware { version: version.to_vec(), build }), "{text}");
        }
        for text in ["", "V", "unknown", "V5", "build 991399", "9999999999.1", "ø"] {
            assert_eq!(Firmware::parse(text), None, "{text}");
        }
    }

    #[test]
    fn compares_only_what_can_be_compared() {
        let against = |own: &str, named: &str| Firmware::parse(own)?.against(&Firmware::parse(named)?);
        assert_eq!(against("V5.4.4 build 161125", "V5.4.4 build 161125"), Some(Ordering::Equal));
        assert_eq!(against("V5.4.4 build 161126", "V5.4.4 build 161125"), Some(Ordering::Greater));
        assert_eq!(against("V5.5.0 build 170725", "V5.4.4 build 161125"), Some(Ordering::Greater));
        assert_eq!(against("V5.3.9 build 160101", "V5.4.4 build 161125"), Some(Ordering::Less));
        assert_eq!(against("V5.8.0 build 230101", "V5.7.210 build 240826"), None, "another branch");
        assert_eq!(against("V5.4.4", "V5.4.4 build 161125"), None, "which build?");
        assert_eq!(against("V5.5.0", "V5.4.4 build 161125"), Some(Ordering::Greater));
        assert_eq!(against("V5.6.2 build 190701", "build 210625"), Some(Ordering::Less));
        assert_eq!(against("2.800.0.13.R", "build 210601"), None);
        assert_eq!(against("V5.0.0", "V5.0"), Some(Ordering::Equal));
    }
}
