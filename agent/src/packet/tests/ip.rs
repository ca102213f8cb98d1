use super::*;
use crate::packet::{Fragment, Undecoded};

fn packet(text: &str) -> Decoded {
    decoded(LinkType::Raw, &hex(text))
}

#[test]
fn lengths_of_ipv4() {
    let padded = packet(&format!("{} 000000000000", ipv4(17, &udp(1, 2, "aabb"))));
    let layer = padded.layers[0];
    assert_eq!((layer.ip_len, layer.start, layer.payload, layer.end, layer.payload_len), (30, 0, 28, 30, 2));

    let offloaded = ipv4(17, &udp(1, 2, "aabb")).replacen("4500001e", "45000000", 1);
    let layer = packet(&offloaded).layers[0];
    assert_eq!((layer.ip_len, layer.end, layer.payload_len), (30, 30, 2));

    let longer = ipv4(17, &udp(1, 2, "aabb")).replacen("4500001e", "450005dc", 1);
    let layer = packet(&longer).layers[0];
    assert_eq!((layer.ip_len, layer.end, layer.payload_len), (1500, 30, 1472), "the header's word counts");

    for bad in ["4500000a", "4400001e"] {
        let out = packet(&ipv4(17, &udp(1, 2, "aabb")).replacen("4500001e", bad, 1));
        assert_eq!((out.undecoded, out.layers.len()), (Some(Undecoded::Ipv4Header), 0), "{bad}");
    }
}

#[test]
fn the_length_of_a_cut_offloaded_packet_is_that_on_the_wire() {
    let data = hex(&ipv4(17, &udp(1, 2, "aabb")).replacen("4500001e", "45000000", 1));
    let mut out = Decoded::default();
    decode(LinkType::Raw, &data, 65_000, &DecodeOptions::default(), &mut out);
    assert!(out.truncated);
    assert_eq!((out.layers[0].ip_len, out.layers[0].end), (65_000, 30));
}

#[test]
fn ipv4_with_options() {
    let text = format!("4600002c 00070000 40060000 0a000001 0a000002 94040000 {SYN}");
    assert_eq!(innermost(&packet(&text)), syn_v4());
}

#[test]
fn version_is_told_by_the_nibble() {
    let under_ipv4 = decoded(LinkType::Ethernet, &ethernet(&format!("0800 {}", ipv6(6, SYN))));
    assert_eq!(innermost(&under_ipv4), syn_between("fd00::1", "fd00::2"));
}

#[test]
fn fragments_of_ipv4() {
    let fragment = |bits: &str| {
        packet(&ipv4(17, &udp(1000, 53, "aabb")).replacen("00070000", &format!("0007{bits}"), 1)).layers[0]
    };
    let first = fragment("2000");
    assert_eq!((first.fragment, first.sport, first.dport), (Fragment::First(7), 1000, 53));
    let later = fragment("2001");
    assert_eq!((later.fragment, later.sport, later.ports_seen, later.payload_len), (Fragment::Later(7), 0, false, 10));
    assert_eq!(fragment("00b9").fragment, Fragment::Later(7));
    assert_eq!(fragment("4000").fragment, Fragment::Whole, "do not fragment");
    let icmp = packet(&ipv4(1, "0800").replacen("00070000", "00070001", 1)).layers[0];
    assert_eq!((icmp.ports_seen, icmp.icmp), (true, None));
}

#[test]
fn extension_headers_in_any_order_and_number() {
    const HOP: &str = "00 010400000000"; // each is: next header, length, padding
    for (first, chain) in [
        (0, format!("06 {HOP}")),
        (0, format!("00 {HOP} 06 {HOP}")),
        (60, format!("00 {HOP} 2b {HOP} 3c 00 000000000000 06 {HOP}")),
        (51, "06 04 0000 00000001 00000002 000000000000000000000000".to_owned()),
        (135, format!("06 {HOP}")),
        (139, format!("8c {HOP} 06 {HOP}")),
        (44, "06 00 0000 00000009".to_owned()),
    ] {
        let out = packet(&ipv6(first, &format!("{chain} {SYN}")));
        assert_eq!(innermost(&out), syn_between("fd00::1", "fd00::2"), "{first} {chain}");
        assert_eq!((out.layers[0].fragment, out.undecoded, out.layers[0].payload_len), (Fragment::Whole, None, 0));
    }
    let mobility = packet(&ipv6(135, "3b 00 0000 0000 0000"));
    assert_eq!((mobility.layers[0].proto, mobility.undecoded), (135, None), "nothing follows: a protocol of its own");
    let cut = packet(&ipv6(0, "06"));
    assert_eq!(
        (cut.layers[0].proto, cut.layers[0].ports_seen, cut.undecoded),
        (6, false, Some(Undecoded::Ipv6Extension))
    );
}

#[test]
fn fragments_of_ipv6() {
    let fragment =
        |bits: &str| packet(&ipv6(44, &format!("11 00 {bits} 00000009 {}", udp(1000, 53, "aabb")))).layers[0];
    let first = fragment("0001");
    assert_eq!((first.fragment, first.sport, first.dport), (Fragment::First(9), 1000, 53));
    let later = fragment("0008");
    assert_eq!((later.fragment, later.proto, later.sport, later.ports_seen), (Fragment::Later(9), 17, 0, false));
    let hidden = packet(&ipv6(44, "3c 00 0008 00000009 0600000000000000")).layers[0];
    assert_eq!((hidden.proto, hidden.ports_seen), (60, true), "a later fragment is not walked further");
}

#[test]
fn authentication_header_in_ipv4() {
    let out = packet(&ipv4(51, &format!("06 04 0000 00000001 00000002 000000000000000000000000 {SYN}")));
    assert_eq!(innermost(&out), syn_v4());
}

#[test]
fn ipv6_without_a_payload_length_goes_to_the_end() {
    let text = ipv6(17, &udp(1000, 53, "aabb")).replacen("60000000000a", "600000000000", 1);
    assert_eq!((packet(&text).layers[0].ip_len, packet(&text).layers[0].dport), (50, 53));
    let nothing = packet(&format!("{} 0000", ipv6(59, "")));
    assert_eq!((nothing.layers[0].ip_len, nothing.layers[0].end), (40, 40));
}
