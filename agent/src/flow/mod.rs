//! Bidirectional flows: who opened them, which copies of their packets were seen, how far they got.

mod attempt;
mod carried;
mod copies;
mod evidence;
mod fragments;
mod index;
mod key;
mod loss;
mod mapping;
mod numbered;
mod reach;
mod record;
mod segments;
mod shape;
mod table;

pub use attempt::{Answer, Attempted, Attempts, MAX_ATTEMPTS};
pub use carried::{Carried, MAX_INNER, Mapping, TunnelKind, open_tunnel};
pub use copies::{Copies, Copy, Sighting};
pub use evidence::{Evidence, Proof, Refusal};
pub use fragments::Fragments;
pub use key::{FlowKey, Side};
pub use loss::{Counted, Losses, Spot};
pub use numbered::Numbered;
pub use reach::{Direction, Reach};
pub use record::{Covered, Credit, End, Flow, Path};
pub use table::{FlowId, FlowTable, IDLE_TIMEOUT, MAX_FLOWS};
