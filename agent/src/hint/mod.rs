//! What identifies a device, each hint with its source.

mod dhcp;
mod neighbor;
mod vendor;

pub use dhcp::{Lease, is_v6_server_answer, lease, server_answer};
pub use neighbor::neighbor_claim;
pub use vendor::{BadTable, VendorTable};
