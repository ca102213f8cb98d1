//! What devices said of themselves: kept with its source and time, never merged where it differs.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Engine;
use super::snapshot::Hint;
use crate::base::Timestamp;
use crate::device::{Device, DeviceId, Identity, Key};
use crate::hint::{Clue, Confidence, Says, Source};

/// Hints kept of one device; further ones are left out.
const MAX_HINTS: usize = 48;

/// Hints of all devices.
#[derive(Clone, Debug, Default)]
pub(super) struct Hints(BTreeMap<DeviceId, Vec<Known>>);

/// One hint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Known {
    pub(super) source: Source,
    pub(super) says: Says,
    pub(super) value: String,
    pub(super) confidence: Confidence,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

impl Hints {
    /// All the times of the clock that it holds.
    pub(super) fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.0.values_mut().flatten().flat_map(|known| [&mut known.first, &mut known.last])
    }

    /// Keeps what a clue says of a device. Returns whether something is new.
    pub(super) fn note(&mut self, id: DeviceId, clue: &Clue, at: Timestamp) -> bool {
        let mut new = false;
        for (says, value) in &clue.facts {
            let known = Known {
                source: clue.source,
                says: *says,
                value: value.clone(),
                confidence: clue.confidence,
                first: at,
                last: at,
            };
            new |= self.add(id, known);
        }
        new
    }

    /// Keeps one hint.
    pub(super) fn add(&mut self, id: DeviceId, new: Known) -> bool {
        let hints = self.0.entry(id).or_default();
        let same = |known: &&mut Known| (known.source, known.says, &known.value) == (new.source, new.says, &new.value);
        if let Some(known) = hints.iter_mut().find(same) {
            known.confidence = known.confidence.max(new.confidence);
            (known.first, known.last) = (known.first.min(new.first), known.last.max(new.last));
            return false;
        }
        let fits = hints.len() < MAX_HINTS;
        if fits {
            hints.push(new);
        }
        fits
    }

    /// Hints of one device, in the order in which they came.
    pub(super) fn of(&self, id: DeviceId) -> &[Known] {
        self.0.get(&id).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Engine {
    /// Hints of a device, and of the address that it was known by before.
    pub(super) fn hints_of(&self, id: DeviceId, device: &Device) -> Vec<&Known> {
        let before =
            device.addresses.iter().filter_map(|&ip| self.devices.by_key(Key::Ip(ip))).filter(|&old| old != id);
        let owned = before.filter(|&old| self.current(old) == Some(id));
        std::iter::once(id).chain(owned).flat_map(|id| self.hints.of(id)).collect()
    }

    /// Something calls a device a camera, or names a maker of cameras.
    pub(super) fn is_called_camera(&self, id: DeviceId, device: &Device) -> bool {
        device.vendor.is_some()
            || self
                .hints_of(id, device)
                .iter()
                .any(|hint| matches!(hint.says, Says::Vendor | Says::Kind) && hint.confidence > Confidence::Low)
    }

    /// Takes what a clue about a device means for who it is. `certain`: it gave the MAC that its frames carry.
    pub(super) fn take_clue(&mut self, id: DeviceId, clue: &Clue, certain: bool, at: Timestamp) {
        self.hints.note(id, clue, at);
        if let (Some(vendor), true) = (clue.fact(Says::Vendor), clue.confidence > Confidence::Low) {
            self.identify_as(id, vendor.to_owned(), clue.source.name(), certain, at);
        }
    }

    /// A device turned out to be of this vendor.
    pub(super) fn identify_as(
        &mut self,
        id: DeviceId,
        vendor: String,
        source: &'static str,
        certain: bool,
        at: Timestamp,
    ) {
        let watched = self.policy.watch_vendors.contains(&vendor);
        let Some(device) = self.devices.get_mut(id) else { return };
        let tells_more = match &device.identity {
            None => true,
            Some(known) if known.vendor == vendor => certain && !known.certain,
            Some(known) => watched && !known.watched,
        };
        if !tells_more {
            return;
        }
        let since =
            device.identity.as_ref().filter(|known| known.vendor == vendor).map_or(at, |known| known.at.min(at));
        device.identity = Some(Identity { vendor, source, at: since, certain, watched });
        if watched && (certain || device.only_seemed_to_route()) {
            device.gateway = false;
        }
        self.epoch += 1;
    }
}

/// The best word that hints have for this: the surest, then the best source, then the latest.
pub(super) fn best(hints: &[&Known], says: Says, least: Confidence) -> Option<String> {
    hints
        .iter()
        .filter(|hint| hint.says == says && hint.confidence >= least)
        .max_by_key(|hint| (hint.confidence, Reverse(hint.source), hint.last))
        .map(|hint| hint.value.clone())
}

/// As the answer shows them.
pub(super) fn shown(hints: &[&Known]) -> impl Iterator<Item = Hint> {
    hints.iter().map(|hint| Hint {
        source: hint.source.name(),
        says: hint.says.name(),
        value: hint.value.clone(),
        confidence: hint.confidence.name(),
        first_seen: Some(hint.first),
        last_seen: Some(hint.last),
    })
}
