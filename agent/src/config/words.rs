//! The words of the language: one list each for reading, for suggestions and for the schema.

pub(super) const TOP: [&str; 21] = [
    "site",
    "sensor",
    "capture",
    "zones",
    "watch",
    "internal",
    "domains",
    "conduits",
    "devices",
    "devices_file",
    "edge_hops",
    "hold",
    "coverage",
    "severity",
    "exceptions",
    "dispositions",
    "listen",
    "state_dir",
    "alertmanager",
    "evidence",
    "sinks",
];
pub(super) const ALERTMANAGER: [&str; 6] = ["urls", "username", "password_file", "ca_file", "resend", "external_url"];
pub(super) const DISPOSITION: [&str; 6] = ["then", "use", "not_use", "firmware", "fix", "verdict"];
pub(super) const SINKS: [&str; 3] = ["eve", "syslog", "ipfix"];
pub(super) const EVE: [&str; 1] = ["file"];
pub(super) const SYSLOG: [&str; 2] = ["url", "ca_file"];
pub(super) const IPFIX: [&str; 1] = ["url"];
pub(super) const EVIDENCE: [&str; 2] = ["payload", "size"];
pub(super) const CAPTURE: [&str; 8] =
    ["interface", "untagged", "rspan_vlan", "decapsulate", "buffer", "snap_length", "promiscuous", "filter"];
pub(super) const TRANSPORTS: [&str; 2] = ["erspan", "tzsp"];
pub(super) const ZONE: [&str; 7] = ["cameras", "transit", "onboarding", "vlans", "prefixes", "gateways", "dhcp"];
pub(super) const WATCH: [&str; 1] = ["vendors"];
pub(super) const COVERAGE: [&str; 2] = ["silence", "loss"];
pub(super) const CONDUIT: [&str; 9] =
    ["name", "from", "to", "services", "owner", "reason", "expires", "permits", "canary"];
pub(super) const EXCEPTION: [&str; 6] = ["device", "kind", "peer_zone", "owner", "reason", "expires"];
pub(super) const SIDE: [&str; 2] = ["zone", "hosts"];
/// Also the columns of `devices_file`.
pub(super) const DEVICE: [&str; 9] =
    ["name", "mac", "ip", "zone", "use", "model", "firmware", "sensor", "out_of_service"];

/// Names that no zone may have, because labels and findings use them.
pub(super) const RESERVED_ZONES: [&str; 3] = ["internet", "internal", "none"];
/// Names of the built-in rules, which no conduit may have.
pub(super) const BUILTIN_RULES: [&str; 3] = ["home", "local-scope", "default-deny"];

/// Every kind of finding of the design, implemented or not: a policy may be older or newer than the agent.
pub(super) const KINDS: [&str; 13] = [
    "internet-egress",
    "internet-ingress",
    "cross-zone-egress",
    "cross-zone-ingress",
    "tunnel",
    "wrong-vlan",
    "vlan-hopping",
    "exploit-attempt",
    "rogue-service",
    "port-mapping",
    "unknown-device",
    "foreign-address",
    "cloud-lookup",
];
/// Kinds about what an allowed flow carried, which a conduit may permit besides.
pub(super) const PERMITTED: [&str; 4] = ["exploit-attempt", "tunnel", "port-mapping", "cloud-lookup"];
pub(super) const SEVERITIES: [&str; 3] = ["info", "warning", "critical"];

#[cfg(test)]
mod tests {
    use crate::finding::Kind;

    #[test]
    fn every_kind_of_finding_can_be_named() {
        for kind in Kind::ALL {
            assert!(super::KINDS.contains(&kind.name()) || kind.name() == "drill", "{}", kind.name());
        }
    }
}
