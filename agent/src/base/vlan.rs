//! Stacks of VLAN tags.

/// Tags of one frame that are kept; a deeper frame is decoded to its end, but only these are listed.
pub const MAX_TAGS: usize = 15;

/// VLAN identifiers of one frame, outermost first. VID 0 (a priority tag) is kept; PCP and DEI are masked away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct VlanStack {
    vids: [u16; MAX_TAGS],
    len: u16,
}

impl VlanStack {
    /// No tag at all.
    pub const EMPTY: VlanStack = VlanStack { vids: [0; MAX_TAGS], len: 0 };

    /// Adds the next inner tag, given its TCI. Beyond [`MAX_TAGS`] the last place holds the innermost tag,
    /// because that is the one that is judged. Returns false then.
    pub fn push(&mut self, tci: u16) -> bool {
        let vid = tci & 0x0fff;
        let at = usize::from(self.len);
        if at < MAX_TAGS {
            self.vids[at] = vid;
            self.len += 1;
            true
        } else {
            self.vids[MAX_TAGS - 1] = vid;
            false
        }
    }

    /// The identifiers, outermost first.
    pub fn vids(&self) -> &[u16] {
        &self.vids[..usize::from(self.len)]
    }

    /// True if the frame had no tag.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl FromIterator<u16> for VlanStack {
    fn from_iter<I: IntoIterator<Item = u16>>(vids: I) -> Self {
        let mut stack = VlanStack::EMPTY;
        for vid in vids {
            stack.push(vid);
        }
        stack
    }
}
