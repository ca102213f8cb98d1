//! Requests for interfaces and their answers, as rtnetlink(7) has them. Integers are in the host's byte order.

use super::link::Link;

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_OPERSTATE: u16 = 16;
const IFLA_LINKINFO: u16 = 18;
const IFLA_STATS64: u16 = 23;
const IFLA_CARRIER_CHANGES: u16 = 35;
const IFLA_INFO_KIND: u16 = 1;
const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 8;
const IFF_RUNNING: u32 = 0x40;

const HEADER: usize = 16;
/// The upper two bits of an attribute's type are flags.
const TYPE_MASK: u16 = 0x3fff;

/// Whose link is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    Name(&'a str),
    Index(i32),
    All,
}

/// One message of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Message {
    Link(Link),
    /// A positive errno; 0 is an acknowledgement.
    Error(i32),
    Done,
    Other,
}

/// The bytes of a request.
pub(super) fn request(wanted: Wanted<'_>, sequence: u32) -> Vec<u8> {
    let (index, flags) = match wanted {
        Wanted::Name(_) => (0, NLM_F_REQUEST),
        Wanted::Index(index) => (index, NLM_F_REQUEST),
        Wanted::All => (0, NLM_F_REQUEST | NLM_F_DUMP),
    };
    let mut bytes = vec![0; 4];
    bytes.extend(RTM_GETLINK.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4 + 4]);
    bytes.extend(index.to_ne_bytes());
    bytes.extend([0; 8]);
    if let Wanted::Name(name) = wanted {
        // Longer names than the kernel's 15 bytes are cut: it refuses 17 with their zero in any case.
        let name = name.as_bytes().get(..16).unwrap_or(name.as_bytes());
        bytes.extend((4 + name.len() as u16 + 1).to_ne_bytes());
        bytes.extend(IFLA_IFNAME.to_ne_bytes());
        bytes.extend(name);
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    let length = bytes.len() as u32;
    if let Some(place) = bytes.get_mut(..4) {
        place.copy_from_slice(&length.to_ne_bytes());
    }
    bytes
}

/// The messages of a datagram that answer this request.
pub(super) fn messages(mut bytes: &[u8], sequence: u32) -> Vec<Message> {
    let mut found = Vec::new();
    while let (Some(length), Some(kind), Some(answers)) = (u32_at(bytes, 0), u16_at(bytes, 4), u32_at(bytes, 8)) {
        let length = length as usize;
        let Some(body) = bytes.get(HEADER..length) else { break };
        if answers == sequence {
            found.push(match kind {
                RTM_NEWLINK => link(body).map_or(Message::Other, Message::Link),
                NLMSG_ERROR => Message::Error(i32_at(body, 0).unwrap_or(0).saturating_neg()),
                NLMSG_DONE => Message::Done,
                _ => Message::Other,
            });
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

/// A `struct ifinfomsg` with its attributes.
fn link(body: &[u8]) -> Option<Link> {
    let flags = u32_at(body, 8)?;
    let mut link = Link {
        index: i32_at(body, 4)?,
        up: flags & IFF_UP != 0,
        running: flags & IFF_RUNNING != 0,
        loopback: flags & IFF_LOOPBACK != 0,
        ..Link::default()
    };
    for (kind, value) in attributes(body.get(16..)?) {
        match kind {
            IFLA_IFNAME => link.name = text(value),
            IFLA_MTU => link.mtu = u32_at(value, 0)?,
            IFLA_OPERSTATE => link.operstate = *value.first()?,
            IFLA_CARRIER_CHANGES => link.carrier_changes = u32_at(value, 0)?,
            IFLA_LINKINFO => {
                let kind = attributes(value).find(|(kind, _)| *kind == IFLA_INFO_KIND);
                link.kind = kind.map(|(_, value)| text(value)).unwrap_or_default();
            }
            IFLA_STATS64 => {
                link.received = u64_at(value, 0)?;
                // Damaged (rx_crc_errors), overrun (rx_fifo_errors), no buffer (rx_missed_errors). `rx_dropped` counts
                // frames that no protocol wanted, which a capture got all the same.
                let lost = [12, 14, 15].map(|field| u64_at(value, field).unwrap_or(0));
                link.lost = lost.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
            }
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & TYPE_MASK;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_ne_bytes)
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    array(bytes, at).map(i32::from_ne_bytes)
}

/// A field of `struct rtnl_link_stats64`.
fn u64_at(bytes: &[u8], field: usize) -> Option<u64> {
    array(bytes, field.checked_mul(8)?).map(u64::from_ne_bytes)
}
