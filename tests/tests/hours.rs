//! For how long a device was observed, hour by hour: over restarts, pauses and steps of the clock nothing is missing and
//! nothing is counted twice.

use std::net::SocketAddr;

use proptest::prelude::*;
use segwatch::base::{Mac, Timestamp};
use segwatch::config;
use segwatch::coverage::{Gap, ReasonCode};
use segwatch::engine::{Engine, Event, Input, Options, SourceEvent};
use segwatch::hint::VendorTable;
use segwatch::packet::LinkType;
use segwatch_tests::frames::{Packet, flags};

const POLICY: &str = include_str!("../scenarios/standard.yaml");
const CAMERA: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 1]);
const NEIGHBOUR: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 2]);
const OTHER: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 3]);
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;
/// 2026-03-02T08:50:00Z.
const START: i64 = 1_772_441_400 * SECOND;

/// What a record says of the camera.
#[derive(Clone, Debug)]
struct Record {
    from: i64,
    to: i64,
    observed: i64,
    gaps: Vec<Gap>,
    sent: u64,
    tagged: u64,
    began_by_step: bool,
}

/// An agent that may be restarted, with a clock that may be set.
struct Site {
    engine: Engine,
    real: i64,
    /// The clock is so far off.
    off: i64,
    /// When this agent started.
    booted: i64,
    frames: u16,
    records: Vec<Record>,
    /// Openings of findings.
    opened: usize,
    closed: usize,
}

fn engine() -> Engine {
    let no_other_file = &mut |_: &str| Err(std::io::Error::other("no other file"));
    let loaded = config::load_str("segwatch.yaml", POLICY, Timestamp(START), no_other_file).expect("a sound policy");
    let mut engine = Engine::new(loaded.config.policy, VendorTable::builtin(), Options::default());
    engine.handle(Input::Source { source: 0, event: SourceEvent::Up { name: "eth1".to_owned() } });
    engine
}

impl Site {
    fn new() -> Site {
        let mut site = Site {
            engine: engine(),
            real: START,
            off: 0,
            booted: START,
            frames: 0,
            records: Vec::new(),
            opened: 0,
            closed: 0,
        };
        site.tick(SECOND);
        site
    }

    fn wall(&self) -> Timestamp {
        Timestamp(self.real + self.off)
    }

    fn tick(&mut self, length: i64) {
        self.real += length;
        self.engine.handle(Input::Tick { wall: self.wall(), mono: self.real - self.booted });
        self.take();
    }

    fn take(&mut self) {
        for event in self.engine.take_events() {
            match event {
                Event::Coverage { device, from, to, observed_seconds, gaps, sent, tagged, began_by_step, .. }
                    if device.mac == Some(CAMERA) =>
                {
                    let observed = (observed_seconds * 1e9).round() as i64;
                    let (from, to) = (from.0, to.0);
                    self.records.push(Record { from, to, observed, gaps, sent, tagged, began_by_step });
                }
                Event::FindingOpened { .. } => self.opened += 1,
                Event::FindingClosed { .. } => self.closed += 1,
                _ => {}
            }
        }
    }

    /// Two cameras talk, in both directions.
    fn talk(&mut self, between: [(&str, Mac); 2]) {
        let [(a, a_mac), (b, b_mac)] = between.map(|(at, mac)| (at.parse::<SocketAddr>().expect("an address"), mac));
        for (packet, src, dst) in
            [(Packet::tcp(a, b, flags::ACK), a_mac, b_mac), (Packet::tcp(b, a, flags::ACK), b_mac, a_mac)]
        {
            self.frames += 1;
            let frame = packet.id(self.frames).frame(src, dst, &[110]);
            let (at, wire_len) = (self.wall(), frame.len() as u32);
            let link_type = LinkType::Ethernet;
            self.engine.handle(Input::Frame { source: 0, at, link_type, wire_len, data: &frame });
        }
    }

    fn talk_for(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.talk([("10.110.0.11:554", CAMERA), ("10.110.0.12:40000", NEIGHBOUR)]);
            self.tick(SECOND);
        }
    }

    fn others_talk_for(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.talk([("10.110.0.13:554", OTHER), ("10.110.0.12:40000", NEIGHBOUR)]);
            self.tick(SECOND);
        }
    }

    fn restart(&mut self, away: i64, graceful: bool) {
        if graceful {
            self.engine.end_hours();
            self.take();
        }
        let saved = self.engine.save();
        self.engine = engine();
        self.real += away;
        self.booted = self.real;
        self.engine.handle(Input::Restore { saved: &saved, wall: self.wall(), mono: 0 });
    }

    fn end(&mut self) {
        self.engine.end_hours();
        self.take();
    }

    fn gaps(&self) -> Vec<(ReasonCode, i64)> {
        self.records.iter().flat_map(|record| &record.gaps).map(|gap| (gap.reason, gap.length() / SECOND)).collect()
    }
}

#[test]
fn an_hour_is_recorded_when_it_is_over() {
    let mut site = Site::new();
    site.talk_for(3 * 3_600);
    let lengths: Vec<_> = site.records.iter().map(|record| (record.to - record.from) / SECOND).collect();
    assert_eq!(lengths, [60, 599 - 61, 3_600, 3_600], "the first minute, the hour's rest, and whole hours");
    let hour = &site.records[2];
    assert_eq!((hour.observed, hour.gaps.len()), (HOUR, 0));
    assert_eq!((hour.sent, hour.tagged), (3_600, 7_200));
    assert_eq!(hour.from % HOUR, 0);
    let hours = site.engine.published().unwrap().hours;
    let camera = hours.iter().find(|hours| hours.device.mac == Some(CAMERA)).expect("its hours");
    assert_eq!((camera.zone.as_str(), camera.periods.len()), ("cctv", 5));
    let totals = site.engine.published().unwrap().totals;
    // The neighbour is a camera too; both were seen from the first second on.
    assert_eq!(totals.covered["cctv"] / SECOND, 2 * (3 * 3_600 - 1));
}

#[test]
fn silence_downtime_and_pauses_are_gaps_with_their_reasons() {
    let mut site = Site::new();
    site.talk_for(100);
    site.restart(250 * SECOND, false);
    site.tick(SECOND);
    site.talk_for(100);
    site.tick(60 * SECOND);
    site.talk_for(100);
    // An hour is what silence may last.
    site.others_talk_for(3_700);
    site.end();
    // After a restart a device has to be seen again.
    let expected = [(ReasonCode::Gap, 251), (ReasonCode::Gap, 60), (ReasonCode::Silent, 100)];
    let gaps = site.gaps();
    assert_eq!(gaps, expected, "{gaps:?}");
    let records = site.records.iter();
    assert_eq!(records.map(|record| record.to - record.from).sum::<i64>(), site.real - (START + 2 * SECOND));
}

#[test]
fn a_clock_that_is_set_takes_and_adds_no_time() {
    for step in [-HOUR, 25 * HOUR, -START] {
        let mut site = Site::new();
        site.talk_for(100);
        site.off += step;
        site.talk_for(100);
        site.off -= step;
        site.talk_for(100);
        site.end();
        assert_eq!(site.gaps(), [], "{step}");
        let observed: i64 = site.records.iter().map(|record| record.observed).sum();
        assert_eq!(observed, site.real - (START + 2 * SECOND), "{step}");
        assert_eq!(site.records.iter().filter(|record| record.began_by_step).count(), 2, "{step}");
        assert_eq!((site.opened, site.closed), (0, 0));
    }
}

#[test]
fn a_long_absence_is_one_record() {
    let mut site = Site::new();
    site.talk_for(100);
    site.restart(100 * 24 * HOUR, true);
    site.tick(SECOND);
    site.talk_for(100);
    site.end();
    assert_eq!(site.gaps(), [(ReasonCode::Gap, 100 * 24 * 3_600 + 1)]);
    assert!(site.records.len() < 10, "{}", site.records.len());
}

#[derive(Clone, Debug)]
enum Act {
    Talk(i64),
    Quiet(i64),
    Dead(i64),
    Pause(i64),
    Step(i64),
    Restart(i64, bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1i64..900).prop_map(Act::Talk),
        2 => (1i64..900).prop_map(Act::Quiet),
        1 => (1i64..900).prop_map(Act::Dead),
        1 => (2i64..5_000).prop_map(Act::Pause),
        1 => (-100_000i64..100_000).prop_map(Act::Step),
        1 => (0i64..200_000, any::<bool>()).prop_map(|(away, graceful)| Act::Restart(away, graceful)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn observed_time_and_gaps_are_all_of_the_time(acts in prop::collection::vec(act(), 1..12)) {
        let mut site = Site::new();
        site.talk_for(1);
        let began = site.real;
        for act in acts {
            match act {
                Act::Talk(seconds) => site.talk_for(seconds),
                Act::Quiet(seconds) => site.others_talk_for(seconds),
                Act::Dead(seconds) => (0..seconds).for_each(|_| site.tick(SECOND)),
                Act::Pause(seconds) => site.tick(seconds * SECOND),
                Act::Step(seconds) => {
                    site.off += seconds * SECOND;
                    site.tick(SECOND);
                }
                Act::Restart(away, graceful) => {
                    site.restart(away * SECOND, graceful);
                    site.tick(SECOND);
                }
            }
        }
        site.end();
        let mut all = 0;
        let mut observed = 0;
        for record in &site.records {
            let gaps: i64 = record.gaps.iter().map(Gap::length).sum();
            let length = record.to - record.from;
            prop_assert!((record.observed + gaps - length).abs() < 1_000, "{record:?}");
            prop_assert!(length <= HOUR || gaps == length, "{record:?}");
            all += length;
            observed += record.observed;
        }
        prop_assert_eq!(all, site.real - began);
        prop_assert!(observed <= site.real - began);
    }
}
