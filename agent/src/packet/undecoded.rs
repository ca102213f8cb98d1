//! Why a frame was not decoded to its end.

/// Each is traffic that may have hidden from us. Frames that by their nature carry no IP (STP, LLDP, PROFINET, …)
/// are none of these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Undecoded {
    /// The capture's link type is not known.
    LinkType,
    /// The link header or its tags were cut short.
    LinkHeader,
    /// An EtherType that carries whole frames and is not followed (TRILL, FabricPath, B.A.T.M.A.N.).
    EtherType,
    /// MACsec with encrypted data.
    Macsec,
    /// An LLC header cut short, or one that carries bridged frames.
    Llc,
    /// An ARP packet cut short.
    Arp,
    /// An IPv4 header that is cut short or contradicts itself.
    Ipv4Header,
    /// An IPv6 header that is cut short.
    Ipv6Header,
    /// An IPv6 extension header or AH that is cut short.
    Ipv6Extension,
    /// What should be IP is neither version 4 nor 6.
    IpVersion,
    /// The fields that flows need (ports; TCP flags) lie outside the packet or were cut off.
    Transport,
    /// A tunnel's header is cut short, damaged, or of a variant that is not followed.
    TunnelHeader,
    /// More IP headers or link headers than are followed.
    TunnelDepth,
}

impl Undecoded {
    /// Every reason, for series that must exist from the start.
    pub const ALL: [Undecoded; 13] = [
        Undecoded::LinkType,
        Undecoded::LinkHeader,
        Undecoded::EtherType,
        Undecoded::Macsec,
        Undecoded::Llc,
        Undecoded::Arp,
        Undecoded::Ipv4Header,
        Undecoded::Ipv6Header,
        Undecoded::Ipv6Extension,
        Undecoded::IpVersion,
        Undecoded::Transport,
        Undecoded::TunnelHeader,
        Undecoded::TunnelDepth,
    ];

    /// The word used in metrics and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Undecoded::LinkType => "link_type",
            Undecoded::LinkHeader => "link_header",
            Undecoded::EtherType => "ether_type",
            Undecoded::Macsec => "macsec",
            Undecoded::Llc => "llc",
            Undecoded::Arp => "arp",
            Undecoded::Ipv4Header => "ipv4_header",
            Undecoded::Ipv6Header => "ipv6_header",
            Undecoded::Ipv6Extension => "ipv6_extension",
            Undecoded::IpVersion => "ip_version",
            Undecoded::Transport => "transport",
            Undecoded::TunnelHeader => "tunnel_header",
            Undecoded::TunnelDepth => "tunnel_depth",
        }
    }
}
