//! Every watched device: verdict, the last 24 hours, findings, identity.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::View;
use super::parts::{Key, TABLE_END, badge, key_of, key_of_ref, moment, more, name, table};
use super::strip::strip;
use crate::base::html;
use crate::coverage::Period;
use crate::engine::{DeviceStatus, FindingStatus};

/// Devices that are listed; the API has all.
pub(super) const MAX_CAMERAS: usize = 1_000;

const COLUMNS: [&str; 9] =
    ["device", "verdict", "last 24 h (UTC)", "findings", "address", "identity", "zone", "firmware", "last seen"];

/// The table, the worst first.
pub(super) fn cameras(page: &mut String, view: &View<'_>, listed: &[&FindingStatus]) {
    let devices = &view.snapshot.devices;
    let hours: BTreeMap<Key<'_>, &[Period]> =
        view.hours.iter().map(|hours| (key_of_ref(&hours.device), hours.periods.as_slice())).collect();
    let mut findings: BTreeMap<Key<'_>, Vec<&FindingStatus>> = BTreeMap::new();
    for finding in &view.snapshot.findings {
        findings.entry(key_of_ref(&finding.device)).or_default().push(finding);
    }
    let shown: BTreeSet<&str> = listed.iter().map(|finding| finding.id.as_str()).collect();
    page.push_str(
        "<section aria-labelledby=\"cameras\">\n<h2 id=\"cameras\">Cameras</h2>\n<p class=\"dim legend\">The strip: \
         <svg class=\"key\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><path class=\"o\" d=\"M0 0h10v9H0z\"/></svg> observed, \
         <svg class=\"key\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><path class=\"g\" d=\"M0 5h10v4H0z\"/></svg> gap (low), \
         <svg class=\"key\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"></svg> no record (line alone). \
         Why, and since when: <a href=\"/api/v1/coverage\">coverage (JSON)</a>.</p>\n",
    );
    table(page, "Cameras, the worst first", "devices cameras", &COLUMNS);
    for device in devices.iter().take(MAX_CAMERAS) {
        let key = key_of(device);
        let periods = hours.get(&key).copied().unwrap_or_default();
        let its = findings.get(&key).map_or(String::new(), |its| linked(its, &shown));
        row(page, device, &strip(periods, view.at), &its);
    }
    page.push_str(TABLE_END);
    more(page, devices.len(), MAX_CAMERAS, "/api/v1/devices");
    page.push_str("</section>\n");
}

fn row(page: &mut String, device: &DeviceStatus, strip: &str, findings: &str) {
    let ips: Vec<String> = device.ips.iter().map(ToString::to_string).collect();
    let identity: Vec<String> = [&device.vendor, &device.model].into_iter().flatten().map(|it| html(it)).collect();
    let firmware = device.firmware.as_deref().map(|it| format!(" {}", html(it))).unwrap_or_default();
    let _ = writeln!(
        page,
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{strip}</td><td>{findings}</td><td>{}</td><td>{}</td><td>{}</td>\
         <td>{}{firmware}</td><td>{}</td></tr>",
        name(device),
        badge(device.verdict.name()),
        ips.join("<br>"),
        identity.join(" "),
        html(device.zone.as_deref().unwrap_or("none")),
        device.posture.state.name(),
        device.coverage.last_seen.map_or("never".to_owned(), moment),
    );
}

/// To the first of them that is on the page, else to where all are.
fn linked(findings: &[&FindingStatus], shown: &BTreeSet<&str>) -> String {
    let count = findings.len();
    match findings.iter().find(|finding| shown.contains(finding.id.as_str())) {
        Some(first) => format!("<a href=\"#i-{}\">{count} open</a>", html(&first.id)),
        None => format!("<a href=\"/api/v1/findings\">{count} open (JSON)</a>"),
    }
}
