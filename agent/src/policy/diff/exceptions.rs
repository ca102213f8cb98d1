//! Exceptions: which findings neither page nor make a ticket, and until when.

use std::net::IpAddr;

use super::pairing::Pairing;
use super::{PolicyDiff, What};
use crate::base::Mac;
use crate::policy::{Exception, Policy, Whom, ZoneId};

/// What tells exceptions apart in both policies.
#[derive(PartialEq)]
struct Subject<'a> {
    device: (Option<Mac>, Option<IpAddr>),
    kind: &'a str,
    /// By its name in the new policy.
    peer_zone: Option<String>,
}

pub(super) fn compare(old: &Policy, new: &Policy, pairing: &Pairing, diff: &mut PolicyDiff) {
    let renamed = |zone: &String| {
        let before = old.zones.iter().zip(0..=u16::MAX).find(|(known, _)| known.name == *zone);
        let now = before.and_then(|(_, at)| pairing.twin(ZoneId(at)));
        now.and_then(|id| new.zone(id)).map_or_else(|| zone.clone(), |zone| zone.name.clone())
    };
    let mut left: Vec<(Subject<'_>, &Exception)> =
        old.exceptions.iter().map(|it| (subject(old, it, it.peer_zone.as_ref().map(&renamed)), it)).collect();
    for exception in &new.exceptions {
        let about = subject(new, exception, exception.peer_zone.clone());
        match left.iter().position(|(before, _)| *before == about) {
            Some(at) => changed(left.remove(at).1, new, exception, diff),
            None => {
                let text = format!("{} neither page nor make a ticket until {}", told(exception), exception.last_day());
                diff.open(What::Exception, &new.name_of(exception.device), text, Some(&exception.place));
            }
        }
    }
    for (_, exception) in left {
        let text = format!("{} are no longer excepted (they were until {})", told(exception), exception.last_day());
        diff.close(What::Exception, &old.name_of(exception.device), text, Some(&exception.place));
    }
}

fn changed(before: &Exception, new: &Policy, after: &Exception, diff: &mut PolicyDiff) {
    let Exception { device, kind: _, peer_zone: _, owner, reason, expires, place } = after;
    let (who, place) = (new.name_of(*device), Some(place));
    let text = format!("{} are excepted until {}, was {}", told(after), after.last_day(), before.last_day());
    if before.expires < *expires {
        diff.open(What::Exception, &who, text, place);
    } else if before.expires > *expires {
        diff.close(What::Exception, &who, text, place);
    }
    for (key, before, after) in [("owner", &before.owner, owner), ("reason", &before.reason, reason)] {
        if before != after {
            diff.note(What::Exception, &who, format!("{key} of its exception was `{before}`, is `{after}`"), place);
        }
    }
}

fn subject<'a>(policy: &Policy, exception: &'a Exception, peer_zone: Option<String>) -> Subject<'a> {
    let device = match exception.device {
        Whom::Listed(at) => policy.inventory.get(at as usize).map_or((None, None), |entry| (entry.mac, entry.ip)),
        Whom::Mac(mac) => (Some(mac), None),
        Whom::Ip(ip) => (None, Some(ip)),
    };
    Subject { device, kind: &exception.kind, peer_zone }
}

/// `findings of kind internet-egress with internet`.
fn told(exception: &Exception) -> String {
    let zone = exception.peer_zone.as_ref().map_or(String::new(), |zone| format!(" with {zone}"));
    format!("findings of kind {}{zone}", exception.kind)
}
