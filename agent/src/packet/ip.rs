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
    match walk.frame.get(at).map(|first| first >> 4) {
        Some(4) => ipv4(walk, at),
        Some(6) => ipv6(walk, at),
        _ => Err(Undecoded::IpVersion),
    }
}

#[inline(always)]
fn ipv4(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    let header: &[u8; IPV4_HEADER] = array(walk.frame, at).ok_or(Undecoded::Ipv4Header)?;
    let &[v, tos, t0, t1, i0, i1, f0, f1, ttl, proto, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = header;
    let header_len = usize::from(v & 15) * 4;
    let ip_len = match u16::from_be_bytes([t0, t1]) {
        // Segmentation offload of the capturing host: only the frame knows.
        0 => walk.limit.saturating_sub(at),
        length => usize::from(length),
    };
    if header_len < IPV4_HEADER || ip_len < header_len {
        return Err(Undecoded::Ipv4Header);
    }
    walk.end_at(at + ip_len);
    let id = u32::from(u16::from_be_bytes([i0, i1]));
    let flags_and_offset = u16::from_be_bytes([f0, f1]);
    let mut chain = Chain { proto, at: at + header_len, fragment: fragment(flags_and_offset & 0x1fff, flags_and_offset & 0x2000 != 0, id), cut: false };
    if proto == ip_proto::AUTHENTICATION {
        chain.walk(walk.frame);
    }
    let (src, dst) = (Ipv4Addr::new(s0, s1, s2, s3), Ipv4Addr::new(d0, d1, d2, d3));
    let layer = Layer { ttl, tos, ..blank(walk, src.into(), dst.into(), at, ip_len, &chain) };
    finish(walk, layer, &chain)
}

#[inline(always)]
fn ipv6(walk: &mut Walk, at: usize) -> Result<Step, Undecoded> {
    let header: &[u8; IPV6_HEADER] = array(walk.frame, at).ok_or(Undecoded::Ipv6Header)?;
    let (fixed, addresses) = header.split_at(8);
    let &[v, c, _, _, p0, p1, proto, ttl] = fixed else { return Err(Undecoded::Ipv6Header) };
    let (Some(&src), Some(&dst)) = (addresses.first_chunk::<16>(), addresses.last_chunk::<16>()) else {
        return Err(Undecoded::Ipv6Header);
    };
    let ip_len = match u16::from_be_bytes([p0, p1]) {
        // A jumbogram (RFC 2675), or segmentation offload.
        0 if proto != ip_proto::NO_NEXT_HEADER => walk.limit.saturating_sub(at),
        length => IPV6_HEADER + usize::from(length),
    };
    walk.end_at(at + ip_len);
    let mut chain = Chain { proto, at: at + IPV6_HEADER, fragment: Fragment::Whole, cut: false };
    chain.walk(walk.frame);
    let (src, dst) = (Ipv6Addr::from(src), Ipv6Addr::from(dst));
    let layer = Layer { ttl, tos: v << 4 | c >> 4, ..blank(walk, src.into(), dst.into(), at, ip_len, &chain) };
    finish(walk, layer, &chain)
}

/// A layer whose transport is not read yet.
#[inline(always)]
fn blank(walk: &Walk, src: IpAddr, dst: IpAddr, at: usize, ip_len: usize, chain: &Chain) -> Layer {
    Layer {
        src,
        dst,
        proto: chain.proto,
        ttl: 0,
        tos: 0,
        sport: 0,
        dport: 0,
        ports_seen: true,
        ip_len: ip_len as u32,
        fragment: chain.fragment,
        tcp: None,
        icmp: None,
        sctp_chunk: None,
        quote: None,
        tunnel: None,
        link: walk.out.links.len().saturating_sub(1) as u8,
        on_link: walk.on_link,
        payload_len: (at + ip_len).saturating_sub(chain.at) as u32,
        start: at as u32,
        end: walk.frame.len() as u32,
        payload: chain.at.min(walk.frame.len()) as u32,
    }
}

/// Reads the transport, keeps the layer whatever that says, and goes on into its tunnel.
#[inline(always)]
fn finish(walk: &mut Walk, mut layer: Layer, chain: &Chain) -> Result<Step, Undecoded> {
    let step = match chain {
        Chain { cut: true, .. } => {
            layer.ports_seen = !transport::has_ports(chain.proto);
            Err(Undecoded::Ipv6Extension)
        }
        Chain { fragment: Fragment::Later(_), .. } => {
            layer.ports_seen = !transport::has_ports(chain.proto);
            Ok(Step::Done)
        }
        _ => transport::transport(walk, &mut layer, chain.at),
    };
    walk.out.layers.push(layer);
    walk.on_link = false;
    step
}

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
