//! ERSPAN: the mirror of a remote switch (draft-foschiano-erspan-03).

use crate::packet::bytes::array;
use crate::packet::decode::{Carrier, Packet, Step};
use crate::packet::layer::{Layer, Tunnel};
use crate::packet::undecoded::Undecoded;

/// How to tell the type.
pub enum Version {
    /// There is no header at all: the mirrored frame follows GRE.
    I,
    /// The header begins with it.
    InHeader,
}

/// An ERSPAN header behind GRE.
pub fn erspan(packet: &Packet, layer: &mut Layer, version: Version, at: usize) -> Result<Step, Undecoded> {
    if let Version::I = version {
        layer.tunnel = Some(Tunnel::ErspanI);
        return Ok(Step::Ethernet(at, carrier(packet, None)));
    }
    let &[v0, v1] = array(packet.frame, at).ok_or(Undecoded::TunnelHeader)?;
    let vlan = Some(u16::from_be_bytes([v0, v1]) & 0x0fff).filter(|vid| *vid != 0);
    match v0 >> 4 {
        1 => {
            layer.tunnel = Some(Tunnel::ErspanII);
            Ok(Step::Ethernet(at + 8, carrier(packet, vlan)))
        }
        2 => {
            layer.tunnel = Some(Tunnel::ErspanIII);
            type_iii(packet, at, vlan)
        }
        _ => Err(Undecoded::TunnelHeader),
    }
}

/// Twelve bytes, eight more with the O bit; the frame type says what was mirrored.
fn type_iii(packet: &Packet, at: usize, vlan: Option<u16>) -> Result<Step, Undecoded> {
    let &[frame_type, flags] = array(packet.frame, at + 10).ok_or(Undecoded::TunnelHeader)?;
    let body = at + 12 + if flags & 1 != 0 { 8 } else { 0 };
    match frame_type >> 2 & 0x1f {
        0 => Ok(Step::Ethernet(body, carrier(packet, vlan))),
        2 => Ok(Step::BareIp(body, carrier(packet, vlan))),
        _ => Err(Undecoded::TunnelHeader),
    }
}

fn carrier(packet: &Packet, vlan: Option<u16>) -> Carrier {
    if packet.options.erspan { Carrier::Mirror(vlan) } else { Carrier::Tunnel }
}
