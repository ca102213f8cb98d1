//! Records for other tools, as they read them: JSON lines, syslog, and IPFIX in nfcapd.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use segwatch_tests::tool::installed;
use serde_json::Value;

use crate::cameras::Cameras;
use crate::site::{Site, shown, total};
use crate::{PATIENCE, eventually, lab};

fn lines(site: &Site) -> Vec<Value> {
    let text = fs::read_to_string(site.state.join("eve.json")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn json_lines_have_the_finding_the_flow_and_the_counters() {
    lab("eve", |mut site| {
        site.write_policy(&format!("sinks: {{ eve: {{ file: {}/eve.json }} }}\n", site.state.display()));
        site.start();
        let mut cameras = Cameras::new();
        cameras.break_out(0);
        let page = site.until("a finding", |page| shown(page).len() == 1);
        let id = shown(&page).into_keys().next().expect("an id");
        let of = |kind: &str| eventually(kind, || lines(&site).into_iter().find(|line| line["event_type"] == kind));
        let alert = of("alert");
        assert_eq!(alert["segwatch"]["id"], id.as_str());
        assert_eq!(alert["alert"]["signature"], "segwatch internet-egress");
        assert_eq!((&alert["src_ip"], &alert["dest_ip"]), (&"10.110.1.0".into(), &"203.0.113.9".into()));
        assert_eq!((&alert["dest_port"], &alert["proto"]), (&443.into(), &"TCP".into()));
        assert!(of("stats")["stats"]["capture"]["kernel_packets"].is_u64());
        // A file that was moved away is made anew.
        fs::rename(site.state.join("eve.json"), site.state.join("eve.json.1")).expect("moved");
        cameras.break_out(2);
        assert_eq!(of("alert")["src_ip"], "10.110.1.2");
    });
}

#[test]
fn syslog_servers_hear_of_findings() {
    lab("syslog", |mut site| {
        let server = UdpSocket::bind("127.0.0.1:5514").expect("a socket");
        server.set_read_timeout(Some(PATIENCE)).expect("set");
        site.write_policy("sinks: { syslog: { url: \"udp://127.0.0.1:5514\" } }\n");
        site.start();
        Cameras::new().break_out(0);
        let message = eventually("the finding", || {
            let mut buffer = [0; 2_048];
            let length = server.recv(&mut buffer).ok()?;
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            text.contains(" finding [").then_some(text)
        });
        // local0.crit, version 1, a time, the sensor.
        let mut words = message.split(' ');
        assert_eq!(words.next(), Some("<130>1"), "{message}");
        assert!(words.next().is_some_and(|time| time.ends_with('Z') && time.len() == 27), "{message}");
        assert_eq!((words.next(), words.next()), (Some("s1"), Some("segwatch")), "{message}");
        assert!(
            message.contains("[segwatch@32473 site=\"test\" id=\"") && message.contains("kind=\"internet-egress\"")
        );

        // Over TCP, from a server that comes late.
        site.kill();
        site.write_policy("sinks: { syslog: { url: \"tcp://127.0.0.1:5601\" } }\n");
        site.start();
        Cameras::new().break_out(2);
        site.until("a finding", |page| shown(page).len() == 2);
        let (stream, _) = TcpListener::bind("127.0.0.1:5601").expect("a socket").accept().expect("it comes");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let mut reader = BufReader::new(stream);
        eventually("the finding", || {
            let mut length = Vec::new();
            reader.read_until(b' ', &mut length).expect("a length");
            let length: usize = String::from_utf8_lossy(&length).trim().parse().expect("a number");
            let mut message = vec![0; length];
            reader.read_exact(&mut message).expect("a message");
            String::from_utf8_lossy(&message).contains(" finding [").then_some(())
        });
    });
}

#[test]
fn nfcapd_reads_the_flows() {
    if !installed(&["nfcapd", "nfdump"]) {
        return println!("SKIPPED: nfcapd is not installed");
    }
    lab("ipfix", |mut site| {
        let flows = site.folder.join("flows");
        fs::create_dir(&flows).expect("a folder");
        let mut nfcapd = Command::new("nfcapd")
            .args(["-b", "127.0.0.1", "-p", "4739", "-t", "60", "-w"])
            .arg(&flows)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_secs(1));
        site.write_policy("sinks: { ipfix: { url: \"udp://127.0.0.1:4739\" } }\n");
        site.start();
        Cameras::new().break_out(0);
        site.until("a finding", |page| shown(page).len() == 1);
        // What goes on is exported at the end too.
        site.stop();
        std::thread::sleep(Duration::from_secs(1));
        let ended = Command::new("kill").args(["-TERM", &nfcapd.id().to_string()]).status().expect("kill is there");
        assert!(ended.success());
        nfcapd.wait().expect("it ends");
        let output = Command::new("nfdump")
            .args(["-R"])
            .arg(&flows)
            .args(["-q", "-o", "fmt:%sa|%da|%dp|%pkt|%svln"])
            .output()
            .expect("nfdump runs");
        let text: String = String::from_utf8_lossy(&output.stdout).split(' ').collect();
        assert!(text.contains("10.110.1.0|203.0.113.9|443|"), "{text}");
        assert!(text.contains("203.0.113.9|10.110.1.0|"), "both directions: {text}");
        assert!(text.contains("|110\n"), "the VLAN: {text}");
    });
}

#[test]
fn a_dead_sink_holds_up_nothing() {
    lab("dead-sink", |mut site| {
        site.write_policy(
            "sinks: { syslog: { url: \"tcp://127.0.0.1:1\" }, eve: { file: /proc/nowhere/eve.json }, \
             ipfix: { url: \"udp://127.0.0.1:1\" } }\n",
        );
        site.start();
        let mut cameras = Cameras::new();
        (0..500).for_each(|round| cameras.talk(round % 8));
        cameras.break_out(0);
        let page = site.until_counted(cameras.sent);
        assert_eq!(total(&page, "segwatch_capture_dropped_packets_total"), 0.0);
        site.until("a finding", |page| shown(page).len() == 1);
        assert!(site.log().contains("no records are taken"), "{}", site.log());
        let (code, took) = site.stop();
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(20), "{took:?}");
    });
}
