//! From the bytes of one frame to what they say, without state: link headers, VLAN tags, IP layers, transports,
//! tunnels. Total on any input: what cannot be decoded is named in [`Undecoded`], never dropped silently.

mod arp;
mod bytes;
mod cooked;
mod decode;
mod ethernet;
mod ip;
mod layer;
mod link;
mod numbers;
mod quote;
mod transport;
mod tunnel;
mod undecoded;

#[cfg(test)]
mod tests;

pub use decode::{DecodeOptions, MAX_LINKS, decode};
pub use layer::{Decoded, Fragment, IcmpQuote, Layer, MAX_LAYERS, Tcp, Tunnel};
pub use link::{Arp, Link, LinkType};
pub use tunnel::{erspan_sequence, is_tunnel_port};
pub use undecoded::Undecoded;
