//! What is never proposed, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::draft::Draft;
use super::talks::{Talk, TalkKey, Talks};
use crate::base::Mac;
use crate::engine::Snapshot;
use crate::finding::Kind;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;

/// Services of one host above which the one who asks for them looks for what there is.
const MAX_SERVICES: usize = 8;
/// Talks without a conversation that a host outside may have, if they are fewer than a quarter of its talks.
const MAX_FAILED: usize = 1;
/// The same for a camera, whose blocked servers are none of its doing.
const MAX_FAILED_OF_CAMERA: usize = 4;
/// RTSP (RFC 7826), whose video comes over UDP ports that the two agree upon.
const RTSP: [u16; 3] = [554, 8554, 10554];
/// Sent without waiting for an answer: SNMP traps (RFC 3417), syslog (RFC 5426).
const ONE_WAY: [u16; 2] = [162, 514];
/// SSH, telnet, rlogin and rsh, RDP, ADB, VNC, WinRM.
const SHELLS: [u16; 10] = [22, 23, 513, 514, 2323, 3389, 5555, 5900, 5985, 5986];
/// RPC and SMB, which spread what they should not.
const WINDOWS: [u16; 3] = [135, 139, 445];

/// Who and what is suspect.
pub(super) struct Suspects {
    scanners: BTreeMap<IpAddr, String>,
    /// Pairs with a tunnel, an attack or a port mapping between them.
    pairs: BTreeMap<(IpAddr, IpAddr), &'static str>,
    /// Addresses of devices that are where they must not be.
    breached: BTreeMap<IpAddr, &'static str>,
    cameras: BTreeSet<IpAddr>,
    media: BTreeMap<TalkKey, Media>,
}

/// A datagram flow that belongs to an RTSP session: who asked for it, and the camera's port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Media {
    pub(super) client: IpAddr,
    pub(super) server: IpAddr,
    pub(super) port: u16,
}

impl Suspects {
    pub(super) fn new(draft: &Draft, talks: &Talks, snapshot: &Snapshot) -> Suspects {
        let mut suspects = Suspects {
            scanners: BTreeMap::new(),
            pairs: BTreeMap::new(),
            breached: BTreeMap::new(),
            cameras: draft.devices.iter().filter_map(|device| device.ip).collect(),
            media: media(talks),
        };
        suspects.read_findings(snapshot);
        suspects.find_scanners(talks);
        suspects
    }

    pub(super) fn media(&self, key: &TalkKey) -> Option<Media> {
        self.media.get(key).copied()
    }

    /// Why a talk is not proposed; `None` if it may be.
    pub(super) fn reason(&self, key: &TalkKey, talk: &Talk) -> Option<String> {
        let pair = self.pairs.get(&(key.from, key.to)).or_else(|| self.pairs.get(&(key.to, key.from)));
        let breach = self.breached.get(&key.from).or_else(|| self.breached.get(&key.to));
        if let Some(kind) = pair.or(breach) {
            return Some(format!("there is a finding of kind {kind} about them"));
        }
        if let Some(why) = self.scanners.get(&key.from) {
            return Some(why.clone());
        }
        if key.proto == TCP && SHELLS.contains(&key.port) {
            return Some("remote control: write this conduit yourself if it is meant".to_owned());
        }
        if key.proto == TCP && WINDOWS.contains(&key.port) && self.cameras.contains(&key.to) {
            return Some("a camera offers no files to others".to_owned());
        }
        if self.media.contains_key(key) || is_one_way(key) && talk.is_delivered {
            return None;
        }
        if !matches!(key.proto, ICMP | TCP | UDP | ICMPV6 | SCTP) {
            return Some("neither TCP, UDP, SCTP nor ping".to_owned());
        }
        if !talk.is_conversation {
            return Some("nobody answered, or with a refusal".to_owned());
        }
        if !talk.is_directed {
            return Some("it is not clear which end opened it, nor for which service".to_owned());
        }
        None
    }

    fn read_findings(&mut self, snapshot: &Snapshot) {
        let addresses = |mac: Option<Mac>| {
            let device = snapshot.devices.iter().find(move |device| mac.is_some() && device.mac == mac);
            device.into_iter().flat_map(|device| device.ips.iter().copied())
        };
        for finding in &snapshot.findings {
            let kind = finding.kind.name();
            let own: BTreeSet<IpAddr> = addresses(finding.device.mac).chain(finding.device.ip).collect();
            match finding.kind {
                Kind::InternetEgress | Kind::InternetIngress | Kind::CrossZoneEgress | Kind::CrossZoneIngress => {}
                Kind::UnknownDevice | Kind::ForeignAddress | Kind::Drill => {}
                _ if finding.peers.is_empty() => self.breached.extend(own.into_iter().map(|ip| (ip, kind))),
                _ => {
                    for peer in &finding.peers {
                        self.pairs.extend(own.iter().map(|&ip| ((ip, peer.ip), kind)));
                    }
                }
            }
        }
    }

    fn find_scanners(&mut self, talks: &Talks) {
        #[derive(Default)]
        struct Asked {
            talks: BTreeMap<(IpAddr, u8, u16), bool>,
            services: BTreeMap<IpAddr, BTreeSet<(u8, u16)>>,
        }
        let mut sources: BTreeMap<IpAddr, Asked> = BTreeMap::new();
        for (key, talk) in talks.all.iter().filter(|(key, _)| !self.media.contains_key(key)) {
            let asked = sources.entry(key.from).or_default();
            let went_well = talk.is_conversation || is_one_way(key) && talk.is_delivered;
            *asked.talks.entry((key.to, key.proto, key.port)).or_default() |= went_well;
            asked.services.entry(key.to).or_default().insert((key.proto, key.port));
        }
        for (source, asked) in sources {
            let (total, failed) = (asked.talks.len(), asked.talks.values().filter(|went_well| !**went_well).count());
            let most = asked.services.values().map(BTreeSet::len).max().unwrap_or(0);
            let bearable = if self.cameras.contains(&source) { MAX_FAILED_OF_CAMERA } else { MAX_FAILED };
            if most > MAX_SERVICES {
                self.scanners.insert(source, format!("it looks like a scan: {most} services of one host were tried"));
            } else if failed > bearable && failed * 4 >= total {
                let why = format!("it looks like a scan: no conversation came of {failed} of {total} tries");
                self.scanners.insert(source, why);
            }
        }
    }
}

fn is_one_way(key: &TalkKey) -> bool {
    key.proto == UDP && ONE_WAY.contains(&key.port)
}

/// Datagrams between two hosts of which one asked the other for video.
fn media(talks: &Talks) -> BTreeMap<TalkKey, Media> {
    let sessions: BTreeSet<(IpAddr, IpAddr)> = talks
        .all
        .iter()
        .filter(|(key, talk)| {
            key.proto == TCP && RTSP.contains(&key.port) && talk.is_conversation && talk.is_directed && talk.is_denied
        })
        .map(|(key, _)| (key.from, key.to))
        .collect();
    let datagrams = talks.all.keys().filter(|key| key.proto == UDP && key.port >= 1024);
    datagrams
        .filter_map(|key| {
            let via = key.via.filter(|&via| via >= 1024);
            let media = if sessions.contains(&(key.from, key.to)) {
                Media { client: key.from, server: key.to, port: key.port }
            } else if let (true, Some(port)) = (sessions.contains(&(key.to, key.from)), via) {
                Media { client: key.to, server: key.from, port }
            } else {
                return None;
            };
            Some((*key, media))
        })
        .collect()
}
