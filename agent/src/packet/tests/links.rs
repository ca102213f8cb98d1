use super::*;
use crate::packet::Undecoded;

/// The tags and what is found behind them.
fn vlans_and_syn(header: &str) -> Vec<u16> {
    let out = decoded(LinkType::Ethernet, &ethernet(&format!("{header} {}", ipv4(6, SYN))));
    assert_eq!(innermost(&out), syn_v4(), "{header}");
    assert_eq!((out.undecoded, out.layers[0].on_link), (None, true), "{header}");
    out.links[0].vlans.vids().to_vec()
}

#[test]
fn tags_of_every_type_and_depth_are_walked() {
    assert_eq!(vlans_and_syn("0800"), [0u16; 0]);
    assert_eq!(vlans_and_syn("8100 0000 0800"), [0], "VID 0 is kept");
    assert_eq!(vlans_and_syn("8100 f06e 0800"), [110], "PCP and DEI are not");
    assert_eq!(vlans_and_syn("88a8 0064 8100 00c8 0800"), [100, 200]);
    assert_eq!(vlans_and_syn("9100 0001 9200 0002 9300 0003 8100 0004 0800"), [1, 2, 3, 4]);
    let deep: String = (1..=40).map(|vid| format!("8100 {vid:04x}")).collect();
    let vids = vlans_and_syn(&format!("{deep} 0800"));
    assert_eq!((vids.len(), vids[0], vids[14]), (15, 1, 40), "the outermost, and the innermost in the last place");
}

#[test]
fn other_shims_are_stepped_over() {
    for (header, vlans) in [
        ("8926 0001 0002 8100 000b 0800", vec![11]), // VN-Tag
        ("893f 0001 0002 0003 0800", vec![]),        // E-TAG
        ("892f 0064 0001 0800", vec![]),             // HSR
        ("8909 01 01 0001 0011 0800", vec![]),       // Cisco MetaData
        ("88e5 00 00 00000001 0800", vec![]),        // MACsec, integrity only
        ("88e5 20 00 00000001 0011223344550001 8100 0007 0800", vec![7]),
    ] {
        assert_eq!(vlans_and_syn(header), vlans, "{header}");
    }
}

#[test]
fn ip_in_llc_and_snap_is_decoded() {
    for header in [
        "0040 aaaa03 000000 0800",
        "0040 aaaa03 0000f8 0800",
        "0040 060603",
        "8100 0005 0040 aaaa03 000000 0800",
        "8870 aaaa03 000000 0800",
    ] {
        vlans_and_syn(header);
    }
    assert_eq!(vlans_and_syn("0040 aaaa03 000000 8100 0009 0800"), [9]);
    let out = decoded(LinkType::Ethernet, &ethernet(&format!("0040 aaaa03 000000 0800 {}", ipv4(6, SYN))));
    assert_eq!((out.ethertype, out.link_payload), (0, 14));
}

#[test]
fn what_carries_no_ip_by_its_nature_is_not_blindness() {
    for frame in [
        "0026 424203 0000000000",       // STP
        "0040 aaaa03 00000c 2000 0000", // CDP
        "0040 fefe03 8300",             // IS-IS
        "88cc 0207",                    // LLDP
        "888e 0100",                    // EAPOL
        "8892 8000",                    // PROFINET
        "9000 0000",                    // loop
        "88e1 0000",                    // HomePlug
    ] {
        let out = decoded(LinkType::Ethernet, &ethernet(frame));
        assert_eq!((out.undecoded, out.layers.len(), out.links.len()), (None, 0, 1), "{frame}");
    }
}

#[test]
fn what_may_hide_ip_is_named() {
    use Undecoded as U;
    for (frame, reason) in [
        ("", U::LinkHeader),
        ("8100 00", U::LinkHeader),
        ("8100 0001", U::LinkHeader),
        ("88e5 0c 00 00000001", U::Macsec),
        ("22f3 0000", U::EtherType),
        ("0003 aa", U::Llc),
        ("0040 aaaa03 0080c2 0007", U::Llc),
        ("0806 0001 0800 06", U::Arp),
        ("0800 5500", U::IpVersion),
        ("0800 4500", U::Ipv4Header),
        ("86dd 6000", U::Ipv6Header),
        ("8847 00010040", U::TunnelHeader),
        ("8864 1100 0001 0004 00fd 0000", U::TunnelHeader),
    ] {
        assert_eq!(decoded(LinkType::Ethernet, &ethernet(frame)).undecoded, Some(reason), "{frame}");
    }
    assert_eq!(decoded(LinkType::Other(147), &[0; 64]).undecoded, Some(U::LinkType));
}

#[test]
fn every_reason_has_a_word_of_its_own() {
    let names: std::collections::BTreeSet<_> = Undecoded::ALL.into_iter().map(Undecoded::name).collect();
    assert_eq!(names.len(), Undecoded::ALL.len());
    assert!(names.iter().all(|name| name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit())));
}

#[test]
fn arp_is_kept() {
    let arp = "0001 0800 06 04 0002 4419b6010203 0a6e000b 001122334455 0a6e0001";
    let out = decoded(LinkType::Ethernet, &ethernet(&format!("8100 006e 0806 {arp}")));
    let arp = out.arp.expect("an ARP packet");
    assert_eq!((arp.operation, arp.sender_mac.to_string().as_str()), (2, "44:19:b6:01:02:03"));
    assert_eq!((arp.sender_ip.to_string().as_str(), arp.target_ip.to_string().as_str()), ("10.110.0.11", "10.110.0.1"));
    assert_eq!((out.ethertype, out.link_payload, out.links[0].vlans.vids()), (0x0806, 18, &[110][..]));
    let infiniband = decoded(LinkType::Ethernet, &ethernet("0806 0020 0800 14 04 0001"));
    assert_eq!((infiniband.arp, infiniband.undecoded), (None, None));
}

#[test]
fn the_outermost_link_is_told() {
    let out = decoded(LinkType::Ethernet, &ethernet(&format!("8100 006e 0800 {}", ipv4(6, SYN))));
    assert_eq!((out.ethertype, out.link_payload), (0x0800, 18));
    assert_eq!(out.links[0].dst.map(|mac| mac.to_string()).as_deref(), Some("44:19:b6:01:02:03"));
    assert_eq!(out.links[0].src.map(|mac| mac.to_string()).as_deref(), Some("00:11:22:33:44:55"));
}

#[test]
fn linux_cooked_captures() {
    let sll = |header: &str| decoded(LinkType::LinuxSll, &hex(&format!("{header} {}", ipv4(6, SYN))));
    let out = sll("0004 0001 0006 4419b6010203 0000 0800");
    assert_eq!(innermost(&out), syn_v4());
    assert_eq!(out.links[0].src.map(|mac| mac.to_string()).as_deref(), Some("44:19:b6:01:02:03"));
    assert_eq!((out.links[0].dst, out.links[0].sll_packet_type), (None, Some(4)));
    assert_eq!(sll("0000 0001 0006 4419b6010203 0000 8100 006e 0800").links[0].vlans.vids(), [110]);
    assert_eq!(sll("0000 0304 0006 000000000000 0000 0800").links[0].src, None, "loopback has no MAC");

    let sll2 = |protocol: &str, rest: &str| {
        let header = format!("{protocol} 0000 00000002 0001 03 06 4419b6010203 0000 {rest} {}", ipv4(6, SYN));
        decoded(LinkType::LinuxSll2, &hex(&header))
    };
    assert_eq!(innermost(&sll2("0800", "")), syn_v4());
    let tagged = sll2("88a8", "0064 8100 00c8 0800");
    assert_eq!((innermost(&tagged), tagged.links[0].vlans.vids()), (syn_v4(), &[100, 200][..]));
    assert_eq!((tagged.ethertype, tagged.link_payload), (0x0800, 28));
}

#[test]
fn links_without_addresses() {
    let syn = ipv4(6, SYN);
    for (link_type, header) in [
        (LinkType::Raw, ""),
        (LinkType::Ipv4, ""),
        (LinkType::Null, "02000000"),
        (LinkType::Null, "00000002"),
        (LinkType::Loop, "00000002"),
    ] {
        let out = decoded(link_type, &hex(&format!("{header} {syn}")));
        assert_eq!(innermost(&out), syn_v4(), "{link_type:?} {header}");
        assert_eq!((out.links[0].src, out.layers[0].on_link), (None, true));
    }
    let v6 = hex(&format!("1e000000 {}", ipv6(6, SYN)));
    assert_eq!(innermost(&decoded(LinkType::Null, &v6)), syn_between("fd00::1", "fd00::2"));
}
