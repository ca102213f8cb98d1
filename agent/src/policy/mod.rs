//! What is allowed: zones, conduits, inventory, and the question whether one end may open a flow to another.

mod build;
mod canary;
mod conduit;
pub mod diff;
mod exception;
mod model;
mod purpose;
mod scope;
mod table;
#[cfg(test)]
mod tests;

pub use build::{DEFAULT_INTERNAL, default_internal, sha256_hex};
pub use canary::{Canary, MAX_CANARIES};
pub use conduit::{Condition, Conduit, ConduitId, Ends, Opening, Permit, Service, Side, Tried};
pub use exception::{Exception, Whom};
pub use model::{Coverage, InventoryDevice, Place, Policy, Severity, Untagged, Zone, ZoneId};
pub use purpose::{CLINICAL, is_known_use, is_use_pattern, is_used_as};
pub use scope::{Scope, embedded_ipv4};
