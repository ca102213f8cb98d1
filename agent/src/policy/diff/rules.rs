//! Who may open what to whom: the rules of a policy as sets of hosts, services and times, and what one policy's sets hold
//! that the other's do not.

use super::hosts::{Addresses, HostSet, ZoneKey, bounds, embedding};
use super::pairing::{Pairing, Side};
use super::ranges::Ranges;
use super::wording::{duration, flows_text, permits_text};
use super::{Change, Flows, Judge, PolicyDiff, What, keep, services};
use crate::base::Timestamp;
use crate::policy::{Conduit, Place, Policy, Scope, Service, ZoneId, conduit};

/// Parts of what one rule opens; with more, the whole rule is told, and that it is not exact.
const MAX_PARTS: usize = 512;
/// What a conduit may permit besides, one set each.
const PERMITTED: [&str; 3] = ["exploit-attempt", "port-mapping", "cloud-lookup"];
const TUNNEL: &str = "tunnel";
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Flows: from × to × services × times.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Area {
    pub(super) from: HostSet,
    pub(super) to: HostSet,
    pub(super) services: Ranges,
    pub(super) times: Ranges,
}

/// What a rule allows.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) what: What,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) area: Area,
}

/// What a rule allows that the other policy does not.
pub(super) struct Gain {
    pub(super) rule: Rule,
    pub(super) parts: Vec<Area>,
    pub(super) exact: bool,
}

pub(super) fn compare(old: &Policy, new: &Policy, pairing: &Pairing, judge: &Judge<'_>, diff: &mut PolicyDiff) {
    let (old, new) = (View::of(old, Side::Old, pairing, judge), View::of(new, Side::New, pairing, judge));
    for (ours, theirs, into) in [(&new, &old, &mut diff.opens), (&old, &new, &mut diff.closes)] {
        let mut teller = Teller { pairing, into, left_out: &mut diff.left_out };
        let allowed = gained(&ours.flows(), &theirs.flows());
        let known: Vec<Area> = allowed.iter().flat_map(|gain| gain.parts.clone()).collect();
        allowed.iter().for_each(|gain| teller.tell(gain.rule.what, gain, flows_text));
        for mut gain in gained(&ours.tunnels(), &theirs.tunnels()) {
            // A tunnel whose flow itself is opened is no news.
            gain.parts =
                known.iter().fold(gain.parts, |parts, area| parts.iter().flat_map(|p| p.minus(area)).collect());
            teller.tell(What::Permits, &gain, |flows| permits_text(TUNNEL, flows));
        }
        for kind in PERMITTED {
            for gain in gained(&ours.permitting(kind), &theirs.permitting(kind)) {
                teller.tell(What::Permits, &gain, |flows| permits_text(kind, flows));
            }
        }
    }
    conduits_renamed(&old, &new, diff);
}

/// Puts what was gained into words.
struct Teller<'a> {
    pairing: &'a Pairing,
    into: &'a mut Vec<Change>,
    left_out: &'a mut u64,
}

impl Teller<'_> {
    fn tell(&mut self, what: What, gain: &Gain, text: impl Fn(&Flows) -> String) {
        // Devices at home elsewhere than their address says are told of where a rule is about them alone.
        let is_usual = gain.parts.iter().any(Area::is_by_address);
        for area in gain.parts.iter().filter(|area| !is_usual || area.is_by_address()) {
            let flows = area.told(self.pairing, gain.exact);
            let mut change = Change::new(what, &gain.rule.name, text(&flows), Some(&gain.rule.place));
            change.flows = Some(flows);
            keep(self.into, self.left_out, change);
        }
    }
}

/// What each rule of `ours` allows that none of `theirs` does.
pub(super) fn gained(ours: &[Rule], theirs: &[Rule]) -> Vec<Gain> {
    let mut gains = Vec::new();
    for rule in ours {
        // Its own former self leaves least of it.
        let mut others: Vec<&Rule> = theirs.iter().collect();
        others.sort_by_key(|other| other.name != rule.name);
        let (mut parts, mut exact) = (vec![rule.area.clone()], true);
        parts.retain(|area| !area.is_empty());
        for other in others {
            if parts.is_empty() {
                break;
            }
            let left: Vec<Area> = parts.iter().flat_map(|part| part.minus(&other.area)).collect();
            if left.len() > MAX_PARTS {
                (parts, exact) = (vec![rule.area.clone()], false);
                break;
            }
            parts = left;
        }
        if !parts.is_empty() {
            gains.push(Gain { rule: rule.clone(), parts, exact });
        }
    }
    gains
}

impl Area {
    fn is_empty(&self) -> bool {
        self.from.is_empty() || self.to.is_empty() || self.services.is_empty() || self.times.is_empty()
    }

    fn is_by_address(&self) -> bool {
        self.from.is_by_address() && self.to.is_by_address()
    }

    /// The parts of it that `other` does not hold; they do not overlap.
    fn minus(&self, other: &Area) -> Vec<Area> {
        let common = Area {
            from: self.from.and(&other.from),
            to: self.to.and(&other.to),
            services: self.services.and(&other.services),
            times: self.times.and(&other.times),
        };
        if common.is_empty() {
            return vec![self.clone()];
        }
        let parts = [
            Area { from: self.from.minus(&other.from), ..self.clone() },
            Area { from: common.from.clone(), to: self.to.minus(&other.to), ..self.clone() },
            Area {
                from: common.from.clone(),
                to: common.to.clone(),
                services: self.services.minus(&other.services),
                times: self.times.clone(),
            },
            Area { times: self.times.minus(&other.times), ..common },
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect()
    }

    fn told(&self, pairing: &Pairing, exact: bool) -> Flows {
        let name = |key: ZoneKey| pairing.name(key);
        let (first, last) = (self.times.iter().next(), self.times.iter().last());
        let always = always().iter().next();
        Flows {
            from: self.from.listed(name),
            to: self.to.listed(name),
            services: services::written(&self.services),
            since: first.filter(|range| Some(range.0) != always.map(|a| a.0)).map(|range| time_of(range.0)),
            until: last.filter(|range| Some(range.1) != always.map(|a| a.1)).map(|range| time_of(range.1 + 1)),
            exact,
        }
    }
}

/// A policy with its hosts worked out.
pub(super) struct View<'p> {
    policy: &'p Policy,
    side: Side,
    pairing: &'p Pairing,
    tunnel_ports: &'p [u16],
    /// By index of the zone: addresses that belong to it.
    zones: Vec<Addresses>,
}

impl<'p> View<'p> {
    pub(super) fn of(policy: &'p Policy, side: Side, pairing: &'p Pairing, judge: &Judge<'p>) -> View<'p> {
        View { policy, side, pairing, tunnel_ports: judge.tunnel_ports, zones: zone_addresses(policy) }
    }

    /// Flows that are allowed: at home, DHCP, by conduit.
    pub(super) fn flows(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (zone, id) in self.policy.zones.iter().zip((0..=u16::MAX).map(ZoneId)) {
            let home = self.zone(id);
            let rule = |what, area| Rule { what, name: zone.name.clone(), place: zone.place.clone(), area };
            let area = |to: HostSet, services| Area { from: home.clone(), to, services, times: always() };
            rules.push(rule(What::Home, area(home.clone(), services::all())));
            if !zone.dhcp.is_empty() {
                let servers: Vec<_> = zone.dhcp.iter().map(|ip| ipnet::IpNet::from(*ip)).collect();
                let servers = Addresses::of(&servers);
                let to = HostSet::of(servers.clone(), self.pairing.placed().map(|key| (key, servers.clone())));
                let udp = |first, last| Service::Ip { proto: UDP, first, last };
                rules.push(rule(What::Dhcp, area(to, services::set([udp(67, 68), udp(546, 547)]))));
            }
        }
        rules.extend(
            self.policy.conduits.iter().map(|conduit| self.rule(conduit, services::set(conduit.services.clone()))),
        );
        rules
    }

    /// Tunnels that conduits let pass: those that name the tunnel or permit any.
    pub(super) fn tunnels(&self) -> Vec<Rule> {
        let named = |service: &Service| match *service {
            Service::Ip { proto: TCP | UDP, first, last } => first == last && self.tunnel_ports.contains(&first),
            Service::Ip { .. } => true,
            Service::Any | Service::Icmp => false,
        };
        let of = |conduit: &Conduit| {
            let services = conduit.services.iter().copied().filter(|service| conduit.permits(TUNNEL) || named(service));
            self.rule(conduit, services::set(services))
        };
        self.policy.conduits.iter().map(of).collect()
    }

    /// Flows of which conduits permit a kind of finding besides.
    pub(super) fn permitting(&self, kind: &str) -> Vec<Rule> {
        let conduits = self.policy.conduits.iter().filter(|conduit| conduit.permits(kind));
        conduits.map(|conduit| self.rule(conduit, services::set(conduit.services.clone()))).collect()
    }

    fn rule(&self, conduit: &Conduit, services: Ranges) -> Rule {
        let area = Area {
            from: self.hosts(&conduit.from),
            to: self.hosts(&conduit.to),
            services,
            times: conduit.expires.map_or_else(always, |end| match number_of(end).checked_sub(1) {
                Some(last) => Ranges::of(0, last),
                None => Ranges::default(),
            }),
        };
        Rule { what: What::Conduit, name: conduit.name.clone(), place: conduit.place.clone(), area }
    }

    fn hosts(&self, side: &conduit::Side) -> HostSet {
        let hosts = if side.hosts.is_empty() { Addresses::all() } else { Addresses::of(&side.hosts) };
        if side.zones.is_empty() {
            if side.hosts.is_empty() {
                return HostSet::default();
            }
            return HostSet::of(hosts.clone(), self.pairing.placed().map(|key| (key, hosts.clone())));
        }
        let of_zones = side.zones.iter().filter_map(|id| self.zones.get(usize::from(id.0)));
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for zone in of_zones {
            v4.extend(zone.v4.iter());
            v6.extend(zone.v6.iter());
        }
        let belonging = Addresses { v4: Ranges::union(v4), v6: Ranges::union(v6) }.and(&hosts);
        let keys: Vec<ZoneKey> = side.zones.iter().filter_map(|id| self.pairing.key(self.side, *id)).collect();
        HostSet::of(belonging, self.pairing.placed().filter(|key| keys.contains(key)).map(|key| (key, hosts.clone())))
    }

    fn zone(&self, id: ZoneId) -> HostSet {
        self.hosts(&conduit::Side { zones: vec![id], hosts: Vec::new() })
    }
}

/// The addresses that belong to each zone: by the longest prefix, and for devices of the inventory by their home.
fn zone_addresses(policy: &Policy) -> Vec<Addresses> {
    let mut ranges: Vec<[Vec<(u128, u128)>; 2]> = vec![[Vec::new(), Vec::new()]; policy.zones.len()];
    let nets = || policy.zones.iter().flat_map(|zone| zone.prefixes.iter().copied());
    for (family, is_v4, end) in [(0, true, u128::from(u32::MAX)), (1, false, u128::MAX)] {
        // Between two borders of prefixes all addresses belong to the same zone.
        let mut borders: Vec<u128> = nets()
            .filter(|net| net.addr().is_ipv4() == is_v4)
            .map(bounds)
            .flat_map(|(first, last)| [Some(first), last.checked_add(1).filter(|next| *next <= end)])
            .flatten()
            .collect();
        borders.sort_unstable();
        borders.dedup();
        for (at, &first) in borders.iter().enumerate() {
            let last = borders.get(at + 1).map_or(end, |next| next - 1);
            // The last address may be a broadcast, which belongs to nobody.
            let middle = first + (last - first) / 2;
            let owner = match is_v4 {
                true => policy.scope(std::net::Ipv4Addr::from_bits(middle as u32).into()),
                false => policy.scope(std::net::Ipv6Addr::from_bits(middle).into()),
            };
            if let Scope::Zone(id) = owner
                && let Some(ranges) = ranges.get_mut(usize::from(id.0)).and_then(|families| families.get_mut(family))
            {
                ranges.push((first, last));
            }
        }
    }
    let all_embedding = embedding(&Ranges::of(0, u128::from(u32::MAX)));
    let mut zones: Vec<Addresses> = ranges
        .into_iter()
        .map(|[v4, v6]| {
            let v4 = Ranges::union(v4);
            let v6 = Ranges::union(v6).minus(&all_embedding);
            Addresses { v6: Ranges::union(v6.iter().chain(embedding(&v4).iter())), v4 }
        })
        .collect();
    let listed = policy.inventory.iter().filter_map(|device| Some((device.ip?, device.zone?)));
    for (ip, home) in listed {
        let one = Addresses::of(&[ip.into()]);
        for (zone, at) in zones.iter_mut().zip(0u16..) {
            if at == home.0 {
                *zone = zone.with(&one);
            } else if !zone.and(&one).is_empty() {
                *zone = zone.minus(&one);
            }
        }
    }
    zones
}

/// Conduits that allow the same under another name, or for another reason, or in another order.
fn conduits_renamed(old: &View<'_>, new: &View<'_>, diff: &mut PolicyDiff) {
    let same = |a: &Conduit, b: &Conduit| {
        old.rule(a, services::set(a.services.clone())).area == new.rule(b, services::set(b.services.clone())).area
    };
    let (olds, news) = (&old.policy.conduits, &new.policy.conduits);
    let mut former: Vec<usize> = Vec::new();
    for conduit in news {
        let by_name = olds.iter().position(|other| other.name == conduit.name);
        let twin =
            || olds.iter().position(|other| !news.iter().any(|new| new.name == other.name) && same(other, conduit));
        let found = by_name.or_else(twin).and_then(|at| Some((at, olds.get(at)?)));
        canary(found.map(|(_, before)| before), Some(conduit), diff);
        let Some((at, before)) = found else { continue };
        former.push(at);
        let mut note = |key: &str, old: &str, new: &str| {
            if old != new {
                let text = format!("{key} was {}, is {}", said(old), said(new));
                diff.note(What::Name, &conduit.name, text, Some(&conduit.place));
            }
        };
        note("name", &before.name, &conduit.name);
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        note("owner", &word(&before.owner), &word(&conduit.owner));
        note("reason", &word(&before.reason), &word(&conduit.reason));
        if same(before, conduit) && before.services != conduit.services {
            let text = "the same services, written otherwise: a port that stands alone helps to tell who opened a flow \
                        caught in the middle";
            diff.note(What::Name, &conduit.name, text, Some(&conduit.place));
        }
    }
    for (_, gone) in olds.iter().enumerate().filter(|(at, _)| !former.contains(at)) {
        canary(Some(gone), None, diff);
    }
    if !former.is_sorted() {
        let text = "conduits stand in another order: of several that allow a flow, the first is named";
        diff.note(What::Order, "conduits", text, None);
    }
}

/// How often a conduit's traffic must be seen.
fn canary(before: Option<&Conduit>, after: Option<&Conduit>, diff: &mut PolicyDiff) {
    let Some(conduit) = after.or(before) else { return };
    let [old, new] = [before, after].map(|conduit| conduit.and_then(|conduit| conduit.canary));
    let often =
        |interval: Option<i64>| interval.map_or("never".to_owned(), |every| format!("every {}", duration(every)));
    let text = format!("must be seen {}, was {}", often(new), often(old));
    match (old.unwrap_or(i64::MAX), new.unwrap_or(i64::MAX)) {
        (old, new) if old < new => diff.open(What::Canary, &conduit.name, text, Some(&conduit.place)),
        (old, new) if old > new => diff.close(What::Canary, &conduit.name, text, Some(&conduit.place)),
        _ => {}
    }
}

fn said(text: &str) -> String {
    if text.is_empty() { "not said".to_owned() } else { format!("`{text}`") }
}

fn always() -> Ranges {
    Ranges::of(0, u128::from(u64::MAX))
}

/// Times as numbers from 0.
pub(super) fn number_of(at: Timestamp) -> u128 {
    (i128::from(at.0) - i128::from(i64::MIN)) as u128
}

fn time_of(number: u128) -> Timestamp {
    let nanoseconds = i128::try_from(number).unwrap_or(i128::MAX) + i128::from(i64::MIN);
    Timestamp(i64::try_from(nanoseconds).unwrap_or(i64::MAX))
}
