//! The parts of the page, in the order in which someone at night needs them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::super::published::{ConduitStatus, RecordsStatus};
use crate::base::html;
use crate::coverage::{Reason, Verdict};
use crate::engine::{CanaryStatus, DeviceStatus, ExceptionStatus, FindingStatus, Snapshot, ZoneStatus};
use crate::finding::Class;
use crate::flow::Reach;

/// Findings, cameras and peers that are listed; the API has all.
const MAX_FINDINGS: usize = 1_000;
const MAX_CAMERAS: usize = 2_000;
const MAX_PEERS: usize = 20;
const MAX_UNVERIFIED: usize = 200;

/// The verdict in one word, with its reasons.
pub(super) fn verdict(page: &mut String, snapshot: &Snapshot) {
    let word = snapshot.verdict.name();
    let _ = writeln!(page, "<p class=\"verdict {word}\">{word}</p>");
    let meaning = match snapshot.verdict {
        Verdict::Isolated => "Every watched device is covered, and none tried to leave its segment.",
        Verdict::Contained => {
            "Every watched device is covered; some tried to leave their segment, and none got through."
        }
        Verdict::Violated => "A watched device got out of its segment, or somebody got in.",
        Verdict::Unverified => "Nobody knows: the mirror does not show enough.",
    };
    let _ = writeln!(page, "<p>{meaning}</p>");
    reasons(page, &snapshot.reasons);
    let policy = snapshot.policy.hash.get(..12).unwrap_or(&snapshot.policy.hash);
    let file = snapshot.policy.file.as_deref().unwrap_or("built in");
    let _ = writeln!(
        page,
        "<p class=\"dim\">{} devices, {} open findings, {} packets judged. Policy {} <code>{policy}</code>.</p>",
        snapshot.devices.len(),
        snapshot.findings.len(),
        snapshot.traffic.packets,
        html(file)
    );
}

fn reasons(page: &mut String, reasons: &[Reason]) {
    if reasons.is_empty() {
        return;
    }
    page.push_str("<ul>\n");
    for reason in reasons {
        let _ = writeln!(page, "<li><strong>{}</strong>: {}</li>", reason.code.name(), html(&reason.detail));
    }
    page.push_str("</ul>\n");
}

/// What takes no records; nothing while all do.
pub(super) fn records(page: &mut String, records: &RecordsStatus) {
    for (sink, why) in &records.failing {
        let (class, means) = match *sink {
            "journal" => ("critical", "a restart would forget what is shown now"),
            _ => ("warning", "records wait for it, and are lost if it takes long"),
        };
        let _ = writeln!(
            page,
            "<p><span class=\"badge {class}\">not recorded</span> <strong>{sink}</strong>: {}; {means}</p>",
            html(why)
        );
    }
}

/// What is not verified: alarms of the mirror, with what they saw and the likely mistake, and devices.
pub(super) fn not_verified(page: &mut String, snapshot: &Snapshot) {
    page.push_str("<section aria-labelledby=\"unknown\">\n<h2 id=\"unknown\">Not verified</h2>\n");
    let unverified: Vec<&DeviceStatus> =
        snapshot.devices.iter().filter(|device| device.verdict == Verdict::Unverified).collect();
    if snapshot.health.is_empty() && unverified.is_empty() {
        page.push_str("<p>Nothing: the mirror shows every watched device.</p>\n");
    }
    for alarm in &snapshot.health {
        let (class, word) = if alarm.blinds { ("critical", "blind") } else { ("warning", "degraded") };
        let _ = writeln!(
            page,
            "<p><span class=\"badge {class}\">{word}</span> <strong>{} {}</strong>: {}</p>",
            html(&alarm.interface),
            html(alarm.alarm),
            html(&alarm.detail)
        );
    }
    if !unverified.is_empty() {
        page.push_str("<div class=\"scroll\"><table>\n<tr><th scope=\"col\">device</th><th scope=\"col\">zone</th><th scope=\"col\">why</th></tr>\n");
        for device in unverified.iter().take(MAX_UNVERIFIED) {
            let why: Vec<String> = device
                .reasons
                .iter()
                .map(|reason| format!("{}: {}", reason.code.name(), html(&reason.detail)))
                .collect();
            let zone = device.zone.as_deref().unwrap_or("none");
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                name(device),
                html(zone),
                why.join("<br>")
            );
        }
        page.push_str("</table></div>\n");
        more(page, unverified.len(), MAX_UNVERIFIED, "/api/v1/devices");
    }
    page.push_str("</section>\n");
}

/// Flows of one pair of zones.
#[derive(Default)]
struct Cell<'s> {
    conduits: Vec<(&'s str, u64)>,
    tried: u64,
    through: u64,
}

/// Who opens to whom: allowed by a conduit, attempted, through.
pub(super) fn matrix(page: &mut String, snapshot: &Snapshot, conduits: &[ConduitStatus]) {
    let mut cells: BTreeMap<(&str, &str), Cell<'_>> = BTreeMap::new();
    for conduit in conduits {
        for from in &conduit.from {
            for to in &conduit.to {
                cells.entry((from, to)).or_default().conduits.push((&conduit.name, conduit.flows));
            }
        }
    }
    for finding in &snapshot.findings {
        let incoming = finding.kind.name().ends_with("-ingress");
        let pair = (finding.zone.as_str(), finding.peer_zone.as_str());
        let cell = cells.entry(if incoming { (pair.1, pair.0) } else { pair }).or_default();
        match finding.reach {
            Some(Reach::Attempted | Reach::Refused) => cell.tried += 1,
            Some(Reach::Forwarded | Reach::Established) => cell.through += 1,
            None => cell.through += u64::from(finding.class == Class::Breach),
        }
    }
    cells.retain(|_, cell| !cell.conduits.is_empty() || cell.tried + cell.through > 0);
    page.push_str("<section aria-labelledby=\"zones\">\n<h2 id=\"zones\">Zones</h2>\n<div class=\"scroll\"><table>\n<tr><th scope=\"col\">zone</th><th scope=\"col\">verdict</th><th scope=\"col\">devices</th><th scope=\"col\">findings</th></tr>\n");
    for zone in &snapshot.zones {
        let verdict = zone.verdict.map_or("<span class=\"dim\">not judged</span>".to_owned(), |it| badge(it.name()));
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}{}</th><td>{verdict}</td><td>{}</td><td>{}</td></tr>",
            html(&zone.name),
            canaries(zone),
            zone.devices,
            zone.findings
        );
    }
    page.push_str("</table></div>\n");
    if !cells.is_empty() {
        let rows: BTreeSet<&str> = cells.keys().map(|pair| pair.0).collect();
        let columns: BTreeSet<&str> = cells.keys().map(|pair| pair.1).collect();
        page.push_str("<div class=\"scroll\"><table class=\"matrix\">\n<caption>Who opens to whom: what conduits allow, and findings that tried or got through</caption>\n<tr><th scope=\"col\">from \\ to</th>");
        for zone in &columns {
            let _ = write!(page, "<th scope=\"col\">{}</th>", html(zone));
        }
        page.push_str("</tr>\n");
        for from in &rows {
            let _ = write!(page, "<tr><th scope=\"row\">{}</th>", html(from));
            for to in &columns {
                let _ = write!(page, "<td>{}</td>", cells.get(&(from, to)).map(cell).unwrap_or_default());
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</table></div>\n");
    }
    page.push_str("</section>\n");
}

/// When each canary of a zone was seen, or that it is missing.
fn canaries(zone: &ZoneStatus) -> String {
    let one = |canary: &CanaryStatus| {
        let seen = canary.last_seen.map_or("never seen".to_owned(), |last| format!("seen {last}"));
        let (class, what) = if canary.silent { ("badge unverified", "missing, ") } else { ("dim", "") };
        format!("<br><span class=\"{class}\">canary {}: {what}{seen}</span>", html(&canary.name))
    };
    zone.canaries.iter().map(one).collect()
}

fn cell(cell: &Cell<'_>) -> String {
    let mut parts: Vec<String> = cell
        .conduits
        .iter()
        .map(|(conduit, flows)| {
            let link = format!("/api/v1/flows?rule={}", percent(conduit));
            format!("<a href=\"{}\">{}</a>: {flows} flows", html(&link), html(conduit))
        })
        .collect();
    for (count, word, class) in [(cell.through, "through", "violated"), (cell.tried, "attempted", "contained")] {
        if count > 0 {
            parts.push(format!("<a class=\"badge {class}\" href=\"#findings\">{count} {word}</a>"));
        }
    }
    parts.join("<br>")
}

/// Each finding, its peers, the rule that decided, and the packets.
pub(super) fn findings(page: &mut String, snapshot: &Snapshot) {
    page.push_str("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n");
    if snapshot.findings.is_empty() {
        page.push_str("<p>None is open.</p>\n");
    }
    for finding in snapshot.findings.iter().take(MAX_FINDINGS) {
        finding_of(page, finding);
    }
    more(page, snapshot.findings.len(), MAX_FINDINGS, "/api/v1/findings");
    page.push_str("</section>\n");
}

fn finding_of(page: &mut String, finding: &FindingStatus) {
    let device = &finding.device;
    let named = device.name.clone().or(device.mac.map(|mac| mac.to_string()));
    let named = named.or(device.ip.map(|ip| ip.to_string())).unwrap_or_default();
    let (severity, kind, id) = (finding.severity, finding.kind.name(), html(&finding.id));
    let reach = finding.reach.map_or("breach", |reach| reach.name());
    let _ = write!(
        page,
        "<details id=\"f-{id}\"><summary><span class=\"badge {severity}\">{severity}</span> <strong>{}</strong> {kind} to {}: \
         {reach} <span class=\"dim\">last {}</span></summary>\n<p>{}</p>\n",
        html(&named),
        html(&finding.peer_zone),
        finding.last_seen,
        html(&finding.summary)
    );
    if let Some(ExceptionStatus { owner, reason, expires }) = &finding.exception {
        let (owner, reason) = (html(owner), html(reason));
        let _ = writeln!(page, "<p>Muted until {expires} by {owner}: {reason}. The verdict stays as it is.</p>");
    }
    if !finding.peers.is_empty() {
        page.push_str("<div class=\"scroll\"><table>\n<tr><th scope=\"col\">peer</th><th scope=\"col\">service</th><th scope=\"col\">opened by</th><th scope=\"col\">reach</th><th scope=\"col\">packets out / in</th><th scope=\"col\">names</th></tr>\n");
        for peer in finding.peers.iter().take(MAX_PEERS) {
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{}/{}</td><td>{}</td><td>{}</td><td>{} / {}</td><td>{}</td></tr>",
                peer.ip,
                html(&peer.proto),
                peer.port,
                peer.initiator,
                peer.reach.name(),
                peer.packets_out,
                peer.packets_in,
                html(&peer.names.join(", "))
            );
        }
        page.push_str("</table></div>\n");
        more(page, usize::try_from(finding.peers_total).unwrap_or(usize::MAX), MAX_PEERS, "/api/v1/findings");
    }
    let rule = &finding.rule;
    let place = match (&rule.file, rule.line) {
        (Some(file), Some(line)) => format!(", {}:{line}", html(file)),
        _ => String::new(),
    };
    let _ = writeln!(
        page,
        "<p>Decided by <strong>{}</strong>{place}. Seen from {} to {}. \
         <a href=\"/api/v1/findings/{id}/evidence\" download>Packets (pcapng)</a></p>\n<p class=\"dim\">Id <code>{id}</code>; \
         close it with <code>segwatch findings close {id} --by NAME --reason WHY --url …</code></p>\n</details>",
        html(&rule.name),
        finding.first_seen,
        finding.last_seen
    );
}

/// Every watched device.
pub(super) fn cameras(page: &mut String, snapshot: &Snapshot) {
    page.push_str("<section aria-labelledby=\"cameras\">\n<h2 id=\"cameras\">Cameras</h2>\n<div class=\"scroll\"><table>\n<tr><th scope=\"col\">device</th><th scope=\"col\">address</th><th scope=\"col\">identity</th><th scope=\"col\">zone</th><th scope=\"col\">verdict</th><th scope=\"col\">firmware</th><th scope=\"col\">last seen</th></tr>\n<tbody>\n");
    for device in snapshot.devices.iter().take(MAX_CAMERAS) {
        let ips: Vec<String> = device.ips.iter().map(ToString::to_string).collect();
        let identity: Vec<String> = [&device.vendor, &device.model].into_iter().flatten().map(|it| html(it)).collect();
        let firmware = device.firmware.as_deref().map(|it| format!(" {}", html(it))).unwrap_or_default();
        let seen = device.coverage.last_seen.map_or("never".to_owned(), |at| at.to_string());
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}{firmware}</td><td>{seen}</td></tr>",
            name(device),
            ips.join("<br>"),
            identity.join(" "),
            html(device.zone.as_deref().unwrap_or("none")),
            badge(device.verdict.name()),
            device.posture.state.name(),
        );
    }
    page.push_str("</tbody>\n</table></div>\n");
    more(page, snapshot.devices.len(), MAX_CAMERAS, "/api/v1/devices");
    page.push_str("</section>\n");
}

fn badge(verdict: &str) -> String {
    format!("<span class=\"badge {verdict}\">{verdict}</span>")
}

fn name(device: &DeviceStatus) -> String {
    let mac = device.mac.map(|mac| mac.to_string());
    match (&device.name, &mac) {
        (Some(name), Some(mac)) => format!("{}<br><code class=\"dim\">{mac}</code>", html(name)),
        (Some(name), None) => html(name),
        (None, Some(mac)) => format!("<code>{mac}</code>"),
        (None, None) => device.ips.first().map(|ip| format!("<code>{ip}</code>")).unwrap_or_default(),
    }
}

fn more(page: &mut String, all: usize, shown: usize, link: &str) {
    if all > shown {
        let _ = writeln!(page, "<p>And {} more: <a href=\"{link}\">all of them (JSON)</a>.</p>", all - shown);
    }
}

/// For a query (RFC 3986, section 2.1).
fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
