//! What needs no interface of its own. The rest is tested on real ones, in `tests/tests/live_capture.rs`.

use proptest::prelude::*;

use super::batch::Batch;
use super::ledger::Odometer;
use super::netlink::{Message, Wanted, messages, request};
use super::*;
use crate::base::Timestamp;
use crate::packet::LinkType;

#[test]
fn a_counter_of_32_bits_goes_round_without_a_jump() {
    let mut odometer = Odometer::default();
    let steps = [(10, 10), (10, 0), (u32::MAX, u64::from(u32::MAX) - 10), (4, 5), (3, u64::from(u32::MAX))];
    for (reading, step) in steps {
        assert_eq!(odometer.advance(reading), step, "{reading}");
    }
}

#[test]
fn what_waits_is_what_is_seen_and_not_accounted_for() {
    let ledger = Ledger { seen: 100, delivered: 60, kernel_drops: 20, agent_drops: 5, ..Ledger::default() };
    assert_eq!(ledger.waiting(), 15);
    // Frames may be read between two looks at the kernel's counter.
    assert_eq!(Ledger { seen: 1, delivered: 9, ..ledger }.waiting(), 0);
}

#[test]
fn a_batch_keeps_its_memory_and_its_frames() {
    let mut batch = Batch::new(3, 1500);
    let frame = |n: u8| vec![n; 1500];
    for round in 0..3 {
        let mut count = 0;
        while !batch.is_full() {
            assert!(batch.push(Timestamp(count), 1600, &frame(count as u8)));
            count += 1;
        }
        assert!(count > 600, "{count}");
        assert_eq!(batch.frames().len(), count as usize, "{round}");
        for (n, got) in (0i64..).zip(batch.frames()) {
            assert_eq!((got.at, got.source, got.wire_len), (Timestamp(n), 3, 1600));
            assert_eq!((got.link_type, got.data), (LinkType::Ethernet, &frame(n as u8)[..]));
        }
        let before = batch.frames().next().map(|frame| frame.data.as_ptr());
        batch.clear();
        assert!(batch.push(Timestamp(0), 1, &[0]));
        assert_eq!(batch.frames().next().map(|frame| frame.data.as_ptr()), before, "allocated anew");
        batch.clear();
    }
    let mut bare = Batch::bare(0);
    assert!(bare.is_full() || !bare.push(Timestamp(0), 60, &[0; 60]), "nothing fits, and nothing is allocated");
}

#[test]
fn the_kernel_answers_about_loopback() {
    let mut links = Links::open().unwrap();
    let lo = links.by_name("lo").unwrap().unwrap();
    assert!(lo.loopback && lo.index > 0 && lo.mtu >= 1280, "{lo:?}");
    assert_eq!(links.by_index(lo.index).unwrap().map(|link| link.name), Some("lo".to_owned()));
    assert!(links.all().unwrap().iter().any(|link| link.index == lo.index));
    assert_eq!(links.by_name("no-such-link").unwrap(), None);
    assert_eq!(links.by_index(i32::MAX).unwrap(), None);
    // Longer than any name can be: refused, or not there, but answered.
    assert!(!matches!(links.by_name(&"x".repeat(300)), Ok(Some(_))));
}

#[test]
fn filters_are_checked_without_an_interface() {
    assert_eq!(check_filter("udp port 53 or (vlan and udp port 53)"), Ok(()));
    assert_eq!(check_filter(""), Ok(()));
    for bad in ["udp prt 53", "host", "(tcp", "tcp\0"] {
        assert!(check_filter(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_interface_that_is_not_there_is_told_and_ends() {
    let ports = Ports::open(&[Settings::of("no-such-link")]);
    assert_eq!(ports.statuses(), [Status::Gone]);
    let live = ports.start().unwrap();
    let Received::Batch(batch) = live.receive(Duration::from_secs(5)) else { panic!("no batch") };
    assert_eq!(batch.events().iter().map(|event| event.change.clone()).collect::<Vec<_>>(), [Change::Gone]);
    assert_eq!((batch.frames().len(), batch.status(), *batch.ledger()), (0, Status::Gone, Ledger::default()));
    live.recycle(batch);
    live.stop();
    let mut last = None;
    while let Received::Batch(batch) = live.receive(Duration::from_secs(5)) {
        last = batch.events().last().map(|event| event.change.clone());
        live.recycle(batch);
    }
    assert_eq!(last, Some(Change::Ended));
}

/// An answer of the kernel (a veth, from `strace ip link show`), with the request's sequence number 7.
fn answer() -> Vec<u8> {
    let attribute = |kind: u16, value: &[u8]| {
        let mut bytes = [&(4 + value.len() as u16).to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let stats: Vec<u8> = (0..25u64).flat_map(u64::to_ne_bytes).collect();
    let body = [
        vec![0, 0, 1, 0],
        5i32.to_ne_bytes().to_vec(),
        0x1_1043u32.to_ne_bytes().to_vec(),
        vec![0; 4],
        attribute(3, b"eth1\0"),
        attribute(4, &1500u32.to_ne_bytes()),
        attribute(16, &[6]),
        attribute(35, &2u32.to_ne_bytes()),
        attribute(18 | 0x8000, &attribute(1, b"veth\0")),
        attribute(23, &stats),
    ]
    .concat();
    let head = [
        (16 + body.len() as u32).to_ne_bytes().to_vec(),
        16u16.to_ne_bytes().to_vec(),
        vec![0; 2],
        7u32.to_ne_bytes().to_vec(),
        vec![0; 4],
    ];
    [head.concat(), body].concat()
}

#[test]
fn an_answer_is_read() {
    let link = Link {
        name: "eth1".to_owned(),
        index: 5,
        kind: "veth".to_owned(),
        up: true,
        running: true,
        loopback: false,
        operstate: 6,
        mtu: 1500,
        carrier_changes: 2,
        received: 0,
        lost: 12 + 14 + 15,
    };
    assert_eq!(messages(&answer(), 7), [Message::Link(link)]);
    assert_eq!(messages(&answer(), 8), [], "not asked for");
}

proptest! {
    /// Whatever arrives on the socket is read to its end without a panic.
    #[test]
    fn damaged_answers_are_survived(place in 0usize..512, byte: u8, cut in 0usize..512) {
        let mut bytes = answer();
        if let Some(at) = bytes.get_mut(place) {
            *at = byte;
        }
        bytes.truncate(cut.max(1));
        prop_assert!(messages(&bytes, 7).len() <= bytes.len());
    }

    #[test]
    fn requests_are_whole_words(name in "\\PC{0,40}") {
        let bytes = request(Wanted::Name(&name), 1);
        prop_assert_eq!(bytes.len() % 4, 0);
        prop_assert_eq!(bytes.get(..4), Some(&(bytes.len() as u32).to_ne_bytes()[..]));
    }
}
