//! What a stranger writes never reaches an output as it is: hostile strings in each field that a device or an attacker can
//! say, and every output that shows them.

use std::net::SocketAddr;
use std::sync::LazyLock;

use segwatch::base::{Mac, Timestamp};
use segwatch::engine::{Event, Snapshot, Subject};
use segwatch::metrics::{BuildInfo, Counters, Exporter};
use segwatch::policy::Policy;
use segwatch::report::{self, CaptureFiles, FlowFormat, FlowWriter, Style};
use segwatch::sink::{Origin, syslog};
use segwatch_tests::exposition;
use segwatch_tests::frames::Packet;
use segwatch_tests::pcap::pcap;
use segwatch_tests::program::segwatch;

use super::lab::{ATTACKER, CAMERA, CAMERA_IP, Lab, ROUTER, START};

const GROUP: Mac = Mac([1, 0, 0x5e, 0x7f, 0xff, 0xfa]);

/// Strings that break terminals, lines, tables, scripts, labels and files; each with a mark around it.
fn payloads() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0u8..=0xff).map(|byte| vec![byte]).collect();
    let words: [&[u8]; 44] = [
        b"\x1b[2J\x1b[H",
        b"\x1b]0;title\x07",
        b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
        b"\x1bP+q\x1b\\",
        b"\x9b31m",
        b"\xc2\x9b31m",
        b"a\r\nISOLATED",
        b"\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"\n# HELP x\nx 1\n",
        b"\x0b\x0c\x85",
        "\u{2028}\u{2029}\u{85}".as_bytes(),
        "\u{202e}gnp.exe\u{202c}".as_bytes(),
        "\u{2066}\u{2067}\u{2068}\u{2069}".as_bytes(),
        "\u{200b}\u{200d}\u{feff}".as_bytes(),
        "\u{e0041}\u{e0042}".as_bytes(),
        "\u{ad}\u{61c}\u{180e}\u{fffe}".as_bytes(),
        b"=1+1",
        b"+cmd|' /C calc'!A0",
        b"-2+3",
        b"@SUM(A1)",
        b"\t=1",
        b"=HYPERLINK(\"http://x\")",
        b"<script>alert(1)</script>",
        b"\"><img src=x onerror=alert(1)>",
        b"&lt;script&gt;",
        b"javascript:alert(1)",
        b"]]>",
        b"<!--",
        b"\",\"verdict\":\"isolated\",\"x\":\"",
        b"\\\",\\\"",
        b"{\"a\":1}",
        b"\\u0000",
        b"\\",
        b"\"} 1\nsegwatch_x{a=\"",
        b"{{ .Labels }}",
        b"${jndi:ldap://x}",
        b"$(reboot)",
        b"`id`",
        b"%s%n%x",
        b"../../etc/passwd",
        b"\xff\xfe\xfd",
        b"\xc0\x80\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"a\0b\0",
    ];
    all.extend(words.iter().map(|word| word.to_vec()));
    // The same in the middle of a word, at its end, and after so much that it is cut there.
    for word in words {
        all.push([b"DS-2CD", word, b"I"].concat());
        all.push([b"x".repeat(63), word.to_vec()].concat());
        all.push(word.repeat(20));
        all.push([b" ", word].concat());
    }
    all.extend((0..24).map(|n| vec![b'A'; 1 << (n / 2)]));
    all
}

struct Field {
    name: &'static str,
    write: fn(&mut Lab, &[u8]),
}

fn udp(lab: &mut Lab, from: u16, to: (Mac, &str), payload: Vec<u8>) {
    let from = SocketAddr::new(CAMERA.1, from);
    lab.send(CAMERA.0, to.0, Packet::udp(from, to.1.parse().expect("an address")).payload(payload));
}

fn sadp(lab: &mut Lab, field: &str, word: &[u8]) {
    let mut message = b"<?xml version=\"1.0\"?><ProbeMatch><Types>inquiry</Types>".to_vec();
    for (name, usual) in [
        ("DeviceDescription", "DS-2CD2142FWD-I"),
        ("DeviceSN", "DS-2CD2142FWD-I20160101AAWR812345678"),
        ("MAC", "44-19-b6-01-02-03"),
        ("IPv4Address", CAMERA_IP),
        ("SoftwareVersion", "V5.3.3 build 150615"),
    ] {
        let value = if name == field { word } else { usual.as_bytes() };
        message.extend([b"<", name.as_bytes(), b">", value, b"</", name.as_bytes(), b">"].concat());
    }
    message.extend(b"</ProbeMatch>");
    udp(lab, 37_020, (GROUP, "239.255.255.250:37020"), message);
}

fn dhcp(lab: &mut Lab, option: u8, word: &[u8]) {
    let mut message = vec![1, 1, 6, 0, 0, 0, 0, 7, 0, 0, 0, 0];
    message.resize(28, 0);
    message.extend(CAMERA.0.0);
    message.resize(236, 0);
    message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 3, option, word.len().min(200) as u8]);
    message.extend(&word[..word.len().min(200)]);
    message.push(255);
    let from: SocketAddr = "0.0.0.0:68".parse().expect("an address");
    let packet = Packet::udp(from, "255.255.255.255:67".parse().expect("an address")).payload(message);
    lab.send(CAMERA.0, Mac::BROADCAST, packet);
}

fn dhip(lab: &mut Lab, word: &[u8]) {
    let word = serde_json::to_string(&String::from_utf8_lossy(word)).expect("a string");
    let json = format!(
        "{{\"mac\":\"44:19:b6:01:02:03\",\"method\":\"client.notifyDevInfo\",\"params\":{{\"deviceInfo\":{{\"DeviceType\":{word},\
         \"SerialNo\":{word},\"Version\":{word},\"Vendor\":{word},\"IPv4Address\":{{\"IPAddress\":\"{CAMERA_IP}\"}}}}}}}}"
    );
    let mut message = b"\x20\0\0\0DHIP\0\0\0\0\0\0\0\0".to_vec();
    for _ in 0..2 {
        message.extend((json.len() as u32).to_le_bytes());
        message.extend([0; 4]);
    }
    message.extend(json.as_bytes());
    udp(lab, 37_810, (ROUTER, "10.110.0.5:37810"), message);
}

fn question(name: &[u8]) -> Vec<u8> {
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in [&name[..name.len().min(60)], b"hik-connect", b"com"] {
        message.push(label.len().max(1) as u8);
        message.extend(if label.is_empty() { b"x" } else { label });
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

fn mdns(lab: &mut Lab, word: &[u8]) {
    let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let word = &word[..word.len().min(63)];
    message
        .extend([b"\x0b_axis-video\x04_tcp\x05local\0\0\x0c\0\x01\0\0\0\x78\0", &[word.len() as u8 + 3][..]].concat());
    message.push(word.len() as u8);
    message.extend(word);
    message.extend([0xc0, 12]);
    udp(lab, 5353, (GROUP, "224.0.0.251:5353"), message);
}

fn serve(lab: &mut Lab, port: u16, head: &str, field: &str, word: &[u8]) {
    lab.ask(port, b"GET / HTTP/1.1\r\n\r\n", 500);
    lab.reply(port, &[head.as_bytes(), b"\r\n", field.as_bytes(), word, b"\"\r\nContent-Length: 0\r\n\r\n"].concat());
}

const FIELDS: [Field; 17] = [
    Field { name: "SADP model", write: |lab, word| sadp(lab, "DeviceDescription", word) },
    Field { name: "SADP serial number", write: |lab, word| sadp(lab, "DeviceSN", word) },
    Field { name: "SADP firmware", write: |lab, word| sadp(lab, "SoftwareVersion", word) },
    Field {
        name: "WS-Discovery scopes",
        write: |lab, word| {
            let coded: String = word.iter().map(|byte| format!("%{byte:02x}")).collect();
            let scope = "onvif://www.onvif.org";
            let message = format!(
                "<e:Envelope><e:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:cea94000-fb96-11b3-8260-4419b6010203\
                 </a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{scope}/name/HIKVISION%20{coded} \
                 {scope}/hardware/{coded} {scope}/MAC/44:19:b6:01:02:03</d:Scopes><d:XAddrs>http://{CAMERA_IP}/onvif/device_service</d:XAddrs>\
                 </d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
            );
            udp(lab, 3702, (ROUTER, "10.110.0.5:3702"), message.into_bytes());
        },
    },
    Field { name: "DHIP", write: dhip },
    Field { name: "DHCP host name", write: |lab, word| dhcp(lab, 12, word) },
    Field { name: "DHCP class", write: |lab, word| dhcp(lab, 60, &[b"AXIS,Network Camera,", word, b",5.20"].concat()) },
    Field { name: "mDNS", write: mdns },
    Field {
        name: "SSDP",
        write: |lab, word| {
            let head =
                b"NOTIFY * HTTP/1.1\r\nLOCATION: http://10.110.0.11/upnpdevicedesc.xml\r\nSERVER: Linux, UPnP/1.0 DCS-";
            udp(lab, 1900, (GROUP, "239.255.255.250:1900"), [&head[..], word, b"\r\n\r\n"].concat());
        },
    },
    Field { name: "HTTP server", write: |lab, word| serve(lab, 80, "HTTP/1.1 401 No", "Server: App-webs/", word) },
    Field {
        name: "HTTP realm",
        write: |lab, word| serve(lab, 80, "HTTP/1.1 401 No", "WWW-Authenticate: Digest realm=\"DS-2CD", word),
    },
    Field {
        name: "RTSP realm",
        write: |lab, word| serve(lab, 554, "RTSP/1.0 401 No", "WWW-Authenticate: Digest realm=\"Login to ", word),
    },
    Field {
        name: "ISAPI device information",
        write: |lab, word| {
            let body = [
                b"<DeviceInfo xmlns=\"http://www.hikvision.com/ver20/XMLSchema\"><model>",
                word,
                b"</model><serialNumber>",
                word,
                b"</serialNumber><firmwareVersion>V5.5.0",
                word,
                b"</firmwareVersion></DeviceInfo>",
            ]
            .concat();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n", body.len());
            lab.ask(80, b"GET /ISAPI/System/deviceInfo HTTP/1.1\r\n\r\n", 500);
            [head.as_bytes(), &body].concat().chunks(1_000).for_each(|piece| lab.reply(80, piece));
        },
    },
    Field {
        name: "DNS name",
        write: |lab, word| {
            udp(lab, 40_000, (ROUTER, "10.110.0.1:53"), question(word));
        },
    },
    Field {
        name: "request line of an attack",
        write: |lab, word| {
            lab.ask(80, &[b"GET /", word, b"/x?auth=YWRtaW46 HTTP/1.1\r\n\r\n"].concat(), 1_000);
        },
    },
    Field { name: "typed into Telnet", write: |lab, word| lab.ask(23, &[b"root\r\nvizxv\r\n", word].concat(), 1_000) },
    Field {
        name: "SADP change",
        write: |lab, word| {
            lab.arp();
            let message =
                [b"<Probe><Types>", word, b"</Types><MAC>44-19-b6-01-02-03</MAC><x><Types>update</Types></x></Probe>"]
                    .concat();
            let from = SocketAddr::new(ATTACKER.1, 37_020);
            let packet = Packet::udp(from, "239.255.255.250:37020".parse().expect("an address")).payload(message);
            lab.send(ATTACKER.0, GROUP, packet);
        },
    },
];

/// Whether an output may hold a character.
fn is_tame(c: char) -> bool {
    let hidden = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fffe}' | '\u{e0000}'..='\u{e0fff}');
    c == '\n' || !c.is_control() && !hidden
}

/// The same, made once.
static POLICY: LazyLock<Policy> = LazyLock::new(policy);

fn policy() -> Policy {
    super::lab::policy("")
}

fn flows(lab: &Lab, format: FlowFormat) -> String {
    let mut out = Vec::new();
    let mut writer = FlowWriter::new(&mut out, format).expect("a vector takes everything");
    lab.engine.open_rows().for_each(|row| writer.write(&row).expect("a vector takes everything"));
    writer.finish().expect("a vector takes everything");
    String::from_utf8(out).expect("UTF-8")
}

/// The page that Prometheus reads, with each finding as a series; parsed, as it does.
fn metrics(answer: &Snapshot) -> String {
    let build = BuildInfo { version: "1".to_owned(), revision: String::new(), rustversion: "1".to_owned() };
    let subjects = answer.findings.iter().map(|finding| (finding.id.clone(), Subject::of(finding))).collect();
    let counters = Counters { subjects, ..Counters::default() };
    let page = Exporter::new(build).render(&POLICY, answer, &counters).expect("rendered");
    exposition::parse(&page).unwrap_or_else(|fault| panic!("{fault}"));
    page
}

/// What syslog servers are told, one message on each line.
fn syslog(answer: &Snapshot) -> String {
    let origin = Origin { site: "s".into(), sensor: "s".into() };
    let opened = answer
        .findings
        .iter()
        .map(|finding| Event::FindingOpened { at: Timestamp(START), finding: Box::new(finding.clone()) });
    let messages: Vec<String> = opened.filter_map(|event| syslog::message(&event, &origin)).collect();
    // RFC 5424, section 6.4: the text may begin with a byte order mark.
    let tame = |message: &String| message.replacen('\u{feff}', "", 1) + "\n";
    assert!(messages.iter().all(|message| !message.contains('\n')), "{messages:?}");
    messages.iter().map(tame).collect()
}

/// Every output with the number of lines that it may have at most for what it shows.
fn outputs(lab: &Lab, answer: &Snapshot) -> Vec<(&'static str, String)> {
    let files = CaptureFiles::default();
    let style = Style::default();
    vec![
        ("text", report::check_text(answer, &files, &style)),
        ("devices", report::devices_text(answer, &style)),
        ("findings", report::findings_text(answer, &style)),
        ("json", report::check_json(answer, &files).expect("JSON")),
        ("devices json", report::devices_json(answer).expect("JSON")),
        ("junit", report::junit(answer, &files, report::FailOn::Notice)),
        ("flows", flows(lab, FlowFormat::Text(style))),
        ("csv", flows(lab, FlowFormat::Csv)),
        ("jsonl", flows(lab, FlowFormat::Jsonl)),
        ("metrics", metrics(answer)),
        ("syslog", syslog(answer)),
    ]
}

#[test]
fn hostile_words_reach_no_output() {
    let payloads = payloads();
    assert!(payloads.len() >= 500, "{}", payloads.len());
    for field in &FIELDS {
        let mut shown = 0;
        for word in &payloads {
            let mut lab = Lab::with(policy(), CAMERA.0);
            (field.write)(&mut lab, word);
            let answer = lab.answer();
            shown +=
                usize::from(answer.devices.iter().any(|device| device.hints.len() > 1) || !answer.findings.is_empty());
            for (output, text) in outputs(&lab, &answer) {
                let raw = text.chars().find(|&c| !is_tame(c));
                assert_eq!(raw, None, "{} in {output}: {:?}", field.name, String::from_utf8_lossy(word));
                match output {
                    "json" | "devices json" => {
                        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                        let verdict = json.get("verdict").and_then(|verdict| verdict.as_str());
                        assert!(output != "json" || verdict == Some(answer.verdict.name()));
                    }
                    "jsonl" => text.lines().for_each(|line| {
                        serde_json::from_str::<serde_json::Value>(line).expect("JSON");
                    }),
                    "csv" => {
                        let mut reader = csv::Reader::from_reader(text.as_bytes());
                        for record in reader.records() {
                            let record = record.expect("a line as long as the others");
                            let is_formula = |cell: &str| cell.starts_with(['=', '+', '-', '@']);
                            assert!(!record.iter().any(is_formula), "{record:?}");
                        }
                    }
                    "junit" => assert!(!text.contains("<script") && !text.contains("<img"), "{text}"),
                    _ => assert!(!text.lines().any(|line| line.trim_start().starts_with("ISOLATED")), "{text}"),
                }
            }
        }
        assert!(shown > payloads.len() / 2, "{}: only {shown} of {} were read at all", field.name, payloads.len());
    }
}

#[test]
fn the_program_shows_none_of_them_either() {
    let mut lab = Lab::with(policy(), CAMERA.0);
    for word in payloads().iter().skip(256) {
        FIELDS.iter().for_each(|field| (field.write)(&mut lab, word));
    }
    let file = std::env::temp_dir().join(format!("segwatch-hostile-{}.pcap", std::process::id()));
    std::fs::write(&file, pcap(&lab.frames)).expect("a file");
    for args in [&["check"][..], &["check", "--format", "json"], &["flows"], &["devices"], &["findings"]] {
        let run = segwatch(args.iter().map(|arg| (*arg).to_owned()).chain([file.to_string_lossy().into_owned()]));
        let raw = (run.out + &run.err).chars().find(|&c| !is_tame(c));
        assert_eq!(raw, None, "{args:?}");
    }
    std::fs::remove_file(&file).expect("the file is ours");
}
