//! Packets as pcapng (draft-ietf-opsawg-pcapng), little-endian, times in nanoseconds.

use crate::engine::KeptFrame;
use crate::packet::LinkType;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

const COMMENT: u16 = 1;
/// Of a section: the program that wrote it.
const APPLICATION: u16 = 4;
/// Of an interface.
const NAME: u16 = 2;
const RESOLUTION: u16 = 9;
const NANOSECONDS: u8 = 9;

/// A section with these packets. `comments` are the section's and the first packet's; `interfaces` are names by
/// [`KeptFrame::source`].
pub(super) fn section(frames: &[KeptFrame], comments: [&str; 2], interfaces: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut body = BYTE_ORDER.to_le_bytes().to_vec();
    body.extend([1, 0, 0, 0]);
    body.extend(u64::MAX.to_le_bytes());
    option(&mut body, COMMENT, comments[0].as_bytes());
    option(&mut body, APPLICATION, concat!("segwatch ", env!("CARGO_PKG_VERSION")).as_bytes());
    block(&mut out, SECTION, body);
    let mut known: Vec<(u16, LinkType)> = Vec::new();
    for (at, frame) in frames.iter().enumerate() {
        let origin = (frame.source, frame.link_type);
        let interface = known.iter().position(|one| *one == origin).unwrap_or_else(|| {
            known.push(origin);
            block(&mut out, INTERFACE, interface_body(origin, interfaces));
            known.len() - 1
        });
        let comment = if at == 0 { comments[1] } else { "" };
        block(&mut out, PACKET, packet_body(interface as u32, frame, comment));
    }
    out
}

fn interface_body((source, link_type): (u16, LinkType), interfaces: &[String]) -> Vec<u8> {
    let mut body = (link_type.number() as u16).to_le_bytes().to_vec();
    body.extend([0, 0, 0, 0, 0, 0]);
    if let Some(name) = interfaces.get(usize::from(source)) {
        option(&mut body, NAME, name.as_bytes());
    }
    option(&mut body, RESOLUTION, &[NANOSECONDS]);
    body
}

fn packet_body(interface: u32, frame: &KeptFrame, comment: &str) -> Vec<u8> {
    let nanoseconds = frame.at.0.max(0) as u64;
    let mut body = Vec::with_capacity(frame.data.len() + comment.len() + 48);
    for word in [interface, (nanoseconds >> 32) as u32, nanoseconds as u32, frame.data.len() as u32, frame.wire_len] {
        body.extend(word.to_le_bytes());
    }
    body.extend(&*frame.data);
    pad(&mut body);
    option(&mut body, COMMENT, comment.as_bytes());
    body
}

/// Appends an option; none that is empty.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    if value.is_empty() {
        return;
    }
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    pad(body);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

fn block(out: &mut Vec<u8>, kind: u32, body: Vec<u8>) {
    let length = (body.len() as u32 + 12).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(length);
    out.extend(body);
    out.extend(length);
}
