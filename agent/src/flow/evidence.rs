//! What the packets of a flow prove, kept apart from who its initiator is: that may become known late.

use super::key::Side;
use super::reach::Reach;

/// VLANs of one flow that are told apart; a seventh is taken for one that proves forwarding.
const MAX_VLANS: usize = 6;

/// This end sent something that only itself can have sent.
const SPOKE: u8 = 1;
/// This end acknowledged something of the other.
const ACKNOWLEDGED: u8 = 2;
/// An ICMP error from outside tells that a packet of this end got there.
const BEYOND: u8 = 4;
/// Bit of [`Evidence::stopped`] beyond those of the VLANs.
const ELSEWHERE: u8 = 1 << 7;

/// Facts about a flow.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    vlans: [u16; MAX_VLANS],
    vlan_count: u8,
    /// [`SPOKE`], [`ACKNOWLEDGED`] and [`BEYOND`] of each end.
    facts: [u8; 2],
    /// What this end sent was refused.
    refused: [Option<Refusal>; 2],
    /// This end stopped what the other sent, from farther away: bit n for the nth VLAN, [`ELSEWHERE`] for no such VLAN.
    stopped: [u8; 2],
    /// Without VLANs: a copy with a lower TTL behind another source MAC.
    routed: bool,
}

/// Where a refusal in the other end's name was seen (`None`: no VLAN, or by a router in its own name).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(into = "[Option<u16>; 1]", from = "[Option<u16>; 1]")]
pub struct Refusal(pub Option<u16>);

// Written as a list, since one without a VLAN would look like none.
impl From<Refusal> for [Option<u16>; 1] {
    fn from(refusal: Refusal) -> Self {
        [refusal.0]
    }
}

impl From<[Option<u16>; 1]> for Refusal {
    fn from([vlan]: [Option<u16>; 1]) -> Self {
        Refusal(vlan)
    }
}

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
        self.note(from, SPOKE)
    }

    /// `from` acknowledged something of the other end. Returns whether that is new.
    pub fn acknowledges(&mut self, from: Side) -> bool {
        self.note(from, ACKNOWLEDGED)
    }

    /// What `sender` sent was refused. Returns whether that is new.
    pub fn refuses(&mut self, sender: Side, refusal: Refusal) -> bool {
        let slot = &mut self.refused[sender as usize];
        let new = slot.is_none();
        slot.get_or_insert(refusal);
        new
    }

    /// A reset or unreachable in the name of `from` was seen that was not made on this link.
    pub fn stops(&mut self, from: Side, vlan: Option<u16>) {
        self.stopped[from as usize] |= self.bit_of(vlan);
    }

    /// An ICMP error from outside speaks of what `sender` sent. Returns whether that is new.
    pub fn got_beyond(&mut self, sender: Side) -> bool {
        self.note(sender, BEYOND)
    }

    /// A copy with a lower TTL behind another MAC was seen where there are no VLANs. Returns whether that is new.
    pub fn was_routed(&mut self) -> bool {
        !std::mem::replace(&mut self.routed, true)
    }

    /// A copy with a lower TTL behind another MAC was seen where there are no VLANs.
    pub fn routed(&self) -> bool {
        self.routed
    }

    /// `side` sent something that only itself can have sent.
    pub fn spoken(&self, side: Side) -> bool {
        self.has(side, SPOKE)
    }

    /// Which ends acknowledged something of the other.
    pub fn has_acknowledged(&self) -> [bool; 2] {
        [Side::A, Side::B].map(|side| self.has(side, ACKNOWLEDGED))
    }

    /// Both ends have spoken: a verdict that allows it will hardly change.
    pub fn is_settled(&self) -> bool {
        self.has(Side::A, SPOKE) && self.has(Side::B, SPOKE)
    }

    /// VLANs that its packets were seen in, in order of appearance.
    pub fn vlans(&self) -> &[u16] {
        &self.vlans[..usize::from(self.vlan_count).min(MAX_VLANS)]
    }

    /// The same with its ends in the other order.
    #[must_use]
    pub fn turned(mut self) -> Evidence {
        self.facts.reverse();
        self.refused.reverse();
        self.stopped.reverse();
        self
    }

    fn note(&mut self, side: Side, fact: u8) -> bool {
        let facts = &mut self.facts[side as usize];
        let new = *facts & fact == 0;
        *facts |= fact;
        new
    }

    fn has(&self, side: Side, fact: u8) -> bool {
        self.facts[side as usize] & fact != 0
    }

    fn bit_of(&self, vlan: Option<u16>) -> u8 {
        let at = vlan.and_then(|vlan| self.vlans().iter().position(|&known| known == vlan));
        at.map_or(ELSEWHERE, |at| 1 << at)
    }

    /// `side` stopped what the other end sent, unless each sighting is that of a refusal on its way to here: made in
    /// another VLAN (transit), where nothing from farther away was seen.
    fn stopped_it(&self, side: Side) -> bool {
        let stopped = self.stopped[side as usize];
        let refused_at = match self.refused[side.other() as usize] {
            Some(Refusal(vlan @ Some(_))) => self.bit_of(vlan),
            _ => ELSEWHERE,
        };
        stopped != 0 && (refused_at == ELSEWHERE || stopped & (ELSEWHERE | refused_at) != 0)
    }

    /// How far what `initiator` opened got. `is_beyond` tells whether a copy in a VLAN proves forwarding.
    pub fn reach(&self, initiator: Side, is_beyond: impl Fn(u16) -> bool) -> Reach {
        self.proof(initiator, is_beyond).reach()
    }

    /// What proves how far what `initiator` opened got.
    pub fn proof(&self, initiator: Side, is_beyond: impl Fn(u16) -> bool) -> Proof {
        let refusal = self.refused[initiator as usize];
        if self.has(initiator.other(), SPOKE) || self.stopped_it(initiator.other()) {
            return Proof::Answered;
        }
        if self.has(initiator, ACKNOWLEDGED) {
            return Proof::Acknowledged;
        }
        if let Some(Refusal(Some(vlan))) = refusal
            && is_beyond(vlan)
        {
            return Proof::RefusedBeyond(vlan);
        }
        if self.has(initiator, BEYOND) {
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
    fn a_refusal_that_crossed_a_router_is_no_answer() {
        let mut e = Evidence::default();
        e.in_vlan(110);
        e.in_vlan(900);
        e.stops(Side::B, Some(110));
        assert_eq!(reach(&e), Reach::Established, "the peer's own, as far as is known");
        e.refuses(Side::A, Refusal(Some(900)));
        assert_eq!(reach(&e), Reach::Refused);
        e.stops(Side::B, Some(900));
        assert_eq!(reach(&e), Reach::Established, "one came from farther away to where the other was made");
    }

    #[test]
    fn a_refusal_on_the_same_link_hides_no_answer() {
        for vlan in [Some(110), None, Some(200)] {
            let mut e = Evidence::default();
            e.in_vlan(110);
            e.refuses(Side::A, Refusal(Some(110)));
            e.stops(Side::B, vlan);
            assert_eq!(reach(&e), Reach::Established, "{vlan:?}");
        }
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
