use super::*;
use crate::packet::{MAX_LAYERS, Tunnel, Undecoded};

fn inner_frame() -> String {
    format!("0202020202ff 0404040404ff 8100 0007 0800 {}", ipv4(6, SYN))
}

/// Decodes and expects the SYN inside, carried by `tunnel`.
fn through(tunnel: Tunnel, outer: &str) -> Decoded {
    let out = decoded(LinkType::Ethernet, &ethernet(outer));
    assert_eq!((out.layers.len(), out.layers[0].tunnel, out.undecoded), (2, Some(tunnel), None), "{outer}");
    let inner = innermost(&out);
    assert_eq!((inner.2, inner.3, inner.4), (6, 4660, 554), "{outer}");
    out
}

#[test]
fn plain_ip_tunnels_stay_on_their_link() {
    let (v4, v6) = (ipv4(6, SYN), ipv6(6, SYN));
    for (tunnel, outer) in [
        (Tunnel::IpInIp, format!("0800 {}", ipv4(4, &v4))),
        (Tunnel::SixInFour, format!("0800 {}", ipv4(41, &v6))),
        (Tunnel::IpInIp, format!("86dd {}", ipv6(41, &v6))),
        (Tunnel::IpInIp, format!("86dd {}", ipv6(4, &v4))),
        (Tunnel::Teredo, format!("0800 {}", ipv4(17, &udp(40000, 3544, &v6)))),
        (Tunnel::Teredo, format!("0800 {}", ipv4(17, &udp(3544, 40000, &format!("0000 1234 0a000001 {v6}"))))),
        (Tunnel::Teredo, format!("0800 {}", ipv4(17, &udp(3544, 1, &format!("0001 00 00 0000000000000000 00 {v6}"))))),
        (Tunnel::Gre, format!("0800 {}", ipv4(47, &format!("0000 0800 {v4}")))),
        (Tunnel::Gre, format!("0800 {}", ipv4(47, &format!("b000 86dd 00000000 00000001 00000002 {v6}")))),
        (Tunnel::Gre, format!("0800 {}", ipv4(47, &format!("4000 0800 00000000 0800 00 04 0a000009 0000 0000 {v4}")))),
        (Tunnel::Gre, format!("0800 {}", ipv4(47, &format!("3081 880b 00000001 00000002 00000003 ff03 0021 {v4}")))),
        (Tunnel::Gre, format!("0800 {}", ipv4(47, &format!("0000 883e 00000000 {v4}")))),
        (Tunnel::Gre, format!("0800 {}", ipv4(17, &udp(40000, 4754, &format!("0000 0800 {v4}"))))),
        (Tunnel::Gtp, format!("0800 {}", ipv4(17, &udp(2152, 2152, &format!("30ff 0000 00000001 {v4}"))))),
        (
            Tunnel::Gtp,
            format!("0800 {}", ipv4(17, &udp(2152, 2152, &format!("34ff 0000 00000001 000000 85 01000000 {v4}")))),
        ),
        (Tunnel::L2tp, format!("0800 {}", ipv4(17, &udp(1701, 1701, &format!("0002 0001 0001 ff03 0021 {v4}"))))),
        (
            Tunnel::L2tp,
            format!("0800 {}", ipv4(17, &udp(1701, 1701, &format!("4a02 0000 0001 0001 0000 0000 0002 ffff 21 {v4}")))),
        ),
        (Tunnel::Mpls, format!("0800 {}", ipv4(137, &format!("00010140 {v4}")))),
        (Tunnel::Mpls, format!("0800 {}", ipv4(17, &udp(40000, 6635, &format!("00010040 00020140 {v4}"))))),
    ] {
        let out = through(tunnel, &outer);
        let inner = out.layers[1];
        assert_eq!((out.links.len(), inner.link, inner.on_link, out.layers[0].on_link), (1, 0, false, true), "{outer}");
    }
}

#[test]
fn frames_in_tunnels_have_a_link_of_their_own() {
    let frame = inner_frame();
    for (tunnel, outer) in [
        (Tunnel::Gre, ipv4(47, &format!("2000 6558 00000001 {frame}"))),
        (Tunnel::Vxlan, ipv4(17, &udp(40000, 4789, &format!("08000000 00000100 {frame}")))),
        (Tunnel::Geneve, ipv4(17, &udp(40000, 6081, &format!("0100 6558 00000100 00000000 {frame}")))),
        (Tunnel::EtherIp, ipv4(97, &format!("3000 {frame}"))),
        (Tunnel::Mpls, ipv4(137, &format!("00010140 00000000 {frame}"))),
        (Tunnel::Ethernet, ipv4(143, &frame)),
    ] {
        let out = through(tunnel, &format!("8100 006e 0800 {outer}"));
        assert_eq!((out.links[0].vlans.vids(), out.links[1].vlans.vids()), (&[110][..], &[7][..]), "{outer}");
        assert_eq!((out.links[1].tunnelled, out.links[1].mirrored, out.layers[1].link), (true, false, 1), "{outer}");
        assert!(out.layers[1].on_link);
    }
    through(
        Tunnel::Geneve,
        &format!("0800 {}", ipv4(17, &udp(40000, 6081, &format!("0000 0800 00000100 {}", ipv4(6, SYN))))),
    );
}

#[test]
fn transports_of_the_mirror_are_removed() {
    let frame = inner_frame();
    for (tunnel, vlan, outer) in [
        (Tunnel::ErspanI, None, ipv4(47, &format!("0000 88be {frame}"))),
        (Tunnel::ErspanII, Some(23), ipv4(47, &format!("1000 88be 00000001 1017 0064 00000000 {frame}"))),
        (Tunnel::ErspanIII, Some(23), ipv4(47, &format!("1000 22eb 00000001 2017 0064 00000000 0000 0000 {frame}"))),
        (
            Tunnel::ErspanIII,
            None,
            ipv4(47, &format!("1000 22eb 00000001 2000 0064 00000000 0000 0001 0000000000000000 {frame}")),
        ),
        (Tunnel::Tzsp, None, ipv4(17, &udp(40000, 37008, &format!("0100 0001 00 0a01aa 01 {frame}")))),
    ] {
        let text = format!("0800 {outer}");
        let link = through(tunnel, &text).links[1];
        assert_eq!((link.mirrored, link.tunnelled, link.erspan_vlan), (true, false, vlan), "{outer}");
        assert_eq!(link.vlans.vids(), [7]);

        let mut out = Decoded::default();
        let data = ethernet(&text);
        decode(LinkType::Ethernet, &data, data.len() as u32, &DecodeOptions { erspan: false, tzsp: false }, &mut out);
        assert_eq!((out.links[1].mirrored, out.links[1].tunnelled), (false, true), "traffic, if not declared: {outer}");
    }
    let bare_ip = format!("1000 22eb 00000001 2017 0064 00000000 0000 0800 {}", ipv4(6, SYN));
    let out = through(Tunnel::ErspanIII, &format!("0800 {}", ipv4(47, &bare_ip)));
    assert_eq!(
        (out.links[1].mirrored, out.links[1].erspan_vlan, out.layers[1].link, out.layers[1].on_link),
        (true, Some(23), 1, true)
    );
    let wireless = "1000 22eb 00000001 2017 0064 00000000 0000 1c00 0000";
    let out = decoded(LinkType::Ethernet, &ethernet(&format!("0800 {}", ipv4(47, wireless))));
    assert_eq!(out.undecoded, Some(Undecoded::TunnelHeader), "a mirrored frame that cannot be read is blindness");
}

#[test]
fn below_ip_there_may_be_mpls_pppoe_and_backbones() {
    let syn = ipv4(6, SYN);
    for shim in [
        "8847 00010040 00020140",
        "8848 00000140",
        "8864 1100 0001 0040 0021",
        "8864 1100 0001 0040 21",
        "894f 0fc2 0101 00000100",
    ] {
        let out = decoded(LinkType::Ethernet, &ethernet(&format!("8100 006e {shim} {syn}")));
        assert_eq!((innermost(&out), out.links.len(), out.layers[0].on_link), (syn_v4(), 1, true), "{shim}");
        assert_eq!(out.links[0].vlans.vids(), [110]);
    }
    for (shim, links) in [("88a8 0064 88e7 00000001", 2), ("8847 00010140", 2), ("8847 00010140 00000000", 2)] {
        let out = decoded(LinkType::Ethernet, &ethernet(&format!("{shim} {}", inner_frame())));
        assert_eq!((innermost(&out), out.links.len(), out.links[1].tunnelled), (syn_v4(), links, true), "{shim}");
        assert_eq!(out.links[1].vlans.vids(), [7], "{shim}");
    }
}

#[test]
fn a_pseudowire_to_a_camera_is_no_ipv4() {
    let frame = ethernet(&format!("0800 {}", ipv4(6, SYN)));
    let text: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
    let out = decoded(LinkType::Ethernet, &ethernet(&format!("8847 00010140 {text}")));
    assert_eq!(innermost(&out), syn_v4());
    assert_eq!(out.links[1].dst, out.links[0].dst);
}

#[test]
fn a_port_alone_is_no_tunnel() {
    for port in [1701, 2152, 3544, 4789, 6081, 37008] {
        let out = decoded(LinkType::Raw, &hex(&ipv4(17, &udp(port, 40000, "80600001 00000000"))));
        let layer = out.layers[0];
        assert_eq!((out.layers.len(), layer.tunnel, out.undecoded, layer.sport), (1, None, None, port));
    }
}

#[test]
fn depth_is_bounded_and_said() {
    let nested = |depth: usize| (0..depth).fold(ipv4(6, SYN), |inner, _| ipv4(4, &inner));
    let deepest = decoded(LinkType::Raw, &hex(&nested(MAX_LAYERS - 1)));
    assert_eq!((deepest.layers.len(), deepest.undecoded), (MAX_LAYERS, None));
    let deeper = decoded(LinkType::Raw, &hex(&nested(MAX_LAYERS)));
    assert_eq!((deeper.layers.len(), deeper.undecoded), (MAX_LAYERS, Some(Undecoded::TunnelDepth)));
    let frames = format!("88e7 00000001 {}", "4419b6010203 001122334455 88e7 00000001".repeat(40));
    assert_eq!(decoded(LinkType::Ethernet, &ethernet(&frames)).undecoded, Some(Undecoded::TunnelDepth));
}

#[test]
fn tunnel_names_are_words() {
    assert_eq!(
        [Tunnel::SixInFour.name(), Tunnel::ErspanII.name(), Tunnel::IpInIp.name()],
        ["6in4", "erspan-ii", "ip-in-ip"]
    );
}
