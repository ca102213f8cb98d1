//! The table of watched devices, and those that were not judged.

use std::net::IpAddr;

use super::check::Limits;
use super::headline::{listed, more};
use super::page::Page;
use super::style::Paint;
use super::table::{Cell, Column, Fit, Table, cell};
use super::words::{count, short};
use super::zones::codes;
use crate::coverage::Verdict;
use crate::engine::{DeviceStatus, Snapshot};
use crate::hint::{Posture, State};

pub(super) fn write(page: &mut Page<'_>, snapshot: &Snapshot, limits: &Limits) {
    let (shown, rest) = snapshot.devices.split_at(limits.devices.min(snapshot.devices.len()));
    if shown.is_empty() {
        page.heading("Devices", "");
        page.space(2).put(Paint::Plain, "none").end();
    } else {
        let table = Table { columns: columns(), rows: shown.iter().map(row).collect() };
        let layout = table.layout(page.style.width, 2);
        page.heading("Devices", &layout.remark());
        table.write(page, &layout);
        let verdicts = [Verdict::Violated, Verdict::Unverified, Verdict::Contained, Verdict::Isolated];
        let parts = verdicts.map(|v| (rest.iter().filter(|d| d.verdict == v).count(), v.name()));
        more(page, rest.len(), &format!(" ({}); `segwatch devices` lists all", listed(&parts)));
    }
    not_judged(page, &snapshot.not_judged, limits);
}

fn columns() -> Vec<Column> {
    let left = |title, least, fit| Column { title, right: false, least, fit };
    let right = |title| Column { title, right: true, least: None, fit: Fit::Stay };
    vec![
        left("verdict", None, Fit::Stay),
        left("name", Some(10), Fit::Stay),
        left("MAC", None, Fit::Stay),
        left("address", None, Fit::Stay),
        left("VLAN", Some(6), Fit::Fold),
        left("home", Some(8), Fit::Fold),
        left("vendor", Some(8), Fit::Fold),
        right("sent"),
        right("received"),
        left("is", Some(20), Fit::Below),
        left("why", Some(14), Fit::Below),
    ]
}

fn row(device: &DeviceStatus) -> Vec<Cell> {
    let counted = |n: u64| cell(if n == 0 { Paint::Doubt } else { Paint::Plain }, short(n));
    vec![
        cell(Paint::of(device.verdict), device.verdict.name()),
        cell(Paint::Strong, device.name.clone().unwrap_or_default()),
        cell(Paint::Plain, device.mac.map(|m| m.to_string()).unwrap_or_default()),
        cell(Paint::Plain, addresses(&device.ips)),
        cell(Paint::Plain, vlans(&device.vlans)),
        cell(Paint::Plain, device.zone.as_deref().unwrap_or("none")),
        cell(Paint::Plain, device.vendor.clone().unwrap_or_default()),
        counted(device.coverage.sent),
        counted(device.coverage.received),
        cell(of_posture(device.posture.state), what(device)),
        cell(Paint::Plain, codes(&device.reasons)),
    ]
}

/// Model, firmware and posture, as far as they are known.
fn what(device: &DeviceStatus) -> String {
    const SHOWN: usize = 3;
    let Posture { state, cves, detail, .. } = &device.posture;
    let posture = match state {
        State::Unknown => None,
        State::Patched => Some("patched".to_owned()),
        State::Vulnerable => {
            let shown = cves.get(..SHOWN).unwrap_or(cves).join(", ");
            let more = if cves.len() > SHOWN { format!(" and {} more", cves.len() - SHOWN) } else { String::new() };
            let why = if cves.is_empty() { detail.clone() } else { format!("{shown}{more}") };
            let new = if detail.starts_with("factory state") && !cves.is_empty() { "factory state, " } else { "" };
            Some(format!("vulnerable: {new}{why}"))
        }
    };
    let firmware = device.firmware.as_ref().map(|firmware| format!("firmware {firmware}"));
    let parts: Vec<String> = device.model.clone().into_iter().chain(firmware).chain(posture).collect();
    parts.join(" · ")
}

fn of_posture(state: State) -> Paint {
    match state {
        State::Vulnerable => Paint::Bad,
        State::Patched | State::Unknown => Paint::Plain,
    }
}

/// The first address, IPv4 before IPv6, and how many more.
fn addresses(ips: &[IpAddr]) -> String {
    let first = ips.iter().find(|ip| ip.is_ipv4()).or(ips.first());
    match (first, ips.len()) {
        (None, _) => String::new(),
        (Some(ip), 1) => ip.to_string(),
        (Some(ip), n) => format!("{ip} +{}", n - 1),
    }
}

fn vlans(vlans: &[u16]) -> String {
    let vlans: Vec<String> = vlans.iter().map(u16::to_string).collect();
    vlans.join(" ")
}

fn not_judged(page: &mut Page<'_>, names: &[String], limits: &Limits) {
    if names.is_empty() {
        return;
    }
    page.heading("Not judged", &format!("{}, because only others were asked for", count(names.len() as u64)));
    let shown = names.get(..limits.names).unwrap_or(names);
    page.space(2).wrap(2, 2, Paint::Plain, &shown.join(", "));
    more(page, names.len() - shown.len(), "");
}
