//! Names of vendor clouds, peer-to-peer brokers and time servers. Data, not code: `agent/data/cloud-names.csv`.
//!
//! Columns: `suffix` (the name, or what it ends with after a dot), `vendor` (empty where it is nobody's in particular),
//! `purpose`, `source`, `confidence`.

use std::net::IpAddr;

use super::clue::Confidence;
use super::marks::{BadData, rows};

/// Names of one table.
const MAX_NAMES: usize = 4_096;

/// What is known of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cloud {
    suffix: String,
    /// Word of the vendor table, or empty.
    pub vendor: String,
    /// What it serves for.
    pub purpose: String,
}

/// All names, the longest first.
#[derive(Clone, Debug)]
pub struct CloudNames(Vec<Cloud>);

impl CloudNames {
    /// The names that segwatch was built with.
    pub fn builtin() -> Self {
        match Self::parse(include_str!("../../data/cloud-names.csv")) {
            Ok(names) => names,
            Err(error) => unreachable!("a test reads the shipped names: {error}"),
        }
    }

    /// Reads a table.
    pub fn parse(csv: &str) -> Result<Self, BadData> {
        let columns = ["suffix", "vendor", "purpose", "confidence"];
        let mut names = rows(csv, columns, MAX_NAMES, |[suffix, vendor, purpose, confidence]| {
            Confidence::from_name(confidence).ok_or("confidence is low, medium or high")?;
            if !suffix.contains('.') || suffix.starts_with('.') || suffix != suffix.to_lowercase() || purpose.is_empty()
            {
                return Err("a name needs a dot inside, small letters, and a purpose".to_owned());
            }
            Ok(Cloud { suffix: suffix.to_owned(), vendor: vendor.to_owned(), purpose: purpose.to_owned() })
        })?;
        names.sort_by_key(|name| std::cmp::Reverse(name.suffix.len()));
        Ok(CloudNames(names))
    }

    /// What is known of a name in lower case.
    pub fn find(&self, name: &str) -> Option<&Cloud> {
        self.0.iter().find(|cloud| is_under(name, &cloud.suffix))
    }
}

/// Whether a name that a device resolves is outside: not under the site's domains, not of the link (`.local`), not one
/// label, not the reverse of an internal address.
pub fn is_outside(name: &str, domains: &[String], is_internal: impl Fn(IpAddr) -> bool) -> bool {
    let special = ["local", "localhost", "home.arpa"].iter().any(|special| is_under(name, special));
    let own = domains.iter().any(|domain| is_under(name, domain));
    if !name.contains('.') || special || own {
        return false;
    }
    match reversed(name) {
        Some(ip) => !is_internal(ip),
        // Half an address, or service discovery below one.
        None => !is_under(name, "in-addr.arpa") && !is_under(name, "ip6.arpa"),
    }
}

fn is_under(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The address that a reverse name asks for (RFC 1035, section 3.5; RFC 3596, section 2.5).
fn reversed(name: &str) -> Option<IpAddr> {
    if let Some(octets) = name.strip_suffix(".in-addr.arpa") {
        let octets: Vec<&str> = octets.rsplit('.').collect();
        return octets.join(".").parse().ok();
    }
    let nibbles: String = name.strip_suffix(".ip6.arpa")?.rsplit('.').collect();
    (nibbles.len() == 32).then(|| u128::from_str_radix(&nibbles, 16).ok()).flatten().map(|bits| IpAddr::V6(bits.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_and_what_is_near_is_not() {
        let csv = include_str!("../../data/cloud-names.csv");
        let suffixes = rows(csv, ["suffix", "vendor"], MAX_NAMES, |row| Ok(row.map(str::to_owned))).expect("the table");
        let names = CloudNames::builtin();
        for [suffix, vendor] in suffixes {
            for name in [suffix.clone(), format!("eu.{suffix}")] {
                assert_eq!(names.find(&name).map(|cloud| cloud.vendor.as_str()), Some(vendor.as_str()), "{name}");
            }
            for near in [format!("not{suffix}"), format!("{suffix}.region.example")] {
                assert!(names.find(&near).is_none_or(|cloud| cloud.suffix != suffix), "{near}");
            }
        }
    }

    #[test]
    fn what_stays_inside_is_told_from_what_does_not() {
        let domains = ["region.example".to_owned()];
        let is_internal = |ip: IpAddr| matches!(ip, IpAddr::V4(v4) if v4.is_private());
        for (name, outside) in [
            ("dev.hik-connect.com", true),
            ("time.region.example", false),
            ("region.example", false),
            ("notregion.example", true),
            ("camera.local", false),
            ("nvr", false),
            ("11.0.110.10.in-addr.arpa", false),
            ("8.8.8.8.in-addr.arpa", true),
            ("b._dns-sd._udp.0.0.110.10.in-addr.arpa", false),
        ] {
            assert_eq!(is_outside(name, &domains, is_internal), outside, "{name}");
        }
    }
}
