//! Devices are known by what they say, and only by what they say of themselves. SADP, DHIP and ISAPI messages here are
//! synthetic, after the documented layouts; the real captures are judged in `corpus.rs`.

mod corpus;

use std::net::{IpAddr, SocketAddr};

use segwatch::base::{Mac, Timestamp};
use segwatch::config;
use segwatch::engine::{DeviceStatus, Engine, FindingStatus, FlowVerdict, Input, Options, Snapshot};
use segwatch::finding::Kind;
use segwatch::hint::{State, VendorTable};
use segwatch::packet::LinkType;
use segwatch::policy::Policy;
use segwatch_tests::frames::{Packet, arp, ethernet, flags};

/// Of a maker that no table knows.
const CAMERA: Mac = Mac([0x00, 0x00, 0x5e, 0x00, 0x53, 0x10]);
const ROUTER: Mac = Mac([0x00, 0x00, 0x5e, 0x00, 0x53, 0x01]);
const PC: Mac = Mac([0x00, 0x00, 0x5e, 0x00, 0x53, 0x20]);
const SADP_GROUP: Mac = Mac([0x01, 0x00, 0x5e, 0x7f, 0xff, 0xfa]);
const CAMERA_IP: &str = "10.110.0.12";
/// 2026-03-02T08:00:00Z.
const START: i64 = 1_772_438_400_000_000_000;

struct Lab {
    engine: Engine,
    now: i64,
    frames: u16,
}

impl Lab {
    fn new(policy: Policy) -> Lab {
        let engine = Engine::new(policy, VendorTable::builtin(), Options { rows: true, ..Options::default() });
        Lab { engine, now: START, frames: 0 }
    }

    fn watching(vendors: &[&str]) -> Lab {
        let mut policy = Policy::builtin();
        policy.watch_vendors = vendors.iter().map(|vendor| (*vendor).to_owned()).collect();
        Lab::new(policy)
    }

    fn frame(&mut self, data: &[u8]) {
        self.now += 1_000_000;
        let (at, wire_len) = (Timestamp(self.now), data.len() as u32);
        self.engine.handle(Input::Frame { source: 0, at, link_type: LinkType::Ethernet, wire_len, data });
    }

    fn send(&mut self, from: Mac, to: Mac, packet: Packet) {
        self.frames += 1;
        let packet = packet.id(self.frames);
        self.frame(&packet.frame(from, to, &[110]));
    }

    fn udp(&mut self, (mac, from): (Mac, &str), (to_mac, to): (Mac, &str), payload: &[u8]) {
        self.send(mac, to_mac, Packet::udp(socket(from), socket(to)).payload(payload));
    }

    /// A handshake, a request and an answer in pieces of this size.
    fn talk(&mut self, client: (Mac, &str), server: (Mac, &str), request: &str, answer: &[u8], piece: usize) {
        let (c, s) = (socket(client.1), socket(server.1));
        let from_client = |bits, seq, ack| Packet::tcp(c, s, bits).numbers(seq, ack);
        let from_server = |bits, seq, ack| Packet::tcp(s, c, bits).numbers(seq, ack);
        self.send(client.0, server.0, from_client(flags::SYN, 1_000, 0));
        self.send(server.0, client.0, from_server(flags::SYN | flags::ACK, 5_000, 1_001));
        self.send(client.0, server.0, from_client(flags::ACK, 1_001, 5_001));
        self.send(client.0, server.0, from_client(flags::PSH | flags::ACK, 1_001, 5_001).payload(request));
        let asked = 1_001 + request.len() as u32;
        for (at, bytes) in answer.chunks(piece).enumerate() {
            let sequence = 5_001 + (at * piece) as u32;
            self.send(server.0, client.0, from_server(flags::PSH | flags::ACK, sequence, asked).payload(bytes));
        }
    }

    fn arp(&mut self, mac: Mac, ip: &str) {
        let IpAddr::V4(own) = ip.parse().expect("an address") else { panic!("IPv4") };
        self.frame(&arp((mac, own), [10, 110, 0, 1].into(), None, &[110]));
    }

    fn answer(&self) -> Snapshot {
        self.engine.snapshot()
    }

    fn device(&self) -> DeviceStatus {
        let mut devices = self.answer().devices;
        assert_eq!(devices.len(), 1, "{devices:#?}");
        devices.remove(0)
    }
}

fn socket(text: &str) -> SocketAddr {
    text.parse().expect("address and port")
}

fn sadp(root: &str, mac: Mac, ip: &str) -> Vec<u8> {
    let mac = mac.to_string().replace(':', "-");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<{root}><Uuid>7F1A</Uuid><Types>inquiry</Types>\
         <DeviceDescription>DS-2CD2142FWD-I</DeviceDescription><DeviceSN>DS-2CD2142FWD-I20160101AAWR812345678</DeviceSN>\
         <MAC>{mac}</MAC><IPv4Address>{ip}</IPv4Address><IPv4SubnetMask>255.255.255.0</IPv4SubnetMask>\
         <SoftwareVersion>V5.3.3 build 150615</SoftwareVersion><Activated>true</Activated></{root}>"
    )
    .into_bytes()
}

fn question(name: &str, kind: u8) -> Vec<u8> {
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, kind, 0, 1]);
    message
}

fn findings(snapshot: &Snapshot, kind: Kind) -> Vec<&FindingStatus> {
    snapshot.findings.iter().filter(|finding| finding.kind == kind).collect()
}

fn hints(device: &DeviceStatus, says: &str) -> Vec<(String, String)> {
    let of = device.hints.iter().filter(|hint| hint.says == says);
    of.map(|hint| (hint.source.to_owned(), hint.value.clone())).collect()
}

#[test]
fn a_camera_that_says_late_what_it_is_has_its_earlier_flows_judged() {
    let mut lab = Lab::watching(&["hikvision"]);
    lab.arp(CAMERA, CAMERA_IP);
    lab.talk((CAMERA, "10.110.0.12:40000"), (ROUTER, "203.0.113.9:443"), "hello", b"world", 100);
    assert!(lab.answer().devices.is_empty() && lab.answer().findings.is_empty());
    lab.udp(
        (CAMERA, "10.110.0.12:37020"),
        (SADP_GROUP, "239.255.255.250:37020"),
        &sadp("ProbeMatch", CAMERA, CAMERA_IP),
    );
    let device = lab.device();
    assert_eq!((device.mac, device.vendor.as_deref()), (Some(CAMERA), Some("hikvision")));
    assert_eq!(device.model.as_deref(), Some("DS-2CD2142FWD-I"));
    assert_eq!(device.firmware.as_deref(), Some("V5.3.3 build 150615"));
    assert_eq!(device.serial.as_deref(), Some("DS-2CD2142FWD-I20160101AAWR812345678"));
    assert_eq!(device.posture.state, State::Vulnerable);
    assert!(device.posture.cves.contains(&"CVE-2017-7921".to_owned()), "{:?}", device.posture);
    let answer = lab.answer();
    let found = findings(&answer, Kind::InternetEgress);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].summary.ends_with("Known as hikvision since 2026-03-02T08:00:00.007000Z by sadp."),
        "{}",
        found[0].summary
    );
}

#[test]
fn a_camera_from_an_address_that_nobody_claimed_is_no_router() {
    let mut lab = Lab::watching(&["hikvision"]);
    lab.udp((CAMERA, "192.168.1.64:5000"), (ROUTER, "203.0.113.9:443"), b"before it is known");
    lab.udp(
        (CAMERA, "192.168.1.64:37020"),
        (SADP_GROUP, "239.255.255.250:37020"),
        &sadp("Hello", CAMERA, "192.168.1.64"),
    );
    assert_eq!(lab.device().mac, Some(CAMERA));
    assert_eq!(findings(&lab.answer(), Kind::InternetEgress).len(), 1);
}

#[test]
fn raw_frames_identify_too() {
    let mut lab = Lab::watching(&["hikvision"]);
    let mut frame = vec![0x21, 1, 1, 0xf6, 0, 0, 0, 1, 6, 4, 4, 0, 0, 0];
    frame.extend(CAMERA.0);
    frame.extend([10, 110, 0, 12]);
    frame.extend(PC.0);
    frame.extend([10, 110, 0, 5, 255, 255, 255, 0]);
    let mut info = vec![0; 208];
    info[..35].copy_from_slice(b"DS-2CD2385G1-I20200414AAWRE33842150");
    info[64..82].copy_from_slice(b"V5.6.2build 190701");
    frame.extend(info);
    lab.frame(&ethernet(CAMERA, PC, &[110], 0x8033, &frame));
    assert_eq!((lab.device().mac, lab.device().model.as_deref()), (Some(CAMERA), Some("DS-2CD2385G1-I")));
    let mut lab = Lab::watching(&["hikvision"]);
    lab.frame(&ethernet(PC, CAMERA, &[110], 0x8033, &frame));
    assert!(lab.answer().devices.is_empty(), "it tells of another");
}

#[test]
fn a_pc_with_the_makers_tools_is_no_camera() {
    let mut lab = Lab::watching(&["hikvision", "dahua", "axis"]);
    lab.arp(PC, "10.110.0.5");
    let inquiry = b"<?xml version=\"1.0\" encoding=\"utf-8\"?><Probe><Uuid>7F1A</Uuid><Types>inquiry</Types></Probe>";
    lab.udp((PC, "10.110.0.5:37020"), (SADP_GROUP, "239.255.255.250:37020"), inquiry);
    let update = String::from_utf8_lossy(&sadp("Probe", CAMERA, CAMERA_IP)).into_owned();
    lab.udp((PC, "10.110.0.5:37020"), (SADP_GROUP, "239.255.255.250:37020"), update.as_bytes());
    // It passes on what a camera answered.
    lab.udp((PC, "10.110.0.5:37020"), (SADP_GROUP, "239.255.255.250:37020"), &sadp("ProbeMatch", CAMERA, CAMERA_IP));
    lab.udp((PC, "10.110.0.5:5353"), (ROUTER, "10.110.0.1:53"), &question("dev.hik-connect.com", 1));
    let request =
        "DESCRIBE rtsp://10.110.0.12/Streaming/Channels/101 RTSP/1.0\r\nUser-Agent: NKPlayer-1.00.00.081112\r\n\r\n";
    lab.talk(
        (PC, "10.110.0.5:40000"),
        (ROUTER, "203.0.113.9:554"),
        request,
        b"RTSP/1.0 200 OK\r\nServer: Dahua Rtsp Server\r\n\r\n",
        500,
    );
    let answer = lab.answer();
    assert!(answer.devices.is_empty(), "{:#?}", answer.devices);
    assert!(answer.findings.is_empty());
}

#[test]
fn what_comes_through_a_router_is_about_the_owner_of_the_address() {
    let mut lab = Lab::watching(&["dahua"]);
    lab.arp(PC, "10.110.0.5");
    let answer = b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Login to 4H01D66PAJ2FA64\"\r\n\r\n";
    lab.talk((PC, "10.110.0.5:40000"), (ROUTER, "10.150.0.9:554"), "OPTIONS * RTSP/1.0\r\n\r\n", answer, 500);
    let device = lab.device();
    assert_eq!((device.mac, device.ips), (None, vec!["10.150.0.9".parse().expect("an address")]));
    // Seen on its own link later, it is the same device.
    lab.arp(CAMERA, "10.150.0.9");
    let device = lab.device();
    assert_eq!(
        (device.mac, device.vendor.as_deref(), device.serial.as_deref()),
        (Some(CAMERA), Some("dahua"), Some("4H01D66PAJ2FA64"))
    );
}

#[test]
fn a_camera_that_speaks_before_its_first_arp_is_no_gateway() {
    let mut lab = Lab::watching(&["dahua"]);
    lab.arp(PC, "10.110.0.5");
    lab.talk((CAMERA, "10.110.0.12:40000"), (ROUTER, "203.0.113.9:443"), "hello", b"world", 100);
    let answer = b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Login to 4H01D66PAJ2FA64\"\r\n\r\n";
    lab.talk((PC, "10.110.0.5:40000"), (CAMERA, "10.110.0.12:554"), "OPTIONS * RTSP/1.0\r\n\r\n", answer, 500);
    lab.arp(CAMERA, CAMERA_IP);
    let device = lab.device();
    assert_eq!((device.mac, device.vendor.as_deref()), (Some(CAMERA), Some("dahua")));
    assert_eq!(findings(&lab.answer(), Kind::InternetEgress).len(), 1);
}

#[test]
fn answers_of_the_web_interface_are_read_across_segments() {
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DeviceInfo version=\"2.0\" \
        xmlns=\"http://www.hikvision.com/ver20/XMLSchema\">\n<model>DS-2CD2142FWD-I</model>\n\
        <serialNumber>DS-2CD2142FWD-I20170801AAWR812345678</serialNumber>\n<firmwareVersion>V5.5.0</firmwareVersion>\n\
        <firmwareReleasedDate>build 170725</firmwareReleasedDate>\n<deviceType>IPCamera</deviceType>\n</DeviceInfo>";
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\n\r\n{body}");
    for piece in [60, 97, 1_400] {
        let mut lab = Lab::watching(&["hikvision"]);
        lab.arp(CAMERA, CAMERA_IP);
        lab.talk(
            (PC, "10.110.0.5:40000"),
            (CAMERA, "10.110.0.12:80"),
            "GET /ISAPI/System/deviceInfo HTTP/1.1\r\n\r\n",
            answer.as_bytes(),
            piece,
        );
        let device = lab.device();
        assert_eq!(device.mac, Some(CAMERA));
        assert_eq!(device.firmware.as_deref(), Some("V5.5.0 build 170725"), "pieces of {piece}");
        assert_eq!(device.posture.state, State::Patched);
    }
}

#[test]
fn what_differs_is_shown_side_by_side() {
    let mut lab = Lab::watching(&["hikvision"]);
    lab.udp((CAMERA, "10.110.0.12:37020"), (SADP_GROUP, "239.255.255.250:37020"), &sadp("Hello", CAMERA, CAMERA_IP));
    let answer = b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Login to 4H01D66PAJ2FA64\"\r\n\r\n";
    lab.talk((PC, "10.110.0.5:40000"), (CAMERA, "10.110.0.12:554"), "OPTIONS * RTSP/1.0\r\n\r\n", answer, 500);
    let device = lab.device();
    let vendors = hints(&device, "vendor");
    assert_eq!(vendors, [("sadp".to_owned(), "hikvision".to_owned()), ("rtsp".to_owned(), "dahua".to_owned())]);
    assert_eq!(device.vendor.as_deref(), Some("hikvision"));
    assert_eq!(hints(&device, "serial").len(), 2);
}

#[test]
fn a_name_outside_the_site_is_a_notice_and_no_violation() {
    let mut lab = Lab::new(policy());
    let camera = (Mac([0x44, 0x19, 0xb6, 1, 2, 3]), "10.110.0.11:40000");
    for name in ["dev.hik-connect.com", "time.region.example", "nvr", "camera.local", "12.0.110.10.in-addr.arpa"] {
        lab.udp(camera, (ROUTER, "10.110.0.1:53"), &question(name, 1));
    }
    let mut told = question("dev.hik-connect.com", 1);
    (told[2], told[7]) = (0x81, 1);
    told.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, 7]);
    lab.udp((ROUTER, "10.110.0.1:53"), camera, &told);
    lab.udp(camera, (ROUTER, "198.51.100.7:8666"), b"\x01\x02");
    let answer = lab.answer();
    let found = findings(&answer, Kind::CloudLookup);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].peers[0].names, ["dev.hik-connect.com"]);
    assert_eq!(
        found[0].summary,
        "44:19:b6:01:02:03 resolved names outside the site: dev.hik-connect.com (Hik-Connect bootstrap)."
    );
    assert_eq!((found[0].severity, found[0].reach), ("warning", None));
    let egress = findings(&answer, Kind::InternetEgress);
    assert_eq!(egress[0].peers[0].names, ["dev.hik-connect.com"], "the address has its name");
    let dns = lab.engine.open_rows().find(|row| row.responder.port == 53).expect("the row of the question");
    assert_eq!(dns.verdict, FlowVerdict::Allowed);
}

fn policy() -> Policy {
    let yaml = "site: herlev\nsensor: s\ncapture: [{ interface: eth1 }]\nzones:\n  cctv: { cameras: true, vlans: [110], \
        prefixes: [10.110.0.0/24], gateways: [10.110.0.1] }\nwatch: { vendors: [hikvision] }\ndomains: [region.example]\n";
    let loaded = config::load_str("segwatch.yaml", yaml, Timestamp(START), &mut |_| Err(std::io::Error::other("none")));
    loaded.expect("a sound policy").config.policy
}

#[test]
fn hostile_words_are_tame_in_the_answer() {
    let mut lab = Lab::watching(&["hikvision"]);
    let hostile = String::from_utf8_lossy(&sadp("Hello", CAMERA, CAMERA_IP))
        .replace("V5.3.3", "\x1b[2J\u{202e}\u{200b}|\"&lt;script>");
    lab.udp((CAMERA, "10.110.0.12:37020"), (SADP_GROUP, "239.255.255.250:37020"), hostile.as_bytes());
    let firmware = lab.device().firmware.expect("a word");
    assert!(!firmware.contains(['\x1b', '\u{202e}', '\u{200b}']), "{firmware}");
}
