//! Which interfaces there are, and what a short look at them shows: which one is the mirror port.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::{Change, Link, Links, Ports, Received, Settings, Status};
use crate::base::Mac;
use crate::capture::Frame;
use crate::packet::LinkType;

/// Longest look.
pub const MAX_SAMPLE: Duration = Duration::from_secs(3600);

/// Without a look at its packets, an interface's own counter is read twice, so far apart.
const COUNTED_FOR: Duration = Duration::from_secs(1);

/// VLANs counted on one interface: all that there are.
const MAX_VLANS: usize = 4096;

/// Pairs of MACs remembered on one interface; those beyond do not count for [`Directions`].
const MAX_PAIRS: usize = 65_536;

/// Size of the kernel's ring for each interface looked at.
const RING: u32 = 8 * 1024 * 1024;

/// An interface, and what was seen of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Surveyed {
    /// The interface.
    pub link: Link,
    /// How long it was looked at, in seconds.
    pub seconds: f64,
    /// Packets that it received in this time, by its own counter.
    pub received: u64,
    /// What its packets showed, or why they could not be captured (escaped); `None` if that was not asked for.
    pub sample: Option<Result<Sample, String>>,
}

/// What the packets of an interface show.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Sample {
    /// Packets captured.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Packets lost on the way to this program.
    pub dropped: u64,
    /// Packets with a VLAN tag; priority tags (VLAN 0) count too.
    pub tagged: u64,
    /// Packets by the VLAN of their outermost tag.
    pub vlans: BTreeMap<u16, u64>,
    /// Frames longer than the MTU allows.
    pub oversized: u64,
    /// Whether it shows conversations, or one side of them.
    pub directions: Directions,
}

/// Which directions of unicast conversations an interface shows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Directions {
    /// No unicast at all.
    #[default]
    None,
    /// Frames from one end to another, and none back.
    One,
    /// Of some pair of hosts, frames of both.
    Both,
}

impl Directions {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Directions::None => "none",
            Directions::One => "one",
            Directions::Both => "both",
        }
    }
}

/// Lists the interfaces, by name. With a time (up to [`MAX_SAMPLE`]) the packets of each that is up are looked at for so
/// long, all at once.
pub fn survey(sample: Option<Duration>) -> io::Result<Vec<Surveyed>> {
    let mut links = Links::open()?;
    let before = links.all()?;
    let started = Instant::now();
    let mut samples: BTreeMap<String, Result<Sample, String>> = BTreeMap::new();
    match sample {
        Some(time) => {
            let watched: Vec<&Link> = before.iter().filter(|link| link.up).collect();
            for group in watched.chunks(super::MAX_INTERFACES) {
                samples.extend(look(group, time.min(MAX_SAMPLE))?);
            }
        }
        None => thread::sleep(COUNTED_FOR),
    }
    let seconds = started.elapsed().as_secs_f64();
    let after: BTreeMap<i32, Link> = links.all()?.into_iter().map(|link| (link.index, link)).collect();
    let surveyed = before.into_iter().filter_map(|old| {
        let link = after.get(&old.index)?.clone();
        let received = link.received.saturating_sub(old.received);
        Some(Surveyed { sample: samples.remove(&old.name), link, seconds, received })
    });
    Ok(surveyed.collect())
}

fn look(links: &[&Link], time: Duration) -> io::Result<Vec<(String, Result<Sample, String>)>> {
    let settings: Vec<Settings> =
        links.iter().map(|link| Settings { buffer: RING, ..Settings::of(&link.name) }).collect();
    let ports = Ports::open(&settings);
    let mut seen: Vec<Looking> = ports.statuses().into_iter().map(Looking::new).collect();
    let live = ports.start()?;
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            live.stop();
        }
        match live.receive(left.max(Duration::from_millis(100))) {
            Received::Batch(batch) => {
                if let Some(looking) = seen.get_mut(usize::from(batch.source())) {
                    batch.events().iter().for_each(|event| looking.event(&event.change));
                    batch.frames().for_each(|frame| looking.frame(&frame));
                }
                live.recycle(batch);
            }
            Received::Silence => {}
            Received::End => break,
        }
    }
    let ledgers = live.ledgers();
    let ended = seen.into_iter().zip(ledgers).zip(links);
    Ok(ended
        .map(|((looking, ledger), link)| {
            let dropped = ledger.kernel_drops + ledger.agent_drops;
            let sample = Sample { dropped, oversized: ledger.oversized, ..looking.sample };
            (link.name.clone(), if ledger.opened == 0 { Err(looking.reason) } else { Ok(sample) })
        })
        .collect())
}

/// What was seen of one interface until now.
struct Looking {
    sample: Sample,
    pairs: HashSet<(Mac, Mac)>,
    reason: String,
}

impl Looking {
    fn new(status: Status) -> Looking {
        let reason = match status {
            Status::Gone => "it is gone",
            _ => "it cannot be opened",
        };
        Looking { sample: Sample::default(), pairs: HashSet::new(), reason: reason.to_owned() }
    }

    fn event(&mut self, change: &Change) {
        if let Change::Failed(reason) = change {
            self.reason.clone_from(reason);
        }
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        self.sample.packets += 1;
        self.sample.bytes += u64::from(frame.wire_len);
        if frame.link_type != LinkType::Ethernet {
            return;
        }
        if let Some(vlan) = outer_vlan(frame.data) {
            self.sample.tagged += 1;
            if self.sample.vlans.len() < MAX_VLANS || self.sample.vlans.contains_key(&vlan) {
                *self.sample.vlans.entry(vlan).or_default() += 1;
            }
        }
        if self.sample.directions != Directions::Both
            && let Some((to, from)) = macs(frame.data)
            && to.0[0] & 1 == 0
        {
            self.sample.directions = Directions::One;
            if self.pairs.contains(&(to, from)) && to != from {
                self.sample.directions = Directions::Both;
            } else if self.pairs.len() < MAX_PAIRS {
                self.pairs.insert((from, to));
            }
        }
    }
}

/// Destination and source.
fn macs(data: &[u8]) -> Option<(Mac, Mac)> {
    Some((Mac(*data.first_chunk()?), Mac(*data.get(6..)?.first_chunk()?)))
}

/// The VLAN of the outermost tag: 802.1Q, 802.1ad, and what came before it.
fn outer_vlan(data: &[u8]) -> Option<u16> {
    let &[kind, low, tci, vlan] = data.get(12..)?.first_chunk()?;
    let tagged = matches!(u16::from_be_bytes([kind, low]), 0x8100 | 0x88a8 | 0x9100 | 0x9200);
    tagged.then(|| u16::from_be_bytes([tci, vlan]) & 0x0fff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    fn see(looking: &mut Looking, to: u8, from: u8, tail: &[u8]) {
        let data = [&[0, 0, 0, 0, 0, to][..], &[0, 0, 0, 0, 0, from], tail, &[0; 46]].concat();
        let wire_len = data.len() as u32;
        let at = Timestamp::default();
        looking.frame(&Frame { at, link_type: LinkType::Ethernet, source: 0, wire_len, data: &data });
    }

    #[test]
    fn tags_and_directions_are_counted() {
        let mut looking = Looking::new(Status::Seeing);
        assert_eq!(looking.sample.directions, Directions::None);
        see(&mut looking, 1, 2, &[0x81, 0x00, 0xe0, 0x6e, 0x08, 0x00]);
        see(&mut looking, 1, 3, &[0x88, 0xa8, 0x00, 0x6e, 0x81, 0x00, 0x00, 0x07, 0x08, 0x00]);
        see(&mut looking, 3, 2, &[0x08, 0x00]);
        assert_eq!(looking.sample.directions, Directions::One);
        assert_eq!((looking.sample.packets, looking.sample.tagged), (3, 2));
        assert_eq!(looking.sample.vlans, BTreeMap::from([(110, 2)]));
        see(&mut looking, 2, 1, &[0x08, 0x00]);
        assert_eq!(looking.sample.directions, Directions::Both);
    }

    #[test]
    fn frames_that_are_too_short_only_count() {
        let mut looking = Looking::new(Status::Seeing);
        for len in 0..16 {
            let data = vec![0; len];
            let at = Timestamp::default();
            looking.frame(&Frame { at, link_type: LinkType::Ethernet, source: 0, wire_len: 60, data: &data });
        }
        assert_eq!((looking.sample.packets, looking.sample.tagged), (16, 0));
    }
}
