//! Tunnels told by the shape of a payload: message types and exact lengths, never a port alone, so that no ordinary
//! datagram or stream is called one.

/// A message that a tunnel protocol sends, as far as one packet tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// WireGuard handshake: initiation, response or cookie reply.
    WireGuardHandshake,
    /// WireGuard data: receiver index and counter.
    WireGuardData(u32, u64),
    /// OpenVPN: a client begins a session.
    OpenVpnReset,
    /// SSH identification (RFC 4253, section 4.2).
    Ssh,
    /// SOCKS 5 greeting (RFC 1928, section 3).
    Socks5Greeting,
    /// SOCKS 5 choice of a method.
    Socks5Choice,
    /// SOCKS 4 request.
    Socks4Request,
    /// SOCKS 4 reply.
    Socks4Reply,
}

/// The shape of a UDP payload of `length` bytes, of which `payload` was captured.
pub fn datagram(payload: &[u8], length: u32) -> Option<Shape> {
    match payload {
        // Type, then three reserved bytes (WireGuard white paper, section 5.4).
        [1, 0, 0, 0, ..] if length == 148 => Some(Shape::WireGuardHandshake),
        [2, 0, 0, 0, ..] if length == 92 => Some(Shape::WireGuardHandshake),
        [3, 0, 0, 0, ..] if length == 64 => Some(Shape::WireGuardHandshake),
        [4, 0, 0, 0, rest @ ..] if length >= 32 && length.is_multiple_of(16) => wireguard_data(rest),
        _ => openvpn(payload, length).then_some(Shape::OpenVpnReset),
    }
}

/// The shape of a TCP payload of `length` bytes, of which `payload` was captured.
pub fn segment(payload: &[u8], length: u32) -> Option<Shape> {
    match payload {
        [b'S', b'S', b'H', b'-', b'1' | b'2', b'.', ..] => Some(Shape::Ssh),
        [5, 0..=2 | 0xff] if length == 2 => Some(Shape::Socks5Choice),
        [5, count @ 1..=16, methods @ ..] if length == 2 + u32::from(*count) => {
            // Assigned methods (IANA), or private ones.
            methods.iter().all(|m| matches!(m, 0..=9 | 0x80..=0xfe)).then_some(Shape::Socks5Greeting)
        }
        // Version, CONNECT or BIND, port, address, then a name that ends with a zero byte.
        [4, 1 | 2, _, _, _, _, _, _, .., 0] if length >= 9 && payload.len() == length as usize => {
            Some(Shape::Socks4Request)
        }
        [0, 0x5a..=0x5d, ..] if length == 8 => Some(Shape::Socks4Reply),
        // Over TCP, OpenVPN puts the length in front of each packet.
        [l0, l1, rest @ ..] if u32::from(u16::from_be_bytes([*l0, *l1])) + 2 == length => {
            openvpn(rest, length - 2).then_some(Shape::OpenVpnReset)
        }
        _ => None,
    }
}

/// Receiver index and counter; the counter of a real session never reaches 2^40.
fn wireguard_data(rest: &[u8]) -> Option<Shape> {
    let receiver: [u8; 4] = *rest.first_chunk()?;
    let counter: [u8; 8] = *rest.get(4..)?.first_chunk()?;
    let counter = u64::from_le_bytes(counter);
    (counter >> 40 == 0).then_some(Shape::WireGuardData(u32::from_le_bytes(receiver), counter))
}

/// P_CONTROL_HARD_RESET_CLIENT_V2: opcode, session, and behind an optional wrapping (packet identifier, time, HMAC of
/// 20, 32 or 64 bytes) no acknowledgment and message 0.
fn openvpn(payload: &[u8], length: u32) -> bool {
    const CLIENT_RESET: u8 = 7 << 3;
    const CLIENT_RESET_TLS_CRYPT_2: u8 = 10 << 3;
    const PLAIN: u32 = 14;
    let Some(&opcode) = payload.first() else { return false };
    let ends_plainly = payload.len() == length as usize && payload.ends_with(&[0; 5]);
    // The first packets of a session count from 1; 2.6 begins at 0x0f000001.
    let counts = |at: usize| matches!(payload.get(at..at + 4), Some([0 | 0x0f, 0, 0, n]) if *n > 0 && *n < 64);
    match (opcode, length) {
        (CLIENT_RESET, PLAIN) => ends_plainly,
        // --tls-auth with SHA1, SHA256 and SHA512.
        (CLIENT_RESET, 42) => ends_plainly && counts(29),
        (CLIENT_RESET, 54) => ends_plainly && counts(41) || counts(9),
        (CLIENT_RESET, 86) => ends_plainly && counts(73),
        // --tls-crypt-v2 appends the client's key, hundreds of bytes long.
        (CLIENT_RESET_TLS_CRYPT_2, 200..) => counts(9),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wireguard(kind: u8, length: usize) -> Vec<u8> {
        let mut packet = vec![0; length];
        packet[0] = kind;
        packet
    }

    #[test]
    fn wireguard_is_told_by_type_and_length() {
        for (kind, length) in [(1, 148), (2, 92), (3, 64)] {
            let packet = wireguard(kind, length);
            assert_eq!(datagram(&packet, length as u32), Some(Shape::WireGuardHandshake));
            assert_eq!(datagram(&packet, length as u32 + 1), None);
        }
        let mut data = wireguard(4, 96);
        data[4] = 7;
        data[8] = 9;
        assert_eq!(datagram(&data, 96), Some(Shape::WireGuardData(7, 9)));
        data[15] = 1;
        assert_eq!(datagram(&data, 96), None, "no session counts that far");
    }

    #[test]
    fn openvpn_is_told_by_its_first_packet() {
        let mut reset = vec![0x38, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0];
        assert_eq!(datagram(&reset, 14), Some(Shape::OpenVpnReset));
        let mut framed = vec![0, 14];
        framed.extend(&reset);
        assert_eq!(segment(&framed, 16), Some(Shape::OpenVpnReset));
        reset[13] = 1;
        assert_eq!(datagram(&reset, 14), None);
    }

    #[test]
    fn streams_are_told_by_their_first_bytes() {
        assert_eq!(segment(b"SSH-2.0-dropbear\r\n", 18), Some(Shape::Ssh));
        assert_eq!(segment(&[5, 1, 0], 3), Some(Shape::Socks5Greeting));
        assert_eq!(segment(&[5, 2, 0, 2], 4), Some(Shape::Socks5Greeting));
        assert_eq!(segment(&[5, 0], 2), Some(Shape::Socks5Choice));
        assert_eq!(segment(&[4, 1, 1, 0xbb, 198, 51, 100, 7, 0], 9), Some(Shape::Socks4Request));
        assert_eq!(segment(&[0, 0x5a, 0, 0, 0, 0, 0, 0], 8), Some(Shape::Socks4Reply));
    }

    #[test]
    fn video_and_the_like_have_no_shape() {
        for first in 0x80..=0x9f {
            for length in [14, 42, 54, 64, 92, 148, 1400] {
                let mut rtp = vec![0; length];
                (rtp[0], rtp[1]) = (first, 96);
                assert_eq!(datagram(&rtp, length as u32), None);
            }
        }
        let dns = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let stun = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        let syslog = b"<134>camera: motion";
        for payload in [&dns[..], &stun, syslog, &[], b"RTSP/1.0 200 OK", b"$\x00\x05\x00"] {
            assert_eq!((datagram(payload, payload.len() as u32), segment(payload, payload.len() as u32)), (None, None));
        }
    }
}
