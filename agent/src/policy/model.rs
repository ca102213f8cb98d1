//! The policy as it is used: validated, with every name resolved.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::conduit::Conduit;
use super::exception::Exception;
use crate::base::{Mac, Timestamp};

/// Index into [`Policy::zones`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ZoneId(pub u16);

/// Where a rule stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Place {
    /// File as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

/// What an untagged frame means (DESIGN: `capture[].untagged`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Untagged {
    /// Its VLAN is not known, which makes its device unverified where the home names VLANs.
    #[default]
    Reject,
    /// An access port's SPAN: it belongs to this VLAN.
    Vlan(u16),
    /// Prefixes decide; nothing is claimed about VLANs.
    Unknown,
}

/// A named network segment.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// Its hosts are watched.
    pub cameras: bool,
    /// Between router and firewall: a copy here proves nothing.
    pub transit: bool,
    /// Where cameras boot (network access control): DHCP, ARP, ND and EAPOL of watched devices are no finding here.
    pub onboarding: bool,
    /// VLAN ids, sorted.
    pub vlans: Vec<u16>,
    /// Prefixes, as written.
    pub prefixes: Vec<IpNet>,
    /// Addresses of its gateways.
    pub gateways: Vec<IpAddr>,
    /// Addresses of its DHCP servers.
    pub dhcp: Vec<IpAddr>,
    /// Where it is declared.
    pub place: Place,
}

/// One line of the inventory.
#[derive(Clone, Debug, Default)]
pub struct InventoryDevice {
    /// Its name; may be empty.
    pub name: String,
    /// Its MAC.
    pub mac: Option<Mac>,
    /// Its address.
    pub ip: Option<IpAddr>,
    /// Its home.
    pub zone: Option<ZoneId>,
    /// What it is used for (`clinical`, `street`, …).
    pub use_: String,
    /// Model as listed.
    pub model: String,
    /// Firmware as listed.
    pub firmware: String,
    /// The sensor that is expected to see it; empty: all.
    pub sensor: String,
    /// Not expected until this time.
    pub out_of_service: Option<Timestamp>,
    /// Where it is declared.
    pub place: Place,
}

/// When a device counts as covered.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Coverage {
    /// Nanoseconds without a frame after which a device is silent (default 1 h).
    pub silence: i64,
    /// Share of lost packets, 0 to 1, above which it is not covered (default 0.01).
    pub loss: f64,
}

/// How urgent a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// For the record.
    Info,
    /// A ticket.
    Warning,
    /// A page.
    Critical,
}

impl Severity {
    /// The word used in labels and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// A validated policy. Made by [`Policy::build`], because zones and `internal` are indexed for the lookups.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Name of the site.
    pub site: String,
    /// Name of this sensor.
    pub sensor: String,
    /// All zones; [`ZoneId`] indexes this.
    pub zones: Vec<Zone>,
    /// All conduits, in file order.
    pub conduits: Vec<Conduit>,
    /// The inventory.
    pub inventory: Vec<InventoryDevice>,
    /// Vendors (words of the vendor table) whose devices are watched.
    pub watch_vendors: Vec<String>,
    /// What counts as inside, zone prefixes aside.
    pub internal: Vec<IpNet>,
    /// The site's own DNS domains, lower case.
    pub domains: Vec<String>,
    /// When a device is covered.
    pub coverage: Coverage,
    /// Nanoseconds of quiet after which a finding closes (default 24 h).
    pub hold: i64,
    /// Hops that a firewall may be away and still count as made on this link (default 0).
    pub edge_hops: u8,
    /// What an untagged frame means.
    pub untagged: Untagged,
    /// The mirror's own tag, removed before a VLAN is judged.
    pub rspan_vlan: Option<u16>,
    /// Severities that the user set, by kind of finding.
    pub severity: BTreeMap<String, Severity>,
    /// Findings that neither page nor make a ticket for a while.
    pub exceptions: Vec<Exception>,
    /// No file was given: every VLAN is the home of the cameras seen in it.
    pub builtin: bool,
    /// The file, as the user named it.
    pub file: Option<String>,
    /// SHA-256 in hexadecimal of the file (and of `devices_file`), or of the built-in policy.
    pub hash: String,
    pub(super) index: super::scope::Index,
}
