//! IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200), and AH (RFC 4302).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bytes::array;
use super::decode::{Step, Walk};
use super::layer::{Fragment, Layer, MAX_LAYERS};
use super::numbers::ip_proto;
use super::transport;
use super::undecoded::Undecoded;

const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

/// An IP header; its first nibble decides the version, whatever the header in front of it said.
#[inline(always)]
pub fn ip(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    if walk.out.layers.len() >= MAX_LAYERS {
        return Err(Undecoded::TunnelDepth);
    }
    match walk.packet.frame.get(at).map(|first| first >> 4) {
        Some(4) => ipv4(walk, at),
        Some(6) => ipv6(walk, at),
        _ => Err(Undecoded::IpVersion),
    }
}

#[inline(always)]
fn ipv4(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    let header: &[u8; IPV4_HEADER] = array(walk.packet.frame, at).ok_or(Undecoded::Ipv4Header)?;
    let &[v, tos, t0, t1, i0, i1, f0, f1, ttl, proto, _, _, ..] = header;
    let (Some(&src), Some(&dst)) = (array(header, 12), array(header, 16)) else { return Err(Undecoded::Ipv4Header) };
    let header_len = usize::from(v & 15) * 4;
    let ip_len = match u16::from_be_bytes([t0, t1]) {
        // Segmentation offload of the capturing host: only the frame knows.
        0 => walk.packet.limit.saturating_sub(at),
        length => usize::from(length),
    };
    if header_len < IPV4_HEADER || ip_len < header_len {
        return Err(Undecoded::Ipv4Header);
    }
    walk.end_at(at + ip_len);
    let (flags_and_offset, id) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([i0, i1]));
    let fragment = fragment(flags_and_offset & 0x1fff, flags_and_offset & 0x2000 != 0, u32::from(id));
    let mut chain = Chain { proto, at: at + header_len, fragment, cut: false };
    if proto == ip_proto::AUTHENTICATION {
        chain.walk(walk.packet.frame);
    }
    let (src, dst) = (Ipv4Addr::from_octets(src).into(), Ipv4Addr::from_octets(dst).into());
    layer(walk, &Header { src, dst, ttl, tos, at, ip_len }, &chain)
}

#[inline(always)]
fn ipv6(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    let header: &[u8; IPV6_HEADER] = array(walk.packet.frame, at).ok_or(Undecoded::Ipv6Header)?;
    let &[v, c, _, _, p0, p1, proto, ttl, ..] = header;
    let (Some(&src), Some(&dst)) = (array(header, 8), array(header, 24)) else { return Err(Undecoded::Ipv6Header) };
    let ip_len = match u16::from_be_bytes([p0, p1]) {
        // A jumbogram (RFC 2675), or segmentation offload.
        0 if proto != ip_proto::NO_NEXT_HEADER => walk.packet.limit.saturating_sub(at),
        length => IPV6_HEADER + usize::from(length),
    };
    walk.end_at(at + ip_len);
    let mut chain = Chain { proto, at: at + IPV6_HEADER, fragment: Fragment::Whole, cut: false };
    chain.walk(walk.packet.frame);
    let (src, dst) = (Ipv6Addr::from_octets(src).into(), Ipv6Addr::from_octets(dst).into());
    layer(walk, &Header { src, dst, ttl, tos: v << 4 | c >> 4, at, ip_len }, &chain)
}

/// What both versions say.
struct Header {
    src: IpAddr,
    dst: IpAddr,
    ttl: u8,
    tos: u8,
    at: usize,
    ip_len: usize,
}

/// Adds a layer, reads its transport, and goes on into its tunnel. The layer is kept whatever its transport says.
#[inline(always)]
fn layer(walk: &mut Walk, header: &Header, chain: &Chain) -> Result<Step, Undecoded> {
    let link = walk.out.links.len().saturating_sub(1) as u8;
    // Filled in where it stays, because moving one costs more than reading the headers.
    walk.out.layers.push(Layer::BLANK);
    let layer = walk.out.layers.last_mut().ok_or(Undecoded::TunnelDepth)?;
    let captured = walk.packet.frame.len();
    layer.src = header.src;
    layer.dst = header.dst;
    layer.proto = chain.proto;
    layer.ttl = header.ttl;
    layer.tos = header.tos;
    layer.ip_len = header.ip_len as u32;
    layer.fragment = chain.fragment;
    layer.link = link;
    layer.on_link = walk.on_link;
    layer.payload_len = (header.at + header.ip_len).saturating_sub(chain.at) as u32;
    layer.start = header.at as u32;
    layer.end = captured as u32;
    layer.payload = chain.at.min(captured) as u32;
    walk.on_link = false;
    if chain.cut || matches!(chain.fragment, Fragment::Later(_)) {
        layer.ports_seen = !transport::has_ports(chain.proto);
        return if chain.cut { Err(Undecoded::Ipv6Extension) } else { Ok(Step::Done) };
    }
    transport::transport(&walk.packet, layer, chain.at)
}

#[inline(always)]
fn fragment(offset: u16, more: bool, id: u32) -> Fragment {
    match (offset, more) {
        (0, false) => Fragment::Whole,
        (0, true) => Fragment::First(id),
        _ => Fragment::Later(id),
    }
}

/// The headers between an IP header and its transport.
pub struct Chain {
    /// Protocol of what stands at `at`.
    pub proto: u8,
    /// Where the walk stands in the frame.
    pub at: usize,
    /// What the fragment headers said.
    pub fragment: Fragment,
    /// The captured bytes ended inside an extension header.
    pub cut: bool,
}

impl Chain {
    /// Walks on over every extension header and AH in any order and number (each is at least 8 bytes long), up to
    /// the transport or to where a later fragment has none.
    #[inline(always)]
    pub fn walk(&mut self, frame: &[u8]) {
        while is_extension(self.proto) && !matches!(self.fragment, Fragment::Later(_)) {
            if self.extension(frame).is_none() {
                break;
            }
        }
    }

    /// Steps over one header; `None` if it is the last one or cut short.
    fn extension(&mut self, frame: &[u8]) -> Option<()> {
        let Some(&[next, length]) = array(frame, self.at) else {
            self.proto = frame.get(self.at).copied().unwrap_or(self.proto);
            self.cut = true;
            return None;
        };
        let bytes = match self.proto {
            ip_proto::FRAGMENT => {
                let Some(&[_, _, o0, o1, i0, i1, i2, i3]) = array(frame, self.at) else {
                    self.cut = true;
                    return None;
                };
                let offset = u16::from_be_bytes([o0, o1]);
                match (self.fragment, fragment(offset >> 3, offset & 1 != 0, u32::from_be_bytes([i0, i1, i2, i3]))) {
                    // An atomic header behind a first one takes nothing back.
                    (Fragment::First(_), Fragment::Whole) => {}
                    (_, said) => self.fragment = said,
                }
                8
            }
            ip_proto::AUTHENTICATION => (usize::from(length) + 2) * 4,
            // These three are protocols of their own when nothing follows them (RFC 6275, 7401, 5533).
            ip_proto::MOBILITY | ip_proto::HIP | ip_proto::SHIM6 if next == ip_proto::NO_NEXT_HEADER => return None,
            _ => (usize::from(length) + 1) * 8,
        };
        self.proto = next;
        self.at += bytes;
        Some(())
    }
}

fn is_extension(proto: u8) -> bool {
    use ip_proto::{AUTHENTICATION, DESTINATION_OPTIONS, FRAGMENT, HIP, HOP_BY_HOP, MOBILITY, ROUTING, SHIM6};
    matches!(proto, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS | MOBILITY | HIP | SHIM6)
}
