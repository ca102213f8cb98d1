//! The walk through one frame, header by header, from the link to the innermost packet.

use super::layer::Decoded;
use super::link::{Link, LinkType};
use super::numbers::ether_type;
use super::undecoded::Undecoded;
use super::{arp, cooked, ethernet, ip, tunnel};

/// Link headers of one frame that are followed; more are [`Undecoded::TunnelDepth`].
pub const MAX_LINKS: usize = 16;

/// Which tunnels are transports of the mirror itself, so that the frames inside count as seen on the wire
/// ([`Link::mirrored`]). Those of other tunnels are marked [`Link::tunnelled`]. All are followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecodeOptions {
    /// ERSPAN types I, II and III.
    pub erspan: bool,
    /// TZSP.
    pub tzsp: bool,
}

impl Default for DecodeOptions {
    /// As for capture files: every known transport of a mirror is one.
    fn default() -> Self {
        DecodeOptions { erspan: true, tzsp: true }
    }
}

/// Decodes one frame into `out`, which is cleared first and reused, so that no frame allocates. `wire_len` is the
/// frame's length in bytes before the snap length cut it. Never fails: what stopped it is in [`Decoded::undecoded`].
pub fn decode(link_type: LinkType, data: &[u8], wire_len: u32, options: &DecodeOptions, out: &mut Decoded) {
    out.clear();
    out.truncated = u32::try_from(data.len()).is_ok_and(|captured| captured < wire_len);
    let limit = data.len().max(wire_len as usize);
    let packet = Packet { frame: data, limit, options: *options };
    let mut walk = Walk { packet, on_link: true, out };
    if let Err(reason) = walk.run(link_type) {
        walk.out.undecoded = Some(reason);
    }
}

/// What comes next, and where in the frame it starts.
pub(super) enum Step {
    /// Nothing that is followed.
    Done,
    /// An Ethernet header, carried by a tunnel.
    Ethernet(usize, Carrier),
    /// An IP header that a mirror sent without the link header it had.
    BareIp(usize, Carrier),
    /// An IP header of the version that its first nibble says.
    Ip(usize),
    /// What the EtherType says, behind a tunnel header.
    Protocol(u16, usize),
    /// A stack of MPLS labels.
    Mpls(usize),
    /// A PPP frame, with or without address and control bytes.
    Ppp(usize),
}

/// What carries an Ethernet frame.
#[derive(Clone, Copy)]
pub(super) enum Carrier {
    /// The wire.
    Wire,
    /// A tunnel that is traffic.
    Tunnel,
    /// A transport of the mirror, with the VLAN that its header names.
    Mirror(Option<u16>),
}

impl Carrier {
    /// Marks the link header of a frame carried so.
    #[inline(always)]
    fn mark(self, link: &mut Link) {
        match self {
            Carrier::Wire => {}
            Carrier::Tunnel => link.tunnelled = true,
            Carrier::Mirror(vlan) => {
                link.mirrored = true;
                link.erspan_vlan = vlan;
            }
        }
    }
}

/// The bytes that the walk has before it. Offsets always count from the start of the frame.
#[derive(Clone, Copy)]
pub(super) struct Packet<'a> {
    /// The captured bytes, cut to the length that the innermost IP header says.
    pub frame: &'a [u8],
    /// Where the same end lies on the wire; at least the length of `frame`.
    pub limit: usize,
    pub options: DecodeOptions,
}

/// The state of the walk.
pub(super) struct Walk<'a> {
    pub packet: Packet<'a>,
    /// No tunnel, MPLS or PPP header since the last link header.
    pub on_link: bool,
    pub out: &'a mut Decoded,
}

impl Walk<'_> {
    /// Each step moves forward by at least one byte and adds at most one link or layer, so the walk is bounded by
    /// the frame's length and by `MAX_LINKS` and `MAX_LAYERS`.
    fn run(&mut self, link_type: LinkType) -> Result<(), Undecoded> {
        let mut step = match link_type {
            LinkType::Ethernet => ethernet::ethernet(self, 0, Carrier::Wire)?,
            other => cooked::link(self, other)?,
        };
        // The usual frame takes this branch and is done; it is laid out straight for that.
        if let Step::Ip(at) = step {
            step = ip::ip(self, at)?;
        }
        loop {
            step = match step {
                Step::Done => return Ok(()),
                Step::Ip(at) => ip::ip(self, at)?,
                Step::Ethernet(at, carrier) => ethernet::ethernet(self, at, carrier)?,
                Step::BareIp(at, carrier) => {
                    self.push_link(carrier)?;
                    self.on_link = true;
                    Step::Ip(at)
                }
                Step::Protocol(ether_type, at) => self.protocol(ether_type, at)?,
                Step::Mpls(at) => tunnel::mpls(self, at)?,
                Step::Ppp(at) => tunnel::ppp(self, at)?,
            };
        }
    }

    /// What follows a link header and its tags, given the EtherType or 802.3 length.
    #[inline(always)]
    pub fn link_payload(&mut self, ether_type: u16, at: usize) -> Result<Step, Undecoded> {
        self.on_link = true;
        let has_type = ether_type >= ether_type::LOWEST;
        if self.out.links.len() == 1 || has_type && self.out.links.last().is_some_and(|link| link.mirrored) {
            self.out.ethertype = if has_type { ether_type } else { 0 };
            self.out.link_payload = at.min(self.packet.frame.len());
        }
        self.link_protocol(ether_type, at)
    }

    /// What an EtherType says behind a link header.
    #[inline(always)]
    pub fn link_protocol(&mut self, ether_type: u16, at: usize) -> Result<Step, Undecoded> {
        match ether_type {
            ether_type::IPV4 | ether_type::IPV6 => Ok(Step::Ip(at)),
            ether_type::ARP => arp::arp(self, at),
            ether_type::I_TAG => ethernet::backbone(at),
            ether_type::LLC | 0..ether_type::LOWEST => ethernet::llc(self, at),
            ether_type::MACSEC => Err(Undecoded::Macsec),
            _ => Ok(Step::Protocol(ether_type, at)),
        }
    }

    /// What an EtherType says also behind tunnel headers.
    fn protocol(&mut self, ether_type: u16, at: usize) -> Result<Step, Undecoded> {
        match ether_type {
            ether_type::IPV4 | ether_type::IPV6 => Ok(Step::Ip(at)),
            ether_type::MPLS | ether_type::MPLS_UPSTREAM => Ok(Step::Mpls(at)),
            ether_type::PPPOE_SESSION => Ok(Step::Ppp(at + PPPOE_HEADER)),
            ether_type::PPP => Ok(Step::Ppp(at)),
            ether_type::ETHERNET => Ok(Step::Ethernet(at, Carrier::Tunnel)),
            ether_type::NSH => tunnel::nsh(&self.packet, at),
            ether_type::TRILL | ether_type::FABRIC_PATH | ether_type::BATMAN => Err(Undecoded::EtherType),
            _ => Ok(Step::Done),
        }
    }

    /// Adds a link header to be filled in, unless there are too many.
    #[inline(always)]
    pub fn push_link(&mut self, carrier: Carrier) -> Result<&mut Link, Undecoded> {
        if self.out.links.len() >= MAX_LINKS {
            return Err(Undecoded::TunnelDepth);
        }
        self.out.links.push(Link::EMPTY);
        let link = self.out.links.last_mut().ok_or(Undecoded::TunnelDepth)?;
        carrier.mark(link);
        Ok(link)
    }

    /// Cuts off what lies behind a packet: the padding of its frame.
    #[inline(always)]
    pub fn end_at(&mut self, end: usize) {
        let packet = &mut self.packet;
        packet.frame = packet.frame.get(..end).unwrap_or(packet.frame);
        packet.limit = packet.limit.min(end);
    }
}

/// Version, type, code, session and length (RFC 2516, section 4).
const PPPOE_HEADER: usize = 6;
