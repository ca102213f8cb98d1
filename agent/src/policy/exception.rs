//! Exceptions: findings that people know of, and that somebody answers for until a day.

use std::net::IpAddr;

use super::model::{Place, Policy};
use crate::base::{Mac, Timestamp};

/// A finding that neither pages nor makes a ticket until it expires. What it means for a verdict stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exception {
    /// The device that it is about.
    pub device: Whom,
    /// The kind of finding, by its name.
    pub kind: String,
    /// Zone of the other end by its name, `internet`, `internal` or `none`; any without one.
    pub peer_zone: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is.
    pub reason: String,
    /// From this time on it is none.
    pub expires: Timestamp,
    /// Where it is declared.
    pub place: Place,
}

/// A device as an exception names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Whom {
    /// One of the inventory, by its index.
    Listed(u32),
    /// One that the inventory does not have.
    Mac(Mac),
    /// One that the inventory does not have.
    Ip(IpAddr),
}

impl Exception {
    /// The last day on which it holds, as the policy writes it.
    pub fn last_day(&self) -> String {
        self.expires.day_before()
    }

    /// Whether some finding is meant by both.
    pub fn overlaps(&self, other: &Exception) -> bool {
        let zones = match (&self.peer_zone, &other.peer_zone) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        self.device == other.device && self.kind == other.kind && zones
    }
}

impl Policy {
    /// The exception for a finding, of several the one that holds longest. `is` tells whether a name of a device is its own.
    pub fn exception(
        &self,
        is: impl Fn(Whom) -> bool,
        kind: &str,
        peer_zone: &str,
        at: Timestamp,
    ) -> Option<&Exception> {
        let holds = |exception: &&Exception| {
            exception.kind == kind
                && at < exception.expires
                && exception.peer_zone.as_ref().is_none_or(|zone| zone == peer_zone)
                && is(exception.device)
        };
        // Of equal ones the first in the file.
        self.exceptions.iter().rev().filter(holds).max_by_key(|exception| exception.expires)
    }

    /// Whether findings of a kind can be muted.
    pub fn excepts(&self, kind: &str) -> bool {
        self.exceptions.iter().any(|exception| exception.kind == kind)
    }

    /// How an exception's device is called: by its name in the inventory, else its MAC or address.
    pub fn name_of(&self, device: Whom) -> String {
        let listed = match device {
            Whom::Listed(at) => self.inventory.get(at as usize),
            Whom::Mac(mac) => return mac.to_string(),
            Whom::Ip(ip) => return ip.to_string(),
        };
        let Some(entry) = listed else { return String::new() };
        let address = || entry.mac.map(|mac| mac.to_string()).or(entry.ip.map(|ip| ip.to_string()));
        Some(entry.name.clone()).filter(|name| !name.is_empty()).or_else(address).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{InventoryDevice, default_internal};

    fn exception(device: Whom, peer_zone: Option<&str>, expires: i64, owner: &str) -> Exception {
        Exception {
            device,
            kind: "internet-egress".to_owned(),
            peer_zone: peer_zone.map(str::to_owned),
            owner: owner.to_owned(),
            reason: "known".to_owned(),
            expires: Timestamp::new(expires, 0),
            place: Place::default(),
        }
    }

    #[test]
    fn the_one_that_holds_longest_is_told() {
        let mut policy = Policy::build(Vec::new(), default_internal());
        policy.inventory = vec![InventoryDevice { name: "entrance".to_owned(), ..InventoryDevice::default() }];
        let whom = Whom::Listed(0);
        policy.exceptions = vec![
            exception(whom, Some("internet"), 100, "a"),
            exception(whom, None, 200, "b"),
            exception(whom, None, 200, "c"),
            exception(Whom::Mac(Mac([2, 0, 0, 0, 0, 1])), None, 900, "d"),
        ];
        let owner = |kind: &str, zone: &str, at: i64| {
            let found = policy.exception(|device| device == whom, kind, zone, Timestamp::new(at, 0));
            found.map(|exception| exception.owner.clone())
        };
        assert_eq!(owner("internet-egress", "internet", 50).as_deref(), Some("b"));
        assert_eq!(owner("internet-egress", "clinical", 199).as_deref(), Some("b"));
        assert_eq!(owner("internet-egress", "internet", 200), None, "the moment it expires");
        assert_eq!(owner("internet-ingress", "internet", 50), None);
        assert!(policy.excepts("internet-egress") && !policy.excepts("tunnel"));
        assert_eq!(policy.name_of(whom), "entrance");
    }

    #[test]
    fn overlapping_is_told_by_device_kind_and_zone() {
        let (whom, other) = (Whom::Listed(0), Whom::Listed(1));
        let one = exception(whom, Some("internet"), 1, "a");
        assert!(one.overlaps(&exception(whom, None, 9, "b")) && one.overlaps(&one));
        assert!(!one.overlaps(&exception(whom, Some("clinical"), 1, "a")));
        assert!(!one.overlaps(&exception(other, Some("internet"), 1, "a")));
    }
}
