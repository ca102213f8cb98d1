//! IPv6 neighbour discovery (RFC 4861): which MAC claims which address.

use std::net::{IpAddr, Ipv6Addr};

use crate::base::Mac;

/// Options are walked no further than this.
const MAX_OPTIONS: usize = 16;
const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;

/// The address that the sender of an ICMPv6 message claims with its link-layer option, given type, the source
/// address and the bytes after the 4-byte ICMPv6 header. Only a hop limit of 255 is on-link (RFC 4861, section 7.1).
pub fn neighbor_claim(icmp_type: u8, hop_limit: u8, src: IpAddr, body: &[u8]) -> Option<(IpAddr, Mac)> {
    if hop_limit != 255 {
        return None;
    }
    let (address, option, options_at) = match icmp_type {
        133 => (src, SOURCE_LINK_LAYER, 4),
        134 => (src, SOURCE_LINK_LAYER, 12),
        135 => (src, SOURCE_LINK_LAYER, 20),
        136 => {
            let target: &[u8; 16] = body.get(4..20)?.first_chunk()?;
            (IpAddr::V6(Ipv6Addr::from(*target)), TARGET_LINK_LAYER, 20)
        }
        _ => return None,
    };
    if address.is_unspecified() || address.is_multicast() {
        return None;
    }
    let mut rest = body.get(options_at..)?;
    for _ in 0..MAX_OPTIONS {
        let [kind, units, value @ ..] = rest else { return None };
        if *kind == option
            && *units == 1
            && let Some(mac) = value.first_chunk::<6>()
        {
            return Some((address, Mac(*mac)));
        }
        rest = rest.get(usize::from(*units).max(1) * 8..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advertisement_claims_its_target() {
        let target: Ipv6Addr = "fd00:110::11".parse().unwrap_or(Ipv6Addr::LOCALHOST);
        let mut body = vec![0x60, 0, 0, 0];
        body.extend(target.octets());
        body.extend([2, 1, 0x44, 0x19, 0xb6, 1, 2, 3]);
        let src: IpAddr = "fe80::1".parse().unwrap_or(IpAddr::V6(Ipv6Addr::LOCALHOST));
        let claim = Some((IpAddr::V6(target), Mac([0x44, 0x19, 0xb6, 1, 2, 3])));
        assert_eq!(neighbor_claim(136, 255, src, &body), claim);
        assert_eq!(neighbor_claim(136, 254, src, &body), None, "not from this link");
        for end in 0..body.len() {
            assert_eq!(neighbor_claim(136, 255, src, &body[..end]), None);
        }
    }
}
