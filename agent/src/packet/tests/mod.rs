//! Expected values come from the standards' own layouts, written out byte by byte, or from etherparse's builder.
//! Whole captures are compared with tshark in the workspace's `decode_oracle` test.

mod builder;
mod invariants;
mod ip;
mod links;
mod transports;
mod tunnels;

use super::{DecodeOptions, Decoded, LinkType, decode};

/// Bytes of a frame in hexadecimal digits; everything else is for the reader.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// An Ethernet frame with this EtherType (and tags) and payload.
fn ethernet(text: &str) -> Vec<u8> {
    hex(&format!("4419b6010203 001122334455 {text}"))
}

fn decoded(link_type: LinkType, data: &[u8]) -> Decoded {
    let mut out = Decoded::default();
    decode(link_type, data, data.len() as u32, &DecodeOptions::default(), &mut out);
    out
}

/// An IPv4 header without options from 10.0.0.1 to 10.0.0.2, and its payload.
fn ipv4(proto: u8, payload: &str) -> String {
    let length = 20 + hex(payload).len();
    format!("4500{length:04x}00070000 40{proto:02x}0000 0a000001 0a000002 {payload}")
}

/// An IPv6 header from fd00::1 to fd00::2, and its payload.
fn ipv6(next: u8, payload: &str) -> String {
    let length = hex(payload).len();
    let address = "fd0000000000000000000000000000";
    format!("60000000{length:04x}{next:02x}40 {address}01 {address}02 {payload}")
}

/// A UDP header between these ports, and its payload.
fn udp(source: u16, destination: u16, payload: &str) -> String {
    format!("{source:04x}{destination:04x}{:04x}0000 {payload}", 8 + hex(payload).len())
}

/// A TCP SYN from port 4660 to 554.
const SYN: &str = "1234022a 00000001 00000000 5002ffff 00000000";

/// The innermost layer as addresses, protocol and ports.
fn innermost(out: &Decoded) -> (String, String, u8, u16, u16) {
    let layer = out.layers.last().unwrap_or_else(|| panic!("no layer: {out:?}"));
    (layer.src.to_string(), layer.dst.to_string(), layer.proto, layer.sport, layer.dport)
}

fn syn_between(src: &str, dst: &str) -> (String, String, u8, u16, u16) {
    (src.to_owned(), dst.to_owned(), 6, 4660, 554)
}

fn syn_v4() -> (String, String, u8, u16, u16) {
    syn_between("10.0.0.1", "10.0.0.2")
}
