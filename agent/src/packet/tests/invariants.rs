//! What every caller of the decoder relies on, for any bytes.

use crate::packet::{DecodeOptions, Decoded, Fragment, LinkType, MAX_LAYERS, MAX_LINKS, decode};

/// Decodes `data` with every link type and either reading of the mirror's transports, and panics where that fails.
pub fn check_invariants(data: &[u8]) {
    use LinkType::{Ethernet, Ipv4, Ipv6, LinuxSll, LinuxSll2, Loop, Null, Other, Raw};
    let mut out = Decoded::default();
    for link_type in [Ethernet, LinuxSll, LinuxSll2, Raw, Ipv4, Ipv6, Null, Loop, Other(147)] {
        for wire_len in [0, data.len() as u32, u32::MAX] {
            for mirror in [false, true] {
                let options = DecodeOptions { erspan: mirror, tzsp: mirror };
                decode(link_type, data, wire_len, &options, &mut out);
                check(link_type, data, &out);
            }
        }
    }
}

fn check(link_type: LinkType, data: &[u8], out: &Decoded) {
    let known = !matches!(link_type, LinkType::Other(_));
    assert_eq!(known, !out.links.is_empty(), "a link header, and only of a known link type");
    assert!(out.links.len() <= MAX_LINKS && out.layers.len() <= MAX_LAYERS, "bounded");
    assert!(out.link_payload <= data.len(), "a payload inside the frame");
    let mut above = 0;
    for layer in &out.layers {
        assert!(layer.start >= above, "layers in order");
        above = layer.start;
        assert!(layer.start <= layer.payload && layer.payload <= layer.end, "the payload inside the layer: {layer:?}");
        assert!(layer.end as usize <= data.len(), "the layer inside the frame: {layer:?}");
        assert!(usize::from(layer.link) < out.links.len(), "a link header under each layer");
        let portless = !layer.ports_seen || matches!(layer.fragment, Fragment::Later(_));
        assert!(!portless || (layer.sport, layer.dport, layer.tcp) == (0, 0, None), "no ports where none were seen");
    }
    let links = out.links.iter().skip(1);
    assert!(links.clone().all(|link| link.mirrored != link.tunnelled), "an inner frame is mirrored or tunnelled");
}
