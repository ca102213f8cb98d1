//! Camera zones and the inventory, from the hosts of the first look.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::draft::{DeviceDraft, Draft, PrefixDraft, Role, ZoneDraft};
use super::prefixes::{choose, is_private, prefix, votes, word};
use super::servers::{dhcp, gateways};
use super::survey::Survey;
use crate::base::Mac;
use crate::engine::{DeviceStatus, HostStatus, Snapshot};

/// Hosts that a remark names.
const MAX_NAMED: usize = 8;

/// Proposes the zones of the cameras and lists them.
///
/// # Errors
/// Why the captures do not show enough.
pub fn draft(
    hosts: &[HostStatus],
    survey: &Survey,
    snapshot: &Snapshot,
    vendors: &[String],
) -> Result<Draft, Vec<String>> {
    let mut draft = Draft { vendors: vendors.to_vec(), ..Draft::default() };
    let cameras = cameras(hosts, survey, &mut draft)?;
    let mut links: BTreeMap<Option<u16>, Vec<&HostStatus>> = BTreeMap::new();
    for &camera in &cameras {
        links.entry(home(camera)).or_default().push(camera);
    }
    let mut members: Vec<Vec<&HostStatus>> = Vec::new();
    for (link, cameras) in &links {
        match link {
            Some(vlan) => {
                draft.zones.push(of_vlan(*vlan, cameras, hosts));
                members.push(cameras.clone());
            }
            None => {
                for (zone, cameras) in untagged(cameras, hosts) {
                    draft.zones.push(zone);
                    members.push(cameras);
                }
            }
        }
    }
    share_out(&mut draft.zones, &members);
    for (zone, members) in draft.zones.iter_mut().zip(&members) {
        gateways(zone, hosts);
        dhcp(zone, survey);
        others(zone, hosts);
        draft.devices.extend(members.iter().filter_map(|camera| device(camera, zone, snapshot)));
    }
    draft.devices.sort_by(|a, b| (&a.zone, a.mac).cmp(&(&b.zone, b.mac)));
    settle_names(&mut draft.devices);
    let listed: usize = members.iter().map(Vec::len).sum();
    if listed < cameras.len() {
        let homeless = cameras.iter().filter(|camera| !members.iter().flatten().any(|m| m.mac == camera.mac));
        return Err(homeless
            .filter_map(|camera| camera.mac)
            .map(|mac| {
                format!(
                    "camera {mac}: neither a VLAN nor a private address was seen of it, so its segment is not known"
                )
            })
            .collect());
    }
    draft.zones.extend(onboarding(&cameras, hosts));
    Ok(draft)
}

/// Those that were seen well enough to be listed.
fn cameras<'h>(
    hosts: &'h [HostStatus],
    survey: &Survey,
    draft: &mut Draft,
) -> Result<Vec<&'h HostStatus>, Vec<String>> {
    let mut doubts = Vec::new();
    let mut cameras = Vec::new();
    let tagged = survey.is_tagged || hosts.iter().any(|host| !host.vlans.is_empty());
    for host in hosts.iter().filter(|host| host.is_certain) {
        let name = host.mac.map_or_else(|| addresses(&host.ips), |mac| mac.to_string());
        match (host.mac, host.sent, host.received) {
            (None, ..) => doubts.push(format!("camera {name}: it was not seen on its own link")),
            _ if host.first.is_none() => doubts.push(format!("camera {name}: it was not seen")),
            (_, 0, 0) => {
                draft.omitted.push(format!(
                    "device {name}: no unicast frame of it was seen, so nothing is known of its traffic"
                ));
            }
            (_, 0, _) => doubts.push(format!("camera {name}: one-direction: frames to it were seen, but none from it")),
            (_, _, 0) => doubts.push(format!("camera {name}: one-direction: frames from it were seen, but none to it")),
            _ if tagged && host.vlans.is_empty() => {
                doubts.push(format!("camera {name}: untagged: its frames have no VLAN tag, and others have one"));
            }
            _ => cameras.push(host),
        }
    }
    if cameras.is_empty() && doubts.is_empty() {
        doubts.push(format!(
            "no camera was seen: no device of {} that sent and received; --vendor or --camera say what else is one",
            draft.vendors.join(", ")
        ));
    }
    if survey.is_full {
        doubts.push("more DHCP answers than can be kept".to_owned());
    }
    if doubts.is_empty() { Ok(cameras) } else { Err(doubts) }
}

/// The VLAN in which it does more than boot.
fn home(camera: &HostStatus) -> Option<u16> {
    let lives = camera.vlans.iter().find(|seen| !seen.only_boots);
    lives.or(camera.vlans.first()).map(|seen| seen.vlan)
}

fn of_vlan(vlan: u16, cameras: &[&HostStatus], hosts: &[HostStatus]) -> ZoneDraft {
    let mut votes = votes(Some(vlan), cameras, hosts);
    let mut remarks = Vec::new();
    votes.retain(|net, vote| {
        let elsewhere = !vote.is_leased && !vote.has_gateway && lives_elsewhere(net, vlan, hosts);
        if elsewhere {
            remarks.push(format!("not proposed: prefix {net}: other hosts with such addresses live in another VLAN"));
        }
        !elsewhere
    });
    let (prefixes, others) = choose(&votes);
    remarks
        .extend(others.iter().map(|net| format!("not proposed: prefix {net}: one camera alone has such an address")));
    let public: BTreeSet<IpAddr> = cameras
        .iter()
        .flat_map(|camera| &camera.ips)
        .copied()
        .filter(|&ip| !is_private(ip) && !is_link_local(ip))
        .collect();
    if !public.is_empty() {
        remarks.push(format!(
            "not proposed: a prefix for {}: public addresses; if they are yours, add their prefix",
            named(public.iter().map(IpAddr::to_string))
        ));
    }
    let mut zone = ZoneDraft::new(format!("cameras-{vlan}"), Role::Cameras, Some(vlan), prefixes);
    zone.remarks = remarks;
    for camera in cameras {
        let strange = camera.vlans.iter().filter(|seen| seen.vlan != vlan && !seen.only_boots);
        for (mac, seen) in camera.mac.into_iter().flat_map(|mac| strange.clone().map(move |seen| (mac, seen))) {
            zone.remarks.push(format!("{mac} was seen in VLAN {} too, which stays a finding", seen.vlan));
        }
    }
    zone
}

/// Addresses of a camera, without those that it announced in other VLANs alone.
pub(super) fn own(camera: &HostStatus, link: Option<u16>) -> impl Iterator<Item = IpAddr> {
    let announced =
        move |ip: IpAddr, here: bool| camera.claims.iter().any(|claim| claim.1 == ip && (claim.0 == link) == here);
    camera.ips.iter().copied().filter(move |&ip| announced(ip, true) || !announced(ip, false))
}

/// Segments without tags: by the best prefix of each camera.
fn untagged<'h>(cameras: &[&'h HostStatus], hosts: &[HostStatus]) -> Vec<(ZoneDraft, Vec<&'h HostStatus>)> {
    let votes = votes(None, cameras, hosts);
    let has = |net: &IpNet, camera: &HostStatus| camera.ips.iter().any(|ip| net.contains(ip));
    let mut segments: BTreeMap<IpNet, Vec<&HostStatus>> = BTreeMap::new();
    for &camera in cameras {
        let own = votes.iter().filter(|(net, _)| has(net, camera));
        let best = own.max_by_key(|(net, vote)| (matches!(net, IpNet::V4(_)), vote.rank(), std::cmp::Reverse(**net)));
        if let Some((net, _)) = best {
            segments.entry(*net).or_default().push(camera);
        }
    }
    let mut zones = Vec::new();
    for (net, members) in segments {
        let second = |other: &IpNet| net.network().is_ipv4() && matches!(other, IpNet::V6(_));
        let prefixes = votes
            .iter()
            .filter(|(other, _)| **other == net || second(other) && members.iter().any(|camera| has(other, camera)))
            .map(|(net, vote)| prefix(*net, vote))
            .collect();
        zones.push((ZoneDraft::new(format!("cameras-{}", word(&net)), Role::Cameras, None, prefixes), members));
    }
    zones
}

/// A prefix belongs to one zone: to that with most cameras in it.
fn share_out(zones: &mut [ZoneDraft], members: &[Vec<&HostStatus>]) {
    let mut owners: BTreeMap<IpNet, (usize, usize)> = BTreeMap::new();
    for (at, (zone, cameras)) in zones.iter().zip(members).enumerate() {
        for PrefixDraft { net, .. } in &zone.prefixes {
            let here = cameras.iter().filter(|camera| camera.ips.iter().any(|ip| net.contains(ip))).count();
            let owner = owners.entry(*net).or_insert((at, here));
            if here > owner.1 {
                *owner = (at, here);
            }
        }
    }
    for (at, zone) in zones.iter_mut().enumerate() {
        let (kept, lost): (Vec<_>, Vec<_>) =
            zone.prefixes.iter().partition(|prefix| owners.get(&prefix.net).is_none_or(|owner| owner.0 == at));
        zone.prefixes = kept;
        let remark =
            |lost: PrefixDraft| format!("not proposed: prefix {}: it is that of another camera zone too", lost.net);
        zone.remarks.extend(lost.into_iter().map(remark));
    }
}

/// VLANs in which cameras did nothing but boot before they came home, and where nobody else lives.
fn onboarding(cameras: &[&HostStatus], hosts: &[HostStatus]) -> Vec<ZoneDraft> {
    let mut vlans: BTreeMap<u16, bool> = BTreeMap::new();
    for camera in cameras {
        let at_home = camera.vlans.iter().find(|seen| Some(seen.vlan) == home(camera));
        for seen in camera.vlans.iter().filter(|seen| Some(seen.vlan) != home(camera)) {
            let boots =
                seen.only_boots && at_home.is_some_and(|home| !home.only_boots) && came_before(camera, seen.vlan);
            *vlans.entry(seen.vlan).or_insert(true) &= boots;
        }
    }
    let lives = |host: &&HostStatus, vlan: u16| host.vlans.iter().any(|seen| seen.vlan == vlan && !seen.only_boots);
    let inhabited = |vlan: u16| {
        let strangers = hosts.iter().filter(|host| !host.is_gateway && lives(host, vlan));
        strangers.count() > 1 || cameras.iter().any(|camera| home(camera) == Some(vlan))
    };
    let boots = vlans.into_iter().filter(|&(vlan, boots)| boots && !inhabited(vlan));
    boots
        .map(|(vlan, _)| ZoneDraft::new(format!("onboarding-{vlan}"), Role::Onboarding, Some(vlan), Vec::new()))
        .collect()
}

/// The camera was seen in this VLAN before it was seen at home.
fn came_before(camera: &HostStatus, vlan: u16) -> bool {
    let first = camera.vlans.iter().find(|seen| seen.vlan == vlan || Some(seen.vlan) == home(camera));
    first.is_some_and(|first| first.vlan == vlan)
}

/// Hosts of a camera zone that are not listed, so that they stay a notice.
fn others(zone: &mut ZoneDraft, hosts: &[HostStatus]) {
    let here = |host: &&HostStatus| match zone.vlan {
        Some(vlan) => host.vlans.iter().any(|seen| seen.vlan == vlan),
        None => host.vlans.is_empty() && host.mac.is_some() && host.claims.iter().any(|claim| zone.holds(claim.1)),
    };
    let strangers = hosts.iter().filter(|host| !host.is_certain && !host.is_gateway).filter(here);
    let names: Vec<String> = strangers
        .filter_map(|host| {
            let vendor = host.vendor.as_deref().map(|vendor| format!(" {vendor}")).unwrap_or_default();
            Some(format!("{}{vendor} ({})", host.mac?, addresses(&host.ips)))
        })
        .collect();
    if !names.is_empty() {
        zone.remarks.push(format!("also lives here, watched but not listed: {}", named(names.into_iter())));
    }
}

fn device(camera: &HostStatus, zone: &ZoneDraft, snapshot: &Snapshot) -> Option<DeviceDraft> {
    let mac = camera.mac?;
    let status = snapshot.devices.iter().find(|device| device.mac == Some(mac));
    let text = |of: fn(&DeviceStatus) -> &Option<String>| status.and_then(|status| of(status).clone());
    let ip = own(camera, zone.vlan).find(|&ip| zone.holds(ip));
    let hints: Vec<String> = status
        .into_iter()
        .flat_map(|status| &status.hints)
        .filter(|hint| hint.source != "inventory")
        .map(|hint| format!("{} {} by {}", hint.says, hint.value, hint.source))
        .collect();
    let known = if hints.is_empty() { "named with --camera".to_owned() } else { hints.join(", ") };
    let others: Vec<IpAddr> =
        camera.ips.iter().copied().filter(|&other| Some(other) != ip && !is_link_local(other)).collect();
    let also = if others.is_empty() { String::new() } else { format!("; also {}", addresses(&others)) };
    Some(DeviceDraft {
        name: name(mac, 3),
        mac,
        ip,
        zone: zone.name.clone(),
        model: text(|status| &status.model),
        firmware: text(|status| &status.firmware),
        remark: format!("{known}; {} frames sent, {} received{also}", camera.sent, camera.received),
    })
}

/// Names and addresses that two cameras have are made different, or left out.
fn settle_names(devices: &mut [DeviceDraft]) {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut ips: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for device in devices.iter() {
        *names.entry(device.name.clone()).or_default() += 1;
        if let Some(ip) = device.ip {
            *ips.entry(ip).or_default() += 1;
        }
    }
    for device in devices {
        if names.get(&device.name).is_some_and(|count| *count > 1) {
            device.name = name(device.mac, 6);
        }
        if device.ip.is_some_and(|ip| ips.get(&ip).is_some_and(|count| *count > 1)) {
            device.ip = None;
            device.remark.push_str("; its address is another camera's too");
        }
    }
}

/// From the last octets of a MAC, so that it stays the same whatever else is seen.
fn name(mac: Mac, octets: usize) -> String {
    let hex: String = mac.0.iter().skip(6 - octets.min(6)).map(|octet| format!("{octet:02x}")).collect();
    format!("camera-{hex}")
}

fn lives_elsewhere(net: &IpNet, vlan: u16, hosts: &[HostStatus]) -> bool {
    let strangers = hosts.iter().filter(|host| !host.is_certain && !host.is_gateway);
    strangers
        .flat_map(|host| &host.claims)
        .any(|(other, ip)| other.is_some_and(|other| other != vlan) && net.contains(ip))
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}

fn addresses(ips: &[IpAddr]) -> String {
    if ips.is_empty() { "no address".to_owned() } else { named(ips.iter().map(IpAddr::to_string)) }
}

/// The first few, and how many more.
pub(super) fn named(items: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = items.collect();
    let more = all.len().saturating_sub(MAX_NAMED);
    let text = all.into_iter().take(MAX_NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}
