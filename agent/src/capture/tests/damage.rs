//! One bad file, one exact message; a cut at every byte.

use super::make::{Make, seconds};
use super::{Told, read, read_all};
use crate::capture::{Damage, Files};

#[track_caller]
fn check(capture: impl AsRef<[u8]>, frames: usize, message: &str) {
    let told = read(capture);
    let messages: Vec<String> = told.damage.iter().map(Damage::to_string).collect();
    assert_eq!((messages, told.frames.len()), (vec![message.to_owned()], frames));
}

fn pcap() -> Make {
    seconds(&[(1, 1), (2, 2)])
}

fn pcapng() -> Make {
    Make::new(false).section().interface(1, 0, &[]).enhanced(0, 1, 20, &[1; 20])
}

#[test]
fn what_is_no_capture() {
    check("", 0, "empty file, not even a capture header");
    check("x", 0, "not a capture file (first bytes 78)");
    check("hello world", 0, "not a capture file (first bytes 68 65 6c 6c 6f 20 77 6f)");
    check(b"snoop\0\0\0\0\0\0\x02", 0, "not a capture file (first bytes 73 6e 6f 6f 70 00 00 00)");
    check(&pcap().bytes[..3], 0, "not a capture file (first bytes d4 c3 b2)");
    check([0x1f, 0x8b], 0, "gzip data cut short");
    check(b"\x1f\x8bhello world", 0, "gzip data cannot be unpacked: invalid gzip header");
    check([0x28, 0xb5, 0x2f, 0xfd], 0, "zstd data cut short");
}

#[test]
fn what_cannot_be_opened() {
    let directory = super::Directory::new();
    let told = super::tell(&mut Files::open(&[directory.0.join("none"), directory.0.clone()]));
    let messages: Vec<String> = told.damage.iter().map(Damage::to_string).collect();
    assert_eq!(
        messages,
        ["cannot be opened: No such file or directory (os error 2)", "cannot be opened: Is a directory (os error 21)"]
    );
    assert_eq!(told.damage.iter().map(|damage| (damage.source, damage.packet)).collect::<Vec<_>>(), [(0, 0), (1, 0)]);
}

#[test]
fn damage_of_pcap() {
    check(&pcap().bytes[..4], 0, "damaged at byte 0, packet 1: capture header of 24 bytes cut after 4");
    check(&pcap().bytes[..23], 0, "damaged at byte 0, packet 1: capture header of 24 bytes cut after 23");
    check(
        Make::new(false).pcap(0xa1b2_c3d4, (1, 4), 1),
        0,
        "damaged at byte 0, packet 1: pcap version 1.4 is not known",
    );
    check(pcap().raw(&[0]), 2, "damaged at byte 96, packet 3: record header of 16 bytes cut after 1");
    check(
        pcap().record((3, 0), 9, &[], &[0; 9]).raw(&[0; 15]),
        3,
        "damaged at byte 121, packet 4: record header of 16 bytes cut after 15",
    );
    check(&pcap().bytes[..95], 1, "damaged at byte 60, packet 2: record of 20 bytes cut after 19");
    check(
        pcap().u32(0).u32(0).u32(u32::MAX).u32(60),
        2,
        "damaged at byte 96, packet 3: record of 4294967295 bytes: longer than the 262144 allowed",
    );
    check(
        pcap().record((0, 0), 0, &[], &[0; 262_145]),
        2,
        "damaged at byte 96, packet 3: record of 262145 bytes: longer than the 262144 allowed",
    );
    let usb = Make::new(false).pcap(0xa1b2_c3d4, (2, 4), 249).record((0, 0), 0, &[], &[0; 262_145]);
    check(
        usb.u32(0).u32(0).u32(1 << 25).u32(0),
        1,
        "damaged at byte 262185, packet 2: record of 33554432 bytes: longer than the 16777216 allowed",
    );
}

#[test]
fn damage_of_pcapng() {
    let block = |kind: u32, total: u32| pcapng().u32(kind).u32(total);
    check(&pcapng().bytes[..11], 0, "damaged at byte 0, packet 1: section header of 28 bytes cut after 11");
    check(&pcapng().bytes[..27], 0, "damaged at byte 0, packet 1: block of 28 bytes cut after 27");
    check(pcapng().raw(&[1; 7]), 1, "damaged at byte 100, packet 2: block header of 8 bytes cut after 7");
    check(&pcapng().bytes[..99], 0, "damaged at byte 48, packet 1: block of 52 bytes cut after 51");
    check(block(6, 31), 1, "damaged at byte 100, packet 2: block of 31 bytes: its type 6 needs 32");
    check(block(77, 0), 1, "damaged at byte 100, packet 2: block of 0 bytes: its type 77 needs 12");
    check(block(77, 13), 1, "damaged at byte 100, packet 2: block of 13 bytes: not a multiple of 4");
    check(
        block(77, 16_777_220),
        1,
        "damaged at byte 100, packet 2: block of 16777220 bytes: longer than the 16777216 allowed",
    );
    check(block(77, 16_777_216).raw(&[0; 9]), 1, "damaged at byte 100, packet 2: block of 16777216 bytes cut after 17");
    check(block(77, 16).raw(&[0; 6]), 1, "damaged at byte 100, packet 2: block of 16 bytes cut after 14");
    check(
        block(77, 16).u32(0).u32(17),
        1,
        "damaged at byte 100, packet 2: block of 16 bytes at its start but 17 at its end",
    );
    check(
        block(6, 32).raw(&[0; 24]),
        1,
        "damaged at byte 100, packet 2: block of 32 bytes at its start but 0 at its end",
    );
    check(
        pcapng().enhanced(1, 0, 0, &[]),
        1,
        "damaged at byte 100, packet 2: packet of interface 1 where the section has described 1",
    );
    check(
        pcapng().section().simple(0, &[]),
        1,
        "damaged at byte 128, packet 2: packet of interface 0 where the section has described 0",
    );
    check(
        pcapng().block(6, |b| b.u32(0).u32(0).u32(0).u32(9).u32(9).u32(0)),
        1,
        "damaged at byte 100, packet 2: packet of 9 bytes does not fit its block of 36",
    );
    check(
        pcapng().simple(9, &[0; 8]),
        1,
        "damaged at byte 100, packet 2: packet of 9 bytes does not fit its block of 24",
    );
    check(
        pcapng().enhanced(0, 0, 0, &[0; 262_145]),
        1,
        "damaged at byte 100, packet 2: packet of 262145 bytes: longer than the 262144 allowed",
    );
    check(
        pcapng().interface(1, 0, &[(9, &[6, 6])]),
        1,
        "damaged at byte 100, packet 2: interface with a clock option (9) of 2 bytes",
    );
    check(
        pcapng().block(1, |b| b.u32(1).u32(0).u16(2).u16(9).u32(0)),
        1,
        "damaged at byte 100, packet 2: option 2 of 9 bytes does not fit its block",
    );
    check(
        Make::new(false)
            .block(0x0a0d_0d0a, |b| b.u32(0x1a2b_3c4d).u16(1).u16(0).raw(&[0; 8]).u16(3).u16(12_336).u32(0)),
        0,
        "damaged at byte 0, packet 1: option 3 of 12336 bytes does not fit its block",
    );
    check(
        Make::new(true).block(0x0a0d_0d0a, |b| b.u32(0x1a2b_3c4d).u16(2).u16(7).raw(&[0; 8])),
        0,
        "damaged at byte 0, packet 1: pcapng version 2.7 is not known",
    );
    check(
        Make::new(true).block(0x0a0d_0d0a, |b| b.u32(0xffff).u16(2).u16(7).raw(&[0; 8])),
        0,
        "damaged at byte 0, packet 1: section header without its byte-order magic",
    );
}

#[test]
fn interfaces_of_a_section_are_bounded() {
    let interface = Make::new(false).interface(1, 0, &[]).bytes;
    let file = Make::new(false).section().raw(&interface.repeat(65_536)).enhanced(65_535, 0, 0, &[]);
    let again = file.clone().raw(&file.bytes);
    assert_eq!(read(&again).sound().len(), 2);
    check(again.raw(&interface), 2, "damaged at byte 2621560, packet 3: more than 65536 interfaces in one section");
}

#[test]
fn after_damage_the_other_files_go_on() {
    let bad = &pcap().bytes[..90];
    let told = read_all(&[&pcap().bytes[..], b"x", bad, b"", &seconds(&[(0, 5), (9, 6)]).bytes[..]]);
    assert_eq!(told.frames.iter().map(|frame| frame.source).collect::<Vec<_>>(), [4, 0, 2, 0, 4]);
    let places: Vec<_> = told.damage.iter().map(|damage| (damage.source, damage.offset, damage.packet)).collect();
    assert_eq!(places, [(1, 0, 0), (3, 0, 0), (2, 60, 2)]);
}

/// Cuts a capture everywhere; `ends` are the lengths at which it ends well, with the packets up to there.
fn cut_everywhere(capture: &[u8], ends: &[(usize, usize)]) {
    for len in 0..=capture.len() {
        let Told { frames, damage } = read(&capture[..len]);
        let sound = ends.iter().any(|(end, _)| *end == len);
        let packets = ends.iter().filter(|(end, _)| *end <= len).map(|(_, packets)| *packets).max();
        assert_eq!(frames.len(), packets.unwrap_or(0), "cut after {len}");
        assert_eq!(damage.is_empty(), sound, "cut after {len}: {damage:?}");
    }
}

#[test]
fn a_cut_is_noticed_unless_it_is_between_records() {
    let three = seconds(&[(1, 1), (1, 2), (1, 3)]);
    cut_everywhere(&three.bytes, &[(24, 0), (60, 1), (96, 2), (132, 3)]);
    let modified = Make::new(true).pcap(0xa1b2_cd34, (2, 4), 1).record((7, 0), 64, &[0; 8], &[1; 5]);
    cut_everywhere(&modified.bytes, &[(24, 0), (53, 1)]);
    let mut blocks = pcapng().simple(3, &[1; 3]).block(10, |b| b.u32(0)).block(9, |b| b.u32(0));
    blocks.big_endian = true;
    let blocks = blocks.section().interface(1, 0, &[]).enhanced(0, 0, 1, &[1]);
    let ends = [(28, 0), (48, 0), (100, 1), (120, 2), (136, 2), (152, 2), (180, 2), (200, 2), (236, 3)];
    assert_eq!(blocks.bytes.len(), 236);
    cut_everywhere(&blocks.bytes, &ends);
}

#[test]
fn any_changed_byte_is_survived() {
    for capture in [pcap(), pcapng().simple(3, &[1; 3]).interface(1, 0, &[(9, &[9])]).enhanced(1, 0, 1, &[1])] {
        for at in 0..capture.bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = capture.bytes.clone();
                bytes[at] = value;
                let told = read(&bytes);
                assert!(told.frames.len() <= 3 && told.damage.len() <= 1, "byte {at} set to {value}");
            }
        }
    }
}
