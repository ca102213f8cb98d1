//! Wraps packets and frames: GRE, ERSPAN II, VXLAN, as mirrors and overlays do.

use std::net::{IpAddr, SocketAddr};

use crate::frames::{Packet, proto};

/// UDP port of VXLAN (RFC 7348).
pub const VXLAN_PORT: u16 = 4789;

/// GRE (RFC 2784) with a protocol type, without optional fields.
pub fn gre(src: IpAddr, dst: IpAddr, protocol: u16, inner: &[u8]) -> Packet {
    let mut payload = vec![0, 0];
    payload.extend(protocol.to_be_bytes());
    payload.extend(inner);
    Packet::other(src, dst, proto::GRE).payload(payload)
}

/// ERSPAN type II (draft-foschiano-erspan-03, section 4.2) with the VLAN and session of its header.
pub fn erspan_ii(src: IpAddr, dst: IpAddr, sequence: u32, vlan: u16, session: u16, frame: &[u8]) -> Packet {
    let mut payload = vec![0x10, 0, 0x88, 0xbe];
    payload.extend(sequence.to_be_bytes());
    payload.extend((0x1000 | (vlan & 0x0fff)).to_be_bytes());
    payload.extend((session & 0x03ff).to_be_bytes());
    payload.extend([0; 4]);
    payload.extend(frame);
    Packet::other(src, dst, proto::GRE).payload(payload)
}

/// VXLAN (RFC 7348): an Ethernet frame in UDP.
pub fn vxlan(src: IpAddr, dst: IpAddr, vni: u32, frame: &[u8]) -> Packet {
    let mut payload = vec![0x08, 0, 0, 0];
    payload.extend((vni << 8).to_be_bytes());
    payload.extend(frame);
    Packet::udp(SocketAddr::new(src, 49_152), SocketAddr::new(dst, VXLAN_PORT)).payload(payload)
}
