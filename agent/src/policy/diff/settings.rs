//! What is neither rule nor zone nor device: whom to watch, what is inside, and how strict the judge is.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::hosts::Addresses;
use super::wording::{duration, some};
use super::zones::differing;
use super::{Judge, PolicyDiff, What};
use crate::policy::{Policy, Severity, Untagged};

const SHOWN: usize = 6;

pub(super) fn compare(old: &Policy, new: &Policy, judge: &Judge<'_>, diff: &mut PolicyDiff) {
    vendors(old, new, diff);
    internal(old, new, diff);
    domains(old, new, diff);
    coverage(old, new, diff);
    severity(old, new, judge, diff);
    tags(old, new, diff);
    for (key, before, after) in [("site", &old.site, &new.site), ("sensor", &old.sensor, &new.sensor)] {
        if before != after {
            let besides = if key == "site" { ", and all findings have other ids" } else { "" };
            diff.note(What::Name, key, format!("was `{before}`, is `{after}`{besides}"), None);
        }
    }
    match (old.builtin, new.builtin) {
        (false, true) => diff.open(What::Zone, "policy", "the built-in policy: any VLAN may be a home", None),
        (true, false) => {
            diff.close(What::Zone, "policy", "a policy of its own: homes are the zones that it names", None)
        }
        _ => {}
    }
}

fn vendors(old: &Policy, new: &Policy, diff: &mut PolicyDiff) {
    let (added, removed) = differing(&old.watch_vendors, &new.watch_vendors);
    for vendor in removed {
        diff.open(What::Vendor, &vendor, "its devices are no longer watched wherever they are", None);
    }
    for vendor in added {
        diff.close(What::Vendor, &vendor, "its devices are watched wherever they are", None);
    }
}

/// All that is inside, the prefixes of zones included.
fn internal(old: &Policy, new: &Policy, diff: &mut PolicyDiff) {
    let of = |policy: &Policy| {
        let zones = policy.zones.iter().flat_map(|zone| &zone.prefixes);
        Addresses::of(&policy.internal.iter().chain(zones).copied().collect::<Vec<IpNet>>())
    };
    let (before, after) = (of(old), of(new));
    let listed = |addresses: Addresses| {
        let hosts = addresses.listed(Vec::new());
        some(&hosts.addresses, SHOWN, hosts.left_out)
    };
    let (added, removed) = (after.minus(&before), before.minus(&after));
    let is_rewritten = old.internal != new.internal && added.is_empty() && removed.is_empty();
    if !added.is_empty() {
        diff.open(What::Internal, "internal", format!("{} no longer counts as internet", listed(added)), None);
    }
    if !removed.is_empty() {
        diff.close(What::Internal, "internal", format!("{} counts as internet", listed(removed)), None);
    }
    if is_rewritten {
        diff.note(What::Internal, "internal", "written otherwise; the same addresses are inside", None);
    }
}

fn domains(old: &Policy, new: &Policy, diff: &mut PolicyDiff) {
    let covers = |domains: &[String], name: &str| {
        domains.iter().any(|own| name == own || name.strip_suffix(own.as_str()).is_some_and(|rest| rest.ends_with('.')))
    };
    let (added, removed) = differing(&old.domains, &new.domains);
    for domain in added {
        match covers(&old.domains, &domain) {
            true => diff.note(What::Domain, &domain, "added inside a domain that was there", None),
            false => diff.open(What::Domain, &domain, "names in it may be looked up", None),
        }
    }
    for domain in removed {
        match covers(&new.domains, &domain) {
            true => diff.note(What::Domain, &domain, "removed inside a domain that stays", None),
            false => diff.close(What::Domain, &domain, "a name in it that a camera looks up is noticed", None),
        }
    }
}

fn coverage(old: &Policy, new: &Policy, diff: &mut PolicyDiff) {
    let (before, after) = (old.coverage, new.coverage);
    let time = |time: &i64| duration(*time);
    diff.looser_when_higher(What::Coverage, "coverage.silence", before.silence, after.silence, time);
    diff.looser_when_higher(What::Coverage, "coverage.loss", before.loss, after.loss, |loss| {
        format!("{}%", loss * 100.0)
    });
    diff.looser_when_higher(What::EdgeHops, "edge_hops", old.edge_hops, new.edge_hops, ToString::to_string);
    if old.hold != new.hold {
        let text = format!("a finding closes after {} of quiet, was {}", duration(new.hold), duration(old.hold));
        match new.hold < old.hold {
            true => diff.open(What::Hold, "hold", text, None),
            false => diff.close(What::Hold, "hold", text, None),
        }
    }
}

fn severity(old: &Policy, new: &Policy, judge: &Judge<'_>, diff: &mut PolicyDiff) {
    let kinds: BTreeSet<&String> = old.severity.keys().chain(new.severity.keys()).collect();
    for kind in kinds {
        let (before, after) = (old.severity.get(kind), new.severity.get(kind));
        if before == after {
            continue;
        }
        // What only an expired conduit would allow is a warning unless said otherwise.
        let defaults = (judge.severities)(kind);
        let of = |set: Option<&Severity>| -> Vec<Severity> {
            set.map_or_else(|| defaults.clone(), |set| vec![*set; defaults.len()])
        };
        let (befores, afters) = (of(before), of(after));
        let is_unknown = defaults.is_empty();
        let word = |set: Option<&Severity>| set.map_or("the default", |set| set.name());
        let text = format!("severity {}, was {}", word(after), word(before));
        if is_unknown || befores.iter().zip(&afters).any(|(before, after)| after < before) {
            diff.open(What::Severity, kind, text.clone(), None);
        }
        if is_unknown || befores.iter().zip(&afters).any(|(before, after)| after > before) {
            diff.close(What::Severity, kind, text.clone(), None);
        }
        if befores == afters && !is_unknown {
            diff.note(What::Severity, kind, text, None);
        }
    }
}

/// What an untagged frame means, and which tag is the mirror's own.
fn tags(old: &Policy, new: &Policy, diff: &mut PolicyDiff) {
    let said = |untagged: Untagged| match untagged {
        Untagged::Reject => "means that its VLAN is not known".to_owned(),
        Untagged::Vlan(vlan) => format!("is of VLAN {vlan}"),
        Untagged::Unknown => "is judged by its addresses alone".to_owned(),
    };
    let text = format!("a frame without a tag {}; before, it {}", said(new.untagged), said(old.untagged));
    let looseness = |untagged: Untagged| match untagged {
        Untagged::Reject => 0,
        Untagged::Vlan(_) => 1,
        Untagged::Unknown => 2,
    };
    if old.untagged != new.untagged {
        let (before, after) = (looseness(old.untagged), looseness(new.untagged));
        if before <= after {
            diff.open(What::Untagged, "untagged", text.clone(), None);
        }
        if before >= after || matches!(new.untagged, Untagged::Vlan(_)) {
            diff.close(What::Untagged, "untagged", text, None);
        }
    }
    if old.rspan_vlan != new.rspan_vlan {
        if let Some(vlan) = new.rspan_vlan {
            diff.open(
                What::RspanVlan,
                "rspan_vlan",
                format!("tag {vlan} is the mirror's own, and judged no more"),
                None,
            );
        }
        if let Some(vlan) = old.rspan_vlan {
            diff.close(What::RspanVlan, "rspan_vlan", format!("tag {vlan} is judged like any other"), None);
        }
    }
}
