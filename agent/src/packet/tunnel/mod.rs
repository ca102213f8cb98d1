//! Packets inside packets. Tunnels that encrypt are not followed; the layer that carries them is judged instead.

mod erspan;
mod gre;
mod mpls;
mod ppp;
mod udp;

pub use gre::erspan_sequence;
pub use mpls::mpls;
pub use ppp::ppp;
pub use udp::{is_tunnel_port, udp};

use super::bytes::array;
use super::decode::{Carrier, Packet, Step};
use super::layer::{Layer, Tunnel};
use super::numbers::{ether_type, ip_proto};
use super::undecoded::Undecoded;

/// The tunnel that a layer's protocol number says, if it is one.
pub fn ip_payload(packet: &Packet, layer: &mut Layer, at: usize) -> Result<Step, Undecoded> {
    let (tunnel, step) = match layer.proto {
        ip_proto::GRE => return gre::gre(packet, layer, at),
        ip_proto::IPV4 => (Tunnel::IpInIp, Step::Ip(at)),
        ip_proto::IPV6 if layer.src.is_ipv4() => (Tunnel::SixInFour, Step::Ip(at)),
        ip_proto::IPV6 => (Tunnel::IpInIp, Step::Ip(at)),
        ip_proto::MPLS => (Tunnel::Mpls, Step::Mpls(at)),
        ip_proto::ETHERNET => (Tunnel::Ethernet, Step::Ethernet(at, Carrier::Tunnel)),
        ip_proto::ETHER_IP => match array(packet.frame, at).ok_or(Undecoded::TunnelHeader)? {
            // Version 3, then 12 bits that must be zero (RFC 3378).
            [0x30, 0] => (Tunnel::EtherIp, Step::Ethernet(at + 2, Carrier::Tunnel)),
            _ => return Err(Undecoded::TunnelHeader),
        },
        _ => return Ok(Step::Done),
    };
    layer.tunnel = Some(tunnel);
    Ok(step)
}

/// A network service header (RFC 8300, section 2.2).
pub fn nsh(packet: &Packet, at: usize) -> Result<Step, Undecoded> {
    let &[_, length, _, next] = array(packet.frame, at).ok_or(Undecoded::TunnelHeader)?;
    let body = at + usize::from(length & 0x3f).max(2) * 4;
    Ok(match next {
        1 | 2 => Step::Ip(body),
        3 => Step::Ethernet(body, Carrier::Tunnel),
        4 => Step::Protocol(ether_type::NSH, body),
        5 => Step::Mpls(body),
        _ => Step::Done,
    })
}
