//! A policy that is proposed, before it is text.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::base::{Mac, Timestamp};
use crate::policy::Service;

/// What is proposed, and what is not.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Camera zones, then the others.
    pub zones: Vec<ZoneDraft>,
    /// The cameras, by zone and MAC.
    pub devices: Vec<DeviceDraft>,
    /// Allowed paths.
    pub conduits: Vec<ConduitDraft>,
    /// Watched vendors.
    pub vendors: Vec<String>,
    /// What was seen and is not proposed, with the reason.
    pub omitted: Vec<String>,
}

/// What a zone is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// Cameras live here.
    Cameras,
    /// Cameras boot here.
    Onboarding,
    /// Peers of cameras live here.
    Peers,
}

/// How a prefix is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whence {
    /// A DHCP lease gave its mask.
    Lease,
    /// Its length is a guess round addresses that were seen.
    Guess,
}

/// A prefix of a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefixDraft {
    /// The prefix.
    pub net: IpNet,
    /// How it is known.
    pub whence: Whence,
}

/// A zone.
#[derive(Clone, Debug)]
pub struct ZoneDraft {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Its VLAN; `None` without tags, or where its link was not seen.
    pub vlan: Option<u16>,
    /// Its prefixes.
    pub prefixes: Vec<PrefixDraft>,
    /// Its gateways.
    pub gateways: BTreeSet<IpAddr>,
    /// Its DHCP servers.
    pub dhcp: BTreeSet<IpAddr>,
    /// What a reviewer should know.
    pub remarks: Vec<String>,
}

impl ZoneDraft {
    pub(super) fn new(name: String, role: Role, vlan: Option<u16>, prefixes: Vec<PrefixDraft>) -> ZoneDraft {
        let (gateways, dhcp, remarks) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        ZoneDraft { name, role, vlan, prefixes, gateways, dhcp, remarks }
    }

    pub(super) fn holds(&self, ip: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.net.contains(&ip))
    }
}

/// A camera.
#[derive(Clone, Debug)]
pub struct DeviceDraft {
    /// Made from its MAC.
    pub name: String,
    /// Its MAC.
    pub mac: Mac,
    /// Its address in its zone, if no other camera has it too.
    pub ip: Option<IpAddr>,
    /// Its home.
    pub zone: String,
    /// Its model, where it said so.
    pub model: Option<String>,
    /// Its firmware, where it said so.
    pub firmware: Option<String>,
    /// What identified it, and what was seen of it.
    pub remark: String,
}

/// An allowed path.
#[derive(Clone, Debug)]
pub struct ConduitDraft {
    /// Its name.
    pub name: String,
    /// Who opens.
    pub from: SideDraft,
    /// To whom.
    pub to: SideDraft,
    /// Which services.
    pub services: Vec<Service>,
    /// Packets seen of it.
    pub packets: u64,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// What a reviewer should know.
    pub remarks: BTreeSet<&'static str>,
}

/// One side of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SideDraft {
    /// The zone; `None` only where there are too many zones.
    pub zone: Option<String>,
    /// The hosts; empty: all of the zone.
    pub hosts: Vec<IpAddr>,
}
