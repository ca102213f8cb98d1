//! What the payload of a flow showed: a tunnel, a request to open a port, or attacks.

use super::attempt::Attempts;
use super::key::{FlowKey, Side};
use super::mapping::{IgdRequest, PORT_CONTROL, PortControl, ends_header, igd_request, names_action, port_control};
use super::shape::{Shape, datagram, segment};
use crate::base::Timestamp;
use crate::packet::{Layer, Tunnel};

/// Packets of each end that are held against the shapes of tunnels: sessions show themselves when they begin, and
/// WireGuard in any two packets.
pub const MAX_INSPECTED: u64 = 16;
/// Segments that are looked into for the header of one request.
const MAX_HEADER_SEGMENTS: u8 = 8;
/// Flows seen inside a tunnel that are listed with it.
pub const MAX_INNER: usize = 8;
/// Flows that one was seen inside of; further ones are not remembered, and it is judged for itself there.
pub const MAX_OUTER: usize = 2;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A tunnel that an end of a flow speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum TunnelKind {
    /// One whose payload is followed.
    Open(Tunnel),
    /// WireGuard.
    WireGuard,
    /// OpenVPN.
    OpenVpn,
    /// SSH.
    Ssh,
    /// SOCKS 4 or 5.
    Socks,
}

impl TunnelKind {
    /// The word used in findings.
    pub fn name(self) -> &'static str {
        match self {
            TunnelKind::Open(tunnel) => tunnel.name(),
            TunnelKind::WireGuard => "wireguard",
            TunnelKind::OpenVpn => "openvpn",
            TunnelKind::Ssh => "ssh",
            TunnelKind::Socks => "socks",
        }
    }

    /// All that have a port of their own.
    pub const WITH_PORT: [TunnelKind; 10] = [
        TunnelKind::Open(Tunnel::Vxlan),
        TunnelKind::Open(Tunnel::Geneve),
        TunnelKind::Open(Tunnel::Teredo),
        TunnelKind::Open(Tunnel::Tzsp),
        TunnelKind::Open(Tunnel::Gtp),
        TunnelKind::Open(Tunnel::L2tp),
        TunnelKind::WireGuard,
        TunnelKind::OpenVpn,
        TunnelKind::Ssh,
        TunnelKind::Socks,
    ];

    /// The port that is registered for it, where it has one.
    pub fn port(self) -> Option<u16> {
        Some(match self {
            TunnelKind::Open(Tunnel::Vxlan) => 4789,
            TunnelKind::Open(Tunnel::Geneve) => 6081,
            TunnelKind::Open(Tunnel::Teredo) => 3544,
            TunnelKind::Open(Tunnel::Tzsp) => 37008,
            TunnelKind::Open(Tunnel::Gtp) => 2152,
            TunnelKind::Open(Tunnel::L2tp) => 1701,
            TunnelKind::Open(_) => return None,
            // Registered for nobody, and what its tools and manuals use.
            TunnelKind::WireGuard => 51820,
            TunnelKind::OpenVpn => 1194,
            TunnelKind::Ssh => 22,
            TunnelKind::Socks => 1080,
        })
    }
}

/// What few flows carry.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// The tunnel that is spoken in it.
    pub tunnel: Option<TunnelKind>,
    /// Flows that were seen inside, at most [`MAX_INNER`].
    pub inner: Vec<FlowKey>,
    /// Flows that this one was seen inside of, at most [`MAX_OUTER`].
    pub outer: Vec<FlowKey>,
    /// A request to open a port.
    pub mapping: Option<Mapping>,
    /// Requests that match a signature.
    pub attempts: Attempts,
    last: [Option<Shape>; 2],
    /// Segments of each end in which the header of a request may still go on.
    header: [u8; 2],
}

/// A request to open a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// Who asked.
    pub by: Side,
    /// The other end answered, whatever it said.
    pub answered: bool,
    /// First request.
    pub first: Timestamp,
    /// Last request.
    pub last: Timestamp,
}

impl Carried {
    /// All the times of the clock that it holds.
    pub(super) fn times_mut(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let mapping = self.mapping.iter_mut().flat_map(|mapping| [&mut mapping.first, &mut mapping.last]);
        mapping.chain(self.attempts.told.iter_mut().map(|attempted| &mut attempted.at))
    }

    /// A packet of `from` has this shape.
    pub(super) fn shaped(&mut self, from: Side, shape: Shape) {
        let before = self.last[from as usize].replace(shape);
        let other = self.last[from.other() as usize];
        let found = match shape {
            Shape::WireGuardHandshake => Some(TunnelKind::WireGuard),
            // One packet might be anything; two that count on for the same receiver are not.
            Shape::WireGuardData(receiver, counter) => match before {
                Some(Shape::WireGuardData(same, earlier)) if same == receiver && counter.abs_diff(earlier) < 4_096 => {
                    (counter != earlier).then_some(TunnelKind::WireGuard)
                }
                _ => None,
            },
            Shape::OpenVpnReset => Some(TunnelKind::OpenVpn),
            Shape::Ssh => Some(TunnelKind::Ssh),
            Shape::Socks5Choice if other == Some(Shape::Socks5Greeting) => Some(TunnelKind::Socks),
            Shape::Socks4Reply if other == Some(Shape::Socks4Request) => Some(TunnelKind::Socks),
            _ => None,
        };
        self.tunnel = self.tunnel.or(found);
    }

    /// `from` asks for a port to be opened.
    pub(super) fn asked(&mut self, from: Side, at: Timestamp) {
        let mapping = self.mapping.get_or_insert(Mapping { by: from, answered: false, first: at, last: at });
        if mapping.by == from {
            (mapping.first, mapping.last) = (mapping.first.min(at), mapping.last.max(at));
        }
    }

    /// `from` begins a request whose header is longer than the segment.
    pub(super) fn begins(&mut self, from: Side) {
        self.header[from as usize] = MAX_HEADER_SEGMENTS;
    }

    /// `from` sends another segment.
    pub(super) fn goes_on(&mut self, from: Side, payload: &[u8], at: Timestamp) {
        let left = &mut self.header[from as usize];
        if *left == 0 {
            return;
        }
        *left = if ends_header(payload) { 0 } else { *left - 1 };
        if names_action(payload) {
            self.asked(from, at);
        }
    }

    /// `from` answers a request, if there was one.
    pub(super) fn answered(&mut self, from: Side) {
        if let Some(mapping) = &mut self.mapping {
            mapping.answered |= mapping.by != from;
        }
    }

    /// Notes a flow inside this one.
    pub fn holds(&mut self, inner: FlowKey) {
        push(&mut self.inner, inner, MAX_INNER);
    }

    /// Notes a flow around this one.
    pub fn is_inside(&mut self, outer: FlowKey) {
        push(&mut self.outer, outer, MAX_OUTER);
    }
}

fn push(list: &mut Vec<FlowKey>, key: FlowKey, limit: usize) {
    if list.len() < limit && !list.contains(&key) {
        list.push(key);
    }
}

/// What one packet says about what its flow carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Shape(Shape),
    Asks,
    Begins,
    Answers,
}

/// Looks into a payload. `young` says that the flow is; later only requests that begin with P or M are looked for.
#[inline]
pub(super) fn said(layer: &Layer, payload: &[u8], young: bool) -> Option<Said> {
    let first = *payload.first()?;
    match layer.proto {
        TCP if first == b'P' || first == b'M' => match igd_request(payload)? {
            IgdRequest::Asks => Some(Said::Asks),
            IgdRequest::Begins => Some(Said::Begins),
        },
        TCP if young => segment(payload, layer.payload_len).map(Said::Shape),
        UDP if layer.dport == PORT_CONTROL || layer.sport == PORT_CONTROL => match port_control(payload)? {
            PortControl::Request => (layer.dport == PORT_CONTROL).then_some(Said::Asks),
            PortControl::Answer => (layer.sport == PORT_CONTROL).then_some(Said::Answers),
        },
        UDP if young => datagram(payload, layer.payload_len).map(Said::Shape),
        _ => None,
    }
}

/// The tunnel that the decoder followed or recognised, if its header is one beyond doubt: a port may have been chosen
/// at random.
pub fn open_tunnel(layer: &Layer, payload: &[u8], innermost: bool) -> Option<TunnelKind> {
    let tunnel = layer.tunnel?;
    let certain = layer.proto != UDP
        || match tunnel {
            // Flags, reserved, network identifier, reserved (RFC 7348, section 5).
            Tunnel::Vxlan => matches!(payload, [0x08, 0, 0, 0, _, _, _, 0, ..]),
            Tunnel::Geneve => matches!(
                payload,
                [_, _, 0x65, 0x58, _, _, _, 0, ..]
                    | [_, _, 0x08, 0, _, _, _, 0, ..]
                    | [_, _, 0x86, 0xdd, _, _, _, 0, ..]
            ),
            // The destination is the registered port, the source ephemeral (RFC 7510, section 3); RTP has labels like no network.
            Tunnel::Mpls => {
                layer.dport == 6635
                    && layer.sport >= 49_152
                    && !innermost
                    && payload.first().is_some_and(|b| b >> 6 != 2)
            }
            _ => !innermost,
        };
    certain.then_some(TunnelKind::Open(tunnel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_packet_of_data_is_no_wireguard_two_are() {
        let mut carried = Carried::default();
        carried.shaped(Side::A, Shape::WireGuardData(7, 100));
        assert_eq!(carried.tunnel, None);
        carried.shaped(Side::A, Shape::WireGuardData(8, 101));
        carried.shaped(Side::B, Shape::WireGuardData(8, 102));
        assert_eq!(carried.tunnel, None, "other receivers");
        carried.shaped(Side::A, Shape::WireGuardData(8, 102));
        assert_eq!(carried.tunnel, Some(TunnelKind::WireGuard));
    }

    #[test]
    fn socks_needs_both_ends() {
        let mut carried = Carried::default();
        carried.shaped(Side::A, Shape::Socks5Choice);
        carried.shaped(Side::A, Shape::Socks5Greeting);
        assert_eq!(carried.tunnel, None);
        carried.shaped(Side::B, Shape::Socks5Choice);
        assert_eq!(carried.tunnel, Some(TunnelKind::Socks));
    }

    #[test]
    fn a_request_is_answered_by_the_other_end_only() {
        let mut carried = Carried::default();
        carried.answered(Side::B);
        assert_eq!(carried.mapping, None);
        carried.asked(Side::A, Timestamp(1));
        carried.answered(Side::A);
        assert_eq!(carried.mapping.map(|m| m.answered), Some(false));
        carried.answered(Side::B);
        assert_eq!(carried.mapping.map(|m| m.answered), Some(true));
    }
}
