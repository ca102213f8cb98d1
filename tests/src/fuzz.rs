//! What the fuzz targets in `agent/fuzz` do with their input; a test replays the seeds through the same functions.

use segwatch::packet::{DecodeOptions, Decoded, LinkType, MAX_LAYERS, decode};

/// Link types that an input may choose, by its first byte.
pub const LINK_TYPES: [u32; 9] = [1, 0, 12, 108, 113, 147, 228, 229, 276];

/// The decoder: first byte the link type, second byte the options (bits 0 and 1) and how many bytes the snap length cut off
/// (the rest), then the frame. Panics where a promise of [`Decoded`] is broken.
pub fn decode_frame(input: &[u8]) {
    let [link, options, frame @ ..] = input else { return };
    let link_type = LinkType::from(LINK_TYPES[usize::from(*link) % LINK_TYPES.len()]);
    let wire_len = frame.len() as u32 + u32::from(options >> 2);
    let options = DecodeOptions { erspan: options & 1 == 0, tzsp: options & 2 == 0 };
    let mut decoded = Decoded::default();
    decode(link_type, frame, wire_len, &options, &mut decoded);
    check(&decoded, frame);

    let first = format!("{decoded:?}");
    decode(link_type, frame, wire_len, &options, &mut decoded);
    assert_eq!(first, format!("{decoded:?}"), "a used `Decoded` changed the result");
}

fn check(decoded: &Decoded, frame: &[u8]) {
    assert!(decoded.layers.len() <= MAX_LAYERS);
    for layer in &decoded.layers {
        assert!(usize::from(layer.link) < decoded.links.len(), "{layer:?} has no link");
        assert!(layer.start <= layer.end && layer.end as usize <= frame.len(), "{layer:?} leaves the frame");
        assert!(layer.start <= layer.payload, "{layer:?}");
        assert!(layer.src.is_ipv4() == layer.dst.is_ipv4(), "{layer:?} mixes families");
    }
}
