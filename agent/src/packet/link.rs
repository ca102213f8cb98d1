//! What stands in front of the IP header.

use std::net::Ipv4Addr;

use crate::base::{Mac, VlanStack};

/// How the first byte of a captured frame is to be read (the names are those of the pcap LINKTYPE registry).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LinkType {
    /// LINKTYPE_ETHERNET (1).
    Ethernet,
    /// LINKTYPE_LINUX_SLL (113).
    LinuxSll,
    /// LINKTYPE_LINUX_SLL2 (276).
    LinuxSll2,
    /// LINKTYPE_RAW (101) and the BSD variants DLT_RAW (12, 14): IPv4 or IPv6 by its first nibble.
    Raw,
    /// LINKTYPE_IPV4 (228).
    Ipv4,
    /// LINKTYPE_IPV6 (229).
    Ipv6,
    /// LINKTYPE_NULL (0): a 4-byte address family in the byte order of the capturing host.
    Null,
    /// LINKTYPE_LOOP (108): the same in network byte order.
    Loop,
    /// Any other; its frames are counted as undecoded.
    Other(u32),
}

impl From<u32> for LinkType {
    fn from(value: u32) -> Self {
        match value {
            0 => LinkType::Null,
            1 => LinkType::Ethernet,
            12 | 14 | 101 => LinkType::Raw,
            108 => LinkType::Loop,
            113 => LinkType::LinuxSll,
            228 => LinkType::Ipv4,
            229 => LinkType::Ipv6,
            276 => LinkType::LinuxSll2,
            other => LinkType::Other(other),
        }
    }
}

impl LinkType {
    /// Its LINKTYPE number.
    pub fn number(self) -> u32 {
        match self {
            LinkType::Null => 0,
            LinkType::Ethernet => 1,
            LinkType::Raw => 101,
            LinkType::Loop => 108,
            LinkType::LinuxSll => 113,
            LinkType::Ipv4 => 228,
            LinkType::Ipv6 => 229,
            LinkType::LinuxSll2 => 276,
            LinkType::Other(number) => number,
        }
    }
}

/// The link header that carries a layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Link {
    /// Source MAC; `None` where the link type has none (raw IP, loopback, SLL without an Ethernet address).
    pub src: Option<Mac>,
    /// Destination MAC; `None` also for Linux cooked captures.
    pub dst: Option<Mac>,
    /// Tags of this very link header, outermost first.
    pub vlans: VlanStack,
    /// The VLAN in the ERSPAN header around this frame, if there is one.
    pub erspan_vlan: Option<u16>,
    /// This frame came inside a mirror transport (ERSPAN or TZSP), so it is a frame as the switch saw it.
    pub mirrored: bool,
    /// This frame is the payload of a tunnel that is traffic (VXLAN, GENEVE, GRE with Ethernet, MPLS pseudowire).
    pub tunnelled: bool,
    /// Set for Linux cooked captures: the packet was sent to us, broadcast, multicast, to somebody else, or by us (0..=4).
    pub sll_packet_type: Option<u8>,
}

impl Link {
    /// A link header that says nothing.
    pub const EMPTY: Link = Link {
        src: None,
        dst: None,
        vlans: VlanStack::EMPTY,
        erspan_vlan: None,
        mirrored: false,
        tunnelled: false,
        sll_packet_type: None,
    };
}

/// One ARP packet for IPv4 over Ethernet (RFC 826).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Sender hardware address.
    pub sender_mac: Mac,
    /// Sender protocol address.
    pub sender_ip: Ipv4Addr,
    /// Target hardware address.
    pub target_mac: Mac,
    /// Target protocol address.
    pub target_ip: Ipv4Addr,
}
