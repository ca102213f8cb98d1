//! Marks of makers in what devices say: banners, realms, models, names. Data, not code: `agent/data/marks.csv`.
//!
//! Columns: `where` (one of [`Where`]), `pattern` (see [`is_like`]), `vendor`, `kind` (`camera`, `recorder`, … or empty
//! where the mark does not tell), `confidence`, `source`, `example` (a text with the mark) and `near` (one that nearly
//! has it).

use std::fmt;

use super::clue::{Clue, Confidence, Says};
use super::glob::is_like;

/// Bytes of a text that are compared.
const MAX_TEXT: usize = 256;
/// Marks of one table.
const MAX_MARKS: usize = 2_048;

/// Declares where marks may stand.
macro_rules! places {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)+) => {
        /// Where a mark stands.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Where { $($(#[$doc])* $variant,)+ }

        impl Where {
            fn from_name(word: &str) -> Option<Where> {
                [$(($word, Where::$variant)),+].into_iter().find(|one| one.0 == word).map(|one| one.1)
            }
        }
    };
}

places! {
    /// The maker's name as a device writes it.
    Maker => "maker",
    /// The model.
    Model => "model",
    /// A `Server` header of HTTP.
    HttpServer => "http-server",
    /// The realm of a challenge of HTTP or RTSP.
    Realm => "realm",
    /// A `Server` header of RTSP.
    RtspServer => "rtsp-server",
    /// A line of a session description.
    Sdp => "sdp",
    /// A `SERVER` header of SSDP.
    Ssdp => "ssdp-server",
    /// A host name, by DHCP or multicast DNS.
    Host => "host-name",
    /// A vendor class of DHCP.
    DhcpClass => "dhcp-class",
    /// The subject of a certificate.
    Subject => "tls-subject",
    /// An identifier in a peer-to-peer network.
    P2pId => "p2p-id",
}

/// One mark.
#[derive(Clone, Debug)]
struct Mark {
    place: Where,
    pattern: String,
    vendor: String,
    kind: String,
    confidence: Confidence,
}

/// All marks, in the order of the table: the first that fits counts.
#[derive(Clone, Debug)]
pub struct Marks(Vec<Mark>);

/// A data file that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadData {
    /// Line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for BadData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for BadData {}

impl Marks {
    /// The marks that segwatch was built with.
    pub fn builtin() -> Self {
        match Self::parse(include_str!("../../data/marks.csv")) {
            Ok(marks) => marks,
            Err(error) => unreachable!("a test reads the shipped marks: {error}"),
        }
    }

    /// Reads a table.
    pub fn parse(csv: &str) -> Result<Self, BadData> {
        let columns = ["where", "pattern", "vendor", "kind", "confidence"];
        let marks = rows(csv, columns, MAX_MARKS, |[place, pattern, vendor, kind, confidence]| {
            if pattern.is_empty() || pattern == "*" || vendor.is_empty() && kind.is_empty() {
                return Err("a mark needs a pattern, and a vendor or a kind".to_owned());
            }
            Ok(Mark {
                place: Where::from_name(place).ok_or_else(|| format!("`{}` is no place", place.escape_debug()))?,
                pattern: pattern.to_owned(),
                vendor: vendor.to_owned(),
                kind: kind.to_owned(),
                confidence: Confidence::from_name(confidence).ok_or("confidence is low, medium or high")?,
            })
        })?;
        Ok(Marks(marks))
    }

    /// Vendors that the marks name, in the order of the table.
    pub fn vendors(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|mark| mark.vendor.as_str()).filter(|vendor| !vendor.is_empty())
    }

    /// Adds vendor and kind to a clue, if a text has a mark. A clue is as sure as the least of what it rests on. Returns
    /// whether there was one.
    pub fn identify(&self, clue: &mut Clue, place: Where, text: &str) -> bool {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_TEXT {
            return false;
        }
        let Some(mark) = self.0.iter().find(|mark| mark.place == place && is_like(&mark.pattern, text)) else {
            return false;
        };
        // What says nothing new does not make the clue weaker.
        if clue.fact(Says::Vendor).is_none() && !mark.vendor.is_empty() {
            clue.confidence = clue.confidence.min(mark.confidence);
            clue.say(Says::Vendor, &mark.vendor);
        }
        if !mark.kind.is_empty() {
            clue.facts.retain(|fact| fact.0 != Says::Kind);
            clue.say(Says::Kind, &mark.kind);
        }
        true
    }
}

/// Reads a table with a header line: of each row the named columns, and what `read` makes of them.
pub(super) fn rows<T, const N: usize>(
    csv: &str,
    columns: [&str; N],
    limit: usize,
    read: impl Fn([&str; N]) -> Result<T, String>,
) -> Result<Vec<T>, BadData> {
    let bad =
        |error: csv::Error| BadData { line: error.position().map_or(0, csv::Position::line), what: error.to_string() };
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'!')).from_reader(csv.as_bytes());
    let header = reader.headers().map_err(bad)?.clone();
    let mut at = [0; N];
    for (place, name) in at.iter_mut().zip(columns) {
        let missing = || BadData { line: 1, what: format!("there is no column `{name}`") };
        *place = header.iter().position(|column| column.trim() == name).ok_or_else(missing)?;
    }
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(bad)?;
        let line = record.position().map_or(0, csv::Position::line);
        if all.len() >= limit {
            return Err(BadData { line, what: format!("there are more than {limit} entries") });
        }
        all.push(read(at.map(|at| record.get(at).unwrap_or_default().trim())).map_err(|what| BadData { line, what })?);
    }
    if all.is_empty() {
        return Err(BadData { line: 1, what: "the table is empty".into() });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::clue::Source;

    #[test]
    fn every_mark_is_on_its_example_and_not_on_what_is_near() {
        let columns = ["where", "vendor", "kind", "example", "near"];
        let cases = rows(include_str!("../../data/marks.csv"), columns, MAX_MARKS, |row| Ok(row.map(str::to_owned)));
        let marks = Marks::builtin();
        for [place, vendor, kind, example, near] in cases.expect("the shipped table") {
            let place = Where::from_name(&place).expect("a place");
            let mut clue = Clue::new(Source::Http, Confidence::High);
            assert!(marks.identify(&mut clue, place, &example), "{example}");
            let found = (clue.fact(Says::Vendor).unwrap_or_default(), clue.fact(Says::Kind).unwrap_or_default());
            assert_eq!(found, (vendor.as_str(), kind.as_str()), "{example}");
            let mut clue = Clue::new(Source::Http, Confidence::High);
            marks.identify(&mut clue, place, &near);
            assert!(!near.is_empty() && clue.facts.iter().all(|fact| fact.1 != vendor), "{near} passes for {vendor}");
        }
    }

    #[test]
    fn a_bad_table_is_refused_with_its_line() {
        let table = |row: &str| Marks::parse(&format!("where,pattern,vendor,kind,confidence\n{row}")).map(|_| ());
        for (row, message) in [
            ("model,*,x,,high\n", "line 2: a mark needs a pattern, and a vendor or a kind"),
            ("nowhere,a*,x,,high\n", "line 2: `nowhere` is no place"),
            ("model,a*,x,,sure\n", "line 2: confidence is low, medium or high"),
            ("", "line 1: the table is empty"),
        ] {
            assert_eq!(table(row).map_err(|error| error.to_string()), Err(message.to_owned()));
        }
    }
}
