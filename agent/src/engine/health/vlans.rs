//! Which VLANs a mirror port shows, held against those that the policy declares.

use super::counts::{Expected, MIN_FRAMES};

const WORDS: usize = 4096 / 64;
/// VLANs that one detail names.
const NAMED: usize = 8;

/// VLANs seen, in this period and the one before.
#[derive(Debug)]
pub(super) struct Vlans {
    now: Box<[u64; WORDS]>,
    before: Box<[u64; WORDS]>,
    tagged: u64,
}

impl Default for Vlans {
    fn default() -> Self {
        Vlans { now: Box::new([0; WORDS]), before: Box::new([0; WORDS]), tagged: 0 }
    }
}

impl Vlans {
    #[inline]
    pub(super) fn see(&mut self, vlan: u16) {
        self.tagged += 1;
        if let Some(word) = self.now.get_mut(usize::from(vlan) / 64) {
            *word |= 1 << (vlan % 64);
        }
    }

    /// A frame had a tag.
    pub(super) fn is_used(&self) -> bool {
        self.tagged > 0
    }

    /// A period is over.
    pub(super) fn turn(&mut self) {
        self.before = std::mem::replace(&mut self.now, Box::new([0; WORDS]));
    }

    /// All that these show: several files are one capture.
    pub(super) fn of_all<'a>(all: impl Iterator<Item = &'a Vlans>) -> Vlans {
        all.fold(Vlans::default(), |mut sum, vlans| {
            sum.now.iter_mut().zip(vlans.now.iter()).for_each(|(sum, word)| *sum |= word);
            sum.tagged += vlans.tagged;
            sum
        })
    }

    fn has(&self, vlan: u16) -> bool {
        let at = usize::from(vlan) / 64;
        let words = [self.now.get(at), self.before.get(at)];
        words.into_iter().flatten().any(|word| word >> (vlan % 64) & 1 != 0)
    }

    /// Zones of which no, or not every, declared VLAN was seen although it must be there: its devices are expected, or
    /// its hosts answer.
    pub(super) fn missing(&self, zones: &[Expected], answers: &dyn Fn(usize) -> bool) -> Vec<Missing> {
        if self.tagged < MIN_FRAMES {
            return Vec::new();
        }
        let shows = |zone: &Expected| zone.vlans.iter().any(|&vlan| self.has(vlan));
        let shown = zones.iter().filter(|zone| shows(zone)).count();
        (0..)
            .zip(zones)
            .filter_map(|(at, zone)| {
                let unseen: Vec<u16> = zone.vlans.iter().copied().filter(|&vlan| !self.has(vlan)).collect();
                // A mirror of one zone's VLAN alone is no trunk with a filter.
                let expected = match (zone.has_devices, shows(zone)) {
                    (true, false) => shown > 0,
                    (true, true) | (false, false) => shown > 1 && (zone.has_devices || answers(at)),
                    (false, true) => false,
                };
                (expected && !unseen.is_empty()).then(|| Missing { zone: at as u16, detail: told(zone, &unseen) })
            })
            .collect()
    }
}

/// A zone of which VLANs are missing.
pub(super) struct Missing {
    pub(super) zone: u16,
    pub(super) detail: String,
}

fn told(zone: &Expected, unseen: &[u16]) -> String {
    let some: Vec<String> = unseen.iter().take(NAMED).map(u16::to_string).collect();
    let more = if unseen.len() > NAMED { ", …" } else { "" };
    let plural = if unseen.len() > 1 { "s" } else { "" };
    format!("no frame in VLAN{plural} {}{more} of zone {}", some.join(", "), zone.name)
}
