//! EtherTypes (IEEE registration authority) and protocol numbers (IANA) that the decoder follows.

/// EtherTypes.
pub mod ether_type {
    use etherparse::EtherType;

    pub const IPV4: u16 = EtherType::IPV4.0;
    pub const IPV6: u16 = EtherType::IPV6.0;
    pub const ARP: u16 = EtherType::ARP.0;
    /// Customer tag, IEEE 802.1Q.
    pub const C_TAG: u16 = EtherType::VLAN_TAGGED_FRAME.0;
    /// Service tag, IEEE 802.1ad.
    pub const S_TAG: u16 = EtherType::PROVIDER_BRIDGING.0;
    /// Tag types that switches used before 802.1ad settled on 0x88a8, still configurable on most.
    pub const OLD_TAG_1: u16 = EtherType::VLAN_DOUBLE_TAGGED_FRAME.0;
    pub const OLD_TAG_2: u16 = 0x9200;
    pub const OLD_TAG_3: u16 = 0x9300;
    /// Provider backbone bridging, IEEE 802.1ah.
    pub const I_TAG: u16 = 0x88e7;
    /// Port extender, IEEE 802.1BR.
    pub const E_TAG: u16 = 0x893f;
    /// Cisco's port extender tag.
    pub const VN_TAG: u16 = 0x8926;
    /// Seamless redundancy, IEC 62439-3.
    pub const HSR: u16 = 0x892f;
    /// Cisco MetaData: the security group tag of TrustSec.
    pub const CISCO_METADATA: u16 = 0x8909;
    pub const MACSEC: u16 = EtherType::MACSEC.0;
    /// LLC behind an EtherType, for frames longer than a length field can say (IEEE 802.1AC).
    pub const LLC: u16 = 0x8870;
    pub const MPLS: u16 = 0x8847;
    pub const MPLS_UPSTREAM: u16 = 0x8848;
    pub const PPPOE_SESSION: u16 = 0x8864;
    pub const PPP: u16 = 0x880b;
    pub const ETHERNET: u16 = 0x6558;
    /// Network service header, RFC 8300.
    pub const NSH: u16 = 0x894f;
    /// Transports of whole frames between switches that are not followed.
    pub const TRILL: u16 = 0x22f3;
    pub const FABRIC_PATH: u16 = 0x8903;
    pub const BATMAN: u16 = 0x4305;
    /// ERSPAN types I and II, in GRE.
    pub const ERSPAN: u16 = 0x88be;
    pub const ERSPAN_III: u16 = 0x22eb;
    /// Web cache redirection, in GRE.
    pub const WCCP: u16 = 0x883e;
    /// Below it the field is the length of an 802.3 frame (IEEE 802.3, clause 3.2.6).
    pub const LOWEST: u16 = 0x0600;
}

/// Protocol numbers.
pub mod ip_proto {
    use etherparse::ip_number;

    pub const HOP_BY_HOP: u8 = ip_number::IPV6_HOP_BY_HOP.0;
    pub const ICMP: u8 = ip_number::ICMP.0;
    pub const IPV4: u8 = ip_number::IPV4.0;
    pub const TCP: u8 = ip_number::TCP.0;
    pub const UDP: u8 = ip_number::UDP.0;
    pub const DCCP: u8 = ip_number::DCCP.0;
    pub const IPV6: u8 = ip_number::IPV6.0;
    pub const ROUTING: u8 = ip_number::IPV6_ROUTE.0;
    pub const FRAGMENT: u8 = ip_number::IPV6_FRAG.0;
    pub const GRE: u8 = ip_number::GRE.0;
    pub const AUTHENTICATION: u8 = ip_number::AUTH.0;
    pub const ICMPV6: u8 = ip_number::IPV6_ICMP.0;
    pub const NO_NEXT_HEADER: u8 = ip_number::IPV6_NO_NEXT_HEADER.0;
    pub const DESTINATION_OPTIONS: u8 = ip_number::IPV6_DEST_OPTIONS.0;
    pub const ETHER_IP: u8 = ip_number::ETHER_IP.0;
    pub const SCTP: u8 = ip_number::SCTP.0;
    pub const MOBILITY: u8 = ip_number::MOBILITY.0;
    pub const UDP_LITE: u8 = ip_number::UDP_LITE.0;
    pub const MPLS: u8 = ip_number::MPLS_IN_IP.0;
    pub const HIP: u8 = ip_number::HIP.0;
    pub const SHIM6: u8 = ip_number::SHIM6.0;
    /// Ethernet in SRv6 (RFC 8986).
    pub const ETHERNET: u8 = 143;
}

/// UDP ports of the tunnels that are followed.
pub mod port {
    pub const L2TP: u16 = 1701;
    pub const GTP_U: u16 = 2152;
    pub const TEREDO: u16 = 3544;
    pub const GRE: u16 = 4754;
    pub const VXLAN: u16 = 4789;
    pub const GENEVE: u16 = 6081;
    pub const MPLS: u16 = 6635;
    pub const TZSP: u16 = 37008;
}
