//! What the packets of a flow prove, kept apart from who its initiator is: that may become known late.

use super::key::Side;
use super::reach::Reach;

/// VLANs of one flow that are told apart; a seventh is taken for one that proves forwarding.
const MAX_VLANS: usize = 6;

/// Facts about a flow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    vlans: [u16; MAX_VLANS],
    vlan_count: u8,
    /// This end sent something that only itself can have sent.
    spoke: [bool; 2],
    /// This end acknowledged something of the other.
    acknowledged: [bool; 2],
    /// What this end sent was refused.
    refused: [Option<Refusal>; 2],
    /// An ICMP error from outside tells that a packet of this end got there.
    beyond: [bool; 2],
    /// Without VLANs: a copy with a lower TTL behind another source MAC.
    routed: bool,
}

/// Where a refusal in the other end's name was seen (`None`: no VLAN, or by a router in its own name).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal(pub Option<u16>);

impl Evidence {
    /// A packet was seen in this VLAN. Returns whether that is new.
    pub fn in_vlan(&mut self, vlan: u16) -> bool {
        let count = usize::from(self.vlan_count);
        if self.vlans[..count.min(MAX_VLANS)].contains(&vlan) {
            return false;
        }
        if let Some(slot) = self.vlans.get_mut(count) {
            *slot = vlan;
        }
        self.vlan_count = self.vlan_count.saturating_add(1).min(MAX_VLANS as u8 + 1);
        true
    }

    /// `from` sent something that only itself can have sent. Returns whether that is new.
    pub fn speaks(&mut self, from: Side) -> bool {
        !std::mem::replace(&mut self.spoke[from as usize], true)
    }

    /// `from` acknowledged something of the other end. Returns whether that is new.
    pub fn acknowledges(&mut self, from: Side) -> bool {
        !std::mem::replace(&mut self.acknowledged[from as usize], true)
    }

    /// What `sender` sent was refused. Returns whether that is new.
    pub fn refuses(&mut self, sender: Side, refusal: Refusal) -> bool {
        let slot = &mut self.refused[sender as usize];
        let new = slot.is_none();
        slot.get_or_insert(refusal);
        new
    }

    /// An ICMP error from outside speaks of what `sender` sent. Returns whether that is new.
    pub fn got_beyond(&mut self, sender: Side) -> bool {
        !std::mem::replace(&mut self.beyond[sender as usize], true)
    }

    /// A copy with a lower TTL behind another MAC was seen where there are no VLANs. Returns whether that is new.
    pub fn was_routed(&mut self) -> bool {
        !std::mem::replace(&mut self.routed, true)
    }

    /// `side` sent something that only itself can have sent.
    pub fn spoken(&self, side: Side) -> bool {
        self.spoke[side as usize]
    }

    /// Which ends acknowledged something of the other.
    pub fn has_acknowledged(&self) -> [bool; 2] {
        self.acknowledged
    }

    /// Both ends have spoken: a verdict that allows it will hardly change.
    pub fn is_settled(&self) -> bool {
        self.spoke == [true, true]
    }

    /// VLANs that its packets were seen in, in order of appearance.
    pub fn vlans(&self) -> &[u16] {
        &self.vlans[..usize::from(self.vlan_count).min(MAX_VLANS)]
    }

    /// How far what `initiator` opened got. `is_beyond` tells whether a copy in a VLAN proves forwarding.
    pub fn reach(&self, initiator: Side, is_beyond: impl Fn(u16) -> bool) -> Reach {
        self.proof(initiator, is_beyond).reach()
    }

    /// What proves how far what `initiator` opened got.
    pub fn proof(&self, initiator: Side, is_beyond: impl Fn(u16) -> bool) -> Proof {
        let opened = initiator as usize;
        let refusal = self.refused[opened];
        if self.spoke[initiator.other() as usize] {
            return Proof::Answered;
        }
        if self.acknowledged[opened] {
            return Proof::Acknowledged;
        }
        if let Some(Refusal(Some(vlan))) = refusal
            && is_beyond(vlan)
        {
            return Proof::RefusedBeyond(vlan);
        }
        if self.beyond[opened] {
            return Proof::ErrorFromOutside;
        }
        if self.routed {
            return Proof::RoutedCopy;
        }
        if let Some(vlan) = self.vlans().iter().copied().find(|&vlan| is_beyond(vlan)) {
            return Proof::SeenIn(vlan);
        }
        match refusal {
            _ if usize::from(self.vlan_count) > MAX_VLANS => Proof::ManyVlans,
            Some(_) => Proof::Refused,
            None => Proof::Unanswered,
        }
    }
}

/// What proves how far a flow got.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The responder sent something.
    Answered,
    /// The initiator acknowledged something of the responder.
    Acknowledged,
    /// It was refused in a VLAN that it reached only through a router.
    RefusedBeyond(u16),
    /// An ICMP error from outside speaks of it.
    ErrorFromOutside,
    /// A copy with a lower TTL behind another MAC was seen where there are no VLANs.
    RoutedCopy,
    /// A copy was seen in this VLAN.
    SeenIn(u16),
    /// Copies were seen in more VLANs than are told apart.
    ManyVlans,
    /// A router or firewall on the way refused it.
    Refused,
    /// Nothing came back, and no copy was seen elsewhere.
    Unanswered,
}

impl Proof {
    /// How far it got, by this proof.
    pub fn reach(self) -> Reach {
        match self {
            Proof::Answered | Proof::Acknowledged | Proof::RefusedBeyond(_) => Reach::Established,
            Proof::ErrorFromOutside | Proof::RoutedCopy | Proof::SeenIn(_) | Proof::ManyVlans => Reach::Forwarded,
            Proof::Refused => Reach::Refused,
            Proof::Unanswered => Reach::Attempted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(evidence: &Evidence) -> Reach {
        evidence.reach(Side::A, |vlan| vlan != 110 && vlan != 900)
    }

    #[test]
    fn each_fact_raises_the_reach() {
        let mut e = Evidence::default();
        e.in_vlan(110);
        e.in_vlan(900);
        assert_eq!(reach(&e), Reach::Attempted);
        e.refuses(Side::A, Refusal(Some(900)));
        assert_eq!(reach(&e), Reach::Refused);
        e.in_vlan(200);
        assert_eq!(reach(&e), Reach::Forwarded);
        e.speaks(Side::A);
        assert_eq!(reach(&e), Reach::Forwarded, "its own words prove nothing");
        e.speaks(Side::B);
        assert_eq!(reach(&e), Reach::Established);
    }

    #[test]
    fn a_refusal_made_behind_the_router_is_an_answer() {
        let mut e = Evidence::default();
        e.refuses(Side::A, Refusal(Some(200)));
        assert_eq!(reach(&e), Reach::Established);
    }

    #[test]
    fn more_vlans_than_are_kept_prove_forwarding() {
        let mut e = Evidence::default();
        for vlan in 1..=7 {
            assert!(e.in_vlan(vlan));
        }
        assert_eq!(e.reach(Side::A, |_| false), Reach::Forwarded);
    }
}
