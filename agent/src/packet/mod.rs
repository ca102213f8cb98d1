//! From the bytes of one frame to what they say, without state: link headers, VLAN tags, IP layers, transports,
//! tunnels. Total on any input: what cannot be decoded is named in [`Undecoded`], never dropped silently.

mod layer;
mod link;

pub use layer::{Decoded, Fragment, IcmpQuote, Layer, MAX_LAYERS, Tcp, Tunnel, Undecoded};
pub use link::{Arp, Link, LinkType};
