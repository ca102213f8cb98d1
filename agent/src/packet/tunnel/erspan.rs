//! ERSPAN: the mirror of a remote switch (draft-foschiano-erspan-03).

use crate::packet::bytes::array;
use crate::packet::decode::{Carrier, Step, Walk};
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
pub fn erspan(walk: &mut Walk, layer: &mut Layer, version: Version, at: usize) -> Result<Step, Undecoded> {
    if let Version::I = version {
        layer.tunnel = Some(Tunnel::ErspanI);
        return Ok(Step::Ethernet(at, carrier(walk, None)));
    }
    let &[v0, v1] = array(walk.frame, at).ok_or(Undecoded::TunnelHeader)?;
    let vlan = Some(u16::from_be_bytes([v0, v1]) & 0x0fff).filter(|vid| *vid != 0);
    match v0 >> 4 {
        1 => {
            layer.tunnel = Some(Tunnel::ErspanII);
            Ok(Step::Ethernet(at + 8, carrier(walk, vlan)))
        }
        2 => {
            layer.tunnel = Some(Tunnel::ErspanIII);
            type_iii(walk, at, vlan)
        }
        _ => Err(Undecoded::TunnelHeader),
    }
}

/// Twelve bytes, eight more with the O bit; the frame type says what was mirrored.
fn type_iii(walk: &mut Walk, at: usize, vlan: Option<u16>) -> Result<Step, Undecoded> {
    let &[frame_type, flags] = array(walk.frame, at + 10).ok_or(Undecoded::TunnelHeader)?;
    let body = at + 12 + if flags & 1 != 0 { 8 } else { 0 };
    match frame_type >> 2 & 0x1f {
        0 => Ok(Step::Ethernet(body, carrier(walk, vlan))),
        2 => {
            let link = carrier(walk, vlan).link();
            walk.push_link(link)?;
            walk.on_link = true;
            Ok(Step::Ip(body))
        }
        _ => Err(Undecoded::TunnelHeader),
    }
}

fn carrier(walk: &Walk, vlan: Option<u16>) -> Carrier {
    if walk.options.erspan { Carrier::Mirror(vlan) } else { Carrier::Tunnel }
}
