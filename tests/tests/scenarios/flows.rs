//! Holds the rows of `flows` against what is expected, and against the findings.

use serde_json::Value;

use super::expected::{End, Expected, Finding, Flow, Peer};

pub fn compare(expected: &Expected, rows: &[Value], problems: &mut Vec<String>) {
    for flow in &expected.flows {
        match rows.iter().find(|row| is_same(flow, row)) {
            Some(row) => compare_row(flow, row, problems),
            None => problems.push(format!("no row {:?} {:?}", flow.initiator, flow.responder)),
        }
    }
    // With devices left out, or with findings that may be missing, rows and findings need not agree.
    if expected.args.is_empty() && expected.tolerated.is_empty() {
        compare_with_findings(expected, rows, problems);
    }
}

fn is_same(flow: &Flow, row: &Value) -> bool {
    let ends = (end(&row["initiator"]), end(&row["responder"]));
    let (a, b) = (Some(flow.initiator), Some(flow.responder));
    row["ip_proto"] == flow.ip_proto && (ends == (a, b) || ends == (b, a))
}

fn compare_row(flow: &Flow, row: &Value, problems: &mut Vec<String>) {
    if end(&row["initiator"]) != Some(flow.initiator) {
        problems.push(format!("row: initiator {}, expected {:?}", row["initiator"], flow.initiator));
    }
    for (field, value) in flow.fields.iter().filter(|(field, value)| row[field.as_str()] != **value) {
        problems.push(format!("row: {field} {}, expected {value}", row[field]));
    }
    if flow.rule.as_ref().is_some_and(|rule| row["rule"]["name"] != **rule) {
        problems.push(format!("row: rule {}, expected {:?}", row["rule"], flow.rule));
    }
}

/// Each peer of a finding has a violation among the rows, and every violation is a peer of a finding.
fn compare_with_findings(expected: &Expected, rows: &[Value], problems: &mut Vec<String>) {
    let mut violations: Vec<(&Value, bool)> =
        rows.iter().filter(|row| row["verdict"] == "violation").map(|row| (row, false)).collect();
    let kinds_are_told = expected.findings.len() == 1;
    // What a flow carried does not turn it into a violation.
    let is_about_content = |finding: &&Finding| {
        finding.kind.iter().any(|kind| ["cloud-lookup", "exploit-attempt", "port-mapping"].contains(&kind.as_str()))
    };
    for finding in expected.findings.iter().filter(|finding| !is_about_content(finding)) {
        for peer in finding.peers.iter().flatten() {
            let mut of_peer: Vec<_> = violations.iter_mut().filter(|(row, _)| is_with(peer, row)).collect();
            let is_of_kind = |(row, _): &&mut (&Value, bool)| finding.kind.iter().any(|kind| row["kind"] == **kind);
            if of_peer.is_empty() {
                problems.push(format!("no row is the violation with {} port {}", peer.ip, peer.port));
            } else if kinds_are_told && !of_peer.iter().any(is_of_kind) {
                problems.push(format!("no row with {} port {} is a {}", peer.ip, peer.port, finding.kind.join("|")));
            }
            of_peer.iter_mut().for_each(|(_, is_told)| *is_told = true);
        }
    }
    let all_told = expected.findings.iter().all(|f| f.class == "reach" && f.peers.is_some());
    if all_told {
        let untold = violations.iter().filter(|(_, is_told)| !is_told);
        problems.extend(untold.map(|(row, _)| format!("row is a violation, but no finding tells of it: {row}")));
    }
}

fn is_with(peer: &Peer, row: &Value) -> bool {
    let far = if peer.initiator == "device" { "responder" } else { "initiator" };
    row[far]["ip"].as_str().is_some_and(|ip| ip.parse() == Ok(peer.ip)) && row["responder"]["port"] == peer.port
}

fn end(end: &Value) -> Option<End> {
    let port = end["port"].as_u64().and_then(|port| u16::try_from(port).ok())?;
    Some(End { ip: end["ip"].as_str()?.parse().ok()?, port })
}
