//! What makes what came through a mirror worth less than it looks: one fault each in captures of the same traffic.

use std::collections::BTreeSet;
use std::path::PathBuf;

use segwatch::base::{Mac, Timestamp};
use segwatch::config;
use segwatch::engine::{Alarm, Engine, Input, Options, SourceEvent};
use segwatch::hint::VendorTable;
use segwatch::packet::LinkType;
use segwatch_tests::frames::{Packet, proto};
use segwatch_tests::pcap::{self, ETHERNET, PcapWriter};
use segwatch_tests::program::segwatch;
use segwatch_tests::site::{self, CAMERAS, Frames, START};
use serde_json::Value;

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/standard.yaml");
const SECOND: i64 = 1_000_000_000;

fn clean() -> Frames {
    site::clean(1_500)
}

/// xorshift: the same losses everywhere.
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn lose(frames: &Frames, share: f64, seed: u64) -> Frames {
    let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1));
    frames.iter().filter(|_| random.share() >= share).cloned().collect()
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("segwatch-health-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// The answer of `check`, and the alarms with whether they blind.
struct Answer {
    json: Value,
    alarms: BTreeSet<(String, bool)>,
}

fn check_file(path: &PathBuf, policy: &str) -> Answer {
    let run = segwatch(["check", "--format", "json", "--config", policy, path.to_str().expect("UTF-8")]);
    let json: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {} {}", run.out, run.err));
    let alarms = json["health"].as_array().expect("a list").iter().map(|it| {
        assert_eq!(it["interface"], path.to_str().expect("UTF-8"));
        (it["alarm"].as_str().expect("a word").to_owned(), it["blinds"] == true)
    });
    Answer { alarms: alarms.collect(), json }
}

fn check(name: &str, frames: &Frames) -> Answer {
    let mut bytes = Vec::new();
    let mut writer = PcapWriter::new(&mut bytes, ETHERNET).expect("a header");
    frames.iter().for_each(|(at, frame)| writer.write(*at, frame).expect("a frame"));
    let path = file(&format!("{name}.pcap"), &bytes);
    let answer = check_file(&path, POLICY);
    std::fs::remove_file(path).expect("it was there");
    answer
}

impl Answer {
    fn only(&self, alarm: &str, blinds: bool) {
        assert_eq!(self.alarms, BTreeSet::from([(alarm.to_owned(), blinds)]), "{}", self.json["health"]);
    }

    fn detail(&self) -> &str {
        self.json["health"][0]["detail"].as_str().expect("a detail")
    }

    fn cameras(&self) -> Vec<&str> {
        let devices = self.json["devices"].as_array().expect("a list");
        assert_eq!(devices.len(), usize::from(CAMERAS));
        devices.iter().map(|it| it["verdict"].as_str().expect("a verdict")).collect()
    }

    fn blind_for(&self, reason: &str) {
        assert_eq!(self.json["verdict"], "unverified");
        assert_eq!(self.cameras(), ["unverified"; CAMERAS as usize]);
        for device in self.json["devices"].as_array().expect("a list") {
            let reasons = device["reasons"].as_array().expect("a list");
            assert!(reasons.iter().any(|it| it["code"] == *reason), "{reasons:?}");
        }
    }

    fn isolated(&self) {
        assert_eq!(self.json["verdict"], "isolated", "{}", self.json["reasons"]);
        assert_eq!(self.cameras(), ["isolated"; CAMERAS as usize]);
    }
}

fn is_from_camera(frame: &[u8]) -> bool {
    frame[6..9] == [0x44, 0x19, 0xb6]
}

fn vlan(frame: &[u8]) -> u16 {
    u16::from_be_bytes([frame[14], frame[15]])
}

#[test]
fn clean_traffic_raises_nothing() {
    let answer = check("clean", &clean());
    assert_eq!(answer.alarms, BTreeSet::new(), "{}", answer.json["health"]);
    answer.isolated();
    for device in answer.json["devices"].as_array().expect("a list") {
        let loss = &device["coverage"]["loss"];
        assert!(loss["lost"] == 0 && loss["expected"].as_u64() > Some(1_000), "{loss}");
    }
}

#[test]
fn loss_before_the_port_is_told_and_estimated() {
    let clean = clean();
    for share in [0.005, 0.01, 0.02, 0.05, 0.1, 0.3] {
        for seed in 0..20 {
            let answer = check(&format!("lossy-{share}-{seed}"), &lose(&clean, share, seed));
            let count = |what: &str| -> u64 {
                let devices = answer.json["devices"].as_array().expect("a list");
                devices.iter().map(|it| it["coverage"]["loss"][what].as_u64().expect("a count")).sum()
            };
            let estimate = count("lost") as f64 / count("expected") as f64;
            assert!((share / 2.0..=share * 2.0).contains(&estimate), "{share}, seed {seed}: {estimate}");
            if share >= 0.02 {
                answer.only("upstream-loss", true);
                answer.blind_for("loss");
                assert!(answer.detail().contains("destination"), "{}", answer.detail());
            }
            if share <= 0.005 {
                assert!(answer.alarms.is_empty(), "seed {seed}: {}", answer.json["health"]);
            }
        }
    }
}

#[test]
fn a_burst_that_was_lost_is_told() {
    let mut at = 0;
    let frames: Frames = clean()
        .into_iter()
        .filter(|_| {
            at += 1;
            !(5_000..5_500).contains(&at)
        })
        .collect();
    check("burst", &frames).only("upstream-loss", true);
}

#[test]
fn one_direction_is_no_loss() {
    let frames: Frames = clean().into_iter().filter(|(_, frame)| is_from_camera(frame)).collect();
    let answer = check("one-direction", &frames);
    answer.only("one-directional", true);
    answer.blind_for("one-direction");
    // What routers bring to the cameras' VLAN is missing, while the recorder's own VLAN shows both directions.
    let to_camera = |frame: &[u8]| frame[..3] == [0x44, 0x19, 0xb6];
    let frames: Frames = clean().into_iter().filter(|(_, frame)| !to_camera(frame)).collect();
    let answer = check("one-direction-trunk", &frames);
    answer.only("one-directional", true);
    answer.blind_for("one-direction");
}

#[test]
fn stripped_tags_are_told() {
    let mut frames = clean();
    for (_, frame) in &mut frames {
        frame.drain(12..16);
    }
    let answer = check("untagged", &frames);
    answer.only("untagged", true);
    answer.blind_for("untagged");
    assert!(answer.detail().contains("encapsulation replicate"));
}

#[test]
fn a_vlan_that_is_filtered_is_told() {
    let without = |gone: u16| clean().into_iter().filter(|(_, frame)| vlan(frame) != gone).collect::<Frames>();
    let answer = check("filtered-cameras", &without(110));
    answer.only("filtered", true);
    assert_eq!(answer.json["verdict"], "unverified");
    assert!(answer.detail().contains("VLAN 110 of zone cctv"), "{}", answer.detail());
    let answer = check("filtered-recorder", &without(200));
    answer.only("filtered", true);
    assert!(answer.detail().contains("VLAN 200 of zone recording"), "{}", answer.detail());
    answer.isolated();
    // A mirror of the cameras' VLAN alone is none with a filter.
    let alone: Frames = clean().into_iter().filter(|(_, frame)| vlan(frame) == 110).collect();
    let answer = check("cameras-alone", &alone);
    assert_eq!(answer.alarms, BTreeSet::new(), "{}", answer.json["health"]);
    answer.isolated();
}

#[test]
fn frames_that_nobody_understands_are_told() {
    let mut frames = clean();
    for (_, frame) in frames.iter_mut().step_by(20) {
        // MACsec, with encrypted data (IEEE 802.1AE).
        frame[16..18].copy_from_slice(&[0x88, 0xe5]);
        frame[18] = 0x0c;
    }
    let answer = check("undecodable", &frames);
    assert!(answer.alarms.contains(&("undecodable".to_owned(), true)), "{}", answer.json["health"]);
    answer.blind_for("gap");
}

#[test]
fn a_mirror_set_up_twice_is_told_and_judged() {
    let frames: Frames =
        clean().into_iter().flat_map(|(at, frame)| [(at, frame.clone()), (Timestamp(at.0 + 20_000), frame)]).collect();
    let answer = check("duplicates", &frames);
    answer.only("duplicates", false);
    answer.isolated();
}

/// A pcap file of which each frame was cut to this length.
fn cut(frames: &Frames, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    drop(PcapWriter::new(&mut bytes, ETHERNET).expect("a header"));
    for (at, frame) in frames {
        let kept = &frame[..length.min(frame.len())];
        bytes.extend(((at.0 / SECOND) as u32).to_le_bytes());
        bytes.extend(((at.0 % SECOND / 1_000) as u32).to_le_bytes());
        bytes.extend((kept.len() as u32).to_le_bytes());
        bytes.extend((frame.len() as u32).to_le_bytes());
        bytes.extend(kept);
    }
    bytes
}

#[test]
fn cut_frames_are_told_and_blind_where_headers_are_gone() {
    let frames = clean();
    let path = file("cut-96.pcap", &cut(&frames, 96));
    let answer = check_file(&path, POLICY);
    answer.only("truncated", false);
    answer.isolated();
    let path = file("cut-30.pcap", &cut(&frames, 30));
    let answer = check_file(&path, POLICY);
    assert!(answer.alarms.contains(&("truncated".to_owned(), true)), "{}", answer.json["health"]);
    assert!(!answer.alarms.iter().any(|(alarm, _)| alarm == "undecodable" || alarm == "upstream-loss"));
    assert_eq!(answer.json["verdict"], "unverified");
}

/// Joins two segments in a row of one direction, as a network card does.
fn join(frames: Frames, segments: usize) -> Frames {
    let payload = |frame: &[u8]| frame.len() - 58;
    let mut joined: Frames = Vec::new();
    let mut count = 1;
    for (at, mut frame) in frames {
        let is_video = frame[27] == 6 && is_from_camera(&frame) && payload(&frame) > 800;
        if is_video {
            frame.truncate(58);
            frame.resize(58 + 1_400, 7);
            let previous = joined.iter_mut().rev().take(6).find(|(_, other)| {
                other[27] == 6 && other[30..42] == frame[30..42] && is_from_camera(other) && payload(other) >= 1_400
            });
            if let Some((_, other)) = previous.filter(|_| count < segments) {
                other.extend(vec![7; 1_400]);
                let length = (other.len() - 18) as u16;
                other[20..22].copy_from_slice(&length.to_be_bytes());
                count += 1;
                continue;
            }
            count = 1;
            frame[20..22].copy_from_slice(&((1_400 + 40) as u16).to_be_bytes());
        }
        joined.push((at, frame));
    }
    joined
}

#[test]
fn segments_that_a_card_joined_are_told() {
    // Only the first camera's own frames are changed, so its sequence numbers do not fit any more: what counts is the alarm.
    let answer = check("offload", &join(clean(), 2));
    assert!(answer.alarms.contains(&("offload".to_owned(), false)), "{}", answer.json["health"]);
}

#[test]
fn a_clock_that_jumps_is_told() {
    for (name, jump) in [("back", -3_600 * SECOND), ("ahead", 25 * 3_600 * SECOND)] {
        let mut frames = clean();
        let half = frames.len() / 2;
        frames[half..].iter_mut().for_each(|(at, _)| at.0 += jump);
        let answer = check(name, &frames);
        answer.only("clock", false);
        answer.isolated();
    }
    let frames: Frames = clean().into_iter().map(|(at, frame)| (Timestamp(at.0 - START.0), frame)).collect();
    check("1970", &frames).only("clock", false);
}

#[test]
fn an_interruption_is_told() {
    let hole = START.0 + 40 * SECOND..START.0 + 100 * SECOND;
    let frames: Frames = clean().into_iter().filter(|(at, _)| !hole.contains(&at.0)).collect();
    let answer = check("silent", &frames);
    assert!(answer.alarms.contains(&("silent".to_owned(), true)), "{}", answer.json["health"]);
    answer.blind_for("gap");
    check_empty();
}

fn check_empty() {
    let mut bytes = Vec::new();
    drop(PcapWriter::new(&mut bytes, ETHERNET).expect("a header"));
    let answer = check_file(&file("empty.pcap", &bytes), POLICY);
    answer.only("silent", true);
    assert_eq!(answer.json["verdict"], "unverified");
}

#[test]
fn what_the_capturing_system_dropped_is_told() {
    let mut bytes = pcap::pcapng(&clean());
    // Interface statistics (draft-ietf-opsawg-pcapng, section 4.6): isb_ifrecv, isb_osdrop.
    bytes.extend(5_u32.to_le_bytes());
    bytes.extend(52_u32.to_le_bytes());
    bytes.extend([0; 12]);
    for (code, count) in [(4_u16, 20_000_u64), (7, 900)] {
        bytes.extend(code.to_le_bytes());
        bytes.extend(8_u16.to_le_bytes());
        bytes.extend(count.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(52_u32.to_le_bytes());
    let answer = check_file(&file("drops.pcapng", &bytes), POLICY);
    answer.only("kernel-drops", true);
    answer.blind_for("loss");
}

/// What the switch's own transport carries: ERSPAN II in GRE with a sequence number (draft-foschiano-erspan-03).
fn erspan(frames: &Frames) -> Frames {
    let (switch, sensor) = ("192.0.2.1".parse().expect("an address"), "192.0.2.2".parse().expect("an address"));
    let number = |(number, (at, frame)): (usize, &(Timestamp, Vec<u8>))| {
        let mut body = vec![0x10, 0, 0x88, 0xbe];
        body.extend((number as u32).to_be_bytes());
        body.extend([0x10, 0, 0, 7, 0, 0, 0, 0]);
        body.extend(frame);
        let (src, dst) = (Mac([0, 0, 0x5e, 0, 0x53, 0x71]), Mac([0, 0, 0x5e, 0, 0x53, 0x72]));
        (*at, Packet::other(switch, sensor, proto::GRE).id(number as u16).payload(body).frame(src, dst, &[]))
    };
    frames.iter().enumerate().map(number).collect()
}

#[test]
fn gaps_in_the_mirrors_own_transport_are_told() {
    let whole = erspan(&clean());
    let answer = check("erspan", &whole);
    assert_eq!(answer.alarms, BTreeSet::new(), "{}", answer.json["health"]);
    answer.isolated();
    check("erspan-lossy", &lose(&whole, 0.03, 1)).only("upstream-loss", true);
}

#[test]
fn a_second_tap_is_no_loss_and_hides_none() {
    let (whole, lossy) = (clean(), lose(&clean(), 0.05, 3));
    let write = |name: &str, frames: &Frames| {
        let mut bytes = Vec::new();
        let mut writer = PcapWriter::new(&mut bytes, ETHERNET).expect("a header");
        frames.iter().for_each(|(at, frame)| writer.write(*at, frame).expect("a frame"));
        file(name, &bytes)
    };
    let taps = [write("tap-1.pcap", &lossy), write("tap-2.pcap", &whole)];
    let names = taps.each_ref().map(|path| path.to_str().expect("UTF-8"));
    let run = segwatch(["check", "--format", "json", "--config", POLICY, names[0], names[1]]);
    let json: Value = serde_json::from_str(&run.out).expect("JSON");
    let loss: Vec<&Value> =
        json["health"].as_array().expect("a list").iter().filter(|it| it["alarm"] == "upstream-loss").collect();
    assert_eq!(loss.len(), 1, "{}", json["health"]);
    assert_eq!(loss[0]["interface"], names[0]);
}

/// A live engine with one mirror port, to which these frames came.
fn live(frames: &Frames, drops: Option<usize>) -> Engine {
    let text = std::fs::read_to_string(POLICY).expect("a policy");
    let loaded = config::load_str("segwatch.yaml", &text, START, &mut |_| Err(std::io::Error::other("no other file")));
    let policy = loaded.expect("a sound policy").config.policy;
    let mut engine = Engine::new(policy, VendorTable::builtin(), Options::default());
    engine.handle(Input::Source { source: 0, event: SourceEvent::Up { name: "eth1".to_owned() } });
    let mut tick = 0;
    for (number, (at, data)) in frames.iter().enumerate() {
        while at.0 >= START.0 + tick * SECOND {
            engine.handle(Input::Tick { wall: Timestamp(START.0 + tick * SECOND), mono: tick * SECOND + 1 });
            tick += 1;
        }
        let wire_len = data.len() as u32;
        engine.handle(Input::Frame { source: 0, at: *at, link_type: LinkType::Ethernet, wire_len, data });
        if drops == Some(number) {
            let event = SourceEvent::Drops { kernel: 500, interface: 0, agent: 0 };
            engine.handle(Input::Source { source: 0, event });
        }
    }
    engine.handle(Input::Tick { wall: Timestamp(START.0 + tick * SECOND), mono: tick * SECOND + 1 });
    engine
}

fn alarms(engine: &Engine) -> Vec<Alarm> {
    engine.published().expect("a tick").interfaces[0].alarms.keys().copied().collect()
}

#[test]
fn a_live_port_tells_loss_and_knows_its_own_drops() {
    assert_eq!(alarms(&live(&clean(), None)), []);
    for seed in 0..20 {
        let engine = live(&lose(&clean(), 0.02, seed), None);
        assert_eq!(alarms(&engine), [Alarm::UpstreamLoss], "seed {seed}");
        assert_eq!(engine.snapshot().verdict.name(), "unverified");
    }
    // The kernel lost a burst, and says so a moment later.
    let mut frames = clean();
    frames.drain(3_000..3_500);
    let engine = live(&frames, Some(3_020));
    assert_eq!(alarms(&engine), [], "told by its own alarm, and over");
    assert_eq!(engine.snapshot().verdict.name(), "isolated");
}

#[test]
fn every_alarm_has_one_name() {
    assert_eq!(Alarm::ALL.map(Alarm::name), segwatch::metrics::ALARMS);
}
