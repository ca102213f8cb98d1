//! The engine on a live mirror: episodes, what is covered now, alarms of the mirror, reload, restart.

#[path = "live_engine/canary.rs"]
mod canary;
#[path = "live_engine/exceptions.rs"]
mod exceptions;
#[path = "live_engine/flood.rs"]
mod flood;

use std::net::SocketAddr;

use segwatch::base::{Mac, Timestamp};
use segwatch::config;
use segwatch::coverage::{ReasonCode, Verdict};
use segwatch::engine::{Alarm, Closing, Command, Engine, Event, Input, Options, Published, SourceEvent};
use segwatch::hint::VendorTable;
use segwatch::packet::LinkType;
use segwatch::policy::Policy;
use segwatch_tests::frames::{Packet, flags};

const POLICY: &str = include_str!("../scenarios/standard.yaml");
const CAMERA: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 1]);
const ROUTER: Mac = Mac([0, 0, 0x5e, 0, 0x53, 1]);
const NEIGHBOUR: Mac = Mac([0x44, 0x19, 0xb6, 0, 0, 2]);
const SECOND: i64 = 1_000_000_000;
/// 2026-03-02T08:00:00Z.
const START: i64 = 1_772_438_400 * SECOND;

/// An engine with one mirror port, and a clock.
struct Site {
    engine: Engine,
    elapsed: i64,
    /// By how much the clock was set.
    step: i64,
    frames: u16,
    events: Vec<Event>,
}

fn policy(change: impl Fn(&str) -> String) -> Policy {
    let loaded = config::load_str("segwatch.yaml", &change(POLICY), Timestamp(START), &mut |_| {
        Err(std::io::Error::other("no other file"))
    })
    .expect("a sound policy");
    let mut policy = loaded.config.policy;
    policy.hold = 120 * SECOND;
    policy
}

impl Site {
    fn new() -> Site {
        let mut site = Site::stopped(policy(str::to_owned));
        site.up();
        site.tick(1);
        site
    }

    fn stopped(policy: Policy) -> Site {
        let engine = Engine::new(policy, VendorTable::builtin(), Options::default());
        Site { engine, elapsed: 0, step: 0, frames: 0, events: Vec::new() }
    }

    fn up(&mut self) {
        self.source(SourceEvent::Up { name: "eth1".to_owned() });
    }

    fn source(&mut self, event: SourceEvent) {
        self.engine.handle(Input::Source { source: 0, event });
    }

    fn wall(&self) -> Timestamp {
        Timestamp(START + self.step + self.elapsed)
    }

    /// Lets so many seconds pass, one tick each.
    fn tick(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.elapsed += SECOND;
            self.engine.handle(Input::Tick { wall: self.wall(), mono: self.elapsed });
            self.events.extend(self.engine.take_events());
        }
    }

    fn frame(&mut self, frame: &[u8]) {
        self.elapsed += 1_000_000;
        let (at, wire_len) = (self.wall(), frame.len() as u32);
        self.engine.handle(Input::Frame { source: 0, at, link_type: LinkType::Ethernet, wire_len, data: frame });
    }

    fn send(&mut self, packet: Packet, src: Mac, dst: Mac, vlans: &[u16]) {
        self.frames += 1;
        let frame = packet.id(self.frames).frame(src, dst, vlans);
        self.frame(&frame);
    }

    /// A TCP conversation of a camera with a neighbour, both directions.
    fn talk(&mut self, vlans: &[u16]) {
        let (a, b) = (addr("10.110.0.11:554"), addr("10.110.0.12:40000"));
        self.send(Packet::tcp(a, b, flags::ACK), CAMERA, NEIGHBOUR, vlans);
        self.send(Packet::tcp(b, a, flags::ACK), NEIGHBOUR, CAMERA, vlans);
    }

    /// A clean second, `seconds` times.
    fn clean(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.talk(&[110]);
            self.talk(&[110]);
            self.tick(1);
        }
    }

    /// A connection to the internet that is answered.
    fn egress(&mut self, port: u16) {
        let (a, b) = (SocketAddr::new(addr("10.110.0.11:1").ip(), port), addr("203.0.113.9:443"));
        self.send(Packet::tcp(a, b, flags::SYN), CAMERA, ROUTER, &[110]);
        self.send(Packet::tcp(b, a, flags::SYN | flags::ACK).ttl(50), ROUTER, CAMERA, &[110]);
        self.send(Packet::tcp(a, b, flags::ACK), CAMERA, ROUTER, &[110]);
    }

    fn published(&self) -> Published {
        self.engine.published().expect("a tick")
    }

    fn verdict(&self) -> Verdict {
        self.published().snapshot.verdict
    }

    fn reasons(&self) -> Vec<ReasonCode> {
        self.published().snapshot.reasons.iter().map(|reason| reason.code).collect()
    }

    fn alarms(&self) -> Vec<Alarm> {
        self.published().interfaces[0].alarms.keys().copied().collect()
    }

    /// Openings, rises and closings so far, in short.
    fn story(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::FindingOpened { finding, .. } => Some(format!("opened {}", finding.kind.name())),
                Event::FindingRaised { finding, .. } => Some(format!("raised {}", finding.kind.name())),
                Event::FindingClosed { why, .. } => Some(format!("closed {why:?}")),
                Event::FindingAcked { by, .. } => Some(format!("acked {by}")),
                Event::FindingMuted { exception, .. } => Some(format!("muted by {}", exception.owner)),
                Event::FindingRearmed { exception, .. } => Some(format!("rearmed after {}", exception.expires)),
                _ => None,
            })
            .collect()
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn clean_traffic_is_isolated_and_tells_nothing() {
    let mut site = Site::new();
    assert_eq!((site.verdict(), site.reasons()), (Verdict::Unverified, vec![ReasonCode::NeverSeen]));
    site.clean(300);
    assert_eq!((site.verdict(), site.alarms(), site.story()), (Verdict::Isolated, vec![], vec![]));
}

#[test]
fn one_episode_from_the_first_packet_to_quiet() {
    let mut site = Site::new();
    site.clean(5);
    site.egress(50_000);
    site.tick(1);
    assert_eq!(site.verdict(), Verdict::Violated);
    for round in 0..100 {
        site.egress(50_001 + round);
        site.clean(1);
    }
    assert_eq!(site.story(), ["opened internet-egress"]);
    let finding = site.published().snapshot.findings[0].clone();
    assert_eq!((finding.peers_total, finding.peers[0].packets_out), (1, 202));
    site.clean(118);
    assert_eq!(site.verdict(), Verdict::Violated);
    site.clean(10);
    assert_eq!(site.verdict(), Verdict::Isolated);
    assert_eq!(site.story(), ["opened internet-egress", "closed Quiet"]);
    // The flows that it came from are still in the table, and end after ten idle minutes: it stays closed.
    site.clean(700);
    assert_eq!((site.verdict(), site.story().len()), (Verdict::Isolated, 2));
    site.egress(51_000);
    site.tick(1);
    assert_eq!(site.story(), ["opened internet-egress", "closed Quiet", "opened internet-egress"]);
}

#[test]
fn an_attempt_rises_when_it_is_answered() {
    let mut site = Site::new();
    site.clean(5);
    let (a, b) = (addr("10.110.0.11:50000"), addr("203.0.113.9:443"));
    site.send(Packet::tcp(a, b, flags::SYN), CAMERA, ROUTER, &[110]);
    site.tick(1);
    assert_eq!(site.verdict(), Verdict::Contained);
    site.send(Packet::tcp(b, a, flags::SYN | flags::ACK).ttl(50), ROUTER, CAMERA, &[110]);
    site.tick(1);
    assert_eq!(site.verdict(), Verdict::Violated);
    assert_eq!(site.story(), ["opened internet-egress", "raised internet-egress"]);
    let totals = site.published().totals;
    assert_eq!(totals.findings.values().copied().collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_restart_neither_loses_nor_repeats_a_finding() {
    let mut before = Site::new();
    before.clean(5);
    before.egress(50_000);
    before.tick(1);
    let saved = serde_json::to_string(&before.engine.save()).expect("JSON");
    let id = before.published().snapshot.findings[0].id.clone();

    let mut after = Site::stopped(policy(str::to_owned));
    let saved = serde_json::from_str(&saved).expect("what was saved");
    after.elapsed = before.elapsed + 30 * SECOND;
    let (wall, mono) = (after.wall(), after.elapsed);
    after.engine.handle(Input::Restore { saved: &saved, wall, mono });
    after.up();
    after.tick(1);
    assert_eq!(after.verdict(), Verdict::Violated);
    assert_eq!(after.published().snapshot.findings[0].id, id);
    assert_eq!(after.published().episodes[&id], before.published().episodes[&id]);
    after.egress(50_001);
    after.clean(1);
    assert!(after.story().is_empty(), "the same episode: {:?}", after.story());
    after.clean(130);
    assert_eq!((after.verdict(), after.story()), (Verdict::Isolated, vec!["closed Quiet".to_owned()]));
}

/// A site where only an expired conduit would allow what [`Site::egress`] does.
fn expired() -> Policy {
    policy(|text| {
        format!(
            "{text}  - {{ name: updates, from: {{ zone: cctv }}, to: {{ hosts: [203.0.113.9] }}, services: [tcp/443], owner: a, reason: b, expires: 2026-01-31 }}\n"
        )
    })
}

#[test]
fn what_an_expired_conduit_would_allow_stays_a_warning() {
    let severity = |site: &Site| site.published().snapshot.findings[0].severity;
    let mut before = Site::stopped(expired());
    before.up();
    before.clean(5);
    before.egress(50_000);
    before.tick(1);
    assert_eq!(severity(&before), "warning");
    let saved = before.engine.save();
    let mut after = Site::stopped(expired());
    after.elapsed = before.elapsed;
    let (wall, mono) = (after.wall(), after.elapsed);
    after.engine.handle(Input::Restore { saved: &saved, wall, mono });
    after.up();
    after.tick(1);
    assert_eq!((severity(&after), after.story()), ("warning", vec![]), "after a restart");
    after.engine.handle(Input::Policy(Box::new(expired())));
    after.tick(1);
    assert_eq!((severity(&after), after.story()), ("warning", vec![]), "after a reload");
}

#[test]
fn what_a_person_closed_stays_closed_after_a_restart() {
    let mut before = Site::new();
    before.clean(5);
    let mut saved = before.engine.save();
    // It rests on what is known of the device, which a restart knows too.
    before.talk(&[300]);
    before.tick(1);
    let ids: Vec<String> = before.published().snapshot.findings.iter().map(|finding| finding.id.clone()).collect();
    assert!(!ids.is_empty());
    saved.apply(before.engine.save_changes(&before.events));
    before.events.clear();
    for id in ids {
        let close = Command::Close { id, by: "ann".to_owned(), reason: "known".to_owned() };
        assert!(before.engine.command(close));
    }
    before.tick(1);
    saved.apply(before.engine.save_changes(&before.events));
    for saved in [saved, before.engine.save()] {
        let mut after = Site::stopped(policy(str::to_owned));
        after.elapsed = before.elapsed;
        let (wall, mono) = (after.wall(), after.elapsed);
        after.engine.handle(Input::Restore { saved: &saved, wall, mono });
        after.up();
        after.tick(1);
        assert!(after.published().snapshot.findings.is_empty() && after.story().is_empty(), "{:?}", after.story());
    }
}

#[test]
fn changes_since_what_was_saved_are_enough() {
    let mut before = Site::new();
    before.clean(5);
    let mut saved = before.engine.save();
    before.egress(50_000);
    before.elapsed += SECOND;
    before.engine.handle(Input::Tick { wall: before.wall(), mono: before.elapsed });
    let events = before.engine.take_events();
    let changes = serde_json::to_string(&before.engine.save_changes(&events)).expect("JSON");
    saved.apply(serde_json::from_str(&changes).expect("what was saved"));
    let mut after = Site::stopped(policy(str::to_owned));
    after.elapsed = before.elapsed;
    let (wall, mono) = (after.wall(), after.elapsed);
    after.engine.handle(Input::Restore { saved: &saved, wall, mono });
    after.up();
    after.tick(1);
    assert_eq!((after.verdict(), after.story()), (Verdict::Violated, vec![]));
    let findings = |site: &Site| serde_json::to_string(&site.published().snapshot.findings).expect("JSON");
    assert_eq!(findings(&after), findings(&before));
}

#[test]
fn a_restart_ends_no_drill() {
    let mut before = Site::new();
    before.clean(5);
    let mut saved = before.engine.save();
    assert!(before.engine.command(Command::Drill { by: "anna".to_owned() }));
    before.events.clear();
    before.tick(1);
    saved.apply(before.engine.save_changes(&before.events));
    for saved in [saved, before.engine.save()] {
        let mut after = Site::stopped(policy(str::to_owned));
        after.elapsed = before.elapsed + 10 * SECOND;
        let (wall, mono) = (after.wall(), after.elapsed);
        after.engine.handle(Input::Restore { saved: &saved, wall, mono });
        after.up();
        after.tick(1);
        assert_eq!(after.published().episodes, before.published().episodes);
        assert!(after.story().is_empty(), "the same episode: {:?}", after.story());
        after.clean(920);
        assert_eq!(after.story(), ["closed Quiet"]);
    }
}

#[test]
fn an_episode_keeps_its_subject() {
    let mut before = Site::new();
    before.clean(5);
    before.egress(50_000);
    before.tick(1);
    let id = before.published().snapshot.findings[0].id.clone();
    let subject = |site: &Site| site.published().episodes[&id].subject.clone();
    let first = subject(&before);
    assert_eq!((first.device.as_str(), first.peer.as_str()), ("44:19:b6:00:00:01", "203.0.113.9 tcp/443"));
    let named =
        || policy(|text| format!("{text}devices: [{{ name: lobby, mac: \"44:19:b6:00:00:01\", zone: cctv }}]\n"));
    before.engine.handle(Input::Policy(Box::new(named())));
    before.tick(1);
    let name = |site: &Site| {
        let findings = &site.published().snapshot.findings;
        findings.iter().find(|finding| finding.id == id).and_then(|finding| finding.device.name.clone())
    };
    assert_eq!(name(&before).as_deref(), Some("lobby"));
    let mut after = Site::stopped(named());
    after.elapsed = before.elapsed;
    let (wall, mono) = (after.wall(), after.elapsed);
    after.engine.handle(Input::Restore { saved: &before.engine.save(), wall, mono });
    after.up();
    after.tick(1);
    assert_eq!(name(&after).as_deref(), Some("lobby"));
    assert_eq!((subject(&before), subject(&after)), (first.clone(), first));
}

#[test]
fn quiet_goes_on_while_the_agent_is_away() {
    let mut before = Site::new();
    before.egress(50_000);
    before.clean(100);
    let saved = before.engine.save();
    let mut after = Site::stopped(policy(str::to_owned));
    after.elapsed = before.elapsed + 60 * SECOND;
    let (wall, mono) = (after.wall(), after.elapsed);
    after.engine.handle(Input::Restore { saved: &saved, wall, mono });
    after.up();
    after.clean(2);
    assert_eq!((after.verdict(), after.story()), (Verdict::Isolated, vec!["closed Quiet".to_owned()]));
}

#[test]
fn a_device_known_before_a_restart_has_to_be_seen_again() {
    let mut before = Site::new();
    before.clean(5);
    let saved = before.engine.save();
    let mut after = Site::stopped(policy(str::to_owned));
    let (wall, mono) = (after.wall(), after.elapsed);
    after.engine.handle(Input::Restore { saved: &saved, wall, mono });
    after.up();
    after.tick(1);
    assert_eq!((after.verdict(), after.reasons()), (Verdict::Unverified, vec![ReasonCode::Gap]));
    assert_eq!(after.published().snapshot.devices.len(), 2);
    after.clean(1);
    assert_eq!(after.verdict(), Verdict::Isolated);
}

#[test]
fn a_reload_closes_what_it_allows_and_keeps_the_rest() {
    let mut site = Site::new();
    site.clean(5);
    let (a, b) = (addr("10.110.0.11:50000"), addr("10.30.0.7:22"));
    site.send(Packet::tcp(a, b, flags::SYN), CAMERA, ROUTER, &[110]);
    site.send(Packet::tcp(b, a, flags::SYN | flags::ACK).ttl(60), ROUTER, CAMERA, &[110]);
    site.egress(50_001);
    site.tick(1);
    assert_eq!(site.story(), ["opened internet-egress", "opened cross-zone-egress"]);
    site.engine.handle(Input::Policy(Box::new(policy(str::to_owned))));
    site.clean(3);
    assert_eq!(site.story().len(), 2, "the same policy changes nothing: {:?}", site.story());
    let allow = |text: &str| {
        text.replace(
            "conduits:",
            "conduits:\n  - { name: shell, from: { zone: cctv }, to: { zone: clinical }, services: [tcp/22], \
             owner: a@region.example, reason: test, expires: 2027-06-30 }",
        )
    };
    site.engine.handle(Input::Policy(Box::new(policy(allow))));
    site.clean(3);
    assert_eq!(site.story()[2..], ["closed Policy"]);
    assert_eq!((site.verdict(), site.published().snapshot.findings.len()), (Verdict::Violated, 1));
    // Also when the flow has ended, and is known by the finding alone.
    site.engine.handle(Input::Policy(Box::new(policy(str::to_owned))));
    site.clean(1);
    assert_eq!(site.story()[3..], ["opened cross-zone-egress"], "forbidden again, and its flow is still there");
}

#[test]
fn a_reload_judges_findings_of_flows_that_have_ended() {
    let mut site = Site::new();
    let long_hold = |change: &dyn Fn(&str) -> String| {
        let mut policy = policy(change);
        policy.hold = 86_400 * SECOND;
        Box::new(policy)
    };
    site.engine.handle(Input::Policy(long_hold(&str::to_owned)));
    site.egress(50_000);
    site.clean(700);
    assert_eq!(site.published().totals.active, 1, "the flow to the internet has ended");
    assert_eq!(site.story(), ["opened internet-egress"]);
    let inside = |text: &str| text.replace("10.30.0.0/16", "10.30.0.0/16, 203.0.113.0/24");
    site.engine.handle(Input::Policy(long_hold(&inside)));
    site.clean(1);
    assert_eq!(site.story()[1..], ["closed Policy", "opened cross-zone-egress"], "the peer is in a zone now");
}

#[test]
fn what_a_dead_port_covered_is_unverified_until_it_is_seen_again() {
    let mut site = Site::new();
    site.clean(5);
    assert_eq!(site.verdict(), Verdict::Isolated);
    site.source(SourceEvent::Down { why: "no carrier".to_owned() });
    site.tick(1);
    assert_eq!((site.verdict(), site.reasons()), (Verdict::Unverified, vec![ReasonCode::Gap]));
    assert_eq!(site.alarms(), [Alarm::Silent]);
    site.tick(10);
    site.up();
    site.tick(1);
    assert_eq!((site.verdict(), site.reasons(), site.alarms()), (Verdict::Unverified, vec![ReasonCode::Gap], vec![]));
    site.clean(1);
    assert_eq!(site.verdict(), Verdict::Isolated);
}

#[test]
fn what_was_seen_until_a_moment_before_covers_nobody_after() {
    let other = || SourceEvent::Up { name: "eth1".to_owned() };
    let gap = || SourceEvent::Gap { why: "eth1 was renamed to eth9".to_owned() };
    let down = || SourceEvent::Down { why: "no carrier".to_owned() };
    for events in [vec![down(), other()], vec![gap(), other()], vec![down(), gap(), other()], vec![gap()]] {
        let mut site = Site::new();
        site.clean(5);
        site.talk(&[110]);
        events.into_iter().for_each(|event| site.source(event));
        site.tick(1);
        assert_eq!((site.verdict(), site.reasons()), (Verdict::Unverified, vec![ReasonCode::Gap]));
        site.clean(1);
        assert_eq!(site.verdict(), Verdict::Isolated);
    }
}

#[test]
fn a_silent_port_is_told_within_a_minute() {
    let mut site = Site::new();
    site.clean(5);
    site.tick(44);
    assert_eq!(site.verdict(), Verdict::Isolated);
    site.tick(5);
    assert_eq!((site.verdict(), site.alarms()), (Verdict::Unverified, vec![Alarm::Silent]));
}

#[test]
fn one_direction_only_is_told_within_a_minute() {
    let mut site = Site::new();
    site.clean(30);
    let (a, b) = (addr("10.110.0.11:554"), addr("10.110.0.12:40000"));
    for _ in 0..55 {
        site.send(Packet::tcp(a, b, flags::ACK), CAMERA, NEIGHBOUR, &[110]);
        site.send(Packet::tcp(a, b, flags::ACK), CAMERA, NEIGHBOUR, &[110]);
        site.tick(1);
    }
    assert_eq!(site.alarms(), [Alarm::OneDirectional]);
    assert_eq!((site.verdict(), site.reasons()), (Verdict::Unverified, vec![ReasonCode::OneDirection]));
    site.clean(45);
    assert_eq!((site.verdict(), site.alarms()), (Verdict::Isolated, vec![]));
}

#[test]
fn stripped_tags_are_told_within_a_minute() {
    let mut site = Site::new();
    site.clean(30);
    for _ in 0..55 {
        site.talk(&[]);
        site.talk(&[]);
        site.tick(1);
    }
    assert_eq!(site.alarms(), [Alarm::Untagged]);
    assert_eq!((site.verdict(), site.reasons()), (Verdict::Unverified, vec![ReasonCode::Untagged]));
}

#[test]
fn lost_packets_are_told_at_once() {
    let mut site = Site::new();
    site.clean(5);
    site.source(SourceEvent::Drops { kernel: 1_000, interface: 0, agent: 0 });
    site.tick(1);
    assert_eq!((site.verdict(), site.reasons()), (Verdict::Unverified, vec![ReasonCode::Loss]));
    site.clean(60);
    assert_eq!((site.verdict(), site.alarms()), (Verdict::Isolated, vec![]));
    assert_eq!(site.published().interfaces[0].dropped, [1_000, 0, 0]);
}

#[test]
fn a_device_that_falls_silent_is_unverified_after_silence() {
    let mut site = Site::new();
    site.clean(5);
    let (a, b) = (addr("10.200.0.10:554"), addr("10.200.0.12:40000"));
    for _ in 0..400 {
        site.send(Packet::tcp(a, b, flags::ACK), ROUTER, Mac([0, 0, 0x5e, 0, 0x53, 9]), &[200]);
        site.tick(10);
    }
    assert_eq!((site.verdict(), site.reasons()), (Verdict::Unverified, vec![ReasonCode::Silent]));
}

#[test]
fn people_take_note_close_and_drill() {
    let mut site = Site::new();
    site.clean(5);
    site.egress(50_000);
    site.tick(1);
    let id = site.published().snapshot.findings[0].id.clone();
    let note = |id: &str| (id.to_owned(), "anna".to_owned(), "known".to_owned());
    let (unknown, by, reason) = note("0000000000000000");
    assert!(!site.engine.command(Command::Ack { id: unknown, by, reason }));
    let (ack, by, reason) = note(&id);
    assert!(site.engine.command(Command::Ack { id: ack, by, reason }));
    site.tick(1);
    assert_eq!(site.published().episodes[&id].acked.as_ref().map(|ack| ack.by.as_str()), Some("anna"));
    let (close, by, reason) = note(&id);
    assert!(site.engine.command(Command::Close { id: close, by, reason }));
    site.clean(5);
    assert_eq!(site.verdict(), Verdict::Isolated);
    assert!(site.engine.command(Command::Drill { by: "anna".to_owned() }));
    site.clean(2);
    assert_eq!(site.verdict(), Verdict::Isolated, "a drill has no effect on the verdict");
    site.clean(920);
    assert_eq!(site.story(), ["opened internet-egress", "acked anna", "closed Person", "opened drill", "closed Quiet"]);
}

#[test]
fn idle_flows_leave_the_table() {
    let mut site = Site::new();
    for port in 1_000..2_000 {
        site.egress(port);
    }
    site.tick(1);
    assert_eq!(site.published().totals.active, 1_000);
    site.tick(602);
    assert_eq!(site.published().totals.active, 0);
}

#[test]
fn a_clock_that_is_set_breaks_nothing() {
    let mut site = Site::new();
    site.clean(5);
    site.egress(50_000);
    site.tick(1);
    // A year ahead, and back.
    for step in [365 * 86_400 * SECOND, 0] {
        let wall = Timestamp(START + site.elapsed + step);
        let frame = Packet::tcp(addr("10.110.0.11:554"), addr("10.110.0.12:40000"), flags::ACK).frame(
            CAMERA,
            NEIGHBOUR,
            &[110],
        );
        let wire_len = frame.len() as u32;
        site.engine.handle(Input::Frame { source: 0, at: wall, link_type: LinkType::Ethernet, wire_len, data: &frame });
        site.elapsed += SECOND;
        site.engine.handle(Input::Tick { wall, mono: site.elapsed });
    }
    site.clean(5);
    assert_eq!(site.alarms(), [Alarm::Clock]);
    assert_eq!(site.verdict(), Verdict::Violated);
    site.clean(130);
    assert_eq!(site.verdict(), Verdict::Isolated, "quiet is counted in monotonic time");
}

const HOUR: i64 = 3_600 * SECOND;
/// An hour back, a day and an hour ahead, to the second hour of 1970.
const STEPS: [i64; 3] = [-HOUR, 25 * HOUR, HOUR - START];

/// Steps of the clock that are on record, in milliseconds.
fn steps(site: &Site) -> Vec<i64> {
    let steps = site.events.iter().filter_map(|event| match event {
        Event::Clock { at, expected, stepped_ms } => {
            assert_eq!(at.since(*expected) / 1_000_000, *stepped_ms);
            Some(*stepped_ms)
        }
        _ => None,
    });
    steps.collect()
}

#[test]
fn a_step_of_the_clock_is_on_record_and_changes_nothing_else() {
    for step in STEPS {
        let mut site = Site::new();
        site.clean(5);
        site.egress(50_000);
        site.clean(5);
        let shown = |site: &Site| {
            let findings = &site.published().snapshot.findings;
            findings.iter().map(|f| (f.id.clone(), f.kind, f.peers[0].packets_out)).collect::<Vec<_>>()
        };
        let (before, episodes, totals) = (shown(&site), site.published().episodes, site.published().totals);
        site.step = step;
        site.tick(1);
        assert_eq!((steps(&site), site.alarms()), (vec![step / 1_000_000], vec![Alarm::Clock]));
        assert_eq!((shown(&site), site.published().episodes), (before, episodes), "{step}");
        assert_eq!(site.published().totals.findings, totals.findings, "{step}");
        assert_eq!(site.verdict(), Verdict::Violated);
        site.clean(90);
        assert_eq!((site.story().len(), steps(&site).len()), (1, 1), "{step}: {:?}", site.story());
        site.clean(30);
        assert_eq!(site.story()[1..], ["closed Quiet"], "{step}: in its time");
        site.step = 0;
        site.clean(120);
        assert_eq!(steps(&site)[1..], [-step / 1_000_000], "back again");
        assert_eq!((site.verdict(), site.story().len()), (Verdict::Isolated, 2), "{step}: {:?}", site.story());
    }
}

#[test]
fn what_goes_on_stays_open_whatever_the_clock_says() {
    for step in STEPS {
        let mut site = Site::new();
        site.clean(5);
        for round in 0..40u16 {
            site.egress(50_000 + round);
            site.clean(10);
            site.step = if round < 10 { 0 } else { step };
        }
        assert_eq!(
            (site.story(), site.verdict()),
            (vec!["opened internet-egress".to_owned()], Verdict::Violated),
            "{step}"
        );
        let finding = site.published().snapshot.findings[0].clone();
        assert!(finding.last_seen <= site.wall() && finding.first_seen <= finding.last_seen, "{step}: {finding:?}");
        assert_eq!(finding.peers[0].packets_out, 80, "{step}");
    }
}

#[test]
fn a_clock_that_was_ahead_hides_nothing_that_comes_after_a_closing() {
    for step in STEPS {
        let mut site = Site::new();
        site.clean(5);
        site.egress(50_000);
        site.tick(1);
        let id = site.published().snapshot.findings[0].id.clone();
        let close = Command::Close { id, by: "ann".to_owned(), reason: "known".to_owned() };
        assert!(site.engine.command(close));
        site.clean(2);
        let mut saved = site.engine.save();
        let known = site.events.len();
        site.step = step;
        site.clean(5);
        assert_eq!(
            site.story(),
            ["opened internet-egress", "closed Person"],
            "{step}: it does not come back by itself"
        );
        saved.apply(site.engine.save_changes(&site.events[known..]));
        site.egress(50_001);
        site.tick(1);
        assert_eq!(site.story()[2..], ["opened internet-egress"], "{step}");
        // The same with a restart at that moment.
        let mut after = Site::stopped(policy(str::to_owned));
        (after.elapsed, after.step) = (site.elapsed, step);
        let (wall, mono) = (after.wall(), after.elapsed);
        after.engine.handle(Input::Restore { saved: &saved, wall, mono });
        after.up();
        after.tick(1);
        assert_eq!(after.story(), [""; 0], "{step}");
        after.egress(50_002);
        after.tick(1);
        assert_eq!(after.story(), ["opened internet-egress"], "{step}");
    }
}

#[test]
fn a_pause_is_on_record_and_is_neither_silence_nor_quiet() {
    let mut site = Site::new();
    site.egress(50_000);
    site.clean(100);
    let before = site.wall();
    // Longer than the silence that is an alarm, and than `hold`. What the kernel kept meanwhile comes after the tick.
    site.elapsed += 150 * SECOND;
    site.tick(1);
    assert_eq!((site.alarms(), site.story().len()), (vec![], 1), "{:?}", site.story());
    let pauses: Vec<_> = site
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Paused { from, until, .. } => Some((*from, *until)),
            _ => None,
        })
        .collect();
    assert_eq!(pauses, [(before, site.wall())]);
    assert_eq!(steps(&site), [0; 0], "no step of the clock");
    site.clean(15);
    assert_eq!(site.story().len(), 1);
    site.clean(10);
    assert_eq!(site.story()[1..], ["closed Quiet"], "what it was quiet before counts");
}

#[test]
fn a_pause_with_a_clock_that_is_set_meanwhile_has_its_length_all_the_same() {
    let mut site = Site::new();
    site.clean(5);
    site.step = -HOUR;
    site.elapsed += 59 * SECOND;
    site.tick(1);
    let pause = site.events.iter().find_map(|event| match event {
        Event::Paused { from, until, .. } => Some(until.since(*from)),
        _ => None,
    });
    assert_eq!((pause, steps(&site)), (Some(60 * SECOND), vec![-3_600_000]));
}

#[test]
fn the_same_inputs_give_the_same_events() {
    let run = || {
        let mut site = Site::new();
        site.clean(5);
        for port in 0..50 {
            site.egress(50_000 + port);
            site.clean(1);
        }
        site.source(SourceEvent::Down { why: "gone".to_owned() });
        site.tick(3);
        site.up();
        site.clean(200);
        serde_json::to_string(&site.events).expect("JSON")
    };
    assert_eq!(run(), run());
}

#[test]
fn closing_words_are_stable() {
    let words = [Closing::Quiet, Closing::Policy, Closing::Person, Closing::Renamed];
    assert_eq!(serde_json::to_string(&words).expect("JSON"), r#"["quiet","policy","person","renamed"]"#);
}
