//! What the flows of the first look show besides the hosts: tags, and who serves DHCP.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::engine::FlowRow;

/// Pairs of a DHCP server and whom it answered; beyond it no server is proposed.
const MAX_ANSWERS: usize = 16_384;
const UDP: u8 = 17;
const SERVER: u16 = 67;
const CLIENT: u16 = 68;

/// What flows showed.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    pub(super) answers: BTreeSet<DhcpAnswer>,
    pub(super) is_tagged: bool,
    /// VLANs that flows were seen in: their innermost tags.
    pub(super) vlans: BTreeSet<u16>,
    pub(super) is_full: bool,
}

/// Somebody sent from the DHCP server's port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct DhcpAnswer {
    pub(super) server: IpAddr,
    pub(super) vlan: Option<u16>,
    /// A client, a broadcast, or a relay.
    pub(super) to: IpAddr,
    pub(super) to_relay: bool,
}

impl Survey {
    /// Takes in a flow.
    pub fn note(&mut self, row: &FlowRow) {
        self.is_tagged |= row.vlan.is_some() || row.vlans.iter().any(|vlan| !vlan.stack.is_empty());
        self.vlans.extend(row.vlans.iter().filter_map(|seen| seen.stack.last()).filter(|&&vlan| vlan != 0));
        if row.ip_proto != UDP {
            return;
        }
        let ends =
            [(&row.initiator, &row.responder, row.packets_out), (&row.responder, &row.initiator, row.packets_in)];
        for (from, to, packets) in ends {
            if from.port != SERVER || !matches!(to.port, SERVER | CLIENT) || packets == 0 {
                continue;
            }
            if self.answers.len() >= MAX_ANSWERS {
                self.is_full = true;
                return;
            }
            let to_relay = to.port == SERVER;
            self.answers.insert(DhcpAnswer { server: from.ip, vlan: row.vlan, to: to.ip, to_relay });
        }
    }
}
