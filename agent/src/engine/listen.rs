//! What payload says of its sender. Only the first packets of a flow are looked at, and all of the protocols by which
//! devices find each other.

use std::net::IpAddr;

use super::Engine;
use super::changes::SADP;
use super::direction::{TCP, UDP};
use crate::base::{Mac, Timestamp};
use crate::device::{DeviceId, Key};
use crate::flow::{End, FlowId, Side};
use crate::hint::{
    Clue, Confidence, SADP_ETHERTYPE, Says, Source, client, datagram, datagram_may_begin, is_discovery, sadp_frame,
};
use crate::packet::{Decoded, Fragment, Layer, Link};
use crate::policy::Scope;

/// Packets of each end of a flow whose payload is looked at.
const MAX_PACKETS: u64 = 16;
const DNS: u16 = 53;
const DHCP_CLIENT: u16 = 68;

/// Who speaks.
struct Speaker {
    end: End,
    /// Of the frame.
    mac: Option<Mac>,
    ip: Option<IpAddr>,
    vlan: Option<u16>,
}

/// Whether the payload of a packet is worth a look, given how many its sender has sent in its flow.
#[inline]
pub(super) fn is_worth_a_look(layer: &Layer, packets: u64) -> bool {
    match layer.proto {
        TCP => packets <= MAX_PACKETS,
        UDP => {
            packets <= MAX_PACKETS
                || matches!(layer.sport, DNS | DHCP_CLIENT)
                || layer.dport == DNS
                || is_discovery(layer.sport)
                || is_discovery(layer.dport)
        }
        _ => false,
    }
}

impl Engine {
    /// Looks into the payload of a packet (no copy) that is worth it.
    pub(super) fn listen(
        &mut self,
        (id, from): (FlowId, Side),
        layer: &Layer,
        link: &Link,
        vlan: Option<u16>,
        payload: &[u8],
        at: Timestamp,
    ) {
        // What a tunnel carries was said on another link.
        if !layer.on_link || link.tunnelled || matches!(layer.fragment, Fragment::Later(_)) {
            return;
        }
        if layer.proto == UDP && layer.dport == SADP {
            self.hears_discovery(link, vlan, layer, payload, at);
        }
        let Some(flow) = self.flows.get(id) else { return };
        let (key, end) = (flow.key, flow.ends[from as usize]);
        let speaker = Speaker { end, mac: link.src, ip: Some(layer.src), vlan };
        // A host of the internet is nobody's device, but a device may have been given such an address.
        let is_inside = end.mac.is_some() || self.policy.scope(layer.src) != Scope::Internet;
        match (layer.proto, layer.tcp) {
            (UDP, _) if layer.dport == DNS || layer.sport == DNS => self.looks_up(end.device, layer, payload, at),
            (UDP, _) if layer.sport == DHCP_CLIENT => {
                if let Some(clue) = client(payload, &self.options.knowledge.marks) {
                    self.weigh(&speaker, clue, at);
                }
            }
            (UDP, _) if is_inside && datagram_may_begin(layer.sport, payload) => {
                if let Some(clue) = datagram(layer.sport, layer.dport, payload, &self.options.knowledge.marks) {
                    self.weigh(&speaker, clue, at);
                }
            }
            (TCP, Some(_)) if layer.dport == DNS || layer.sport == DNS => {
                // Two bytes of length (RFC 1035, section 4.2.2).
                if let Some(message) = payload.get(2..) {
                    self.looks_up(end.device, layer, message, at);
                }
            }
            (TCP, Some(tcp)) if is_inside => {
                let is_whole = payload.len() == layer.payload_len as usize;
                let reading = self.streams.read((&key, from), tcp.seq, payload, is_whole, &self.options.knowledge);
                let Some(reading) = reading else { return };
                for clue in reading.clues {
                    self.weigh(&speaker, clue, at);
                }
                if let Some(name) = reading.server_name {
                    self.asks_for(&speaker, &name, layer.dst, at);
                }
            }
            _ => {}
        }
    }

    /// A frame without IP: SADP in raw Ethernet.
    pub(super) fn listen_to_frame(
        &mut self,
        link: &Link,
        vlan: Option<u16>,
        decoded: &Decoded,
        data: &[u8],
        at: Timestamp,
    ) {
        // What a tunnel carries was said on another link.
        if decoded.ethertype != SADP_ETHERTYPE || decoded.links.iter().skip(1).any(|link| !link.mirrored) {
            return;
        }
        let Some(payload) = data.get(decoded.link_payload..) else { return };
        self.hears_discovery_frame(link, vlan, payload, at);
        if let Some(clue) = sadp_frame(payload) {
            self.weigh(&Speaker { end: End::default(), mac: link.src, ip: None, vlan }, clue, at);
        }
    }

    /// A TLS client names the host that it wants.
    fn asks_for(&mut self, speaker: &Speaker, name: &str, server: IpAddr, at: Timestamp) {
        self.lookups.learn(server, name);
        if self.options.knowledge.clouds.find(name).is_some() {
            self.weigh(speaker, Clue::new(Source::Tls, Confidence::Low).with(Says::Asks, name), at);
        }
    }

    /// Takes in what somebody says, if it is about himself.
    fn weigh(&mut self, speaker: &Speaker, mut clue: Clue, at: Timestamp) {
        if let (None, Some(vendor)) = (clue.fact(Says::Vendor), clue.mac.and_then(|mac| self.vendors.vendor(mac)))
            && clue.source != Source::Dhcp
        {
            let vendor = vendor.to_owned();
            clue.say(Says::Vendor, &vendor);
        }
        let Some((id, certain)) = self.subject(speaker, &clue) else { return };
        if certain && matches!(clue.source, Source::Sadp | Source::SadpFrame | Source::WsDiscovery) {
            self.claims_itself(id, speaker, &clue, at);
        }
        self.take_clue(id, &clue, certain, at);
    }

    /// The device that a clue is about, and whether it gave the MAC that its frames carry. A gateway passes on what
    /// others say, also in its own name.
    fn subject(&mut self, speaker: &Speaker, clue: &Clue) -> Option<(DeviceId, bool)> {
        if let (Some(said), Some(mac)) = (clue.mac, speaker.mac)
            && said == mac
        {
            return Some((self.device_of_mac(mac)?, true));
        }
        if clue.source == Source::Dhcp {
            // A relay passes it on.
            return Some((self.devices.by_mac(clue.mac?)?, false));
        }
        let ip = speaker.ip?;
        let confirms = clue.addresses.contains(&ip);
        let contradicts = clue.addresses.iter().any(|said| said.is_ipv4() == ip.is_ipv4()) && !confirms;
        let other_mac = clue.mac.is_some() && speaker.end.mac.is_some() && !confirms;
        if contradicts || other_mac {
            return None;
        }
        match speaker.end.device {
            Some(id) => self.devices.get(id).filter(|d| !d.gateway || d.only_seemed_to_route()).map(|_| (id, false)),
            None => {
                let vendor = clue.fact(Says::Vendor).filter(|_| clue.confidence > Confidence::Low)?;
                let is_inside = matches!(self.policy.scope(ip), Scope::Internal | Scope::Zone(_));
                let is_gateway = self.policy.zones.iter().any(|zone| zone.gateways.contains(&ip));
                if !is_inside || is_gateway || !self.policy.watch_vendors.iter().any(|watched| watched == vendor) {
                    return None;
                }
                let known = self.devices.by_ip(ip);
                let id = known.or_else(|| {
                    let id = self.devices.add(Key::Ip(ip), false)?;
                    self.epoch += 1;
                    self.devices.get_mut(id)?.add_address(ip);
                    Some(id)
                })?;
                Some((id, false))
            }
        }
    }

    /// SADP and ONVIF claim an address as ARP does, and SADP gives the mask with it.
    fn claims_itself(&mut self, id: DeviceId, speaker: &Speaker, clue: &Clue, at: Timestamp) {
        let Some(mac) = speaker.mac else { return };
        let own = |ip: &IpAddr| clue.source != Source::WsDiscovery || speaker.ip == Some(*ip);
        for &ip in clue.addresses.iter().filter(|ip| own(ip)) {
            if self.policy.scope(ip) != Scope::Local {
                self.claim(speaker.vlan, ip, mac, at);
            }
        }
        if let Some(device) = self.devices.get_mut(id)
            && clue.mask.is_some()
            && device.mask != clue.mask
        {
            device.mask = clue.mask;
            self.epoch += 1;
        }
    }
}
