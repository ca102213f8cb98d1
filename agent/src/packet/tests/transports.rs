use super::*;
use crate::packet::{IcmpQuote, Tcp, Undecoded};

fn packet(proto: u8, payload: &str) -> Decoded {
    decoded(LinkType::Raw, &hex(&ipv4(proto, payload)))
}

#[test]
fn tcp_fields_and_lengths() {
    let layer = packet(6, "1234022a 00000001 00000002 6018ffff 00000000 01010101 aabbcc").layers[0];
    assert_eq!(layer.tcp, Some(Tcp { flags: 0x18, seq: 1, ack: 2 }));
    assert_eq!((layer.payload, layer.payload_len), (44, 3));
    let short_offset = packet(6, "1234022a 00000001 00000002 0010ffff 00000000").layers[0];
    assert_eq!(
        (short_offset.dport, short_offset.payload_len, short_offset.tcp.map(|tcp| tcp.flags)),
        (554, 0, Some(0x10))
    );
}

#[test]
fn cut_transport_headers_say_what_is_there_and_count() {
    let blind = Some(Undecoded::Transport);
    let flags_only = packet(6, "1234022a 00000001 00000002 5002");
    assert_eq!((flags_only.layers[0].tcp.map(|tcp| tcp.flags), flags_only.undecoded), (Some(2), None));
    let ports_only = packet(6, "1234022a 00000001");
    assert_eq!((ports_only.layers[0].dport, ports_only.layers[0].ports_seen, ports_only.undecoded), (554, true, blind));
    for proto in [6, 17, 33, 132, 136] {
        let short = packet(proto, "1234");
        assert_eq!((short.layers[0].sport, short.layers[0].ports_seen, short.undecoded), (0, false, blind), "{proto}");
    }
    assert_eq!(packet(1, "08").undecoded, blind);
}

#[test]
fn ports_of_the_other_transports() {
    let sctp = packet(132, "0bb80050 00000001 00000000 01000014").layers[0];
    assert_eq!((sctp.sport, sctp.dport, sctp.sctp_chunk, sctp.payload_len), (3000, 80, Some(1), 4));
    let dccp = packet(33, "00500051 04000000 00000000 00000000 aa").layers[0];
    assert_eq!((dccp.sport, dccp.dport, dccp.payload_len), (80, 81, 1));
    let lite = packet(136, "00500051 00080000 aabb").layers[0];
    assert_eq!((lite.sport, lite.dport, lite.payload_len), (80, 81, 2));
    let esp = packet(50, "00000001 00000001").layers[0];
    assert_eq!((esp.sport, esp.ports_seen, esp.payload_len), (0, true, 8));
}

#[test]
fn icmp_errors_quote_a_packet() {
    let quoted = ipv4(17, &udp(1000, 53, ""));
    let layer = packet(1, &format!("0303 0000 00000000 {quoted}")).layers[0];
    let (src, dst) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    assert_eq!(layer.icmp, Some((3, 3)));
    assert_eq!(layer.quote, Some(IcmpQuote { src, dst, proto: 17, sport: 1000, dport: 53 }));
    let later = quoted.replacen("00070000", "00070010", 1);
    let layer = packet(1, &format!("0303 0000 00000000 {later}")).layers[0];
    assert_eq!(layer.quote.map(|quote| (quote.proto, quote.sport)), Some((17, 0)));
    let echo = packet(1, &format!("0800 0000 00010001 {quoted}"));
    assert_eq!((echo.layers.len(), echo.layers[0].quote), (1, None));
}

#[test]
fn icmpv6_errors_quote_behind_extension_headers() {
    let quoted = ipv6(0, &format!("11 00 010400000000 {}", udp(1000, 53, "")));
    let out = decoded(LinkType::Raw, &hex(&ipv6(58, &format!("0104 0000 00000000 {quoted}"))));
    let quote = out.layers[0].quote.expect("a quote");
    assert_eq!((quote.proto, quote.sport, quote.dport, quote.src.to_string().as_str()), (17, 1000, 53, "fd00::1"));
    let neighbor = decoded(LinkType::Raw, &hex(&ipv6(58, "8700 1234 00000000 aa")));
    assert_eq!(
        (neighbor.layers[0].payload, neighbor.layers[0].icmp, neighbor.layers[0].quote),
        (44, Some((135, 0)), None)
    );
}
