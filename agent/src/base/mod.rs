//! Words that every other module uses: addresses, times, bounds. Imports nothing of segwatch.

mod escape;
mod hash;
mod mac;
mod time;
mod vlan;

pub use escape::{escape, escape_json, html};
pub use hash::{Map, Seeded};
pub use mac::Mac;
pub use time::Timestamp;
pub use vlan::{MAX_TAGS, VlanStack};
