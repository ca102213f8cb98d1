//! Making a policy.

use std::collections::BTreeMap;

use ipnet::IpNet;
use sha2::{Digest, Sha256};

use super::model::{Coverage, Policy, Untagged, Zone};
use super::scope::Index;

/// What is inside unless the policy says otherwise: RFC 1918, RFC 6598 and RFC 4193.
pub const DEFAULT_INTERNAL: [&str; 5] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];

/// Nanoseconds in an hour.
const HOUR: i64 = 3_600_000_000_000;

impl Default for Coverage {
    fn default() -> Self {
        Coverage { silence: HOUR, loss: 0.01 }
    }
}

impl Policy {
    /// A policy with these zones and this `internal`, no conduits, nothing watched but its camera zones, and
    /// defaults for the rest, which the caller sets. To change zones or `internal`, build anew: they are indexed here.
    pub fn build(zones: Vec<Zone>, internal: Vec<IpNet>) -> Policy {
        let index = Index::new(&zones, &internal);
        Policy {
            site: String::new(),
            sensor: String::new(),
            zones,
            conduits: Vec::new(),
            inventory: Vec::new(),
            watch_vendors: Vec::new(),
            internal,
            domains: Vec::new(),
            coverage: Coverage::default(),
            hold: 24 * HOUR,
            edge_hops: 0,
            untagged: Untagged::Reject,
            rspan_vlan: None,
            severity: BTreeMap::new(),
            exceptions: Vec::new(),
            builtin: false,
            file: None,
            hash: String::new(),
            index,
        }
    }

    /// The policy of `check` without a file: watches Hikvision; a camera's home is the VLAN that it is seen in,
    /// untagged is fine, and nothing else is allowed.
    pub fn builtin() -> Policy {
        let mut policy = Policy::build(Vec::new(), default_internal());
        policy.watch_vendors = vec!["hikvision".to_owned()];
        policy.untagged = Untagged::Unknown;
        policy.builtin = true;
        policy.hash = sha256_hex(&[b"segwatch built-in policy 1: watch hikvision, internal default, untagged unknown"]);
        policy
    }
}

/// [`DEFAULT_INTERNAL`] as prefixes.
pub fn default_internal() -> Vec<IpNet> {
    DEFAULT_INTERNAL.iter().filter_map(|text| text.parse().ok()).collect()
}

/// SHA-256 of the parts one after the other, in hexadecimal.
pub fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
