//! What the mirror really showed, the verdict that follows from it, and what that means for a device.

mod change;
mod disposition;
mod loss;
mod period;
mod verdict;

pub use change::{DispositionChange, changed_dispositions};
pub use disposition::{Decision, Disposition, Facts, Missing, Rule, decide, default_rules};
pub use loss::Loss;
pub use period::{Gap, MAX_GAPS, Period, end_of_hour};
pub use verdict::{Reason, ReasonCode, Verdict, merge_reasons};
