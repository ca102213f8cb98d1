//! Capture from real interfaces: veth pairs in network namespaces. Without the rights for one, a test says so and passes;
//! SEGWATCH_LAB=required makes that a failure.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use segwatch::base::Mac;
use segwatch::capture::live::{Change, Ledger, Links, Live, NOTICED_WITHIN, Ports, Received, Settings, Status};
use segwatch_tests::frames::{Packet, ethertype, tagged};
use segwatch_tests::lab::{Namespace, Sender, available};
use segwatch_tests::program::segwatch;

/// A namespace with a cable from `far` to `near`; `None` if this machine cannot have one.
fn lab() -> Option<Namespace> {
    if !available() {
        return None;
    }
    let namespace = Namespace::new();
    namespace.veth("far", "near");
    Some(namespace)
}

const NEAR: Mac = Mac([2, 0, 0, 0, 0, 1]);
const FAR: Mac = Mac([2, 0, 0, 0, 0, 2]);

fn to_port(port: u16) -> Packet {
    Packet::udp(([10, 0, 0, 2], 5000).into(), ([10, 0, 0, 1], port).into())
}

fn frame(number: u32, length: usize) -> Vec<u8> {
    let mut payload = vec![0; length];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    let packet = to_port(5001);
    packet.payload(payload).frame(FAR, NEAR, &[])
}

/// What came of one interface.
#[derive(Default)]
struct Seen {
    frames: Vec<Vec<u8>>,
    changes: Vec<(Instant, Change)>,
    ledger: Ledger,
    status: Option<Status>,
    packets: u64,
}

struct Watch {
    live: Live,
    seen: Seen,
    keep: bool,
}

impl Watch {
    fn start(settings: Settings) -> Watch {
        let live = Ports::open(&[settings]).start().expect("threads");
        Watch { live, seen: Seen::default(), keep: true }
    }

    fn near() -> Watch {
        let mut watch = Watch::start(Settings::of("near"));
        watch.until("opened", |seen| seen.changes.iter().any(|(_, change)| *change == Change::Opened));
        watch
    }

    fn take(&mut self, wait: Duration) -> bool {
        match self.live.receive(wait) {
            Received::Batch(batch) => {
                let seen = &mut self.seen;
                assert_eq!(batch.source(), 0);
                seen.changes.extend(batch.events().iter().map(|event| (Instant::now(), event.change.clone())));
                seen.packets += batch.frames().len() as u64;
                if self.keep {
                    seen.frames.extend(batch.frames().map(|frame| frame.data.to_vec()));
                }
                let ledger = *batch.ledger();
                assert_eq!(ledger.delivered, seen.packets, "the ledger goes with its batch");
                assert!(ledger.seen >= seen.ledger.seen, "counters never go back");
                seen.ledger = ledger;
                seen.status = Some(batch.status());
                self.live.recycle(batch);
                true
            }
            Received::Silence => true,
            Received::End => false,
        }
    }

    /// Takes batches until this holds, at most so long as everything must be noticed within.
    fn until(&mut self, what: &str, holds: impl Fn(&Seen) -> bool) {
        let deadline = Instant::now() + NOTICED_WITHIN;
        while !holds(&self.seen) {
            assert!(Instant::now() < deadline, "not {what} in time: {:?}, {:?}", self.seen.changes, self.seen.ledger);
            self.take(Duration::from_millis(100));
        }
    }

    fn until_change(&mut self, change: Change) {
        let before = self.seen.changes.len();
        self.until_change_since(before, change);
    }

    fn until_change_since(&mut self, before: usize, change: Change) {
        self.until(&format!("{change:?}"), |seen| seen.changes.iter().skip(before).any(|(_, told)| *told == change));
    }

    fn until_packets(&mut self, packets: u64) {
        self.until(&format!("{packets} packets"), |seen| seen.packets >= packets);
    }

    fn changes(&self) -> Vec<Change> {
        self.seen.changes.iter().map(|(_, change)| change.clone()).collect()
    }

    /// Ends; the ledger must add up then.
    fn end(mut self) -> Seen {
        self.live.stop();
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.take(Duration::from_millis(100)) {
            assert!(Instant::now() < deadline, "does not end");
        }
        assert_eq!(self.changes().last(), Some(&Change::Ended));
        assert_eq!(self.seen.status, Some(Status::Ended));
        assert_eq!(self.live.ledgers(), [self.seen.ledger]);
        adds_up(&self.seen.ledger);
        self.seen
    }
}

fn adds_up(ledger: &Ledger) {
    let accounted = ledger.delivered + ledger.kernel_drops + ledger.agent_drops;
    assert_eq!(ledger.seen, accounted, "{ledger:?}");
}

#[test]
fn every_packet_is_delivered_once_and_in_order() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let mut watch = Watch::near();
        let (mut far, mut near) = (Sender::open("far"), Sender::open("near"));
        let started = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as i64;
        let sent: Vec<Vec<u8>> = (0..20_000).map(|number| frame(number, 18 + number as usize % 1400)).collect();
        for (number, frame) in sent.iter().enumerate() {
            far.send(frame);
            // What this host sends is none of the mirror's, and must not be counted either.
            if number % 10 == 0 {
                near.send(frame);
            }
            watch.take(Duration::ZERO);
        }
        watch.until_packets(20_000);
        let last = watch.seen.ledger.last_frame.expect("a frame").0;
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as i64;
        assert!((started..=now).contains(&last), "{started} {last} {now}: nanoseconds since 1970");
        let seen = watch.end();
        assert_eq!(seen.frames.len(), sent.len());
        assert!(seen.frames == sent, "the same bytes in the same order");
        assert_eq!((seen.ledger.seen, seen.ledger.kernel_drops, seen.ledger.agent_drops), (20_000, 0, 0));
        assert_eq!(seen.ledger.bytes, sent.iter().map(|frame| frame.len() as u64).sum::<u64>());
        assert_eq!((seen.ledger.oversized, seen.ledger.truncated, seen.ledger.opened), (0, 0, 1));
    });
}

#[test]
fn what_tcpreplay_sends_is_what_arrives() {
    let Some(lab) = lab() else { return };
    if lab
        .command("tcpreplay", &["--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(|s| s.success())
        .ok()
        != Some(true)
    {
        let _ = writeln!(std::io::stderr(), "SKIPPED: tcpreplay is not installed");
        return;
    }
    let file = "captures/demo.pcap";
    let bytes = std::fs::read(file).expect("the demo capture");
    // A pcap file: 24 bytes, then records of 16 bytes with their captured length at 8.
    let (mut at, mut records) = (24, 0u64);
    while let Some(head) = bytes.get(at..at + 16) {
        at += 16 + u32::from_le_bytes(head[8..12].try_into().unwrap()) as usize;
        records += 1;
    }
    lab.within(|| {
        let mut watch = Watch::near();
        lab.shell(&format!("tcpreplay -q -t -i far --loop 20 {file}"));
        watch.until_packets(records * 20);
        assert_eq!(watch.end().ledger.seen, records * 20);
    });
}

#[test]
fn tags_are_back_where_they_were() {
    let Some(lab) = lab() else { return };
    let stacks: [&[(u16, u16)]; 8] = [
        &[],
        &[(0x8100, 110)],
        &[(0x8100, 0xe000)],
        &[(0x8100, 0xf06e)],
        &[(0x88a8, 500), (0x8100, 110)],
        &[(0x8100, 999), (0x8100, 110)],
        &[(0x9100, 500), (0x8100, 110)],
        &[(0x88a8, 500), (0x88a8, 7), (0x8100, 110)],
    ];
    let packet = to_port(5001).payload([7; 64]);
    let sent: Vec<Vec<u8>> =
        stacks.iter().map(|tags| tagged(FAR, NEAR, tags, ethertype::IPV4, &packet.bytes())).collect();
    for offload in ["on", "off"] {
        lab.shell(&format!("ethtool -K near rxvlan {offload}; ethtool -K far txvlan {offload}"));
        lab.within(|| {
            let mut watch = Watch::near();
            let mut far = Sender::open("far");
            sent.iter().for_each(|frame| far.send(frame));
            watch.until_packets(sent.len() as u64);
            let seen = watch.end();
            for (sent, seen) in sent.iter().zip(&seen.frames) {
                assert_eq!(sent, seen, "offload {offload}");
            }
            assert_eq!(seen.frames.len(), sent.len());
        });
    }
}

#[test]
fn a_link_that_goes_down_and_up_is_told() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let mut watch = Watch::near();
        let mut far = Sender::open("far");
        far.send(&frame(1, 60));
        watch.until_packets(1);
        // The other end, as when a cable is pulled; then this end, as by an administrator.
        for end in ["far", "near"] {
            lab.ip(&format!("link set {end} down"));
            watch.until_change(Change::LinkDown);
            assert_eq!(watch.seen.status, Some(Status::Down));
            lab.ip(&format!("link set {end} up"));
            watch.until_change(Change::LinkUp);
            assert_eq!(watch.seen.status, Some(Status::Seeing));
        }
        // Too quick to be seen down.
        let before = watch.seen.changes.len();
        lab.shell("ip link set far down; ip link set far up");
        watch.until_change_since(before, Change::LinkUp);
        assert!(watch.changes().iter().skip(before).any(|change| *change == Change::LinkDown));
        let packets = watch.seen.packets;
        Sender::open("far").send(&frame(2, 60));
        watch.until_packets(packets + 1);
        let seen = watch.end();
        assert_eq!((seen.ledger.seen, seen.ledger.opened), (2, 1), "the same socket went on");
    });
}

#[test]
fn an_interface_made_again_is_read_again_and_counting_goes_on() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let mut watch = Watch::near();
        let mut number = 0;
        for round in 1..=3 {
            let mut far = Sender::open("far");
            for _ in 0..100 {
                number += 1;
                far.send(&frame(number, 60));
            }
            if round < 3 {
                // At once, so that the last frames are still in the kernel.
                lab.ip("link del near");
                if round == 1 {
                    watch.until_change(Change::Gone);
                    assert_eq!(watch.seen.status, Some(Status::Gone));
                }
                let before = watch.seen.changes.len();
                lab.veth("far", "near");
                watch.until_change_since(before, Change::Opened);
                assert_eq!(watch.seen.packets, u64::from(number), "what the old one had is delivered");
            }
        }
        watch.until_packets(u64::from(number));
        let changes = watch.changes();
        let opened = changes.iter().filter(|change| **change == Change::Opened).count();
        let gone = changes.iter().filter(|change| **change == Change::Gone).count();
        assert_eq!((opened, gone), (3, 2), "{changes:?}");
        let seen = watch.end();
        let order: Vec<Vec<u8>> = (1..=number).map(|number| frame(number, 60)).collect();
        assert!(seen.frames == order, "in order");
        assert_eq!((seen.ledger.seen, seen.ledger.delivered, seen.ledger.opened), (300, 300, 3));
    });
}

#[test]
fn a_renamed_interface_is_told_and_read_on() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let mut watch = Watch::near();
        let mut far = Sender::open("far");
        lab.ip("link set near name moved");
        watch.until_change(Change::Renamed("moved".to_owned()));
        far.send(&frame(1, 60));
        watch.until_packets(1);
        lab.ip("link set moved name near");
        watch.until_change(Change::Renamed("near".to_owned()));
        far.send(&frame(2, 60));
        watch.until_packets(2);
        // Now another one takes the name: that is the one asked for.
        lab.ip("link set near name moved");
        watch.until_change(Change::Renamed("moved".to_owned()));
        let before = watch.seen.changes.len();
        lab.veth("other", "near");
        watch.until_change_since(before, Change::Opened);
        Sender::open("other").send(&frame(3, 60));
        far.send(&frame(4, 60));
        watch.until_packets(3);
        let seen = watch.end();
        assert_eq!(seen.frames, [frame(1, 60), frame(2, 60), frame(3, 60)]);
        assert_eq!((seen.ledger.seen, seen.ledger.opened), (3, 2));
    });
}

#[test]
fn hostile_names_are_escaped() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let mut watch = Watch::near();
        lab.shell("ip link set near name \"$(printf 'x\\033[2J')\"");
        watch.until_change(Change::Renamed("x\\x1b[2J".to_owned()));
        watch.end();
    });
}

#[test]
fn an_interface_may_come_later() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let mut watch = Watch::start(Settings::of("late"));
        watch.until_change(Change::Gone);
        lab.ip("link add name late type veth peer name early");
        // Down is not gone, and cannot be read.
        watch.until_change(Change::LinkDown);
        lab.ip("link set late up");
        watch.until_change(Change::Opened);
        assert_eq!(watch.seen.status, Some(Status::Down), "there is no carrier");
        lab.ip("link set early up");
        watch.until_change(Change::LinkUp);
        Sender::open("early").send(&frame(1, 60));
        watch.until_packets(1);
        assert_eq!(watch.end().ledger.seen, 1);
    });
}

#[test]
fn a_bad_filter_is_told_and_a_good_one_filters() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let mut watch = Watch::start(Settings { filter: Some("udp prt 1".to_owned()), ..Settings::of("near") });
        watch.until("failed", |seen| seen.status == Some(Status::Failed));
        assert!(matches!(&watch.changes()[..], [Change::Failed(why)] if why.contains("syntax error")));
        // Told once, however often it is tried.
        let wait = Instant::now();
        while wait.elapsed() < Duration::from_secs(2) {
            watch.take(Duration::from_millis(100));
        }
        assert_eq!(watch.changes().len(), 1);
        watch.end();

        let mut watch = Watch::start(Settings { filter: Some("udp port 5001".to_owned()), ..Settings::of("near") });
        watch.until_change_since(0, Change::Opened);
        let mut far = Sender::open("far");
        let other = to_port(53);
        for number in 0..50 {
            far.send(&frame(number, 60));
            far.send(&other.frame(FAR, NEAR, &[]));
        }
        watch.until_packets(50);
        assert_eq!(watch.end().ledger.seen, 50);
    });
}

#[test]
fn under_overload_every_lost_packet_is_in_the_ledger() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let settings = Settings { buffer: 1 << 20, ..Settings::of("near") };
        let mut watch = Watch::start(settings);
        watch.keep = false;
        watch.until_change_since(0, Change::Opened);
        let mut links = Links::open().expect("netlink");
        let mut received = |name: &str| links.by_name(name).expect("an answer").expect("the link").received;
        let before = received("near");
        let sent = 60_000;
        let sender = thread::spawn(move || {
            let mut far = Sender::open("far");
            for number in 0..sent {
                far.send(&frame(number, 1000));
            }
        });
        // A consumer that takes nothing until all was sent: buffers, then the ring run over.
        let far = Instant::now();
        while !sender.is_finished() {
            assert!(far.elapsed() < Duration::from_secs(60), "the sender hangs");
            thread::sleep(Duration::from_millis(50));
        }
        sender.join().expect("the sender");
        // The link is watched all the same.
        let events = watch.seen.changes.len();
        lab.ip("link set far down");
        thread::sleep(Duration::from_secs(2));
        lab.ip("link set far up");
        watch.until_change_since(events, Change::LinkUp);
        assert!(watch.changes().iter().skip(events).any(|change| *change == Change::LinkDown));
        let arrived = received("near") - before;
        let ledger = watch.end().ledger;
        assert_eq!(arrived, u64::from(sent), "the cable itself lost nothing");
        assert_eq!(ledger.seen, u64::from(sent), "{ledger:?}");
        assert!(ledger.kernel_drops > 10_000 && ledger.delivered > 1000, "no overload: {ledger:?}");
    });
}

#[test]
fn a_slow_consumer_loses_nothing_that_the_ring_can_hold() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let mut watch = Watch::near();
        let mut far = Sender::open("far");
        // Twice what the batches hold.
        for number in 0..16_000 {
            far.send(&frame(number, 1000));
        }
        watch.until_packets(16_000);
        let seen = watch.end();
        assert_eq!((seen.ledger.seen, seen.ledger.kernel_drops, seen.ledger.agent_drops), (16_000, 0, 0));
        assert!(seen.frames.iter().zip(0..).all(|(got, number)| *got == frame(number, 1000)));
    });
}

#[test]
fn what_is_not_read_at_the_end_is_counted_as_lost() {
    let Some(lab) = lab() else { return };
    lab.within(|| {
        let live = Ports::open(&[Settings::of("near")]).start().expect("threads");
        let mut far = Sender::open("far");
        for number in 0..16_000 {
            far.send(&frame(number, 1000));
        }
        // Nobody takes a batch for longer than the drain lasts.
        live.stop();
        thread::sleep(Duration::from_secs(3));
        let ledger = live.ledgers()[0];
        adds_up(&ledger);
        assert_eq!(ledger.seen, 16_000);
        assert!(ledger.agent_drops > 0, "{ledger:?}");
        let (mut packets, mut ended) = (0, false);
        while let Received::Batch(batch) = live.receive(Duration::from_secs(1)) {
            packets += batch.frames().len() as u64;
            ended = batch.status() == Status::Ended;
            assert!(*batch.ledger() == ledger || !ended);
            live.recycle(batch);
        }
        assert!(ended, "the last batch has room in any case");
        assert_eq!(packets, ledger.delivered);
        // Dropping it while frames come must not hang either.
        let live = Ports::open(&[Settings::of("near")]).start().expect("threads");
        (0..16_000).for_each(|number| far.send(&frame(number, 1000)));
        let dropped = Instant::now();
        drop(live);
        assert!(dropped.elapsed() < Duration::from_secs(2));
    });
}

#[test]
fn frames_longer_than_the_mtu_pass_and_are_flagged() {
    let Some(lab) = lab() else { return };
    // Two hosts with their own stacks, and segmentation left to a network card that does not exist.
    let other = Namespace::new();
    lab.ip(&format!("link set far netns {}", other.name()));
    other.shell("ethtool -K far tx on tso on gso on; ip link set far up; ip addr add 10.9.0.2/24 dev far");
    lab.shell("ethtool -K near tx on tso on gso on; ip addr add 10.9.0.1/24 dev near");
    let listener = lab.within(|| TcpListener::bind("10.9.0.1:9000")).expect("a listener");
    let mut watch = lab.within(Watch::near);
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        listener.accept().expect("a connection").0.read_to_end(&mut bytes).expect("all is read");
        bytes.len()
    });
    let mut stream = other.within(|| TcpStream::connect("10.9.0.1:9000")).expect("a connection");
    stream.write_all(&vec![7; 4_000_000]).expect("all is written");
    drop(stream);
    assert_eq!(reader.join().expect("the reader"), 4_000_000);
    watch.until("oversized", |seen| seen.ledger.oversized > 0);
    let seen = watch.end();
    assert!(seen.frames.iter().any(|frame| frame.len() > 9000), "whole");
    assert_eq!((seen.ledger.truncated, seen.ledger.kernel_drops), (0, 0));
}

#[test]
fn interfaces_shows_the_mirror_port() {
    let Some(lab) = lab() else { return };
    lab.ip("link add name idle type veth peer name unplugged");
    lab.ip("link set idle up");
    let page = lab.within(|| {
        let sender = thread::spawn(|| {
            let mut far = Sender::open("far");
            let packet = to_port(5001);
            for number in 0..150 {
                let (from, to) = if number % 2 == 0 { (FAR, NEAR) } else { (NEAR, FAR) };
                far.send(&packet.frame(from, to, if number % 3 == 0 { &[] } else { &[110] }));
                thread::sleep(Duration::from_millis(20));
            }
        });
        let plain = segwatch(["interfaces"]);
        assert_eq!((plain.exit, plain.err.as_str()), (0, ""));
        let names: Vec<&str> = plain.out.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(names, ["interface", "far", "idle", "lo", "near", "unplugged"], "{}", plain.out);
        let run = segwatch(["interfaces", "--seconds", "1", "--format", "json"]);
        assert_eq!((run.exit, run.err.as_str()), (0, ""));
        sender.join().expect("the sender");
        run.out
    });
    let page: serde_json::Value = serde_json::from_str(&page).expect("JSON");
    let of = |name: &str| {
        let list = page["interfaces"].as_array().expect("a list");
        list.iter().find(|interface| interface["name"] == name).expect("it is listed").clone()
    };
    let near = of("near");
    let packets = near["sample"]["packets"].as_u64().expect("a number");
    assert!((20..150).contains(&packets), "{near}");
    assert_eq!(near["sample"]["directions"], "both");
    assert_eq!(near["sample"]["vlans"][0]["vlan"], 110);
    assert!(near["sample"]["tagged"].as_u64().is_some_and(|tagged| tagged > 0 && tagged < packets), "{near}");
    assert_eq!(near["kind"], "veth");
    assert_eq!((of("idle")["state"].as_str(), of("unplugged")["state"].as_str()), (Some("no carrier"), Some("down")));
    assert_eq!(of("idle")["sample"]["directions"], "none");
    assert!(of("unplugged")["sample"].is_null(), "what is down is not looked at");
}
