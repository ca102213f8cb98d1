//! IPFIX (RFC 7011) over UDP: flows of watched devices, one record for each direction that had packets. Counters are
//! those since the last record of the flow; one that goes on has a record every five minutes.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use super::stream::Stream;
use super::{Batch, Sink, Transport};
use crate::base::{Mac, Timestamp};
use crate::engine::{EndStatus, FlowRow, FlowVerdict};

const VERSION: u16 = 10;
const TEMPLATES: u16 = 2;
const IPV4: u16 = 256;
const IPV6: u16 = 257;
/// Bytes of one message: a datagram that nobody has to cut.
const MAX_MESSAGE: usize = 1_400;
/// A collector that was restarted learns the templates within so many messages, or seconds.
const TEMPLATES_EVERY: u32 = 50;
/// Flows whose counters are remembered; beyond it one that goes on is exported once, at its end.
const MAX_FLOWS: usize = 65_536;
/// Enterprise number for documentation (RFC 5612); its element 1 is the verdict: 0 unwatched, 1 allowed, 2 violation.
const ENTERPRISE: u32 = 32_473;

/// Element and length; the addresses are put before them. IANA's registry has the numbers.
const FIELDS: [(u16, u16); 12] = [
    (7, 2),   // sourceTransportPort
    (11, 2),  // destinationTransportPort
    (4, 1),   // protocolIdentifier
    (2, 8),   // packetDeltaCount
    (1, 8),   // octetDeltaCount
    (152, 8), // flowStartMilliseconds
    (153, 8), // flowEndMilliseconds
    (58, 2),  // vlanId
    (243, 2), // dot1qVlanId
    (56, 6),  // sourceMacAddress
    (80, 6),  // destinationMacAddress
    (136, 1), // flowEndReason
];
const IDLE_TIMEOUT: u8 = 1;
const ACTIVE_TIMEOUT: u8 = 2;

/// A collector.
pub struct Ipfix {
    authority: String,
    stream: Option<Stream>,
    sequence: u32,
    messages: u32,
    /// Packets and bytes of each direction that were exported of flows that go on.
    exported: BTreeMap<FlowName, Exported>,
}

type FlowName = (IpAddr, u16, IpAddr, u16, u8, Timestamp);

#[derive(Clone, Copy, Default)]
struct Exported {
    packets: [u64; 2],
    bytes: [u64; 2],
}

impl Ipfix {
    /// One at `host:port`.
    pub fn new(authority: String) -> Ipfix {
        Ipfix { authority, stream: None, sequence: 0, messages: 0, exported: BTreeMap::new() }
    }

    fn send(&mut self, at: Timestamp, set: u16, records: &[Vec<u8>]) -> io::Result<()> {
        let mut body = Vec::new();
        if self.messages.is_multiple_of(TEMPLATES_EVERY) {
            body.extend(templates());
        }
        let length = records.iter().map(Vec::len).sum::<usize>() + 4;
        body.extend(set.to_be_bytes());
        body.extend((length as u16).to_be_bytes());
        records.iter().for_each(|record| body.extend(record));
        let mut message = Vec::with_capacity(body.len() + 16);
        message.extend(VERSION.to_be_bytes());
        message.extend((body.len() as u16 + 16).to_be_bytes());
        message.extend(((at.0 / 1_000_000_000) as u32).to_be_bytes());
        message.extend(self.sequence.to_be_bytes());
        message.extend(0u32.to_be_bytes());
        message.extend(body);
        let stream = match &mut self.stream {
            Some(stream) => stream,
            closed => closed.insert(Stream::open(Transport::Udp, &self.authority, None)?),
        };
        // A datagram that nobody waits for comes back as an error of the next one.
        match stream.send(&message) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => stream.send(&message)?,
            Err(error) => {
                self.stream = None;
                return Err(error);
            }
            Ok(()) => {}
        }
        self.messages = self.messages.wrapping_add(1);
        self.sequence = self.sequence.wrapping_add(records.len() as u32);
        Ok(())
    }

    /// Records of a flow's directions that had packets since the last ones.
    fn records(&mut self, row: &FlowRow, ended: bool) -> Vec<Vec<u8>> {
        let (from, to) = (&row.initiator, &row.responder);
        let name = (from.ip, from.port, to.ip, to.port, row.ip_proto, row.first_seen);
        let before = self.exported.get(&name).copied().unwrap_or_default();
        let now = Exported { packets: [row.packets_out, row.packets_in], bytes: [row.bytes_out, row.bytes_in] };
        if ended {
            self.exported.remove(&name);
        } else if self.exported.len() < MAX_FLOWS || self.exported.contains_key(&name) {
            self.exported.insert(name, now);
        } else {
            return Vec::new();
        }
        let reason = if ended { IDLE_TIMEOUT } else { ACTIVE_TIMEOUT };
        [(from, to, 0), (to, from, 1)]
            .into_iter()
            .filter_map(|(src, dst, side): (&EndStatus, &EndStatus, usize)| {
                let packets = now.packets[side].saturating_sub(before.packets[side]);
                let bytes = now.bytes[side].saturating_sub(before.bytes[side]);
                (packets > 0).then(|| record(row, src, dst, packets, bytes, reason))
            })
            .collect()
    }
}

impl Sink for Ipfix {
    fn write(&mut self, batch: &Batch, from: &mut usize) -> io::Result<()> {
        // What was exported is forgotten as soon as it is made, so a batch goes out once, whatever becomes of it.
        if *from > 0 {
            *from = batch.records();
            return Ok(());
        }
        *from = 1;
        let mut sets: [(u16, Vec<Vec<u8>>); 2] = [(IPV4, Vec::new()), (IPV6, Vec::new())];
        let rows = batch.ended.iter().map(|row| (row, true)).chain(batch.open.iter().map(|row| (row, false)));
        for (row, ended) in rows {
            let family = usize::from(row.initiator.ip.is_ipv6());
            sets[family].1.extend(self.records(row, ended));
        }
        for (set, records) in sets {
            let size = records.first().map_or(1, Vec::len);
            for some in records.chunks(((MAX_MESSAGE - 200) / size).max(1)) {
                self.send(batch.at, set, some)?;
            }
        }
        *from = batch.records();
        Ok(())
    }
}

/// Both templates, in one set.
fn templates() -> Vec<u8> {
    let mut body = Vec::new();
    for (id, [src, dst], length) in [(IPV4, [8, 12], 4), (IPV6, [27, 28], 16)] {
        let fields = [(src, length), (dst, length)].into_iter().chain(FIELDS);
        body.extend(u16::to_be_bytes(id));
        body.extend((FIELDS.len() as u16 + 3).to_be_bytes());
        for (element, length) in fields {
            body.extend(u16::to_be_bytes(element));
            body.extend(u16::to_be_bytes(length));
        }
        body.extend((0x8000u16 | 1).to_be_bytes());
        body.extend(1u16.to_be_bytes());
        body.extend(ENTERPRISE.to_be_bytes());
    }
    let mut set = TEMPLATES.to_be_bytes().to_vec();
    set.extend((body.len() as u16 + 4).to_be_bytes());
    set.extend(body);
    set
}

fn record(row: &FlowRow, src: &EndStatus, dst: &EndStatus, packets: u64, bytes: u64, reason: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(100);
    for ip in [src.ip, dst.ip] {
        match ip {
            IpAddr::V4(v4) => out.extend(v4.octets()),
            IpAddr::V6(v6) => out.extend(v6.octets()),
        }
    }
    let milliseconds = |at: Timestamp| ((at.0 / 1_000_000).max(0) as u64).to_be_bytes();
    let vlan = row.vlan.unwrap_or(0).to_be_bytes();
    out.extend(src.port.to_be_bytes());
    out.extend(dst.port.to_be_bytes());
    out.push(row.ip_proto);
    out.extend(packets.to_be_bytes());
    out.extend(bytes.to_be_bytes());
    out.extend(milliseconds(row.first_seen));
    out.extend(milliseconds(row.last_seen));
    out.extend(vlan);
    out.extend(vlan);
    for end in [src, dst] {
        out.extend(end.mac.unwrap_or(Mac::ZERO).0);
    }
    out.push(reason);
    out.push(match row.verdict {
        FlowVerdict::Unwatched => 0,
        FlowVerdict::Allowed => 1,
        FlowVerdict::Violation => 2,
    });
    out
}
