//! Each variant of each format.

use super::make::Make;
use super::{Seen, read};
use crate::packet::LinkType;

const SECOND: i64 = 1_000_000_000;
const DATA: &[u8] = b"\x01\x02\x03\x04\x05";

fn frame(at: i64, link_type: LinkType, wire_len: u32, data: &[u8]) -> Seen {
    Seen { source: 0, at, link_type, wire_len, data: data.to_vec() }
}

#[test]
fn pcap_in_both_byte_orders_and_resolutions() {
    for big_endian in [false, true] {
        for (magic, unit, link) in [(0xa1b2_c3d4, 1_000, 1), (0xa1b2_3c4d, 1, 1), (0xa1b2_c3d4, 1_000, 276)] {
            let file = Make::new(big_endian)
                .pcap(magic, (2, 4), link)
                .record((7, 250), 60, &[], DATA)
                .record((u32::MAX, 999_999), 5, &[], DATA)
                .record((6, 0), 0, &[], &[]);
            let link = LinkType::from(link);
            let expected = [
                frame(7 * SECOND + 250 * unit, link, 60, DATA),
                frame(i64::from(u32::MAX) * SECOND + 999_999 * unit, link, 5, DATA),
                frame(6 * SECOND, link, 0, &[]),
            ];
            assert_eq!(read(&file).sound(), expected, "{magic:x}, big endian {big_endian}");
        }
    }
}

#[test]
fn a_fraction_of_a_second_or_more_carries() {
    let file = Make::new(false).pcap(0xa1b2_c3d4, (2, 4), 1).record((7, 1_500_000), 5, &[], DATA).record(
        (7, u32::MAX),
        5,
        &[],
        DATA,
    );
    let times: Vec<i64> = read(&file).sound().iter().map(|frame| frame.at).collect();
    assert_eq!(times, [8 * SECOND + SECOND / 2, 7 * SECOND + i64::from(u32::MAX) * 1_000]);
}

#[test]
fn more_captured_than_the_snap_length_or_the_wire() {
    let file = Make::new(false).raw(&Make::new(false).pcap(0xa1b2_c3d4, (2, 4), 1).bytes[..16]).u32(0).u32(1).record(
        (1, 0),
        2,
        &[],
        &[9; 70_000],
    );
    assert_eq!(read(&file).sound(), [frame(SECOND, LinkType::Ethernet, 2, &[9; 70_000])]);
}

#[test]
fn longer_record_headers() {
    // Extra header bytes that cannot be taken for a MAC address and so on.
    for (magic, extra) in [(0xa1b2_cd34, 8), (0xa1b2_cd34, 12), (0xa1b2_c3d4, 8), (0xa1b2_c3d4, 4)] {
        for big_endian in [false, true] {
            let extra = vec![0xee; extra];
            let mut file = Make::new(big_endian).pcap(magic, (2, 4), 1);
            for second in 1_700_000_000..1_700_000_004 {
                file = file.record((second, 5), 64, &extra, DATA);
            }
            let frames = read(&file).sound();
            assert_eq!(frames.len(), 4, "{magic:x} with {} extra bytes", extra.len());
            assert!(frames.iter().all(|frame| frame.data == DATA));
        }
    }
}

#[test]
fn a_short_modified_capture_has_24_bytes_per_header() {
    let file = Make::new(true).pcap(0xa1b2_cd34, (2, 4), 1).record((7, 0), 64, &[0; 8], DATA);
    assert_eq!(read(&file).sound(), [frame(7 * SECOND, LinkType::Ethernet, 64, DATA)]);
}

#[test]
fn ixia_captures_have_a_longer_file_header() {
    for (magic, unit) in [(0x1c00_01ac, 1), (0x1c00_01ab, 1_000)] {
        let file = Make::new(false).pcap(magic, (2, 4), 1).u32(21).record((7, 3), 64, &[], DATA);
        assert_eq!(read(&file).sound(), [frame(7 * SECOND + 3 * unit, LinkType::Ethernet, 64, DATA)]);
    }
}

#[test]
fn lengths_are_reversed_before_version_2_3() {
    for (version, first, second) in
        [((2, 2), 64, 5), ((543, 0), 64, 5), ((2, 3), 64, 5), ((2, 3), 5, 64), ((2, 4), 5, 64)]
    {
        let file = Make::new(false).pcap(0xa1b2_c3d4, version, 1).u32(7).u32(0).u32(first).u32(second).raw(DATA);
        assert_eq!(read(&file).sound(), [frame(7 * SECOND, LinkType::Ethernet, 64, DATA)], "{version:?}");
    }
}

#[test]
fn the_frame_check_sequence_is_removed() {
    // Only bit 26 makes the upper four bits a length; other upper bits are no part of the link type.
    for (link, wire, len) in [(0x2400_0001, 6, 6), (0x2000_0001, 10, 10), (0x0001_0001, 10, 10)] {
        let file = Make::new(false).pcap(0xa1b2_c3d4, (2, 4), link).record((0, 0), 10, &[], &[7; 10]);
        assert_eq!(read(&file).sound(), [frame(0, LinkType::Ethernet, wire, &[7; 10][..len])], "{link:x}");
    }
    // Cut before its FCS, nothing of the frame is lost.
    let file = Make::new(false).pcap(0xa1b2_c3d4, (2, 4), 0x2400_0001).record((0, 0), 100, &[], &[7; 10]);
    assert_eq!(read(&file).sound(), [frame(0, LinkType::Ethernet, 96, &[7; 10])]);
    for bits in [4, 32] {
        let file = Make::new(false).section().interface(1, 0, &[(13, &[bits])]).enhanced(0, 0, 10, &[7; 10]);
        assert_eq!(read(&file).sound(), [frame(0, LinkType::Ethernet, 6, &[7; 6])]);
    }
}

#[test]
fn pcapng_with_sections_and_interfaces_of_their_own() {
    let mut file = Make::new(false);
    for big_endian in [false, true, false] {
        file.big_endian = big_endian;
        let offset = if big_endian { [0, 0, 0, 0, 0, 0, 0, 10] } else { [10, 0, 0, 0, 0, 0, 0, 0] };
        file = file
            .section()
            .interface(1, 4, &[(2, b"eth0")])
            .interface(101, 0, &[(9, &[9]), (0, &[]), (9, &[0])])
            .enhanced(1, 7_000_000_001, 60, DATA)
            .block(5, |statistics| statistics.u32(0).u32(0).u32(0))
            .block(0x0bad, |custom| custom.u32(0x1234).raw(DATA))
            .simple(60, &DATA[..4])
            .interface(276, 0, &[(9, &[0x80 | 10]), (14, &offset)])
            .enhanced(2, 1_536, 5, DATA)
            .block(2, |old| old.u16(0).u16(0xffff).u32(0).u32(8_000_000).u32(5).u32(99).raw(DATA));
    }
    let section = [
        frame(7 * SECOND + 1, LinkType::Raw, 60, DATA),
        frame(7 * SECOND + 1, LinkType::Ethernet, 60, &DATA[..4]),
        frame(11 * SECOND + SECOND / 2, LinkType::LinuxSll2, 5, DATA),
        frame(8 * SECOND, LinkType::Ethernet, 99, DATA),
    ];
    assert_eq!(read(&file).sound(), [section.clone(), section.clone(), section].concat());
}

#[test]
fn options_behind_a_packet_are_no_part_of_it() {
    let file = Make::new(false).section().interface(1, 0, &[]).block(6, |packet| {
        packet.u32(0).u32(0).u32(1).u32(5).u32(5).raw(DATA).raw(&[0; 3]).u16(1).u16(4).raw(b"text").u32(0)
    });
    assert_eq!(read(&file).sound(), [frame(1_000, LinkType::Ethernet, 5, DATA)]);
}

#[test]
fn a_capture_without_packets_is_sound() {
    assert_eq!(read(Make::new(false).pcap(0xa1b2_c3d4, (2, 4), 1)).sound(), []);
    assert_eq!(read(Make::new(true).section()).sound(), []);
    assert_eq!(read(Make::new(true).section().interface(1, 0, &[])).sound(), []);
}

#[test]
fn frames_are_whole_wherever_reads_end() {
    let mut pcap = Make::new(false).pcap(0xa1b2_c3d4, (2, 4), 1);
    let mut pcapng = Make::new(false).section().interface(1, 0, &[]);
    let data: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    for len in (1..2_000).chain([200_000, 1, 199_999, 262_144, 3]) {
        let data = data.get(..len).unwrap_or(&[5; 262_144]);
        pcap = pcap.record((1, 0), 1, &[], data);
        // A block larger than all that is read at a time, stepped over.
        pcapng = pcapng.enhanced(0, 1, 1, data).block(0x0bad, |block| block.raw(&data[..data.len().min(9)]));
    }
    pcapng = pcapng.block(0x0bad, |block| block.raw(&[0; 3_000_000])).enhanced(0, 1, 1, DATA);
    let expected: Vec<Vec<u8>> = (1..2_000)
        .chain([200_000, 1, 199_999])
        .map(|len| data[..len].to_vec())
        .chain([vec![5; 262_144], data[..3].to_vec()])
        .collect();
    let bytes = |frames: Vec<Seen>| frames.into_iter().map(|frame| frame.data).collect::<Vec<_>>();
    assert!(bytes(read(&pcap).sound()) == expected);
    assert!(bytes(read(&pcapng).sound()) == [expected, vec![DATA.to_vec()]].concat());
}
