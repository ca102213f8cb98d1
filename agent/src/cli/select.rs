//! Which devices are to be judged.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::base::Mac;
use crate::engine::DeviceStatus;

/// Which devices are to be judged; the rest is listed as not judged.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Selection {
    /// All watched devices, declared but unseen ones included.
    #[default]
    All,
    /// Those that the capture shows.
    Seen,
    /// Those that were named.
    Only(Vec<Selector>),
}

/// One device as the user names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// By MAC address.
    Mac(Mac),
    /// By one of its IP addresses.
    Ip(IpAddr),
    /// By its name in the inventory.
    Name(String),
}

impl Selector {
    /// Whether `device` is meant.
    pub fn matches(&self, device: &DeviceStatus) -> bool {
        match self {
            Selector::Mac(mac) => device.mac == Some(*mac),
            Selector::Ip(ip) => device.ips.contains(ip),
            Selector::Name(name) => device.name.as_ref() == Some(name),
        }
    }
}

impl FromStr for Selector {
    type Err = Infallible;

    /// A MAC address in any notation, an IP address, or else a name.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let mac = text.parse().map(Selector::Mac).ok();
        let ip = || text.parse().map(Selector::Ip).ok();
        Ok(mac.or_else(ip).unwrap_or_else(|| Selector::Name(text.to_owned())))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Mac(mac) => mac.fmt(f),
            Selector::Ip(ip) => ip.fmt(f),
            Selector::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::Verdict;
    use crate::report::sample;

    #[test]
    fn a_device_is_known_by_three_words() {
        let device = sample::device(1, Verdict::Isolated);
        for (text, meant) in [
            ("44-19-B6-01-02-01", true),
            ("10.110.0.11", true),
            ("entrance-1", true),
            ("entrance-2", false),
            ("10.110.0.12", false),
            ("44:19:b6:01:02:02", false),
        ] {
            let Ok(selector) = text.parse::<Selector>();
            assert_eq!(selector.matches(&device), meant, "{text}");
        }
    }
}
