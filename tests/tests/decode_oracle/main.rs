//! Real captures, packet by packet: our layers against what tshark says of them (the captures' README has the rules).
//! Skipped with a message where the captures are not there.

mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use segwatch::base::Mac;
use segwatch::packet::{DecodeOptions, Decoded, Fragment, Layer, LinkType, decode};

/// Where we say something else than tshark, and why.
const DIFFERENCES: &[(&str, &[usize], &str)] = &[
    (
        "akvorado__mpls-eompls-cw.pcap",
        &[1],
        "a pseudowire with a control word; tshark takes it for one without, because its table of makers knows the zeros as one",
    ),
    ("ndpi__fuzz-2006-09-29-28586.pcap", &[111], "a TCP header cut behind its flags: they are there"),
    (
        "pcapflowlab__linux_cooked__08_sll2_vlan_ipv6_tcp_unsupported.pcap",
        &[1],
        "a hardware type that is not Ethernet: its address is no MAC",
    ),
    ("pcapflowlab__linux_cooked__14_sll2_truncated_inner_ipv6.pcap", &[1], "the same"),
    (
        "pf_ring__tcpdump-4.99.1__tests__l2tp-avp-overflow.pcap",
        &[7, 13],
        "an Ethernet header cut inside the source address: the destination is there",
    ),
    ("zeek__linux_dlt_sll2.pcap", &[], "the loopback device: its zeros are no MAC"),
    (
        "pcapplusplus__igmplayer.pcap",
        &[1, 2],
        "tshark takes the file for a pcap variant and reads it shifted; tcpdump agrees with us",
    ),
    ("suriverify__bug-6875-01__fuzz.pcap", &[], "the same"),
    (
        "suriverify__bug-7414-decoder-event-01__ip_secopt.pcap",
        &[3],
        "tshark stops at a bad IPv4 option; hosts go by the header length, and so do we",
    ),
    ("suriverify__firewall__tcp-session-decode-malformed-ipv4__input.pcap", &[8], "the same"),
    (
        "zeek__ipv6-mobility-dst-opts.pcap",
        &[1, 2],
        "tshark stops at a bad destination option; the UDP header is behind it",
    ),
    (
        "tcpdump__LINKTYPE_IPV6_invalid.pcap",
        &[1],
        "an IPv4 packet in a capture of IPv6: decoded by its version, as tcpdump does",
    ),
    (
        "tcpdump__bigtcp-ipv6-vxlan-ipv4.pcap",
        &[1],
        "IPv6 payload length 0 is segmentation offload: up to the end of the frame, as with IPv4",
    ),
    ("tcpdump__ipv6_frag6_negative_len.pcap", &[1], "the same"),
    (
        "zeek__trunc__ipv4-internally-truncated-header.pcap",
        &[1],
        "the capture was cut inside the IPv4 options: the addresses are there",
    ),
];

/// Formats that are no pcap: nothing is read from them.
const OTHER_FORMATS: &[&str] = &["pcapplusplus__pcap_examples__solaris.snoop"];

#[test]
fn layers_are_those_that_tshark_sees() {
    let Some(folder) = captures() else {
        eprintln!("skipped: no folder shared/captures above this crate, and SEGWATCH_CAPTURES is not set");
        return;
    };
    let mut unexplained = Vec::new();
    let mut explained = BTreeSet::new();
    let mut packets = 0;
    let mut out = Decoded::default();
    for (name, rows) in expected(&folder) {
        let records = reader::records(&fs::read(folder.join(&name)).expect("a readable capture"));
        for (number, row) in rows.lines().skip(1).enumerate().map(|(index, row)| (index + 1, row)) {
            let row = Row::new(row);
            let difference = match records.get(number - 1) {
                Some(record) if matches!(LinkType::from(record.link_type), LinkType::Other(_)) => continue,
                Some(record) => {
                    decode(
                        LinkType::from(record.link_type),
                        &record.data,
                        record.wire_len,
                        &DecodeOptions::default(),
                        &mut out,
                    );
                    differences(&row.facts(), &facts(&out))
                }
                None => Some("not in the file to us".to_owned()),
            };
            packets += 1;
            let Some(difference) = difference else { continue };
            match DIFFERENCES
                .iter()
                .position(|(capture, numbers, _)| *capture == name && (numbers.is_empty() || numbers.contains(&number)))
            {
                Some(at) => drop(explained.insert(at)),
                None => unexplained.push(format!(
                    "{name} {number} {} {:?}: {difference}",
                    row.column("protocols"),
                    out.undecoded
                )),
            }
        }
    }
    let stale: Vec<_> = (0..DIFFERENCES.len()).filter(|at| !explained.contains(at)).map(|at| DIFFERENCES[at]).collect();
    assert!(unexplained.is_empty(), "{} of {packets} packets differ:\n{}", unexplained.len(), unexplained.join("\n"));
    assert!(stale.is_empty(), "no difference any more: {stale:?}");
    assert!(packets > 25_000, "only {packets} packets compared");
}

/// What is compared of one packet, as text.
type Facts = BTreeMap<&'static str, String>;

fn differences(want: &Facts, got: &Facts) -> Option<String> {
    let differing = want.iter().filter(|(name, value)| got.get(*name) != Some(value));
    let told: Vec<_> =
        differing.map(|(name, value)| format!("{name} is {value} to tshark, {} to us", got[name])).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// One line of a `packets.tsv`.
struct Row<'a>(Vec<&'a str>);

const COLUMNS: [&str; 36] = [
    "frame",
    "ts",
    "if",
    "caplen",
    "len",
    "mac_src",
    "mac_dst",
    "vlans",
    "et_first",
    "et_final",
    "pre",
    "o_v",
    "o_src",
    "o_dst",
    "o_proto",
    "o_sport",
    "o_dport",
    "o_l4",
    "o_frag",
    "via",
    "inner_vlans",
    "tun",
    "i_v",
    "i_src",
    "i_dst",
    "i_proto",
    "i_sport",
    "i_dport",
    "i_l4",
    "i_frag",
    "i_tcpflags",
    "i_icmp",
    "flags",
    "x_outer",
    "x_inner",
    "protocols",
];

impl<'a> Row<'a> {
    fn new(line: &'a str) -> Self {
        let row = Row(line.split('\t').collect());
        assert_eq!(row.0.len(), COLUMNS.len(), "{line}");
        row
    }

    fn column(&self, name: &str) -> &'a str {
        let at = COLUMNS.iter().position(|column| *column == name).expect("a known column");
        self.0[at]
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::new();
        for name in ["mac_src", "mac_dst", "vlans", "et_final", "i_tcpflags", "i_icmp", "inner_vlans"] {
            facts.insert(name, self.column(name).to_owned());
        }
        // The low eight of the twelve flag bits are kept.
        if let Ok(flags) = u16::from_str_radix(self.column("i_tcpflags").trim_start_matches("0x"), 16) {
            facts.insert("i_tcpflags", format!("{:#04x}", flags & 0xff));
        }
        // Names for what is no EtherType, and one made up for link types that have none.
        let has_ethertype = self.column("protocols").starts_with("eth") || self.column("protocols").starts_with("sll");
        if !has_ethertype || matches!(self.column("et_final"), "802.3" | "none" | "short") {
            facts.insert("et_final", "0x0000".to_owned());
        }
        let same = self.column("i_v") == "=";
        for (outer, inner) in LAYER {
            facts.insert(outer, told(self.column(outer), outer));
            facts.insert(inner, told(self.column(if same { outer } else { inner }), inner));
        }
        facts
    }
}

/// Columns of the outer and of the inner layer.
const LAYER: [(&str, &str); 7] = [
    ("o_src", "i_src"),
    ("o_dst", "i_dst"),
    ("o_proto", "i_proto"),
    ("o_sport", "i_sport"),
    ("o_dport", "i_dport"),
    ("o_l4", "i_l4"),
    ("o_frag", "i_frag"),
];

/// A column in our words: one way to write IPv6 addresses; fragments not as an offset, with "+" when more follow,
/// and an atomic one as a whole packet.
fn told(value: &str, column: &str) -> String {
    if !column.ends_with("_frag") {
        return value.parse::<IpAddr>().map_or_else(|_| value.to_owned(), |address| address.to_string());
    }
    match value {
        "-" | "0" => "-",
        "0+" => "first",
        _ => "later",
    }
    .to_owned()
}

fn facts(decoded: &Decoded) -> Facts {
    let none = || "-".to_owned();
    let (outer, inner) = (decoded.layers.first(), decoded.layers.last());
    let link = decoded.links.first();
    let mac = |mac: Option<Mac>| mac.map_or_else(none, |mac| mac.to_string());
    let vlans = |vids: &[u16]| {
        if vids.is_empty() { none() } else { vids.iter().map(u16::to_string).collect::<Vec<_>>().join(".") }
    };
    let mut facts = Facts::new();
    facts.insert("mac_src", mac(link.and_then(|link| link.src)));
    facts.insert("mac_dst", mac(link.and_then(|link| link.dst)));
    facts.insert("vlans", link.map_or_else(none, |link| vlans(link.vlans.vids())));
    facts.insert("et_final", format!("{:#06x}", decoded.ethertype));
    facts
        .insert("i_tcpflags", inner.and_then(|layer| layer.tcp).map_or_else(none, |tcp| format!("{:#04x}", tcp.flags)));
    facts.insert(
        "i_icmp",
        inner.and_then(|layer| layer.icmp).map_or_else(none, |(kind, code)| format!("{kind}/{code}")),
    );
    let inner_link = inner
        .filter(|layer| layer.link > 0 && decoded.layers.len() > 1)
        .and_then(|layer| decoded.links.get(usize::from(layer.link)));
    facts.insert("inner_vlans", inner_link.map_or_else(none, |link| vlans(link.vlans.vids())));
    for (at, (outer_column, inner_column)) in LAYER.into_iter().enumerate() {
        facts.insert(outer_column, outer.map_or_else(none, |layer| fact(layer, at)));
        facts.insert(inner_column, inner.map_or_else(none, |layer| fact(layer, at)));
    }
    facts
}

/// One fact of a layer, numbered as in `LAYER`.
fn fact(layer: &Layer, at: usize) -> String {
    match at {
        0 => layer.src.to_string(),
        1 => layer.dst.to_string(),
        2 => layer.proto.to_string(),
        3 => layer.sport.to_string(),
        4 => layer.dport.to_string(),
        5 => match (layer.fragment, layer.ports_seen, layer.proto) {
            (Fragment::Later(_), ..) => "frag",
            (_, false, _) => "short",
            (_, true, 6 | 17 | 33 | 132 | 136) => "ok",
            _ => "none",
        }
        .to_owned(),
        _ => match layer.fragment {
            Fragment::Whole => "-",
            Fragment::First(_) => "first",
            Fragment::Later(_) => "later",
        }
        .to_owned(),
    }
}

/// Every capture that has an expected result, with its rows.
fn expected(folder: &Path) -> Vec<(String, String)> {
    let mut all: Vec<_> = fs::read_dir(folder.join("expected"))
        .expect("expected results beside the captures")
        .filter_map(|entry| {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name()?.to_str()?.strip_suffix(".packets.tsv")?.to_owned();
            if OTHER_FORMATS.contains(&name.as_str()) {
                return None;
            }
            Some((name, fs::read_to_string(path).expect("a readable result")))
        })
        .collect();
    all.sort();
    all
}

fn captures() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("SEGWATCH_CAPTURES") {
        return Some(folder.into());
    }
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.find_map(|parent| Some(parent.join("shared/captures")).filter(|folder| folder.join("expected").is_dir()))
}
