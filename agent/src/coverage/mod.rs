//! What the mirror really showed, and the verdict that follows from it.

mod verdict;

pub use verdict::{Reason, ReasonCode, Verdict};
