//! JSON lines in the shape of Suricata's EVE log (`eve-json-format` in its documentation), appended to a file. What
//! Suricata has no word for stands under `segwatch`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use super::{Batch, Origin, Sink, Stats};
use crate::base::{Timestamp, escape_json};
use crate::engine::{Event, FindingStatus, FlowRow, PeerStatus};

/// Appends to a file; one that was moved away is made anew.
pub struct Eve {
    path: PathBuf,
    origin: Origin,
    file: Option<File>,
}

impl Eve {
    /// One that will write to this file.
    pub fn new(path: &Path, origin: Origin) -> Eve {
        Eve { path: path.to_owned(), origin, file: None }
    }

    fn file(&mut self) -> io::Result<&mut File> {
        let same = |file: &File, path: &Path| {
            let there = std::fs::metadata(path)?;
            io::Result::Ok(file.metadata()?.ino() == there.ino() && file.metadata()?.dev() == there.dev())
        };
        if self.file.as_ref().is_none_or(|file| !same(file, &self.path).unwrap_or(false)) {
            self.file = Some(OpenOptions::new().append(true).create(true).mode(0o640).open(&self.path)?);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Sink for Eve {
    fn write(&mut self, batch: &Batch, from: &mut usize) -> io::Result<()> {
        let lines: Vec<String> = lines(batch, &self.origin);
        let file = self.file()?;
        // A line is written whole or, where the disk ends, taken back.
        for line in lines.iter().skip(*from) {
            let before = file.metadata()?.len();
            if let Err(error) = file.write_all(line.as_bytes()) {
                let _ = file.set_len(before);
                return Err(error);
            }
            *from += 1;
        }
        Ok(())
    }
}

/// One line for each record, in the order of [`Batch`]; an empty one for what EVE has no event for.
pub fn lines(batch: &Batch, origin: &Origin) -> Vec<String> {
    let events = batch.events.iter().map(|event| of_event(event, origin));
    let ended = batch.ended.iter().map(|row| Some(of_flow(batch.at, row, origin)));
    let open = batch.open.iter().map(|_| None);
    let stats = batch.stats.iter().map(|stats| Some(of_stats(batch.at, stats, origin)));
    let text = |record: Option<Value>| record.map(|it| escape_json(it.to_string()) + "\n").unwrap_or_default();
    events.chain(ended).chain(open).chain(stats).map(text).collect()
}

fn of_event(event: &Event, origin: &Origin) -> Option<Value> {
    let (at, finding, what) = match event {
        Event::FindingOpened { at, finding } => (*at, finding, "opened"),
        Event::FindingRaised { at, finding } => (*at, finding, "raised"),
        _ => return None,
    };
    let peer = finding.peers.first();
    let device = finding.device.ip;
    let mut record = match (peer, device) {
        (Some(peer), Some(device)) => ends(peer, device),
        _ => Map::new(),
    };
    record.insert("timestamp".into(), stamp(at).into());
    record.insert("event_type".into(), "alert".into());
    record.insert("host".into(), (*origin.sensor).into());
    record.insert(
        "alert".into(),
        json!({
            "action": "allowed",
            "gid": 1,
            "signature_id": signature_id(finding),
            "rev": 1,
            "signature": format!("segwatch {}", finding.kind.name()),
            "category": finding.summary,
            "severity": match finding.severity { "critical" => 1, "warning" => 2, _ => 3 },
        }),
    );
    record.insert(
        "segwatch".into(),
        json!({
            "site": &*origin.site,
            "id": finding.id,
            "event": what,
            "kind": finding.kind.name(),
            "severity": finding.severity,
            "exception": finding.exception,
            "reach": finding.reach.map(|reach| reach.name()),
            "device": finding.device,
            "zone": finding.zone,
            "peer_zone": finding.peer_zone,
            "rule": finding.rule,
        }),
    );
    Some(Value::Object(record))
}

/// The ends of a finding's first peer, as the packet of its opener had them. The opener's port is not known any more.
fn ends(peer: &PeerStatus, device: IpAddr) -> Map<String, Value> {
    let (src, dst) = if peer.initiator == "device" { (device, peer.ip) } else { (peer.ip, device) };
    let fields = json!({ "src_ip": src, "dest_ip": dst, "dest_port": peer.port, "proto": peer.proto.to_uppercase() });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The kinds have numbers of their own, far from those of rule sets.
fn signature_id(finding: &FindingStatus) -> usize {
    10_420_000 + crate::finding::Kind::ALL.iter().position(|kind| *kind == finding.kind).unwrap_or_default()
}

fn of_flow(at: Timestamp, row: &FlowRow, origin: &Origin) -> Value {
    let (from, to) = (&row.initiator, &row.responder);
    let vlans = row.vlans.first().map(|count| count.stack.clone()).unwrap_or_default();
    let state = match row.reach {
        crate::flow::Reach::Established => "established",
        _ => "new",
    };
    json!({
        "timestamp": stamp(at),
        "host": &*origin.sensor,
        "event_type": "flow",
        "vlan": vlans,
        "src_ip": from.ip,
        "src_port": from.port,
        "dest_ip": to.ip,
        "dest_port": to.port,
        "proto": row.proto.to_uppercase(),
        "community_id": community_id(row),
        "ether": { "src_macs": from.mac.iter().collect::<Vec<_>>(), "dest_macs": to.mac.iter().collect::<Vec<_>>() },
        "flow": {
            "pkts_toserver": row.packets_out,
            "pkts_toclient": row.packets_in,
            "bytes_toserver": row.bytes_out,
            "bytes_toclient": row.bytes_in,
            "start": stamp(row.first_seen),
            "end": stamp(row.last_seen),
            "age": row.last_seen.since(row.first_seen) / 1_000_000_000,
            "state": state,
            "reason": "timeout",
            "alerted": row.kind.is_some(),
        },
        "segwatch": {
            "site": &*origin.site,
            "verdict": row.verdict,
            "reach": row.reach.name(),
            "kind": row.kind.map(|kind| kind.name()),
            "vlan": row.vlan,
            "rule": row.rule,
        },
    })
}

fn of_stats(at: Timestamp, stats: &Stats, origin: &Origin) -> Value {
    let (read, dropped) = stats.interfaces.iter().fold((0, 0), |sum, one| (sum.0 + one.1, sum.1 + one.2));
    let interfaces: Map<String, Value> = stats
        .interfaces
        .iter()
        .map(|(name, read, dropped)| (name.clone(), json!({ "packets": read, "dropped": dropped })))
        .collect();
    json!({
        "timestamp": stamp(at),
        "host": &*origin.sensor,
        "event_type": "stats",
        "stats": {
            "uptime": stats.uptime,
            "capture": { "kernel_packets": read + dropped, "kernel_drops": dropped },
            "decoder": { "pkts": stats.judged[0], "bytes": stats.judged[1] },
            "flow": { "active": stats.flows },
            "segwatch": { "findings": stats.findings, "interfaces": interfaces },
        },
    })
}

/// As Suricata writes times: microseconds, and the zone without a colon.
fn stamp(at: Timestamp) -> String {
    at.to_string().replace('Z', "+0000")
}

/// Community ID, version 1, seed 0 (github.com/corelight/community-id-spec): the same in both directions, and in every
/// tool that sees the flow.
/// `None` for ICMP, whose types and codes it needs.
pub fn community_id(row: &FlowRow) -> Option<String> {
    let proto = row.ip_proto;
    if matches!(proto, 1 | 58) {
        return None;
    }
    let (mut src, mut dst) =
        ((octets(row.initiator.ip), row.initiator.port), (octets(row.responder.ip), row.responder.port));
    let has_ports = matches!(proto, 6 | 17 | 132);
    if src > dst {
        std::mem::swap(&mut src, &mut dst);
    }
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    hash.update(&src.0);
    hash.update(&dst.0);
    hash.update([proto, 0]);
    if has_ports {
        hash.update(src.1.to_be_bytes());
        hash.update(dst.1.to_be_bytes());
    }
    Some(format!("1:{}", STANDARD.encode(hash.finalize())))
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}
