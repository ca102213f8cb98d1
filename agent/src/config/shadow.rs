//! Conduits that an earlier one makes superfluous.

use ipnet::IpNet;

use super::conduits::{ConduitDraft, SideDraft};
use super::problem::quoted;
use super::source::{Source, Spanned};
use crate::base::Timestamp;
use crate::policy::Service;

/// Comparisons of hosts: enough for a thousand conduits with some hosts each, and no more than a blink.
const BUDGET: u64 = 20_000_000;

/// Reports each conduit that an earlier, unexpired one contains.
pub(super) fn lint(source: &mut Source, conduits: &[ConduitDraft], today: Timestamp) {
    let mut budget = BUDGET;
    for (index, conduit) in conduits.iter().enumerate() {
        let earlier =
            conduits.iter().take(index).filter(|other| other.expires.as_ref().is_none_or(|end| end.value > today));
        for other in earlier {
            if !contains(other, conduit, &mut budget) {
                continue;
            }
            source
                .lint(
                    conduit.at,
                    format!(
                        "conduit {} is shadowed by {} in line {}",
                        quoted(&conduit.name),
                        quoted(&other.name),
                        other.at.line
                    ),
                )
                .help("the earlier one allows all of it: remove one, or put the narrower one first");
            break;
        }
        if budget == 0 {
            source.lint(conduit.at, "too many hosts to tell whether the conduits from here on are shadowed");
            return;
        }
    }
}

fn contains(outer: &ConduitDraft, inner: &ConduitDraft, budget: &mut u64) -> bool {
    let outlives = match (&outer.expires, &inner.expires) {
        (None, _) => true,
        (Some(outer), Some(inner)) => outer.value >= inner.value,
        (Some(_), None) => false,
    };
    outlives
        && inner.permits.iter().all(|kind| outer.permits.iter().any(|other| other.value == kind.value))
        && inner.services.iter().all(|service| outer.services.iter().any(|other| covers(other.value, service.value)))
        && side_contains(&outer.from, &inner.from, budget)
        && side_contains(&outer.to, &inner.to, budget)
}

fn covers(outer: Service, inner: Service) -> bool {
    match (outer, inner) {
        (Service::Any, _) | (Service::Icmp, Service::Icmp) => true,
        (Service::Ip { proto: a, first, last }, Service::Ip { proto: b, first: low, last: high }) => {
            a == b && first <= low && high <= last
        }
        _ => false,
    }
}

fn side_contains(outer: &SideDraft, inner: &SideDraft, budget: &mut u64) -> bool {
    let zones = outer.zones.is_empty()
        || (!inner.zones.is_empty()
            && inner.zones.iter().all(|zone| outer.zones.iter().any(|other| other.value == zone.value)));
    zones
        && (outer.hosts.is_empty()
            || (!inner.hosts.is_empty() && inner.hosts.iter().all(|host| listed(&outer.hosts, &host.value, budget))))
}

fn listed(hosts: &[Spanned<IpNet>], net: &IpNet, budget: &mut u64) -> bool {
    *budget = budget.saturating_sub(hosts.len() as u64);
    *budget > 0 && hosts.iter().any(|host| host.value.contains(net))
}
