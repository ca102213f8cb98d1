//! An agent that watches two cameras, without a machine around it: its clock can be set, it can stand still, it can be
//! restarted.

use std::net::SocketAddr;

use segwatch::base::{Mac, Timestamp};
use segwatch::config;
use segwatch::engine::{Engine, Event, FlowRow, Input, Options, SourceEvent};
use segwatch::hint::VendorTable;
use segwatch::packet::LinkType;

use crate::frames::{Packet, flags};

/// The policy that it has.
pub const POLICY: &str = include_str!("../scenarios/standard.yaml");
/// Of 10.110.0.11.
pub const CAMERA: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 1]);
/// Of 10.110.0.12.
pub const NEIGHBOUR: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 2]);
/// Of 10.110.0.13.
pub const OTHER: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 3]);
/// Of the way out.
pub const ROUTER: Mac = Mac([0, 0, 0x5e, 0, 0x53, 1]);
/// In nanoseconds.
pub const SECOND: i64 = 1_000_000_000;
/// In nanoseconds.
pub const HOUR: i64 = 3_600 * SECOND;
/// 2026-03-02T08:50:00Z.
pub const START: i64 = 1_772_441_400 * SECOND;

/// The agent.
pub struct Watch {
    /// What watches.
    pub engine: Engine,
    /// Nanoseconds since 1970, whatever the clock says.
    pub real: i64,
    /// By so much the clock is off.
    pub off: i64,
    /// All that happened.
    pub events: Vec<Event>,
    /// Flows that ended.
    pub flows: Vec<FlowRow>,
    booted: i64,
    frames: u16,
}

fn engine() -> Engine {
    let no_other_file = &mut |_: &str| Err(std::io::Error::other("no other file"));
    let loaded = config::load_str("segwatch.yaml", POLICY, Timestamp(START), no_other_file).expect("a sound policy");
    let options = Options { watched_rows: true, ..Options::default() };
    let mut engine = Engine::new(loaded.config.policy, VendorTable::builtin(), options);
    engine.handle(Input::Source { source: 0, event: SourceEvent::Up { name: "eth1".to_owned() } });
    engine
}

impl Default for Watch {
    /// A second old.
    fn default() -> Watch {
        Watch::starting(START)
    }
}

impl Watch {
    /// One that starts then, a second later.
    pub fn starting(real: i64) -> Watch {
        let mut watch =
            Watch { engine: engine(), real, off: 0, events: Vec::new(), flows: Vec::new(), booted: real, frames: 0 };
        watch.tick(SECOND);
        watch
    }

    /// What the clock says.
    pub fn wall(&self) -> Timestamp {
        Timestamp(self.real + self.off)
    }

    /// Time goes on in one step.
    pub fn tick(&mut self, length: i64) {
        self.real += length;
        self.engine.handle(Input::Tick { wall: self.wall(), mono: self.real - self.booted });
        self.events.extend(self.engine.take_events());
        self.flows.extend(self.engine.take_rows());
    }

    fn frame(&mut self, packet: Packet, src: Mac, dst: Mac) {
        self.frames = self.frames.wrapping_add(1);
        let frame = packet.id(self.frames).frame(src, dst, &[110]);
        let (at, wire_len) = (self.wall(), frame.len() as u32);
        self.engine.handle(Input::Frame { source: 0, at, link_type: LinkType::Ethernet, wire_len, data: &frame });
    }

    fn talk(&mut self, [(a, a_mac), (b, b_mac)]: [(&str, Mac); 2]) {
        let (a, b) = (addr(a), addr(b));
        self.frame(Packet::tcp(a, b, flags::ACK), a_mac, b_mac);
        self.frame(Packet::tcp(b, a, flags::ACK), b_mac, a_mac);
    }

    /// The camera and its neighbour talk, in both directions, and so much time goes on after each word.
    pub fn cameras_talk(&mut self, times: i64, pause: i64) {
        for _ in 0..times {
            self.talk([("10.110.0.11:554", CAMERA), ("10.110.0.12:40000", NEIGHBOUR)]);
            self.tick(pause);
        }
    }

    /// The same, without the camera.
    pub fn others_talk(&mut self, times: i64, pause: i64) {
        for _ in 0..times {
            self.talk([("10.110.0.13:554", OTHER), ("10.110.0.12:40000", NEIGHBOUR)]);
            self.tick(pause);
        }
    }

    /// The camera reaches an address outside, and is answered.
    pub fn camera_reaches(&mut self, to: &str) {
        let (a, b) = (addr("10.110.0.11:50000"), addr(to));
        self.frame(Packet::tcp(a, b, flags::SYN), CAMERA, ROUTER);
        self.frame(Packet::tcp(b, a, flags::SYN | flags::ACK).ttl(50), ROUTER, CAMERA);
        self.frame(Packet::tcp(a, b, flags::ACK), CAMERA, ROUTER);
    }

    /// The agent ends, in good order or not, and another one starts after some time.
    pub fn restart(&mut self, away: i64, in_order: bool) {
        if in_order {
            self.end();
        }
        let saved = self.engine.save();
        self.engine = engine();
        self.real += away;
        self.booted = self.real;
        self.engine.handle(Input::Restore { saved: &saved, wall: self.wall(), mono: 0 });
    }

    /// The agent ends.
    pub fn end(&mut self) {
        self.engine.end_hours();
        self.events.extend(self.engine.take_events());
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}
