//! Rows of `segwatch flows`.

use super::Engine;
use super::direction::TCP;
use super::judge::Judgement;
use super::snapshot::{EndStatus, FlowRow, VlanCount};
use crate::flow::{Flow, Side};

/// The word for an IP protocol, or its number.
pub fn proto_name(proto: u8) -> String {
    match proto {
        1 => "icmp",
        2 => "igmp",
        4 => "ipip",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        41 => "ipv6",
        47 => "gre",
        50 => "esp",
        58 => "icmpv6",
        89 => "ospf",
        103 => "pim",
        112 => "vrrp",
        132 => "sctp",
        136 => "udplite",
        other => return other.to_string(),
    }
    .to_owned()
}

impl Engine {
    /// The row of a flow.
    pub(super) fn row(&self, flow: &Flow, judgement: &Judgement) -> FlowRow {
        let (from, to) = (flow.initiator, flow.responder());
        let end = |side: Side| {
            let (ip, port) = flow.end(side);
            EndStatus { ip, port, mac: flow.ends[side as usize].mac }
        };
        let mut vlans: Vec<VlanCount> = flow
            .stacks()
            .into_iter()
            .map(|(stack, packets)| VlanCount { stack: self.stacks.vids(stack), packets })
            .collect();
        vlans.sort_by(|a, b| a.stack.cmp(&b.stack));
        FlowRow {
            proto: proto_name(flow.key.proto()),
            ip_proto: flow.key.proto(),
            initiator: end(from),
            responder: end(to),
            direction: flow.direction,
            vlan: flow.vlan,
            vlans,
            layer: flow.key.layer(),
            innermost: flow.key.is_innermost(),
            packets_out: flow.packets[from as usize],
            packets_in: flow.packets[to as usize],
            duplicates: flow.duplicates,
            routed_copies: flow.routed_copies,
            bytes_out: flow.bytes[from as usize],
            bytes_in: flow.bytes[to as usize],
            first_seen: flow.first,
            last_seen: flow.last,
            is_conversation: flow.evidence.spoken(from)
                && flow.evidence.spoken(to)
                && (flow.key.proto() != TCP || flow.evidence.has_acknowledged()[from as usize]),
            reach: judgement.reach,
            verdict: judgement.verdict,
            kind: judgement.violations.iter().flatten().next().map(|v| v.kind),
            rule: judgement.rule.clone(),
            facts: if self.options.watched_rows { self.facts(flow) } else { None },
        }
    }
}
