//! IP layers of one frame, outermost first.

use std::net::{IpAddr, Ipv4Addr};

use super::link::{Arp, Link};
use super::undecoded::Undecoded;

/// IP headers of one frame that are followed; what lies deeper is counted as [`Undecoded::TunnelDepth`].
pub const MAX_LAYERS: usize = 8;

/// All that one frame said. Made once and decoded into again and again, so that no frame allocates.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    /// Link headers, outermost first; never empty for a frame with a known link type. `Layer::link` indexes this.
    pub links: Vec<Link>,
    /// IP headers, outermost first; headers quoted in ICMP errors are not layers.
    pub layers: Vec<Layer>,
    /// The ARP packet of the innermost link, if it is one.
    pub arp: Option<Arp>,
    /// EtherType of the outermost link, or of the frame in a mirror transport if it has one, after its tags; 0 where there is none (802.3 length field, raw IP).
    pub ethertype: u16,
    /// Where the payload of the same link starts in the frame, after its tags.
    pub link_payload: usize,
    /// Why the frame was not decoded to its end, if it was not.
    pub undecoded: Option<Undecoded>,
    /// The snap length cut the frame.
    pub truncated: bool,
}

impl Decoded {
    /// Forgets the last frame and keeps the memory.
    #[inline(always)]
    pub fn clear(&mut self) {
        self.links.clear();
        self.layers.clear();
        self.arp = None;
        self.ethertype = 0;
        self.link_payload = 0;
        self.undecoded = None;
        self.truncated = false;
    }
}

/// One IP header and what follows it.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Source address as written in the header.
    pub src: IpAddr,
    /// Destination address as written in the header.
    pub dst: IpAddr,
    /// Protocol after all extension headers and AH (IANA protocol numbers).
    pub proto: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// Source port (TCP, UDP, UDP-Lite, SCTP, DCCP); 0 without one.
    pub sport: u16,
    /// Destination port; 0 without one.
    pub dport: u16,
    /// The ports were in the captured bytes (true also for protocols without ports).
    pub ports_seen: bool,
    /// Total length in bytes as the header says it (IPv6: 40 + payload length); if that is 0 (segmentation offload,
    /// jumbograms), up to the end of the frame on the wire.
    pub ip_len: u32,
    /// Whether this is a fragment.
    pub fragment: Fragment,
    /// TCP fields, if this is a TCP segment with a header.
    pub tcp: Option<Tcp>,
    /// ICMP or ICMPv6 type and code.
    pub icmp: Option<(u8, u8)>,
    /// SCTP: type of the first chunk.
    pub sctp_chunk: Option<u8>,
    /// For ICMP errors: the packet that they quote.
    pub quote: Option<IcmpQuote>,
    /// The tunnel that starts in this layer's payload and was followed or recognised.
    pub tunnel: Option<Tunnel>,
    /// Index in `Decoded::links` of the link header that carries this layer directly or through plain IP tunnels.
    pub link: u8,
    /// No other IP header stands between this layer and its link header; false for IP in IP, 6in4, Teredo, GRE of IP.
    pub on_link: bool,
    /// Bytes of transport payload, from the header's lengths rather than from what was captured.
    pub payload_len: u32,
    /// Where in the frame the layer stands: from its IP header to its total length, or to where the capture was cut.
    pub start: u32,
    /// End of the layer in the frame, without Ethernet padding.
    pub end: u32,
    /// Where in the frame its transport payload starts; it ends at `end`. For ICMP and ICMPv6 that is what follows
    /// type, code and checksum.
    pub payload: u32,
}

impl Layer {
    /// A layer of which nothing is known yet.
    pub(super) const BLANK: Layer = Layer {
        src: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        dst: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        proto: 0,
        ttl: 0,
        tos: 0,
        sport: 0,
        dport: 0,
        ports_seen: true,
        ip_len: 0,
        fragment: Fragment::Whole,
        tcp: None,
        icmp: None,
        sctp_chunk: None,
        quote: None,
        tunnel: None,
        link: 0,
        on_link: false,
        payload_len: 0,
        start: 0,
        end: 0,
        payload: 0,
    };
}

/// Fragment state of a layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fragment {
    /// A whole packet (also an IPv6 atomic fragment, RFC 6946).
    Whole,
    /// Offset 0, more to come, with the packet's identification; ports are known.
    First(u32),
    /// A later fragment of the packet with this identification: without ports.
    Later(u32),
}

/// The fields of a TCP header that flows need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tcp {
    /// Flags, low eight bits (FIN 0x01, SYN 0x02, RST 0x04, PSH 0x08, ACK 0x10).
    pub flags: u8,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
}

/// The packet that an ICMP error quotes (RFC 792, RFC 4443).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IcmpQuote {
    /// Source of the quoted packet.
    pub src: IpAddr,
    /// Destination of the quoted packet.
    pub dst: IpAddr,
    /// Its protocol.
    pub proto: u8,
    /// Its source port; 0 without one.
    pub sport: u16,
    /// Its destination port; 0 without one.
    pub dport: u16,
}

/// What carries an inner packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum Tunnel {
    Gre,
    ErspanI,
    ErspanII,
    ErspanIII,
    Vxlan,
    Geneve,
    IpInIp,
    SixInFour,
    Teredo,
    Tzsp,
    Mpls,
    Gtp,
    L2tp,
    EtherIp,
    Ethernet,
}

impl Tunnel {
    /// The word used in findings and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Tunnel::Gre => "gre",
            Tunnel::ErspanI => "erspan-i",
            Tunnel::ErspanII => "erspan-ii",
            Tunnel::ErspanIII => "erspan-iii",
            Tunnel::Vxlan => "vxlan",
            Tunnel::Geneve => "geneve",
            Tunnel::IpInIp => "ip-in-ip",
            Tunnel::SixInFour => "6in4",
            Tunnel::Teredo => "teredo",
            Tunnel::Tzsp => "tzsp",
            Tunnel::Mpls => "mpls",
            Tunnel::Gtp => "gtp",
            Tunnel::L2tp => "l2tp",
            Tunnel::EtherIp => "etherip",
            Tunnel::Ethernet => "ethernet",
        }
    }
}
