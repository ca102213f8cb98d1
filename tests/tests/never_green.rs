//! No sequence of packets, faults and time makes a device green that was not seen, or in one direction only.

use proptest::prelude::*;
use segwatch::base::{Mac, Timestamp};
use segwatch::config;
use segwatch::coverage::Verdict;
use segwatch::engine::{Engine, Input, Options, Snapshot, SourceEvent};
use segwatch::hint::VendorTable;
use segwatch::packet::LinkType;
use segwatch_tests::site::{self, Frames, START};

const POLICY: &str = include_str!("../scenarios/standard.yaml");
const SECOND: i64 = 1_000_000_000;
/// Listed, and never there.
const ABSENT: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 0x77]);
/// Of whom the mirror shows one direction.
const HALF: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 1]);

/// What happens to a stretch of frames.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Lose(u8),
    Twice,
    Strip,
    Cut(u8),
    Garble(u8),
    Reverse,
    OtherVlan(u16),
    OtherTap,
}

/// What happens between stretches.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Time(u16),
    Clock(i32),
    Down,
    Up,
    Gap,
    Drops(u16),
    Filter,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::None),
        1 => (1..50_u8).prop_map(Fault::Lose),
        1 => Just(Fault::Twice),
        1 => Just(Fault::Strip),
        1 => (14..120_u8).prop_map(Fault::Cut),
        1 => (1..255_u8).prop_map(Fault::Garble),
        1 => Just(Fault::Reverse),
        1 => prop::sample::select(vec![100_u16, 110, 200, 300, 998]).prop_map(Fault::OtherVlan),
        1 => Just(Fault::OtherTap),
    ]
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        6 => (0..20_u16).prop_map(Moment::Time),
        1 => (600..8_000_u16).prop_map(Moment::Time),
        1 => any::<i32>().prop_map(Moment::Clock),
        1 => Just(Moment::Down),
        1 => Just(Moment::Up),
        1 => Just(Moment::Gap),
        1 => (1..10_000_u16).prop_map(Moment::Drops),
        1 => Just(Moment::Filter),
    ]
}

fn engine() -> Engine {
    let listed = format!("{POLICY}devices:\n  - {{ name: absent, mac: \"{ABSENT}\", zone: cctv }}\n");
    let loaded =
        config::load_str("segwatch.yaml", &listed, START, &mut |_| Err(std::io::Error::other("no other file")));
    Engine::new(loaded.expect("a sound policy").config.policy, VendorTable::builtin(), Options::default())
}

/// The site's traffic without one direction of one camera, on its own link.
fn half(sends: bool) -> Frames {
    let side = if sends { 0..6 } else { 6..12 };
    site::clean(60).into_iter().filter(|(_, frame)| frame[side.clone()] != HALF.0).collect()
}

fn harm(fault: Fault, number: usize, frame: &[u8]) -> Vec<Vec<u8>> {
    let mut frame = frame.to_vec();
    match fault {
        Fault::Lose(every) if number.is_multiple_of(usize::from(every)) => return Vec::new(),
        Fault::Twice => return vec![frame.clone(), frame],
        Fault::Strip => drop(frame.drain(12..16)),
        Fault::Cut(length) => frame.truncate(usize::from(length)),
        // Not the link's own addresses: those would be of another device.
        Fault::Garble(bits) => {
            let at = 12 + number * 7 % (frame.len() - 12);
            frame[at] ^= bits;
        }
        Fault::OtherVlan(vlan) => frame[14..16].copy_from_slice(&vlan.to_be_bytes()),
        _ => {}
    }
    vec![frame]
}

fn green(snapshot: &Snapshot) -> Option<String> {
    let device = snapshot.devices.iter().find(|device| {
        device.mac.is_some_and(|mac| mac == ABSENT || mac == HALF)
            && matches!(device.verdict, Verdict::Isolated | Verdict::Contained)
    })?;
    Some(format!("{:?} is {}: {:?}", device.mac, device.verdict.name(), device.coverage))
}

/// What is asked for is not granted to everybody: seen in both directions, the same camera is green.
#[test]
fn what_is_wholly_seen_is_green() {
    let mut engine = engine();
    engine.handle(Input::File { source: 0, name: "eth1" });
    for (at, data) in &site::clean(60) {
        let wire_len = data.len() as u32;
        engine.handle(Input::Frame { source: 0, at: *at, link_type: LinkType::Ethernet, wire_len, data });
    }
    assert!(green(&engine.snapshot()).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_half_seen_is_never_green(
        sends in any::<bool>(),
        is_live in any::<bool>(),
        steps in prop::collection::vec((fault(), moment(), 1..120_usize), 1..25),
    ) {
        let frames = half(sends);
        let mut engine = engine();
        for (source, name) in [(0, "eth1"), (1, "eth2")] {
            if is_live {
                engine.handle(Input::Source { source, event: SourceEvent::Up { name: name.to_owned() } });
                engine.handle(Input::Tick { wall: START, mono: 1 });
            } else {
                engine.handle(Input::File { source, name });
            }
        }
        let (mut elapsed, mut clock, mut at) = (SECOND, 0_i64, 0);
        for (fault, moment, count) in steps {
            let mut stretch: Vec<&Vec<u8>> =
                (at..at + count).map(|number| &frames[number % frames.len()].1).collect();
            at += count;
            if matches!(fault, Fault::Reverse) {
                stretch.reverse();
            }
            let source = u16::from(matches!(fault, Fault::OtherTap));
            for (number, frame) in stretch.into_iter().enumerate() {
                for data in harm(fault, number, frame) {
                    elapsed += 9_000_000;
                    let at = Timestamp(START.0 + elapsed + clock);
                    let wire_len = data.len() as u32;
                    engine.handle(Input::Frame { source, at, link_type: LinkType::Ethernet, wire_len, data: &data });
                }
            }
            let tell = |event: SourceEvent, engine: &mut Engine| {
                if is_live || matches!(event, SourceEvent::Drops { .. }) {
                    engine.handle(Input::Source { source: 0, event });
                }
            };
            match moment {
                Moment::Time(seconds) => elapsed += i64::from(seconds) * SECOND,
                Moment::Clock(seconds) => clock += i64::from(seconds) * SECOND,
                Moment::Down => tell(SourceEvent::Down { why: "no carrier".to_owned() }, &mut engine),
                Moment::Up => tell(SourceEvent::Up { name: "eth1".to_owned() }, &mut engine),
                Moment::Gap => tell(SourceEvent::Gap { why: "renamed".to_owned() }, &mut engine),
                Moment::Drops(kernel) => {
                    tell(SourceEvent::Drops { kernel: kernel.into(), interface: 0, agent: 0 }, &mut engine);
                }
                Moment::Filter => tell(SourceEvent::Filter { expression: "tcp".to_owned() }, &mut engine),
            }
            if is_live {
                engine.handle(Input::Tick { wall: Timestamp(START.0 + elapsed + clock), mono: elapsed });
            }
            let green = green(&engine.snapshot());
            prop_assert!(green.is_none(), "{}", green.unwrap_or_default());
        }
    }
}
