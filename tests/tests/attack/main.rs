//! Attacks on cameras are told, however they are sent, and nothing else is: every signature of the table through the whole
//! engine. Attacks here are synthetic, after the markers that the table gives; the real captures are in `corpus.rs`.

mod corpus;
mod hostile;
mod lab;
mod sadp;

use std::net::SocketAddr;

use segwatch_tests::frames::{Packet, tagged};
use segwatch_tests::pcap::pcap;
use segwatch_tests::program::segwatch;
use segwatch_tests::tunnels::erspan_ii;

use lab::{ATTACKER, CAMERA, CAMERA_IP, Lab, ROUTER, Row, attacks, rows};

/// Signatures of what comes over TCP.
fn over_tcp() -> Vec<Row> {
    rows().into_iter().filter(|row| !row.proto.starts_with("sadp")).collect()
}

#[test]
fn each_signature_fires_and_what_is_nearly_one_does_not() {
    for row in over_tcp() {
        for piece in [row.example.len(), 7, 1] {
            let mut lab = Lab::new();
            lab.ask(row.port(), &row.example, piece);
            assert_eq!(attacks(&lab.answer()), [row.id.as_str()], "{} in pieces of {piece}", row.id);
        }
        let mut lab = Lab::new();
        lab.ask(row.port(), &row.near, row.near.len());
        assert!(attacks(&lab.answer()).is_empty(), "{}", row.id);
    }
}

#[test]
fn it_fires_wherever_it_is_cut_and_in_any_order() {
    for row in over_tcp().into_iter().filter(|row| row.example.len() < 400) {
        let cuts: Vec<usize> = if row.id == "CVE-2021-36260" {
            (1..row.example.len()).collect()
        } else {
            vec![1, 3, row.example.len() / 2]
        };
        for cut in cuts {
            let (first, rest) = row.example.split_at(cut);
            for order in [[(0, first), (cut, rest)], [(cut, rest), (0, first)]] {
                let mut lab = Lab::new();
                lab.open(row.port());
                for (place, piece) in order {
                    lab.segment(row.port(), place, piece);
                    lab.segment(row.port(), place, piece);
                }
                assert_eq!(attacks(&lab.answer()), [row.id.as_str()], "cut at {cut}");
            }
        }
    }
}

#[test]
fn encodings_and_case_hide_nothing() {
    for row in over_tcp().into_iter().filter(|row| row.proto == "http") {
        let text = String::from_utf8(row.example.clone()).expect("HTTP is text here");
        let (method, rest) = text.split_once(' ').expect("a method");
        let (target, rest) = rest.split_once(" HTTP").expect("a target");
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let encoded: String = path.bytes().map(|b| if b == b'/' { "/".into() } else { format!("%{b:02x}") }).collect();
        let twice = encoded.replace('%', "%25");
        let odd: String = path
            .chars()
            .enumerate()
            .map(|(n, c)| if n % 2 == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect();
        let slashes = path.replace('/', "/./");
        for path in [&encoded, &twice, &odd, &slashes, &format!("http://{CAMERA_IP}{path}")] {
            for method in [method, &method.to_lowercase()] {
                let query = query.map(|query| format!("?{query}")).unwrap_or_default();
                let request = format!("{method} {path}{query} HTTP{rest}");
                let mut lab = Lab::new();
                lab.ask(80, request.as_bytes(), 500);
                assert_eq!(attacks(&lab.answer()), [row.id.as_str()], "{request}");
            }
        }
    }
}

/// The example of one signature.
fn attack() -> Vec<u8> {
    rows().into_iter().find(|row| row.id == "CVE-2017-7921").expect("a signature").example
}

#[test]
fn it_fires_on_every_link() {
    let sensor = (ROUTER, [192, 0, 2, 1].into(), [192, 0, 2, 2].into());
    type Wrap = Box<dyn Fn(&[u8]) -> Vec<u8>>;
    let untag = |frame: &[u8]| (frame[..12].to_vec(), u16::from_be_bytes([frame[16], frame[17]]), frame[18..].to_vec());
    let retag = move |tags: &'static [(u16, u16)]| -> Wrap {
        Box::new(move |frame| {
            let (macs, kind, rest) = untag(frame);
            let mac = |at: usize| segwatch::base::Mac(macs[at..at + 6].try_into().expect("six bytes"));
            tagged(mac(6), mac(0), tags, kind, &rest)
        })
    };
    let erspan: Wrap =
        Box::new(move |frame| erspan_ii(sensor.1, sensor.2, 1, 0, 7, frame).frame(sensor.0, CAMERA.0, &[]));
    for wrap in [retag(&[]), retag(&[(0x8100, 110)]), retag(&[(0x88a8, 100), (0x8100, 110)]), erspan] {
        let mut lab = Lab::new().wrapped(wrap);
        lab.ask(80, &attack(), 20);
        assert_eq!(attacks(&lab.answer()), ["CVE-2017-7921"]);
    }
    let mut lab = Lab::new().ipv6();
    lab.ask(80, &attack(), 20);
    assert_eq!(attacks(&lab.answer()), ["CVE-2017-7921"]);
}

#[test]
fn half_of_a_connection_is_enough() {
    // Nothing of the camera was seen.
    let mut lab = Lab::new().one_way();
    lab.ask(80, &attack(), 20);
    assert_eq!(attacks(&lab.answer()), ["CVE-2017-7921"]);
    assert!(lab.summary().contains("whether it answered was not seen"), "{}", lab.summary());
    // The capture began in the middle.
    let mut lab = Lab::new();
    lab.segment(80, 7_000, &attack());
    assert_eq!(attacks(&lab.answer()), ["CVE-2017-7921"]);
    let mut lab = Lab::new();
    lab.segment(8081, 7_000, &attack()[..40]);
    lab.segment(8081, 7_040, &attack()[40..]);
    assert_eq!(attacks(&lab.answer()), ["CVE-2017-7921"]);
}

#[test]
fn later_requests_of_a_connection_are_read() {
    let mut lab = Lab::new();
    lab.open(80);
    let get = b"GET /doc/page/login.asp HTTP/1.1\r\nHost: x\r\n\r\n";
    for _ in 0..40 {
        lab.request(80, get);
        lab.reply(80, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
    lab.request(80, &[get, &attack()[..]].concat());
    lab.reply(80, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    lab.request(80, &attack()[..10]);
    lab.request(80, &attack()[10..]);
    lab.reply(80, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345");
    lab.request(80, get);
    lab.reply(80, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(attacks(&lab.answer()), ["CVE-2017-7921"]);
    assert!(lab.summary().contains("answered 200 with 43 bytes"), "{}", lab.summary());
}

#[test]
fn the_answer_is_told() {
    for (answer, told) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"[..], "answered 200 with 41 bytes"),
        (b"HTTP/1.0 401 Unauthorized\r\n\r\n", "answered 401 with 29 bytes"),
        (b"\x00\x01", "answered with 2 bytes"),
        (b"", "no answer was seen"),
    ] {
        for piece in [1, 5, 100] {
            let mut lab = Lab::new();
            lab.ask(80, &attack(), 30);
            answer.chunks(piece).for_each(|piece| lab.reply(80, piece));
            let summary = lab.summary();
            let request = "“GET /onvif-http/snapshot?auth=YWRtaW46MTEK HTTP/1.1”";
            let expected = format!(
                "44:19:b6:01:02:03 was attacked from zone office (1 peer): CVE-2017-7921 (authentication bypass of Hikvision \
                 cameras) by {request}, {} bytes: {told}.",
                attack().len()
            );
            assert_eq!(summary, expected);
        }
    }
}

#[test]
fn a_finding_names_both_ends() {
    let mut lab = Lab::new();
    lab.ask(80, &attack(), 500);
    let answer = lab.answer();
    let finding = answer.findings.iter().find(|f| f.kind.name() == "exploit-attempt").expect("a finding");
    assert_eq!((finding.severity, finding.reach, finding.zone.as_str()), ("critical", None, "cctv"));
    assert_eq!(finding.device.mac, Some(CAMERA.0));
    let peer = &finding.peers[0];
    assert_eq!((peer.ip, peer.port, peer.proto.as_str(), peer.initiator), (ATTACKER.1, 80, "tcp", "peer"));
}

#[test]
fn a_camera_that_is_known_late_was_attacked_before() {
    let mut lab = Lab::unknown();
    lab.ask(80, &attack(), 30);
    assert!(lab.answer().findings.is_empty());
    lab.says_hello();
    assert_eq!(attacks(&lab.answer()), ["CVE-2017-7921"]);
}

#[test]
fn other_hosts_may_be_asked_anything() {
    let mut lab = Lab::new();
    // The camera itself asks another host, and a host that is no camera is asked.
    let to = |text: &str| text.parse::<SocketAddr>().expect("an address");
    let request = Packet::tcp(to("10.110.0.11:40000"), to("10.44.0.9:80"), 0x18).numbers(1, 1).payload(attack());
    lab.send(CAMERA.0, ROUTER, request);
    let request = Packet::tcp(to("10.44.0.8:40000"), to("10.44.0.9:80"), 0x18).numbers(1, 1).payload(attack());
    lab.send(ROUTER, ATTACKER.0, request);
    assert!(attacks(&lab.answer()).is_empty());
}

#[test]
fn the_program_tells_it_too() {
    let folder = std::env::temp_dir().join(format!("segwatch-attack-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for row in over_tcp()
        .into_iter()
        .filter(|row| ["CVE-2017-7921", "CVE-2013-6117", "CVE-2013-3612"].contains(&row.id.as_str()))
    {
        let mut lab = Lab::new();
        lab.ask(row.port(), &row.example, 9);
        let file = folder.join("attack.pcap");
        std::fs::write(&file, pcap(&lab.frames)).expect("a file");
        let run = segwatch(["check", "--format", "json", &file.to_string_lossy()]);
        assert_eq!(run.exit, 1, "{}", run.err);
        let answer: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
        let kinds: Vec<&str> =
            answer["findings"].as_array().expect("a list").iter().filter_map(|f| f["kind"].as_str()).collect();
        assert!(kinds.contains(&"exploit-attempt"), "{kinds:?}");
        assert!(answer["findings"].to_string().contains(&row.id));
    }
    // Another table takes the place of the one that is built in.
    std::fs::write(
        folder.join("signatures.csv"),
        "id,proto,head,body,what,confidence\nLOCAL-1,http,^GET /own$,,a rule of the site,high\n",
    )
    .expect("a file");
    let mut lab = Lab::new();
    lab.ask(80, b"GET /own HTTP/1.1\r\n\r\n", 500);
    lab.ask(81, &attack(), 500);
    let file = folder.join("own.pcap");
    std::fs::write(&file, pcap(&lab.frames)).expect("a file");
    let run = segwatch(["check", "--data", &folder.to_string_lossy(), "--format", "json", &file.to_string_lossy()]);
    assert!(run.out.contains("LOCAL-1") && !run.out.contains("CVE-2017-7921"), "{} {}", run.out, run.err);
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}
