//! Bidirectional flows: who opened them, how far they got.

mod reach;

pub use reach::{Direction, Reach};
