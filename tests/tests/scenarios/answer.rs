//! Holds the JSON of `check` against what is expected.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::expected::{Device, Expected, Finding, Peer, Who};

pub fn compare(expected: &Expected, answer: &Value, problems: &mut Vec<String>) {
    let mut say = |problem: String| problems.push(problem);
    if !expected.verdict.iter().any(|verdict| answer["verdict"] == **verdict) {
        say(format!("verdict {}, expected {}", answer["verdict"], expected.verdict.join(" or ")));
    }
    compare_reasons("the site", &expected.reasons, &expected.reasons_any, answer, &mut say);
    compare_findings(expected, answer, &mut say);
    for (zone, verdict) in &expected.zones {
        match list(answer, "zones").iter().find(|found| found["name"] == **zone) {
            Some(found) if found["verdict"].as_str() == verdict.as_deref() => {}
            None if verdict.is_none() => {}
            found => say(format!("zone {zone}: {}, expected {verdict:?}", found.unwrap_or(&Value::Null)["verdict"])),
        }
    }
    let devices = list(answer, "devices");
    for (key, device) in &expected.devices {
        match devices.iter().filter(|found| is_called(found, key)).collect::<Vec<_>>()[..] {
            [found] => compare_device(key, device, found, &mut say),
            ref found => say(format!("device {key} stands {} times in the list", found.len())),
        }
    }
    if expected.device_count.is_some_and(|count| count != devices.len()) {
        let names: Vec<String> = devices.iter().map(|d| format!("{} {}", d["mac"], d["ips"])).collect();
        say(format!("devices: {}, expected {:?}", names.join(", "), expected.device_count));
    }
    for mac in expected.no_device.iter().filter(|mac| devices.iter().any(|device| device["mac"] == ***mac)) {
        say(format!("{mac} is taken for a watched device"));
    }
    for (field, count) in expected.counts.iter().filter(|(field, count)| answer["capture"][field.as_str()] != **count) {
        say(format!("capture.{field}: {}, expected {count}", answer["capture"][field]));
    }
    let undecoded = answer["capture"]["undecoded"].as_object().into_iter().flatten();
    if undecoded.filter_map(|(_, count)| count.as_u64()).sum::<u64>() < expected.undecoded_min {
        say(format!("undecoded: {}", answer["capture"]["undecoded"]));
    }
    if list(answer, "not_judged").len() < expected.not_judged_min {
        say(format!("not judged: {}", answer["not_judged"]));
    }
}

fn compare_findings(expected: &Expected, answer: &Value, say: &mut dyn FnMut(String)) {
    let (notices, mut left): (Vec<&Value>, Vec<&Value>) =
        list(answer, "findings").iter().partition(|finding| finding["kind"] == "unknown-device");
    for finding in &expected.findings {
        let matching: Vec<usize> = (0..left.len()).filter(|at| is_about(finding, left[*at])).collect();
        let same = matching.iter().find(|at| differences(finding, left[**at]).is_empty());
        match same.or(matching.first()) {
            Some(&at) => {
                let found = left.remove(at);
                differences(finding, found).iter().for_each(|problem| say(format!("{}: {problem}", brief(found))));
            }
            None => {
                say(format!("missing: {} by {} to {:?}", finding.kind.join("|"), finding.device, finding.peer_zone))
            }
        }
    }
    left.retain(|finding| !expected.tolerated.iter().any(|t| is_of(finding, &t.kind, &t.device, &t.peer_zone)));
    left.iter().for_each(|finding| say(format!("not expected: {}", brief(finding))));
    if let Some(unknown) = &expected.unknown_devices {
        let key = |notice: &&Value| notice["device"]["mac"].as_str().unwrap_or_default().to_string();
        let mut found: Vec<String> = notices.iter().map(key).collect();
        found.sort();
        if found != *unknown {
            say(format!("unknown devices {found:?}, expected {unknown:?}"));
        }
        for notice in notices {
            if notice["class"] != "notice" || notice["severity"] != "warning" || !notice["reach"].is_null() {
                say(format!("no notice: {}", brief(notice)));
            }
        }
    }
}

fn is_about(finding: &Finding, found: &Value) -> bool {
    is_of(found, &finding.kind, &finding.device, &finding.peer_zone)
}

fn is_of(found: &Value, kind: &[String], device: &Who, peer_zone: &[String]) -> bool {
    let who = match device {
        Who::Mac(mac) => found["device"]["mac"] == **mac,
        Who::Ip(ip) => is_ip(&found["device"]["ip"], *ip),
    };
    who && is_any(&found["kind"], kind) && is_any(&found["peer_zone"], peer_zone)
}

/// How a finding about the right thing is not what it should be.
fn differences(finding: &Finding, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    let mut hold = |field: &str, right: bool| {
        if !right {
            differences.push(format!("{field} {}", found[field]));
        }
    };
    hold("class", found["class"] == *finding.class);
    hold("severity", is_any(&found["severity"], &finding.severity));
    let by_reach = finding.class == "reach";
    hold("reach", if by_reach { is_any(&found["reach"], &finding.reach) } else { found["reach"].is_null() });
    hold("zone", finding.zone.as_ref().is_none_or(|zone| found["zone"] == **zone));
    hold("peers_total", finding.peers_total.is_none_or(|total| found["peers_total"] == total));
    if let Some(peers) = &finding.peers {
        let mut left: Vec<&Value> = list(found, "peers").iter().collect();
        for peer in peers {
            match left.iter().position(|found| is_peer(peer, found)) {
                Some(at) => drop(left.remove(at)),
                None => differences.push(format!("no peer {} port {} {:?}", peer.ip, peer.port, peer.reach)),
            }
        }
        differences.extend(left.iter().map(|peer| format!("peer not expected: {}", peer_brief(peer))));
    }
    differences
}

fn is_peer(peer: &Peer, found: &Value) -> bool {
    is_ip(&found["ip"], peer.ip)
        && found["port"] == peer.port
        && peer.proto.as_ref().is_none_or(|proto| found["proto"] == **proto)
        && found["initiator"] == *peer.initiator
        && is_any(&found["reach"], &peer.reach)
}

fn compare_device(key: &str, device: &Device, found: &Value, say: &mut dyn FnMut(String)) {
    for (field, value) in device.fields.iter().filter(|(field, value)| found[field.as_str()] != **value) {
        say(format!("device {key}: {field} {}, expected {value}", found[field]));
    }
    compare_reasons(&format!("device {key}"), &device.reasons, &device.reasons_any, found, say);
}

fn compare_reasons(whose: &str, all: &[String], any: &[String], found: &Value, say: &mut dyn FnMut(String)) {
    let codes: BTreeSet<&str> = list(found, "reasons").iter().filter_map(|reason| reason["code"].as_str()).collect();
    let has = |code: &String| codes.contains(code.as_str());
    if !all.iter().all(has) || !(any.is_empty() || any.iter().any(has)) {
        say(format!("{whose}: reasons {codes:?}, expected all of {all:?} and any of {any:?}"));
    }
}

/// By its MAC; by one of its addresses where it has none.
fn is_called(device: &Value, key: &str) -> bool {
    let has_ip = || list(device, "ips").iter().any(|ip| ip == key);
    device["mac"] == key || (has_ip() && (device["mac"].is_null() || !key.contains(':')))
}

fn is_ip(found: &Value, ip: IpAddr) -> bool {
    found.as_str().is_some_and(|found| found.parse() == Ok(ip))
}

/// Nothing to hold it against is right.
fn is_any(found: &Value, words: &[String]) -> bool {
    words.is_empty() || words.iter().any(|word| *found == **word)
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn brief(finding: &Value) -> String {
    let peers: Vec<String> = list(finding, "peers").iter().take(4).map(peer_brief).collect();
    let field = |name: &str| finding[name].as_str().unwrap_or("-");
    let device = &finding["device"]["mac"].as_str().or(finding["device"]["ip"].as_str()).unwrap_or("-");
    let (kind, zone, reach) = (field("kind"), field("peer_zone"), field("reach"));
    format!("{kind} by {device} to {zone}, {reach}, {} [{}]", field("severity"), peers.join(", "))
}

fn peer_brief(peer: &Value) -> String {
    let field = |name: &str| peer[name].as_str().unwrap_or("-");
    let (ip, proto, initiator, reach) = (field("ip"), field("proto"), field("initiator"), field("reach"));
    format!("{ip} {proto}/{} opened by {initiator}, {reach}", peer["port"])
}
