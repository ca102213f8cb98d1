//! Captures: one for each way by which traffic of cameras reaches the engine. They fit the policy of the target.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use segwatch::base::{Mac, Timestamp};

use super::Seeds;
use crate::frames::{Packet, arp, ethernet, ethertype, flags, proto, tagged};
use crate::mirror::{Host, Mirror};
use crate::pcap::{PcapWriter, pcap, pcapng};
use crate::tunnels::{erspan_ii, gre, vxlan};

/// 2026-03-02T08:00:00Z.
const START: Timestamp = Timestamp(1_772_438_400 * SECOND);
const SECOND: i64 = 1_000_000_000;
/// Raw IP, as Linux captures it.
const RAW: u32 = 12;
const ROUTER: Mac = Mac([0, 0, 0x5e, 0, 0x53, 1]);
const CAMERA: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 1]);

type Frames = Vec<(Timestamp, Vec<u8>)>;

/// Seeds of the target `engine`, by name.
pub fn engine() -> Seeds {
    let video = video(camera(), recorder());
    let sensor = (ip("10.255.0.1"), ip("10.255.0.2"));
    let wrapped = |wrap: &dyn Fn(&[u8]) -> Packet| {
        let frame = |(at, frame): &(Timestamp, Vec<u8>)| (*at, wrap(frame).frame(ROUTER, Mac([2, 0, 0, 0, 0, 9]), &[]));
        video.iter().map(frame).collect::<Frames>()
    };
    vec![
        ("tagged", pcap(&video)),
        ("pcapng", pcapng(&video)),
        ("cut", pcap(&video)[..700].to_vec()),
        ("untagged", pcap(&retagged(&video, &[]))),
        ("qinq", pcap(&retagged(&video, &[(0x88a8, 0x2064), (0x8100, 110)]))),
        ("rspan", pcap(&retagged(&video, &[(0x8100, 999), (0x8100, 110)]))),
        ("erspan", pcap(&wrapped(&|frame| erspan_ii(sensor.0, sensor.1, 1, 110, 7, frame)))),
        ("vxlan", pcap(&wrapped(&|frame| vxlan(camera().ip, cloud().ip, 42, frame)))),
        ("gre", pcap(&wrapped(&|frame| gre(camera().ip, recorder().ip, 0x6558, frame)))),
        ("ipv6", pcap(&video_ipv6())),
        ("internet", pcap(&internet())),
        ("icmp-errors", pcap(&icmp_errors())),
        ("fragments", pcap(&fragments())),
        ("addresses", pcap(&addresses())),
        ("many-flows", pcap(&many_flows())),
        ("idle", pcap(&idle())),
        ("hostile-times", hostile_times()),
        ("raw", raw()),
    ]
}

fn camera() -> Host {
    Host { mac: CAMERA, ip: ip("10.110.0.11"), vlan: 110, ttl: 64 }
}

fn recorder() -> Host {
    Host { mac: Mac([0, 0, 0x5e, 0, 0x53, 0x10]), ip: ip("10.200.0.10"), vlan: 200, ttl: 128 }
}

/// A server beyond the firewall.
fn cloud() -> Host {
    Host { mac: Mac([0, 0, 0x5e, 0, 0x53, 2]), ip: ip("203.0.113.50"), vlan: 900, ttl: 52 }
}

/// A recorder pulls video through the router.
fn video(camera: Host, recorder: Host) -> Frames {
    let mut mirror = Mirror::new(START, ROUTER);
    if camera.ip.is_ipv4() {
        mirror.resolve_router(&camera, ip("10.110.0.1"));
    }
    let mut stream = mirror.connect(&recorder, 50_100, &camera, 554);
    stream.ask(&mut mirror, b"PLAY");
    stream.answer(&mut mirror, b"RTSP/1.0 200 OK");
    mirror.send(&camera, &recorder, Packet::udp(camera.port(8200), recorder.port(50_200)).payload(*b"video"));
    stream.close(&mut mirror);
    mirror.frames
}

/// The same, with other tags in front of what follows the one tag.
fn retagged(frames: &Frames, tags: &[(u16, u16)]) -> Frames {
    let retag = |frame: &[u8]| {
        let kind = u16::from_be_bytes([frame[16], frame[17]]);
        tagged(mac(&frame[6..12]), mac(&frame[..6]), tags, kind, &frame[18..])
    };
    frames.iter().map(|(at, frame)| (*at, retag(frame))).collect()
}

/// Video over IPv6, after neighbour discovery (RFC 4861): solicitation, advertisement.
fn video_ipv6() -> Frames {
    let camera = Host { ip: ip("fd00:110::11"), ..camera() };
    let router: Ipv6Addr = "fd00:110::1".parse().expect("an address");
    let claim = |option: u8, mac: Mac| [&router.octets()[..], &[option, 1], &mac.0].concat();
    let ask = Packet::icmp(camera.ip, ip("ff02::1:ff00:1"), 135, 0, 0).payload(claim(1, CAMERA)).ttl(255);
    let answer = Packet::icmp(router.into(), camera.ip, 136, 0, 0xe000_0000).payload(claim(2, ROUTER)).ttl(255);
    let mut frames = vec![
        (START, ask.frame(CAMERA, Mac([0x33, 0x33, 0xff, 0, 0, 1]), &[110])),
        (START, answer.frame(ROUTER, CAMERA, &[110])),
    ];
    frames.extend(video(camera, Host { ip: ip("fd00:200::10"), ..recorder() }));
    frames
}

/// The camera reaches the internet, asks for a name on the way, and is asked from there.
fn internet() -> Frames {
    let mut mirror = Mirror::new(START, ROUTER);
    let (camera, cloud) = (camera(), cloud());
    mirror.send(&camera, &cloud, Packet::udp(camera.port(40_000), cloud.port(53)).payload(*b"dev.example"));
    let mut upload = mirror.connect(&camera, 40_001, &cloud, 443);
    upload.ask(&mut mirror, b"hello");
    upload.close(&mut mirror);
    mirror.send(&cloud, &camera, Packet::tcp(cloud.port(50_000), camera.port(80), flags::SYN));
    mirror.frames
}

/// Attempts that a router, the firewall and the peer itself refuse.
fn icmp_errors() -> Frames {
    let mut mirror = Mirror::new(START, ROUTER);
    let (camera, cloud) = (camera(), cloud());
    for (port, refuser) in
        [(443, ip("10.110.0.1")), (444, ip("10.255.0.1")), (445, cloud.ip), (446, ip("198.51.100.1"))]
    {
        let attempt = Packet::tcp(camera.port(40_000), cloud.port(port), flags::SYN);
        mirror.send_dropped(&camera, attempt.clone());
        let refusal = Packet::icmp(refuser, camera.ip, 3, 13, 0).payload(&attempt.bytes()[..28]);
        mirror.send_from_router(&camera, refusal);
    }
    let (from, to) = (end("[fd00:110::11]:40000"), end("[2001:db8::10]:443"));
    let attempt = Packet::udp(from, to).payload(*b"data");
    let too_big = Packet::icmp(ip("fd00:110::1"), from.ip(), 2, 0, 1280).payload(attempt.bytes());
    let mut frames = mirror.frames;
    frames.push((START, attempt.frame(CAMERA, ROUTER, &[110])));
    frames.push((START, too_big.frame(ROUTER, CAMERA, &[110])));
    let echo = |kind| Packet::icmp(camera.ip, cloud.ip, kind, 0, 0x0001_0001).payload(*b"ping");
    frames.extend([8, 0].map(|kind| (START, echo(kind).frame(CAMERA, ROUTER, &[110]))));
    frames
}

/// First and later fragments of IPv4 (RFC 791) and IPv6 (RFC 8200, section 4.5), and a later one on its own.
fn fragments() -> Frames {
    let (camera, cloud) = (camera(), cloud());
    let whole = Packet::udp(camera.port(8200), cloud.port(9000)).payload([7; 40]).id(1).bytes();
    let ipv4 = |flags_and_offset: u16, id: u8, range: std::ops::Range<usize>| {
        let mut packet = [&whole[..20], &whole[range]].concat();
        let length = packet.len() as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet[5] = id;
        packet[6..8].copy_from_slice(&flags_and_offset.to_be_bytes());
        ethernet(CAMERA, ROUTER, &[110], ethertype::IPV4, &packet)
    };
    let (from, to) = (end("[fd00:110::11]:8200"), end("[2001:db8::10]:9000"));
    let datagram = Packet::udp(from, to).payload([7; 40]).bytes();
    let ipv6 = |flags_and_offset: u8, range: std::ops::Range<usize>| {
        let header = [proto::UDP, 0, 0, flags_and_offset, 0, 0, 0, 1];
        let payload = [&header[..], &datagram[range]].concat();
        Packet::other(from.ip(), to.ip(), 44).payload(payload).frame(CAMERA, ROUTER, &[110])
    };
    let frames = [ipv4(0x2000, 1, 20..44), ipv4(3, 1, 44..68), ipv4(3, 2, 44..68), ipv6(1, 40..64), ipv6(24, 64..88)];
    frames.into_iter().map(|frame| (START, frame)).collect()
}

/// Who has which address: ARP, a gratuitous claim by somebody else, DHCP discovery and lease, a virtual router.
fn addresses() -> Frames {
    let IpAddr::V4(address) = camera().ip else { return Vec::new() };
    let gateway = Ipv4Addr::new(10, 110, 0, 1);
    let stranger = Mac([0, 0, 0x5e, 0, 0x53, 0x66]);
    let client = SocketAddr::from(([0, 0, 0, 0], 68));
    let server = SocketAddr::from(([10, 40, 0, 5], 67));
    let discover = Packet::udp(client, end("255.255.255.255:67")).payload(dhcp(1, [0; 4], 1));
    let acknowledge = Packet::udp(server, camera().port(68)).payload(dhcp(2, address.octets(), 5));
    let vrrp = Packet::other(gateway.into(), ip("224.0.0.18"), 112).payload([0x31, 1, 100, 1, 0, 1, 0, 0]).ttl(255);
    let virtual_router = Mac([0, 0, 0x5e, 0, 1, 1]);
    [
        discover.frame(CAMERA, Mac::BROADCAST, &[998]),
        acknowledge.frame(ROUTER, CAMERA, &[110]),
        arp((CAMERA, address), gateway, None, &[110]),
        arp((ROUTER, gateway), address, Some(CAMERA), &[110]),
        arp((stranger, address), address, None, &[110]),
        arp((CAMERA, address), gateway, None, &[200]),
        vrrp.frame(virtual_router, Mac([1, 0, 0x5e, 0, 0, 18]), &[110]),
    ]
    .into_iter()
    .map(|frame| (START, frame))
    .collect()
}

/// A DHCP message (RFC 2131) of the camera: operation, `yiaddr`, and message type with a mask of 24 bits.
fn dhcp(operation: u8, yours: [u8; 4], kind: u8) -> Vec<u8> {
    let mut message = vec![0; 240];
    message[..3].copy_from_slice(&[operation, 1, 6]);
    message[16..20].copy_from_slice(&yours);
    message[28..34].copy_from_slice(&CAMERA.0);
    message[236..].copy_from_slice(&[99, 130, 83, 99]);
    message.extend([53, 1, kind, 1, 4, 255, 255, 255, 0, 255]);
    message
}

/// More flows than the target's table holds, each seen twice, of a camera and of a stranger.
fn many_flows() -> Frames {
    let (camera, recorder, stranger) = (camera(), recorder(), Host { ip: ip("10.200.0.66"), ..recorder() });
    let mut mirror = Mirror::new(START, ROUTER);
    for port in (1..=12).chain(1..=12) {
        mirror.send(&camera, &recorder, Packet::udp(camera.port(8200), recorder.port(port)).payload(*b"video"));
        mirror.send(&stranger, &recorder, Packet::udp(stranger.port(8200), recorder.port(port)));
    }
    mirror.frames
}

/// A flow that goes on after an hour, and a copy of its last packet that comes 40 ms later.
fn idle() -> Frames {
    let mut frames = video(camera(), recorder());
    let later = |shift: i64| move |(at, frame): &(Timestamp, Vec<u8>)| (Timestamp(at.0 + shift), frame.clone());
    let again: Frames = frames.iter().map(later(3_600 * SECOND)).collect();
    frames.extend(again);
    frames.extend(frames.last().map(later(SECOND / 25)));
    frames
}

/// Times in any order, from the first that there is (by a clock a million years behind) to the last. The later
/// fragments of a packet come centuries after its first.
fn hostile_times() -> Vec<u8> {
    let times = [START.0, 0, START.0 - SECOND, START.0 + 86_400 * SECOND, i64::MAX];
    let frames: Frames = fragments().into_iter().chain(video(camera(), recorder())).collect();
    let late: Frames =
        times.into_iter().cycle().zip(&frames[1..]).map(|(at, (_, f))| (Timestamp(at), f.clone())).collect();
    [pcapng_behind(&frames, 1 << 45), pcapng(&late)].concat()
}

/// A pcapng whose interface has a clock so many seconds behind, by its option if_tsoffset (14).
fn pcapng_behind(frames: &Frames, seconds: i64) -> Vec<u8> {
    let mut bytes = pcapng(frames);
    let (interface, options) = (28, 28 + 16);
    let length: u32 = 32 + 12;
    let option = [&[14, 0, 8, 0][..], &(-seconds).to_le_bytes()].concat();
    bytes.splice(options..options, option);
    for at in [interface + 4, interface + length as usize - 4] {
        bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }
    bytes
}

/// Without link headers.
fn raw() -> Vec<u8> {
    let mut out = PcapWriter::new(Vec::new(), RAW).expect("a vector takes everything");
    for (at, frame) in video(camera(), recorder()) {
        out.write(at, &frame[18..]).expect("a vector takes everything");
    }
    out.finish().expect("a vector takes everything")
}

fn mac(bytes: &[u8]) -> Mac {
    Mac(bytes.try_into().expect("six bytes"))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn end(text: &str) -> SocketAddr {
    text.parse().expect("an address with a port")
}
