//! Stacks of VLAN tags as small numbers, with the VLAN that each is judged by.

use crate::base::{Map, VlanStack};

/// Deeper stacks that are told apart; further ones share one number whose VLAN is not known.
const MAX_DEEP: usize = 65_536;

/// Interned stacks: 0 is untagged, 1..=4096 a single tag, then deeper ones in order of appearance.
#[derive(Debug)]
pub struct Stacks {
    deep: Vec<VlanStack>,
    index: Map<VlanStack, u32>,
    rspan_vlan: Option<u16>,
}

impl Stacks {
    /// With the mirror's own tag, which is removed before a VLAN is judged.
    pub fn new(rspan_vlan: Option<u16>) -> Self {
        Stacks { deep: Vec::new(), index: Map::default(), rspan_vlan }
    }

    /// Takes another tag for the mirror's own.
    pub fn set_rspan(&mut self, vlan: Option<u16>) {
        self.rspan_vlan = vlan;
    }

    /// The number of a stack.
    pub fn id(&mut self, stack: &VlanStack) -> u32 {
        match *stack.vids() {
            [] => 0,
            [vid] => 1 + u32::from(vid),
            _ => {
                if let Some(&id) = self.index.get(stack) {
                    return id;
                }
                if self.deep.len() >= MAX_DEEP {
                    return u32::MAX - 1;
                }
                let id = 4097 + self.deep.len() as u32;
                self.deep.push(*stack);
                self.index.insert(*stack, id);
                id
            }
        }
    }

    /// The innermost tag after removing the mirror's own and VID 0 (IEEE 802.1Q, clause 9.6: a priority tag).
    pub fn judged(&self, stack: &VlanStack) -> Option<u16> {
        stack.vids().iter().rev().copied().find(|&vid| vid != 0 && Some(vid) != self.rspan_vlan)
    }

    /// The identifiers behind a number, outermost first.
    pub fn vids(&self, id: u32) -> Vec<u16> {
        match id {
            0 => Vec::new(),
            1..=4096 => vec![(id - 1) as u16],
            _ => self.deep.get(id as usize - 4097).map(|s| s.vids().to_vec()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_tag_is_judged_without_the_mirrors_and_vid_0() {
        let mut stacks = Stacks::new(Some(999));
        for (vids, judged) in [
            (vec![], None),
            (vec![0], None),
            (vec![110], Some(110)),
            (vec![999], None),
            (vec![999, 110], Some(110)),
            (vec![7, 110, 0], Some(110)),
        ] {
            let stack: VlanStack = vids.iter().copied().collect();
            assert_eq!(stacks.judged(&stack), judged, "{vids:?}");
            let id = stacks.id(&stack);
            assert_eq!((stacks.id(&stack), stacks.vids(id)), (id, vids));
        }
    }
}
