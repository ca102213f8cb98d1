//! What is allowed: zones, conduits, inventory, and the question whether one end may open a flow to another.

mod conduit;
mod model;
mod scope;

pub use conduit::{Conduit, ConduitId, Ends, Opening, Permit, Service, Side};
pub use model::{Coverage, InventoryDevice, Place, Policy, Severity, Untagged, Zone, ZoneId};
pub use scope::{Scope, embedded_ipv4};
