//! Makers by MAC prefix (IEEE MA-L, MA-M and MA-S registries).

use std::collections::HashMap;
use std::fmt;

use crate::base::Mac;

/// Prefix lengths of the three registries, longest first.
const LENGTHS: [u32; 3] = [36, 28, 24];

/// Maps MAC prefixes to the vendor words that the policy uses (`hikvision`, `dahua`, …).
#[derive(Clone, Debug)]
pub struct VendorTable {
    words: Vec<String>,
    prefixes: HashMap<(u32, u64), u16>,
}

/// A vendor table that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadTable {
    /// Line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for BadTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vendor table, line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for BadTable {}

impl VendorTable {
    /// The table that segwatch was built with (`agent/data/vendors.csv`).
    pub fn builtin() -> Self {
        match Self::parse(include_str!("../../data/vendors.csv")) {
            Ok(table) => table,
            Err(error) => unreachable!("a test reads the shipped table: {error}"),
        }
    }

    /// Reads CSV with a header line and at least the columns `prefix,prefix_len,vendor`. Prefixes with the
    /// locally-administered bit are left out: nobody owns them.
    pub fn parse(csv: &str) -> Result<Self, BadTable> {
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let header = reader.headers().map_err(bad)?.clone();
        let column = |name: &str| {
            header
                .iter()
                .position(|h| h.trim() == name)
                .ok_or_else(|| BadTable { line: 1, what: format!("there is no column `{name}`") })
        };
        let (prefix_at, length_at, vendor_at) = (column("prefix")?, column("prefix_len")?, column("vendor")?);
        let mut table = VendorTable { words: Vec::new(), prefixes: HashMap::new() };
        for record in reader.records() {
            let record = record.map_err(bad)?;
            let line = record.position().map_or(0, csv::Position::line);
            let wrong = |what: String| BadTable { line, what };
            let field = |at: usize| record.get(at).unwrap_or("").trim();
            let length = field(length_at).parse::<u32>().ok().filter(|l| LENGTHS.contains(l)).ok_or_else(|| {
                wrong(format!("prefix_len is `{}`: it must be 24, 28 or 36", field(length_at).escape_debug()))
            })?;
            let octets: String = field(prefix_at).chars().filter(char::is_ascii_hexdigit).collect();
            if octets.len() * 4 < length as usize || octets.len() > 12 {
                return Err(wrong(format!("`{}` is no prefix of {length} bits", field(prefix_at).escape_debug())));
            }
            let mac: Mac = format!("{octets:0<12}").parse().map_err(|_| wrong("bad prefix".into()))?;
            let vendor = field(vendor_at);
            if vendor.is_empty() {
                return Err(wrong("the vendor is empty".into()));
            }
            if !mac.is_local() {
                let word = table.word(vendor);
                table.prefixes.insert((length, mac.bits() >> (48 - length)), word);
            }
        }
        if table.prefixes.is_empty() {
            return Err(BadTable { line: 1, what: "the table is empty".into() });
        }
        Ok(table)
    }

    /// The vendor of a globally administered unicast MAC; the longest prefix wins.
    pub fn vendor(&self, mac: Mac) -> Option<&str> {
        if mac.is_local() || mac.is_group() {
            return None;
        }
        LENGTHS.iter().find_map(|&length| {
            let word = self.prefixes.get(&(length, mac.bits() >> (48 - length)))?;
            self.words.get(usize::from(*word)).map(String::as_str)
        })
    }

    /// A MAC with the lowest of a vendor's prefixes.
    pub fn example(&self, vendor: &str) -> Option<Mac> {
        let prefixes = self
            .prefixes
            .iter()
            .filter(|(_, word)| self.words.get(usize::from(**word)).is_some_and(|word| word == vendor));
        let macs = prefixes.filter_map(|(&(length, prefix), _)| {
            let [_, _, mac @ ..] = (prefix << (48 - length) | 1).to_be_bytes();
            Some(Mac(mac)).filter(|&mac| self.vendor(mac) == Some(vendor))
        });
        macs.min()
    }

    /// All vendor words, in the order of the table.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    fn word(&mut self, vendor: &str) -> u16 {
        let at = self.words.iter().position(|w| w == vendor).unwrap_or_else(|| {
            self.words.push(vendor.to_owned());
            self.words.len() - 1
        });
        at as u16
    }
}

fn bad(error: csv::Error) -> BadTable {
    BadTable { line: error.position().map_or(0, csv::Position::line), what: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(text: &str) -> Mac {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn the_shipped_table_knows_the_watched_vendors() {
        let table = VendorTable::builtin();
        assert_eq!(table.vendor(mac("44:19:b6:01:02:03")), Some("hikvision"));
        assert_eq!(table.vendor(mac("38:af:29:bb:bc:ab")), Some("dahua"));
        assert_eq!(table.vendor(mac("46:19:b6:01:02:03")), None, "locally administered");
        assert_eq!(table.vendor(mac("4a:c0:3f:01:02:03")), None, "a CID of the table");
    }

    #[test]
    fn the_longest_prefix_wins() {
        let table = VendorTable::parse(
            "prefix,prefix_len,vendor\n00:11:22,24,a\n00:11:22:30:00:00,28,b\n00:11:22:33:30:00,36,c\n",
        )
        .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(table.vendor(mac("00:11:22:44:00:00")), Some("a"));
        assert_eq!(table.vendor(mac("00:11:22:34:00:00")), Some("b"));
        assert_eq!(table.vendor(mac("00:11:22:33:3f:00")), Some("c"));
    }

    #[test]
    fn a_bad_table_is_refused_with_its_line() {
        for (csv, message) in [
            ("", "vendor table, line 1: there is no column `prefix`"),
            ("prefix,prefix_len,vendor\n", "vendor table, line 1: the table is empty"),
            (
                "prefix,prefix_len,vendor\n00:11:22,20,a\n",
                "vendor table, line 2: prefix_len is `20`: it must be 24, 28 or 36",
            ),
            ("prefix,prefix_len,vendor\n00:11,24,a\n", "vendor table, line 2: `00:11` is no prefix of 24 bits"),
        ] {
            assert_eq!(VendorTable::parse(csv).map(|_| ()).map_err(|e| e.to_string()), Err(message.to_owned()));
        }
    }
}
