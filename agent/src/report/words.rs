//! Numbers, times and names as a person reads them.

use std::net::IpAddr;

use serde::Serialize;

use crate::base::{Mac, Timestamp};
use crate::engine::{DeviceRef, DeviceStatus, ExceptionStatus, RuleRef, Window};

/// Who answers for a finding that neither pages nor makes a ticket.
pub(super) fn muted(exception: &ExceptionStatus) -> String {
    let ExceptionStatus { owner, reason, expires } = exception;
    format!("Muted until {expires} by {owner}: {reason}. The verdict stays as it is.")
}

/// Bytes in decimal units: `1.2 GB`.
pub fn bytes(count: u64) -> String {
    scaled(count, &["B", "kB", "MB", "GB", "TB", "PB", "EB"], " ")
}

/// A count that fits six columns: `12345`, `1.2M`.
pub(super) fn short(count: u64) -> String {
    if count < 100_000 { count.to_string() } else { scaled(count, &["", "k", "M", "G", "T", "P", "E"], "") }
}

fn scaled(count: u64, units: &[&str], gap: &str) -> String {
    let mut value = count as f64;
    let mut at = 0;
    // 999.95 would print as 1000.0.
    while value >= 999.95 && at + 1 < units.len() {
        value /= 1000.0;
        at += 1;
    }
    let unit = units.get(at).copied().unwrap_or_default();
    if at == 0 || value >= 99.95 { format!("{value:.0}{gap}{unit}") } else { format!("{value:.1}{gap}{unit}") }
}

/// A count with separators: `1,234,567`.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 device`, `2 devices`.
pub(super) fn counted(n: u64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

/// `2026-03-01 08:01:02` in UTC.
pub(super) fn time(at: Timestamp) -> String {
    at.to_string().get(..19).unwrap_or("?").replace('T', " ")
}

/// From one time to another, the date once if it is the same: `2026-03-01 08:01:02 to 08:59:40 UTC`.
pub(super) fn span(first: Timestamp, last: Timestamp) -> String {
    let (from, to) = (time(first), time(last));
    match (from.get(..11), to.get(..11), to.get(11..)) {
        _ if from == to => format!("{from} UTC"),
        (Some(a), Some(b), Some(clock)) if a == b => format!("{from} to {clock} UTC"),
        _ => format!("{from} to {to} UTC"),
    }
}

/// How long a window lasts, in two units at most.
pub(super) fn lasting(window: &Window) -> String {
    if window.seconds < 60.0 {
        return format!("{:.1} s", window.seconds);
    }
    let seconds = window.seconds as u64;
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, h, ..) => format!("{d} d {h} h"),
    }
}

/// The word that JSON has for an enum.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// What a person calls a device: its name, else its MAC, else its address.
pub(super) fn label(name: Option<&str>, mac: Option<Mac>, ip: Option<IpAddr>) -> String {
    let name = name.filter(|n| !n.is_empty()).map(str::to_owned);
    name.or(mac.map(|m| m.to_string())).or(ip.map(|i| i.to_string())).unwrap_or_else(|| "?".to_owned())
}

/// [`label`] of a device in the table.
pub(super) fn device_label(device: &DeviceStatus) -> String {
    label(device.name.as_deref(), device.mac, device.ips.first().copied())
}

/// [`label`] of a finding's device.
pub(super) fn ref_label(device: &DeviceRef) -> String {
    label(device.name.as_deref(), device.mac, device.ip)
}

/// `a, b, c and 4 more`: the first three, duplicates left out.
pub(super) fn some_of(names: impl IntoIterator<Item = String>) -> String {
    const SHOWN: usize = 3;
    let mut all: Vec<String> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    let rest = all.len().saturating_sub(SHOWN);
    match (all.as_slice(), rest) {
        ([], _) => "none".to_owned(),
        ([one], _) => one.clone(),
        ([most @ .., last], 0) => format!("{} and {last}", most.join(", ")),
        (all, rest) => format!("{} and {} more", all.get(..SHOWN).unwrap_or(all).join(", "), count(rest as u64)),
    }
}

/// A rule and where it stands.
pub(super) fn rule(rule: &RuleRef) -> String {
    match (&rule.file, rule.line) {
        (Some(file), Some(line)) => format!("{} ({file}:{line})", rule.name),
        (Some(file), None) => format!("{} ({file})", rule.name),
        (None, _) => format!("{} (built in)", rule.name),
    }
}

/// `203.0.113.9:443`, `[2001:db8::1]:443`; without a port the address alone.
pub(super) fn socket(ip: IpAddr, port: u16) -> String {
    match ip {
        _ if port == 0 => ip.to_string(),
        IpAddr::V4(ip) => format!("{ip}:{port}"),
        IpAddr::V6(ip) => format!("[{ip}]:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0, 999, 1000, 12_345, 999_950, 2_200_000_000, u64::MAX].map(bytes),
            ["0 B", "999 B", "1.0 kB", "12.3 kB", "1.0 MB", "2.2 GB", "18.4 EB"]
        );
        assert_eq!([0, 99_999, 100_000, 1_234_567].map(short), ["0", "99999", "100k", "1.2M"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn times_read_well() {
        let at = |s: i64| Timestamp::new(1_772_352_000 + s, 0);
        assert_eq!(span(at(0), at(0)), "2026-03-01 08:00:00 UTC");
        assert_eq!(span(at(0), at(61)), "2026-03-01 08:00:00 to 08:01:01 UTC");
        assert_eq!(span(at(0), at(86_400)), "2026-03-01 08:00:00 to 2026-03-02 08:00:00 UTC");
        let lasts = |seconds| lasting(&Window { first: at(0), last: at(0), seconds });
        assert_eq!(
            [0.0, 12.54, 61.0, 4350.0, 100_000.0].map(lasts),
            ["0.0 s", "12.5 s", "1 min 1 s", "1 h 12 min", "1 d 3 h"]
        );
    }

    #[test]
    fn lists_are_bounded() {
        let list = |names: &[&str]| some_of(names.iter().map(|n| (*n).to_owned()));
        assert_eq!(list(&[]), "none");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "a"]), "a and b");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
