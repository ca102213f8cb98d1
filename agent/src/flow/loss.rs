//! What a flow shows of packets that the mirror did not: its data is numbered, by TCP or RTP.
//!
//! Each direction is followed apart at each place where the mirror shows it (an interface and a VLAN), so that a routed
//! copy does not hide that the first one was lost, and a second tap does not pretend loss.

use super::key::Side;
use super::numbered::Numbered;
use super::segments::Segments;
use crate::packet::{Fragment, Layer};

/// Places of one flow, both directions; packets at others count nowhere.
const MAX_PLACES: usize = 8;
/// Packets in a row of another RTP source after which that one is followed.
const MAX_FOREIGN: u8 = 64;
const UDP: u8 = 17;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Where a packet was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// The interface or file.
    pub source: u16,
    /// The judged VLAN.
    pub vlan: Option<u16>,
    /// Without a VLAN, a copy behind a router stands for another place.
    pub routed: bool,
}

/// (lost, seen), in packets that carry data.
pub type Counted = (u32, u32);

/// What is followed of one flow.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    /// What the other end acknowledged of each end's data.
    acknowledged: [Option<u32>; 2],
    places: Vec<Place>,
    /// Segments come in fragments, whose later ones do not tell their length.
    fragmented: bool,
    /// Since the last [`Losses::take`], of all places.
    told: Counted,
    /// A watched device is at one of its ends.
    pub is_watched: bool,
    /// Holes from before this count of drops at the sensor are explained by them.
    pub drops: u32,
    /// The last pause of the capture about which it was asked.
    pub pause: u32,
}

#[derive(Clone, Debug)]
struct Place {
    spot: Spot,
    from: Side,
    stream: Stream,
}

#[derive(Clone, Debug)]
enum Stream {
    Tcp(Segments),
    Rtp { source: u32, numbered: Numbered, foreign: u8 },
}

impl Losses {
    /// Of a flow of which nothing was seen yet.
    pub fn new(is_watched: bool) -> Losses {
        Losses { is_watched, ..Losses::default() }
    }

    /// Whether a payload begins like RTP (RFC 3550, section 5.1), its types that RTCP shares left out (RFC 5761).
    pub fn looks_like_rtp(payload: &[u8]) -> bool {
        matches!(payload, [first, kind, ..] if first >> 6 == 2 && payload.len() >= 12 && !matches!(kind & 0x7f, 64..=95))
    }

    /// Takes in a packet. What it makes certain is returned, for the interface, and kept for [`Losses::take`].
    pub fn see(&mut self, from: Side, spot: Spot, layer: &Layer, payload: &[u8], now: i64) -> Counted {
        let counted = match layer.tcp {
            Some(tcp) => self.segment(from, spot, tcp, layer, now),
            None if layer.proto == UDP => self.datagram(from, spot, payload),
            None => (0, 0),
        };
        self.told = (self.told.0.saturating_add(counted.0), self.told.1.saturating_add(counted.1));
        counted
    }

    fn segment(&mut self, from: Side, spot: Spot, tcp: crate::packet::Tcp, layer: &Layer, now: i64) -> Counted {
        self.fragmented |= layer.fragment != Fragment::Whole;
        if self.fragmented || tcp.flags & RST != 0 {
            return (0, 0);
        }
        if tcp.flags & ACK != 0 {
            let known = &mut self.acknowledged[from.other() as usize];
            let newer = known.is_none_or(|known| tcp.ack.wrapping_sub(known).cast_signed() > 0);
            if newer {
                *known = Some(tcp.ack);
            }
        }
        let acknowledged = self.acknowledged[from as usize];
        let Some(Stream::Tcp(segments)) = self.stream(from, spot, || Stream::Tcp(Segments::default())) else {
            return (0, 0);
        };
        if tcp.flags & SYN != 0 {
            segments.begin(tcp.seq);
            self.acknowledged[from as usize] = None;
            return (0, 0);
        }
        segments.see(tcp.seq, layer.payload_len, tcp.flags & FIN != 0, acknowledged, now);
        segments.take()
    }

    fn datagram(&mut self, from: Side, spot: Spot, payload: &[u8]) -> Counted {
        let (Some(&[_, _, n0, n1, _, _, _, _, s0, s1, s2, s3]), true) =
            (payload.first_chunk(), Losses::looks_like_rtp(payload))
        else {
            return (0, 0);
        };
        let (number, sender) = (u32::from(u16::from_be_bytes([n0, n1])), u32::from_be_bytes([s0, s1, s2, s3]));
        let new = || Stream::Rtp { source: sender, numbered: Numbered::default(), foreign: 0 };
        let Some(Stream::Rtp { source, numbered, foreign }) = self.stream(from, spot, new) else { return (0, 0) };
        if *source == sender {
            *foreign = 0;
        } else {
            *foreign += 1;
            if *foreign < MAX_FOREIGN {
                return (0, 0);
            }
            (*source, *numbered, *foreign) = (sender, Numbered::default(), 0);
        }
        numbered.see::<16>(number);
        numbered.take()
    }

    fn stream(&mut self, from: Side, spot: Spot, new: impl FnOnce() -> Stream) -> Option<&mut Stream> {
        let at = match self.places.iter().position(|place| place.spot == spot && place.from == from) {
            Some(at) => at,
            None if self.places.len() < MAX_PLACES => {
                self.places.push(Place { spot, from, stream: new() });
                self.places.len() - 1
            }
            None => return None,
        };
        self.places.get_mut(at).map(|place| &mut place.stream)
    }

    /// Packets were lost after the mirror, and counted there: what is missing now is explained.
    pub fn forgive(&mut self, drops: u32) {
        self.drops = drops;
        self.told = (0, 0);
        for place in &mut self.places {
            match &mut place.stream {
                Stream::Tcp(segments) => segments.forgive(),
                Stream::Rtp { numbered, .. } => *numbered = Numbered::default(),
            }
        }
    }

    /// What was counted since the last call.
    pub fn take(&mut self) -> Counted {
        std::mem::take(&mut self.told)
    }

    /// The same, without taking it.
    pub fn told(&self) -> Counted {
        self.told
    }

    /// What would count besides if nothing came any more, by interface.
    pub fn pending(&self) -> impl Iterator<Item = (u16, u32)> {
        self.places.iter().filter_map(|place| {
            let lost = match &place.stream {
                Stream::Tcp(segments) if !self.fragmented => segments.pending(self.acknowledged[place.from as usize]),
                Stream::Tcp(_) => 0,
                Stream::Rtp { numbered, .. } => numbered.missing(),
            };
            (lost > 0).then_some((place.spot.source, lost))
        })
    }

    /// Whether a packet goes on exactly where its stream had been; `None` where nothing tells.
    pub fn goes_on(&self, from: Side, spot: Spot, layer: &Layer, payload: &[u8]) -> Option<bool> {
        let place = self.places.iter().find(|place| place.spot == spot && place.from == from)?;
        match (&place.stream, layer.tcp) {
            (Stream::Tcp(segments), Some(tcp)) if layer.payload_len > 0 => segments.follows(tcp.seq),
            (Stream::Rtp { numbered, .. }, None) => {
                let &[_, _, n0, n1] = payload.first_chunk()?;
                numbered.follows::<16>(u32::from(u16::from_be_bytes([n0, n1])))
            }
            _ => None,
        }
    }
}
