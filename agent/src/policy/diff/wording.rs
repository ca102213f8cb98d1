//! Changes in words.

use super::{Flows, Hosts};

const SHOWN: usize = 4;

/// `10.200.0.10 → 10.110.0.0/24 (256 addresses): tcp/554, udp/*, until 2027-06-30`.
pub(super) fn flows_text(flows: &Flows) -> String {
    let services = some(&flows.services, 8, 0);
    let about = if flows.exact { "" } else { ", in part (too many parts to tell them)" };
    format!("{} → {}: {services}{}{about}", hosts(&flows.from), hosts(&flows.to), times(flows))
}

pub(super) fn permits_text(kind: &str, flows: &Flows) -> String {
    format!("`{kind}` is no finding in {}", flows_text(flows))
}

fn hosts(hosts: &Hosts) -> String {
    let mut text = some(&hosts.addresses, SHOWN, hosts.left_out);
    let counts = [count_v4(hosts.ipv4_addresses), count_v6(&hosts.ipv6_addresses)];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let is_one = hosts.addresses.len() == 1 && hosts.addresses.iter().all(|part| !part.contains(['/', '-']));
    let is_any = hosts.addresses.iter().any(|part| part == "any");
    if is_any {
        text = "anybody".to_owned();
    } else if !is_one && !counts.is_empty() {
        text = format!("{text} ({})", counts.join(" and "));
    }
    match hosts.at_home_in.as_slice() {
        [] => text,
        zones if is_any => format!("devices at home in {} by VLAN or inventory", some(zones, SHOWN, 0)),
        zones => format!("devices with {text} at home in {} by VLAN or inventory", some(zones, SHOWN, 0)),
    }
}

fn count_v4(count: u64) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 IPv4 address".to_owned()),
        count if count > 65_536 && count.is_power_of_two() => Some(format!("2^{} IPv4 addresses", count.ilog2())),
        count => Some(format!("{count} IPv4 addresses")),
    }
}

fn count_v6(count: &str) -> Option<String> {
    match count.parse::<u128>() {
        Ok(0) => None,
        Ok(1) => Some("1 IPv6 address".to_owned()),
        Ok(count) if count <= 65_536 => Some(format!("{count} IPv6 addresses")),
        Ok(count) if count.is_power_of_two() => Some(format!("2^{} IPv6 addresses", count.ilog2())),
        Ok(count) => Some(format!("about 2^{} IPv6 addresses", count.saturating_add(count / 2).ilog2())),
        Err(_) => Some("2^128 IPv6 addresses".to_owned()),
    }
}

fn times(flows: &Flows) -> String {
    match (flows.since, flows.until) {
        (None, None) => String::new(),
        (None, Some(until)) => format!(", until {}", until.day_before()),
        (Some(since), None) => format!(", after {}", since.day_before()),
        (Some(since), Some(until)) => format!(", after {} until {}", since.day_before(), until.day_before()),
    }
}

/// `a, b, c and 4 more`; `left_out` are not even in the list.
pub(super) fn some(items: &[String], shown: usize, left_out: u64) -> String {
    let rest = items.len().saturating_sub(shown) as u64 + left_out;
    let listed = items.get(..shown.min(items.len())).unwrap_or_default().join(", ");
    if rest == 0 { listed } else { format!("{listed} and {rest} more") }
}

/// `24h`, `90m`, `45s`, as the configuration writes it.
pub(super) fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    match seconds {
        _ if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        _ if seconds % 60 == 0 => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}
