//! What the mirror really showed, the verdict that follows from it, and what that means for a device.

mod change;
mod disposition;
mod verdict;

pub use change::{DispositionChange, changed_dispositions};
pub use disposition::{Decision, Disposition, Facts, Missing, Rule, decide, default_rules};
pub use verdict::{Reason, ReasonCode, Verdict};
