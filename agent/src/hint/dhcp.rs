//! DHCPv4 (RFC 2131): who got which address, with which mask.

use std::net::Ipv4Addr;

use super::clue::{Clue, Confidence, Says, Source, mask_length};
use super::marks::{Marks, Where};
use crate::base::Mac;

/// Options are walked no further than this, padding included.
const MAX_OPTIONS: usize = 128;
/// Before the first option (RFC 2132, section 2).
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// What an acknowledged lease, or a client that renews one, says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The client's hardware address.
    pub mac: Mac,
    /// Its address.
    pub ip: Ipv4Addr,
    /// Length of the subnet mask (option 1), where it was given.
    pub mask: Option<u8>,
}

/// Reads the lease out of the UDP payload of a DHCPACK, or of a DHCPREQUEST that renews (ciaddr set).
pub fn lease(payload: &[u8]) -> Option<Lease> {
    let fixed: &[u8; 240] = payload.first_chunk()?;
    let [op, hardware, length, ..] = *fixed;
    if hardware != 1 || length != 6 || fixed[236..] != COOKIE {
        return None;
    }
    let address = |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
    let mac = Mac([fixed[28], fixed[29], fixed[30], fixed[31], fixed[32], fixed[33]]);
    let mut message = 0;
    let mut mask = None;
    for (code, value) in options(payload) {
        match (code, value) {
            (53, [m]) => message = *m,
            (1, [a, b, c, d]) => mask = mask_length(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => {}
        }
    }
    let ip = match (op, message) {
        (2, 5) if !address(16).is_unspecified() => address(16),
        (2, 5) | (1, 3) => address(12),
        _ => return None,
    };
    (!ip.is_unspecified() && !mac.is_group() && mac != Mac::ZERO).then_some(Lease { mac, ip, mask })
}

/// The server identifier (option 54, if it is there) of an offer, an acknowledgement or a refusal.
pub fn server_answer(payload: &[u8]) -> Option<Option<Ipv4Addr>> {
    const REPLY: u8 = 2;
    let fixed: &[u8; 240] = payload.first_chunk()?;
    if fixed[0] != REPLY || fixed[236..] != COOKIE {
        return None;
    }
    let (mut message, mut server) = (0, None);
    for (code, value) in options(payload) {
        match (code, value) {
            (53, [m]) => message = *m,
            (54, [a, b, c, d]) => server = Some(Ipv4Addr::new(*a, *b, *c, *d)),
            _ => {}
        }
    }
    matches!(message, 2 | 5 | 6).then_some(server)
}

/// Whether a DHCPv6 message is an advertisement, a reply or a reconfiguration (RFC 8415, section 7.3).
pub fn is_v6_server_answer(payload: &[u8]) -> bool {
    matches!(payload, [2 | 7 | 10, _, _, _, ..])
}

/// What a client says about itself: its host name (option 12) and its vendor class (option 60). The list of what it asks
/// for (option 55) is shared by too many devices.
pub fn client(payload: &[u8], marks: &Marks) -> Option<Clue> {
    const REQUEST: u8 = 1;
    let fixed: &[u8; 240] = payload.first_chunk()?;
    if fixed[..3] != [REQUEST, 1, 6] || fixed[236..] != COOKIE {
        return None;
    }
    let mut clue = Clue::new(Source::Dhcp, Confidence::High);
    clue.say_mac(&Mac([fixed[28], fixed[29], fixed[30], fixed[31], fixed[32], fixed[33]]).to_string());
    clue.mac?;
    clue.facts.clear();
    for (code, value) in options(payload) {
        let text = String::from_utf8_lossy(value);
        match code {
            12 => {
                marks.identify(&mut clue, Where::Host, &text);
                clue.say(Says::Name, &text);
            }
            60 if marks.identify(&mut clue, Where::DhcpClass, &text) => {
                // AXIS,Network Camera,P3343,5.20.3
                let mut parts = text.split(',').skip(2);
                clue.say(Says::Model, parts.next().unwrap_or_default());
                clue.say(Says::Firmware, parts.next().unwrap_or_default());
            }
            _ => {}
        }
    }
    if clue.fact(Says::Vendor).is_none() {
        clue.confidence = Confidence::Low;
    }
    (!clue.facts.is_empty()).then_some(clue)
}

/// Code and value of each option, up to the end or the first that is cut (RFC 2132, section 2).
fn options(payload: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    const PAD: u8 = 0;
    const END: u8 = 255;
    let mut rest = payload.get(240..).unwrap_or_default();
    let step = move |_| {
        let (option, after) = match *rest {
            [PAD, ref after @ ..] => (None, after),
            [END, ..] | [] | [_] => return None,
            [code, len, ref more @ ..] => {
                let (value, after) = more.split_at_checked(usize::from(len))?;
                (Some((code, value)), after)
            }
        };
        rest = after;
        Some(option)
    };
    (0..MAX_OPTIONS).map_while(step).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(op: u8, kind: u8, ciaddr: [u8; 4], yiaddr: [u8; 4], options: &[u8]) -> Vec<u8> {
        let mut m = vec![0u8; 240];
        m[..3].copy_from_slice(&[op, 1, 6]);
        m[12..16].copy_from_slice(&ciaddr);
        m[16..20].copy_from_slice(&yiaddr);
        m[28..34].copy_from_slice(&[0x44, 0x19, 0xb6, 1, 2, 3]);
        m[236..240].copy_from_slice(&[99, 130, 83, 99]);
        m.extend([53, 1, kind]);
        m.extend(options);
        m.push(255);
        m
    }

    #[test]
    fn an_acknowledgement_binds_address_and_mask() {
        let ack = message(2, 5, [0; 4], [10, 110, 0, 11], &[1, 4, 255, 255, 255, 0]);
        assert_eq!(
            lease(&ack),
            Some(Lease { mac: Mac([0x44, 0x19, 0xb6, 1, 2, 3]), ip: Ipv4Addr::new(10, 110, 0, 11), mask: Some(24) })
        );
    }

    #[test]
    fn an_offer_or_a_first_request_binds_nothing() {
        assert_eq!(lease(&message(2, 2, [0; 4], [10, 110, 0, 11], &[])), None);
        assert_eq!(lease(&message(1, 3, [0; 4], [0; 4], &[])), None);
        assert!(lease(&message(1, 3, [10, 110, 0, 11], [0; 4], &[])).is_some(), "a renewal does");
    }

    #[test]
    fn offers_acknowledgements_and_refusals_show_a_server() {
        let server = [54, 4, 10, 40, 0, 5];
        for kind in [2, 5, 6] {
            let answer = message(2, kind, [0; 4], [10, 110, 0, 11], &server);
            assert_eq!(server_answer(&answer), Some(Some(Ipv4Addr::new(10, 40, 0, 5))));
        }
        assert_eq!(server_answer(&message(1, 3, [0; 4], [0; 4], &server)), None, "a client names it too");
        assert!(is_v6_server_answer(&[2, 1, 2, 3, 0, 1]) && is_v6_server_answer(&[7, 1, 2, 3]));
        assert!(!is_v6_server_answer(&[1, 1, 2, 3]) && !is_v6_server_answer(&[7, 1]), "a client's, and none");
    }

    #[test]
    fn a_client_says_its_name_and_class() {
        let marks = Marks::builtin();
        let read = |options: &[u8]| client(&message(1, 1, [0; 4], [0; 4], options), &marks);
        let class = b"AXIS,Network Camera,P3343,5.20.3";
        let options = [&[60, class.len() as u8][..], class, &[12, 4], b"door"].concat();
        let clue = read(&options).expect("a class");
        for (says, value) in [
            (Says::Vendor, "axis"),
            (Says::Model, "P3343"),
            (Says::Firmware, "5.20.3"),
            (Says::Name, "door"),
            (Says::Kind, "camera"),
        ] {
            assert_eq!(clue.fact(says), Some(value));
        }
        let clue = read(&[&[60, 12][..], b"udhcp 1.22.1", &[12, 8], b"DCS-935L"].concat()).expect("a name");
        assert_eq!((clue.fact(Says::Vendor), clue.confidence), (Some("d-link"), Confidence::Medium));
        let clue = read(&[&[12, 4][..], b"pc-1"].concat()).expect("a name");
        assert_eq!((clue.fact(Says::Vendor), clue.confidence), (None, Confidence::Low));
        assert_eq!(read(&[]), None);
        assert_eq!(
            client(&message(2, 5, [0; 4], [0; 4], &[12, 8, 68, 67, 83, 45, 57, 51, 53, 76]), &marks),
            None,
            "a server"
        );
    }

    #[test]
    fn cut_anywhere_it_is_no_panic() {
        let ack = message(2, 5, [0; 4], [10, 110, 0, 11], &[1, 4, 255, 255, 0, 255]);
        for end in 0..ack.len() {
            let _ = lease(&ack[..end]);
        }
        assert_eq!(lease(&ack).and_then(|l| l.mask), None, "a mask with holes is none");
    }
}
