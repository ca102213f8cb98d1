//! A camera, an attacker behind the router, and the table of signatures.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use segwatch::base::{Mac, Timestamp};
use segwatch::config;
use segwatch::engine::{Engine, FindingStatus, Input, Options, Snapshot};
use segwatch::hint::VendorTable;
use segwatch::packet::LinkType;
use segwatch::policy::Policy;
use segwatch_tests::frames::{Packet, arp, flags};

pub const CAMERA_IP: &str = "10.110.0.11";
pub const CAMERA: (Mac, IpAddr) = (Mac([0x44, 0x19, 0xb6, 1, 2, 3]), IpAddr::V4(Ipv4Addr::new(10, 110, 0, 11)));
/// Of a maker that no table knows.
pub const UNKNOWN: Mac = Mac([0, 0, 0x5e, 0, 0x53, 0x10]);
pub const ATTACKER: (Mac, IpAddr) = (Mac([0, 0, 0x5e, 0, 0x53, 0x20]), IpAddr::V4(Ipv4Addr::new(10, 44, 0, 9)));
pub const ROUTER: Mac = Mac([0, 0, 0x5e, 0, 0x53, 1]);
/// 2026-03-02T08:00:00Z.
pub const START: i64 = 1_772_438_400_000_000_000;
/// Where the attacker's bytes begin.
const FIRST: u32 = u32::MAX - 20;
const ANSWERS: u32 = 77_000;

/// One line of the table.
pub struct Row {
    pub id: String,
    pub proto: String,
    pub example: Vec<u8>,
    pub near: Vec<u8>,
}

impl Row {
    pub fn port(&self) -> u16 {
        match self.proto.as_str() {
            "telnet" => 23,
            "dahua" => 37_777,
            "rtsp" => 554,
            _ => 80,
        }
    }
}

/// The table as it is shipped.
pub fn rows() -> Vec<Row> {
    let mut reader = csv::Reader::from_path("../agent/data/signatures.csv").expect("the table");
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|column| column == name).expect("a column");
    let [id, proto, example, near] = ["id", "proto", "example", "near"].map(at);
    let row = |record: csv::StringRecord| Row {
        id: record[id].to_owned(),
        proto: record[proto].to_owned(),
        example: bytes(&record[example]),
        near: bytes(&record[near]),
    };
    reader.records().map(|record| row(record.expect("a line"))).collect()
}

/// Bytes as the table writes them.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, if c == '\\' { rest.next() } else { None }) {
            ('\\', Some('r')) => out.push(b'\r'),
            ('\\', Some('n')) => out.push(b'\n'),
            ('\\', Some('x')) => {
                let hex: String = rest.by_ref().take(2).collect();
                out.push(u8::from_str_radix(&hex, 16).expect("two hexadecimal digits"));
            }
            ('\\', Some(other)) => out.extend(other.to_string().bytes()),
            (c, _) => out.extend(c.to_string().bytes()),
        }
    }
    out
}

/// What a frame becomes before it is seen.
pub type Wrap = Box<dyn Fn(&[u8]) -> Vec<u8>>;

pub struct Lab {
    pub engine: Engine,
    pub frames: Vec<(Timestamp, Vec<u8>)>,
    wrap: Option<Wrap>,
    ends: [IpAddr; 2],
    mac: Mac,
    one_way: bool,
    /// Bytes sent by the attacker and by the camera.
    sent: [u32; 2],
    number: u16,
}

impl Lab {
    pub fn new() -> Lab {
        Lab::with(policy(""), CAMERA.0)
    }

    /// Of a camera that its MAC does not give away.
    pub fn unknown() -> Lab {
        let mut policy = Policy::builtin();
        policy.watch_vendors = vec!["hikvision".to_owned()];
        let mut lab = Lab::with(policy, UNKNOWN);
        lab.arp();
        lab
    }

    pub fn with(policy: Policy, mac: Mac) -> Lab {
        static VENDORS: LazyLock<VendorTable> = LazyLock::new(VendorTable::builtin);
        let options = Options { rows: true, ..Options::default() };
        Lab {
            engine: Engine::new(policy, VENDORS.clone(), options),
            frames: Vec::new(),
            wrap: None,
            ends: [ATTACKER.1, CAMERA.1],
            mac,
            one_way: false,
            sent: [0; 2],
            number: 0,
        }
    }

    pub fn wrapped(mut self, wrap: Wrap) -> Lab {
        self.wrap = Some(wrap);
        self
    }

    pub fn ipv6(mut self) -> Lab {
        self.ends = ["fd00:400::9", "fd00:110::11"].map(|text| text.parse().expect("an address"));
        self
    }

    pub fn one_way(mut self) -> Lab {
        self.one_way = true;
        self
    }

    pub fn frame(&mut self, data: Vec<u8>) {
        let at = Timestamp(START + self.frames.len() as i64 * 1_000_000);
        let data = self.wrap.as_ref().map_or_else(|| data.clone(), |wrap| wrap(&data));
        let wire_len = data.len() as u32;
        self.engine.handle(Input::Frame { source: 0, at, link_type: LinkType::Ethernet, wire_len, data: &data });
        self.frames.push((at, data));
    }

    pub fn send(&mut self, from: Mac, to: Mac, packet: Packet) {
        self.number += 1;
        self.frame(packet.id(self.number).frame(from, to, &[110]));
    }

    fn client(&mut self, port: u16, bits: u8, place: u32, payload: &[u8]) {
        let [from, to] = [SocketAddr::new(self.ends[0], 50_000), SocketAddr::new(self.ends[1], port)];
        let numbers = (FIRST.wrapping_add(place), ANSWERS.wrapping_add(self.sent[1]));
        let packet = Packet::tcp(from, to, bits).numbers(numbers.0, numbers.1).payload(payload).ttl(63);
        self.send(ROUTER, self.mac, packet);
    }

    fn server(&mut self, port: u16, bits: u8, payload: &[u8]) {
        let [to, from] = [SocketAddr::new(self.ends[0], 50_000), SocketAddr::new(self.ends[1], port)];
        let numbers = (ANSWERS.wrapping_add(self.sent[1]), FIRST.wrapping_add(self.sent[0]));
        self.sent[1] += payload.len() as u32;
        if !self.one_way {
            let packet = Packet::tcp(from, to, bits).numbers(numbers.0, numbers.1).payload(payload);
            self.send(self.mac, ROUTER, packet);
        }
    }

    /// A handshake.
    pub fn open(&mut self, port: u16) {
        self.sent = [0; 2];
        self.client(port, flags::SYN, u32::MAX, b"");
        self.sent[1] = u32::MAX;
        self.server(port, flags::SYN | flags::ACK, b"");
        self.sent[1] = 0;
        self.client(port, flags::ACK, 0, b"");
    }

    /// The camera asks for its router.
    pub fn arp(&mut self) {
        let IpAddr::V4(own) = CAMERA.1 else { unreachable!("a constant") };
        self.frame(arp((self.mac, own), [10, 110, 0, 1].into(), None, &[110]));
    }

    /// The attacker sends these bytes, which stand at this place of its stream.
    pub fn segment(&mut self, port: u16, place: usize, payload: &[u8]) {
        self.client(port, flags::PSH | flags::ACK, place as u32, payload);
        self.sent[0] = self.sent[0].max(place as u32 + payload.len() as u32);
    }

    /// The attacker sends what comes next.
    pub fn request(&mut self, port: u16, payload: &[u8]) {
        self.segment(port, self.sent[0] as usize, payload);
        self.server(port, flags::ACK, b"");
    }

    /// The camera does.
    pub fn reply(&mut self, port: u16, payload: &[u8]) {
        self.server(port, flags::PSH | flags::ACK, payload);
        self.client(port, flags::ACK, self.sent[0], b"");
    }

    /// A whole connection with one request, in pieces of this size.
    pub fn ask(&mut self, port: u16, request: &[u8], piece: usize) {
        self.open(port);
        request.chunks(piece.max(1)).for_each(|piece| self.request(port, piece));
    }

    /// The camera greets its link by SADP.
    pub fn says_hello(&mut self) {
        let mac = self.mac.to_string().replace(':', "-");
        let hello = format!(
            "<?xml version=\"1.0\"?><Hello><Types>hello</Types><DeviceDescription>DS-2CD2142FWD-I</DeviceDescription>\
             <DeviceSN>DS-2CD2142FWD-I20160101AAWR812345678</DeviceSN><MAC>{mac}</MAC><IPv4Address>{CAMERA_IP}</IPv4Address>\
             <SoftwareVersion>V5.3.3 build 150615</SoftwareVersion><Activated>false</Activated></Hello>"
        );
        let from = SocketAddr::new(CAMERA.1, 37_020);
        let packet = Packet::udp(from, "239.255.255.250:37020".parse().expect("an address")).payload(hello);
        self.send(self.mac, Mac([1, 0, 0x5e, 0x7f, 0xff, 0xfa]), packet);
    }

    pub fn answer(&self) -> Snapshot {
        self.engine.snapshot()
    }

    /// What the only attack is told to be.
    pub fn summary(&self) -> String {
        let found = self.answer().findings;
        let found: Vec<&FindingStatus> = found.iter().filter(|f| f.kind.name() == "exploit-attempt").collect();
        assert_eq!(found.len(), 1, "{found:#?}");
        found[0].summary.clone()
    }
}

/// A camera zone, an office, and what is given besides.
pub fn policy(besides: &str) -> Policy {
    let yaml = format!(
        "site: herlev\nsensor: s\ncapture: [{{ interface: eth1 }}]\nzones:\n  cctv: {{ cameras: true, vlans: [110], prefixes: \
         [10.110.0.0/24, \"fd00:110::/64\"], gateways: [10.110.0.1] }}\n  office: {{ vlans: [400], prefixes: [10.44.0.0/16, \
         \"fd00:400::/64\"] }}\nwatch: {{ vendors: [hikvision] }}\n{besides}"
    );
    let loaded =
        config::load_str("segwatch.yaml", &yaml, Timestamp(START), &mut |_| Err(std::io::Error::other("none")));
    loaded.expect("a sound policy").config.policy
}

/// Signatures that are told of attacks on watched devices.
pub fn attacks(answer: &Snapshot) -> Vec<String> {
    let found = answer.findings.iter().filter(|finding| finding.kind.name() == "exploit-attempt");
    found.flat_map(|finding| &finding.peers).flat_map(|peer| peer.names.clone()).collect()
}
