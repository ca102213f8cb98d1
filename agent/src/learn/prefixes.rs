//! The prefixes of a link, from the masks of leases and the addresses seen on it. A public prefix is never proposed: what
//! is in a zone is not the internet any more.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::draft::{PrefixDraft, Whence};
use super::zones::own;
use crate::base::Mac;
use crate::engine::HostStatus;
use crate::policy::default_internal;

/// Masks that can be one segment's.
const MASKS: std::ops::RangeInclusive<u8> = 16..=30;
const GUESS_V4: u8 = 24;
const GUESS_V6: u8 = 64;

/// A prefix that addresses of cameras speak for.
#[derive(Clone, Debug, Default)]
pub(super) struct Vote {
    pub(super) cameras: BTreeSet<Mac>,
    pub(super) is_leased: bool,
    pub(super) has_gateway: bool,
}

impl Vote {
    fn is_strong(&self) -> bool {
        self.is_leased || self.has_gateway
    }

    pub(super) fn rank(&self) -> (bool, usize) {
        (self.is_strong(), self.cameras.len())
    }
}

/// Prefixes that these cameras of one link (`None`: untagged) speak for.
pub(super) fn votes(link: Option<u16>, cameras: &[&HostStatus], hosts: &[HostStatus]) -> BTreeMap<IpNet, Vote> {
    let leased: BTreeSet<IpNet> = cameras.iter().flat_map(|camera| leased_to(camera, link)).collect();
    let mut votes: BTreeMap<IpNet, Vote> = BTreeMap::new();
    for camera in cameras {
        for net in own(camera, link).filter_map(|ip| net_of(ip, &leased)) {
            let vote = votes.entry(net).or_default();
            vote.cameras.extend(camera.mac);
            vote.is_leased = leased.contains(&net);
        }
    }
    for (_, ip) in hosts.iter().filter(|host| host.is_gateway).flat_map(|host| &host.claims).filter(|c| c.0 == link) {
        for (_, vote) in votes.iter_mut().filter(|(net, _)| net.contains(ip)) {
            vote.has_gateway = true;
        }
    }
    votes
}

/// The prefix of an address among these that leases gave, or a guess; `None` if it is not private.
pub(super) fn net_of(ip: IpAddr, leased: &BTreeSet<IpNet>) -> Option<IpNet> {
    is_private(ip).then_some(())?;
    let by_lease = leased.iter().filter(|net| net.contains(&ip)).max_by_key(|net| net.prefix_len());
    by_lease.copied().or_else(|| net(ip, if ip.is_ipv4() { GUESS_V4 } else { GUESS_V6 }))
}

/// Of the prefixes of a VLAN those to propose, and the others. One that a single address speaks for gives way to others.
pub(super) fn choose(votes: &BTreeMap<IpNet, Vote>) -> (Vec<PrefixDraft>, Vec<IpNet>) {
    let family = |net: &IpNet| matches!(net, IpNet::V4(_));
    let best = |v4| votes.iter().filter(|(net, _)| family(net) == v4).map(|(_, vote)| vote.rank()).max();
    let (v4, v6) = (best(true), best(false));
    let (chosen, others): (Vec<_>, Vec<_>) = votes.iter().partition(|(net, vote)| {
        vote.is_strong() || vote.cameras.len() > 1 || Some(vote.rank()) == if family(net) { v4 } else { v6 }
    });
    let draft = |(net, vote): (&IpNet, &Vote)| prefix(*net, vote);
    (chosen.into_iter().map(draft).collect(), others.into_iter().map(|(net, _)| *net).collect())
}

pub(super) fn prefix(net: IpNet, vote: &Vote) -> PrefixDraft {
    PrefixDraft { net, whence: if vote.is_leased { Whence::Lease } else { Whence::Guess } }
}

/// The widest guess round an address that overlaps none of these.
pub(super) fn guess_beside(ip: IpAddr, mask: Option<u8>, taken: &[IpNet]) -> Option<PrefixDraft> {
    is_private(ip).then_some(())?;
    let leased = mask.filter(|mask| ip.is_ipv4() && MASKS.contains(mask));
    let (first, last) = if ip.is_ipv4() { (leased.unwrap_or(GUESS_V4), 32) } else { (GUESS_V6, 128) };
    let free = |net: &IpNet| !taken.iter().any(|other| other.contains(net) || net.contains(other));
    let net = (first..=last).filter_map(|length| net(ip, length)).find(free)?;
    let whence = if leased == Some(net.prefix_len()) { Whence::Lease } else { Whence::Guess };
    Some(PrefixDraft { net, whence })
}

fn leased_to(host: &HostStatus, link: Option<u16>) -> Vec<IpNet> {
    let Some(mask) = host.mask.filter(|mask| MASKS.contains(mask)) else { return Vec::new() };
    let nets = own(host, link).filter(IpAddr::is_ipv4).filter_map(|ip| net(ip, mask));
    nets.filter(|net| default_internal().iter().any(|internal| internal.contains(net))).collect()
}

/// In the prefixes that are inside by default.
pub(super) fn is_private(ip: IpAddr) -> bool {
    default_internal().iter().any(|net| net.contains(&ip))
}

fn net(ip: IpAddr, length: u8) -> Option<IpNet> {
    Some(match ip {
        IpAddr::V4(ip) => IpNet::V4(Ipv4Net::new(ip, length).ok()?.trunc()),
        IpAddr::V6(ip) => IpNet::V6(Ipv6Net::new(ip, length).ok()?.trunc()),
    })
}

/// A prefix as part of a name.
pub(super) fn word(net: &IpNet) -> String {
    let address = match net.network() {
        IpAddr::V4(ip) => ip.to_string().replace('.', "-"),
        IpAddr::V6(ip) => six(ip),
    };
    format!("{address}-{}", net.prefix_len())
}

fn six(ip: Ipv6Addr) -> String {
    let groups: Vec<String> = ip.segments().iter().map(|group| format!("{group:x}")).collect();
    // The second half of a /64 is zeros.
    let kept = if groups.iter().skip(4).all(|group| group == "0") { 4 } else { groups.len() };
    groups.into_iter().take(kept).collect::<Vec<_>>().join("-")
}
