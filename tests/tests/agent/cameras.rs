//! Cameras that stay at home, and those that do not.

use std::net::{Ipv4Addr, SocketAddr};

use segwatch::base::Mac;
use segwatch_tests::frames::{Packet, flags};
use segwatch_tests::lab::Sender;

const ROUTER: Mac = Mac([0, 0, 0x5e, 0, 0x53, 1]);
const HOME: u16 = 110;
const ELSEWHERE: u16 = 300;

/// The far end of the cable, and what was sent on it.
pub(crate) struct Cameras {
    sender: Sender,
    /// Frames sent so far.
    pub(crate) sent: u64,
    number: u16,
}

/// A camera by its number.
fn mac(camera: u16) -> Mac {
    let [high, low] = camera.to_be_bytes();
    Mac([0x44, 0x19, 0xb6, 1, high, low])
}

fn ip(camera: u16) -> Ipv4Addr {
    let [high, low] = camera.to_be_bytes();
    Ipv4Addr::new(10, 110, high + 1, low)
}

fn port(camera: u16, port: u16) -> SocketAddr {
    SocketAddr::new(ip(camera).into(), port)
}

impl Cameras {
    pub(crate) fn new() -> Cameras {
        Cameras { sender: Sender::open("far"), sent: 0, number: 0 }
    }

    fn send(&mut self, packet: Packet, src: Mac, dst: Mac, vlan: u16) {
        self.number = self.number.wrapping_add(1);
        self.sender.send(&packet.id(self.number).frame(src, dst, &[vlan]));
        self.sent += 1;
    }

    /// A word and its answer between two cameras at home.
    pub(crate) fn talk(&mut self, camera: u16) {
        let (a, b) = (port(camera, 554), port(camera ^ 1, 40_000));
        let number = self.sent as u32;
        let packet = |from, to| Packet::udp(from, to).payload(number.to_be_bytes());
        self.send(packet(a, b), mac(camera), mac(camera ^ 1), HOME);
        self.send(packet(b, a), mac(camera ^ 1), mac(camera), HOME);
    }

    /// A connection to the internet that is answered.
    pub(crate) fn break_out(&mut self, camera: u16) {
        let to: SocketAddr = ([203, 0, 113, 9], 443).into();
        self.open(port(camera, 50_000), to, camera, HOME);
    }

    /// The camera is plugged in elsewhere, and talks there.
    pub(crate) fn stray(&mut self, camera: u16) {
        self.talk(camera);
        let (a, b) = (port(camera, 554), SocketAddr::from(([10, 30, 0, 9], 40_000)));
        self.send(Packet::udp(a, b).payload([1]), mac(camera), Mac([2, 0, 0, 0, 0, 9]), ELSEWHERE);
    }

    /// One packet of a new flow between hosts that nobody watches.
    pub(crate) fn stranger(&mut self, number: u32) {
        let [host, port] = [number % 250, number / 250];
        let from = SocketAddr::from(([10, 30, 1, host as u8], 1_024 + port as u16));
        let packet = Packet::udp(from, ([10, 30, 0, 9], 5_004).into()).payload(number.to_be_bytes());
        self.send(packet, Mac([2, 0, 0, 0, 1, host as u8]), Mac([2, 0, 0, 0, 0, 9]), ELSEWHERE);
    }

    /// Something new of one of several kinds: each camera does one.
    pub(crate) fn misbehave(&mut self, camera: u16) {
        match camera % 3 {
            0 => self.stray(camera),
            1 => self.open(port(camera, 50_000), ([10, 30, 0, 9], 445).into(), camera, HOME),
            _ => self.break_out(camera),
        }
    }

    fn open(&mut self, a: SocketAddr, b: SocketAddr, camera: u16, vlan: u16) {
        self.send(Packet::tcp(a, b, flags::SYN).numbers(100, 0), mac(camera), ROUTER, vlan);
        let answer = Packet::tcp(b, a, flags::SYN | flags::ACK).numbers(900, 101).ttl(50);
        self.send(answer, ROUTER, mac(camera), vlan);
        self.send(Packet::tcp(a, b, flags::ACK).numbers(101, 901), mac(camera), ROUTER, vlan);
    }
}
