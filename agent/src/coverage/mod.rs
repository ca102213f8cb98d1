//! What the mirror really showed, and the verdict that follows from it.

mod loss;
mod verdict;

pub use loss::Loss;
pub use verdict::{Reason, ReasonCode, Verdict};
