//! Hosts: known by MAC where they are seen on their own link, else by address.

mod binding;
mod record;
mod table;

pub use binding::Bindings;
pub use record::{Device, Identity, Key, MAX_ADDRESSES, MAX_VLANS, Numbered, Recent, Sight, VlanSight};
pub use table::{DeviceId, Devices, MAX_DEVICES};
