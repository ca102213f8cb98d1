//! Small parts that sections share.

use std::fmt::Write;
use std::net::IpAddr;

use crate::base::{Mac, Timestamp, html};
use crate::engine::{DeviceRef, DeviceStatus, RuleRef};

/// What a device is told apart by: its MAC, else its address, else its name.
pub(super) type Key<'s> = (Option<Mac>, Option<IpAddr>, Option<&'s str>);

pub(super) fn key_of(device: &DeviceStatus) -> Key<'_> {
    key(device.mac, device.ips.first().copied(), device.name.as_deref())
}

pub(super) fn key_of_ref(device: &DeviceRef) -> Key<'_> {
    key(device.mac, device.ip, device.name.as_deref())
}

fn key(mac: Option<Mac>, ip: Option<IpAddr>, name: Option<&str>) -> Key<'_> {
    match (mac, ip) {
        (Some(_), _) => (mac, None, None),
        (None, Some(_)) => (None, ip, None),
        (None, None) => (None, None, name),
    }
}

/// A word in its colour.
pub(super) fn badge(word: &str) -> String {
    format!("<span class=\"badge {word}\">{word}</span>")
}

/// A device in one line, by what people call it.
pub(super) fn called(device: &DeviceRef) -> String {
    let mac = || device.mac.map(|mac| mac.to_string());
    let ip = || device.ip.map(|ip| ip.to_string());
    html(&device.name.clone().or_else(mac).or_else(ip).unwrap_or_default())
}

/// A device with what it is known by.
pub(super) fn name(device: &DeviceStatus) -> String {
    let mac = device.mac.map(|mac| mac.to_string());
    match (&device.name, &mac) {
        (Some(name), Some(mac)) => format!("{}<br><code class=\"dim\">{mac}</code>", html(name)),
        (Some(name), None) => html(name),
        (None, Some(mac)) => format!("<code>{mac}</code>"),
        (None, None) => device.ips.first().map(|ip| format!("<code>{ip}</code>")).unwrap_or_default(),
    }
}

/// Where a rule stands in its file; nothing for rules that are built in.
pub(super) fn place(rule: &RuleRef) -> String {
    match (&rule.file, rule.line) {
        (Some(file), Some(line)) => format!(" <code>{}:{line}</code>", html(file)),
        _ => String::new(),
    }
}

/// How many are not shown, and where they are.
pub(super) fn more(page: &mut String, all: usize, shown: usize, link: &str) {
    if all > shown {
        let _ = writeln!(page, "<p>And {} more: <a href=\"{link}\">all {all} (JSON)</a>.</p>", all - shown);
    }
}

/// To the second.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).map_or(text.clone(), |seconds| format!("{}Z", seconds.replace('T', " ")))
}

/// Begins a table that is scrolled by itself where it is too wide, with the keyboard too.
pub(super) fn table(page: &mut String, label: &str, class: &str, columns: &[&str]) {
    let _ = write!(
        page,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\"><table class=\"{class}\">\n<thead><tr>"
    );
    for column in columns {
        let _ = write!(page, "<th scope=\"col\">{column}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
}

/// Ends it.
pub(super) const TABLE_END: &str = "</tbody></table></div>\n";

/// For a query (RFC 3986, section 2.1).
pub(super) fn percent(text: &str) -> String {
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
