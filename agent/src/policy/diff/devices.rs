//! The inventory: who is watched and missed, and where everybody is at home.

use super::pairing::Pairing;
use super::{PolicyDiff, What};
use crate::base::Timestamp;
use crate::policy::{CLINICAL, InventoryDevice, Policy, ZoneId, is_known_use, is_used_as};

pub(super) fn compare(old: &Policy, new: &Policy, pairing: &Pairing, diff: &mut PolicyDiff) {
    let mut left: Vec<&InventoryDevice> = old.inventory.iter().collect();
    let mut take = |is: &dyn Fn(&InventoryDevice) -> bool| {
        let at = left.iter().position(|device| is(device))?;
        Some(left.remove(at))
    };
    let mut added = Vec::new();
    for device in &new.inventory {
        let by_mac = device.mac.and_then(|mac| take(&|other| other.mac == Some(mac)));
        let same = by_mac.or_else(|| {
            device
                .ip
                .and_then(|ip| take(&|other| other.ip == Some(ip) && (other.mac.is_none() || device.mac.is_none())))
        });
        match same {
            Some(before) => changed((old, before), (new, device), pairing, diff),
            None => added.push(device),
        }
    }
    for device in &left {
        let text = "no longer listed: not watched for being listed, not at home by it, and not missed";
        diff.open(What::Device, &label(device), text, Some(&device.place));
        let text = "no longer listed: noticed as a device that nobody knows";
        diff.close(What::Device, &label(device), text, Some(&device.place));
    }
    for device in added {
        let text = "newly listed: watched wherever it is, and missed where it is not";
        diff.close(What::Device, &label(device), text, Some(&device.place));
        let home =
            device.zone.and_then(|id| new.zone(id)).map_or(String::new(), |zone| format!(", at home in {}", zone.name));
        let text = format!("newly listed: no longer noticed as a device that nobody knows{home}");
        diff.open(What::Device, &label(device), text, Some(&device.place));
    }
    match (old.inventory.is_empty(), new.inventory.is_empty()) {
        (false, true) => {
            diff.open(What::Device, "devices", "no inventory: a device that nobody listed is not noticed", None)
        }
        (true, false) => {
            diff.close(What::Device, "devices", "an inventory: a device that it does not list is noticed", None)
        }
        _ => {}
    }
}

fn changed(
    (old, before): (&Policy, &InventoryDevice),
    (new, after): (&Policy, &InventoryDevice),
    pairing: &Pairing,
    diff: &mut PolicyDiff,
) {
    let InventoryDevice { name, mac, ip, zone, use_, model, firmware, sensor: _, out_of_service, place } = after;
    let who = label(after);
    let place = Some(place);
    let both = |diff: &mut PolicyDiff, opens: String, closes: String| {
        diff.open(What::Device, &who, opens, place);
        diff.close(What::Device, &who, closes, place);
    };
    let zone_name = |policy: &Policy, id: Option<ZoneId>| {
        id.and_then(|id| policy.zone(id)).map_or("no zone of its own".to_owned(), |zone| zone.name.clone())
    };
    if !pairing.is_same(before.zone, *zone) {
        let (from, to) = (zone_name(old, before.zone), zone_name(new, *zone));
        both(diff, format!("at home in {to}, was in {from}"), format!("no longer at home in {from}"));
    }
    if before.mac != *mac {
        let said = |mac: Option<crate::base::Mac>| mac.map_or("none".to_owned(), |mac| mac.to_string());
        let text = format!("known by MAC {}, was {}", said(*mac), said(before.mac));
        both(diff, text.clone(), text);
    }
    if before.ip != *ip {
        let said = |ip: Option<std::net::IpAddr>| ip.map_or("none".to_owned(), |ip| ip.to_string());
        let text = format!("listed with address {}, was {}", said(*ip), said(before.ip));
        both(diff, text.clone(), text);
    }
    match (is_here(old, before), is_here(new, after)) {
        (true, false) => diff.open(What::Device, &who, "expected at another sensor: not missed here", place),
        (false, true) => diff.close(What::Device, &who, "expected at this sensor: missed where it is not seen", place),
        _ if before.sensor != after.sensor => {
            let text = format!("its sensor was `{}`, is `{}`", before.sensor, after.sensor);
            diff.note(What::Name, &who, text, place);
        }
        _ => {}
    }
    if before.out_of_service != *out_of_service {
        let said = |until: Option<Timestamp>| {
            until.map_or("in service".to_owned(), |until| format!("out of service until {}", until.day_before()))
        };
        let text = format!("{}, was {}", said(*out_of_service), said(before.out_of_service));
        match before.out_of_service < *out_of_service {
            true => diff.open(What::Device, &who, format!("not missed: {text}"), place),
            false => diff.close(What::Device, &who, format!("missed where it is not seen: {text}"), place),
        }
    }
    let [was_clinical, is_clinical] = [&before.use_, use_].map(|text| is_used_as(&CLINICAL, text));
    match (was_clinical, is_clinical) {
        (true, false) => diff.open(What::Device, &who, "no longer listed as of clinical use", place),
        (false, true) => diff.close(What::Device, &who, "listed as of clinical use", place),
        (true, true) => {}
        (false, false) => match (is_known_use(&before.use_), is_known_use(use_)) {
            (true, false) => diff.close(What::Device, &who, "its use is no longer listed", place),
            (false, true) => diff.open(What::Device, &who, "its use is listed now, and is not clinical", place),
            _ => {}
        },
    }
    for (key, before, after) in [
        ("name", &before.name, name),
        ("use", &before.use_, use_),
        ("model", &before.model, model),
        ("firmware", &before.firmware, firmware),
    ] {
        if before != after {
            diff.note(What::Name, &who, format!("{key} was `{before}`, is `{after}`"), place);
        }
    }
}

fn is_here(policy: &Policy, device: &InventoryDevice) -> bool {
    device.sensor.is_empty() || device.sensor == policy.sensor
}

fn label(device: &InventoryDevice) -> String {
    let name = Some(device.name.clone()).filter(|name| !name.is_empty());
    let address = || device.mac.map(|mac| mac.to_string()).or(device.ip.map(|ip| ip.to_string()));
    name.or_else(address).unwrap_or_default()
}
