//! What stands behind the IP headers: ports, TCP flags, ICMP types, and the tunnels that start there.

use super::bytes::array;
use super::decode::{Packet, Step};
use super::layer::{Layer, Tcp};
use super::numbers::ip_proto;
use super::quote;
use super::tunnel;
use super::undecoded::Undecoded;

/// Protocols whose header begins with two ports.
pub fn has_ports(proto: u8) -> bool {
    use ip_proto::{DCCP, SCTP, TCP, UDP, UDP_LITE};
    matches!(proto, TCP | UDP | DCCP | SCTP | UDP_LITE)
}

/// Fills in the transport at `at`. The layer is kept also where this fails.
#[inline(always)]
pub fn transport(packet: &Packet, layer: &mut Layer, at: usize) -> Result<Step, Undecoded> {
    match layer.proto {
        ip_proto::TCP => tcp(packet.frame, layer, at),
        ip_proto::UDP => {
            ports(packet.frame, layer, at)?;
            header(packet.frame, layer, at, 8);
            if tunnel::is_tunnel_port(layer.sport) || tunnel::is_tunnel_port(layer.dport) {
                tunnel::udp(packet, layer, at + 8)
            } else {
                Ok(Step::Done)
            }
        }
        _ => other(packet, layer, at),
    }
}

fn other(packet: &Packet, layer: &mut Layer, at: usize) -> Result<Step, Undecoded> {
    match layer.proto {
        ip_proto::ICMP | ip_proto::ICMPV6 => icmp(packet.frame, layer, at),
        ip_proto::SCTP => {
            ports(packet.frame, layer, at)?;
            header(packet.frame, layer, at, 12);
            layer.sctp_chunk = packet.frame.get(at + 12).copied();
            Ok(Step::Done)
        }
        ip_proto::DCCP => {
            ports(packet.frame, layer, at)?;
            // Data offset in words (RFC 4340, section 5.1).
            let words = packet.frame.get(at + 4).copied().unwrap_or(0);
            header(packet.frame, layer, at, usize::from(words).max(3) * 4);
            Ok(Step::Done)
        }
        ip_proto::UDP_LITE => {
            ports(packet.frame, layer, at)?;
            header(packet.frame, layer, at, 8);
            Ok(Step::Done)
        }
        _ => tunnel::ip_payload(packet, layer, at),
    }
}

#[inline(always)]
fn tcp(frame: &[u8], layer: &mut Layer, at: usize) -> Result<Step, Undecoded> {
    let Some(&[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags]) = array(frame, at) else {
        ports(frame, layer, at)?;
        header(frame, layer, at, TCP_HEADER);
        return Err(Undecoded::Transport);
    };
    layer.sport = u16::from_be_bytes([s0, s1]);
    layer.dport = u16::from_be_bytes([d0, d1]);
    layer.tcp =
        Some(Tcp { flags, seq: u32::from_be_bytes([q0, q1, q2, q3]), ack: u32::from_be_bytes([a0, a1, a2, a3]) });
    header(frame, layer, at, (usize::from(offset >> 4) * 4).max(TCP_HEADER));
    Ok(Step::Done)
}

const TCP_HEADER: usize = 20;

#[inline(always)]
fn ports(frame: &[u8], layer: &mut Layer, at: usize) -> Result<(), Undecoded> {
    let Some(&[s0, s1, d0, d1]) = array(frame, at) else {
        layer.ports_seen = false;
        return Err(Undecoded::Transport);
    };
    layer.sport = u16::from_be_bytes([s0, s1]);
    layer.dport = u16::from_be_bytes([d0, d1]);
    Ok(())
}

/// Moves the payload behind a transport header of this many bytes at `at`.
#[inline(always)]
fn header(frame: &[u8], layer: &mut Layer, at: usize, bytes: usize) {
    layer.payload = (at + bytes).min(frame.len()) as u32;
    layer.payload_len = layer.payload_len.saturating_sub(bytes as u32);
}

/// Type, code and checksum; errors go on with four bytes of their own and then the packet that they are about.
fn icmp(frame: &[u8], layer: &mut Layer, at: usize) -> Result<Step, Undecoded> {
    let &[kind, code] = array(frame, at).ok_or(Undecoded::Transport)?;
    layer.icmp = Some((kind, code));
    header(frame, layer, at, 4);
    let is_error = match layer.proto {
        // Unreachable, source quench, redirect, time exceeded, parameter problem.
        ip_proto::ICMP => matches!(kind, 3 | 4 | 5 | 11 | 12),
        _ => kind < 128,
    };
    if is_error {
        layer.quote = quote::quote(frame, at + 8);
    }
    Ok(Step::Done)
}
