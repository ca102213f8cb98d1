//! The shape of `expected.json`; `scenarios/README.md` says it in words.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Where one value or a list stands for "any of these". Empty: not looked at.
type AnyOf = Vec<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The sentence of the design that decides.
    pub quote: String,
    /// Relative to the scenario; the built-in policy without.
    pub policy: Option<String>,
    pub captures: Vec<String>,
    /// Further options of `check`.
    #[serde(default)]
    pub args: Vec<String>,
    /// Any of these.
    pub exit: Vec<u8>,
    /// Lines of `policy.yaml` that an error must name.
    #[serde(default)]
    pub error_lines: Vec<u32>,
    /// Without it only the exit code and the errors are compared.
    #[serde(default, deserialize_with = "any_of")]
    pub verdict: AnyOf,
    /// Codes that must be among the reasons.
    #[serde(default)]
    pub reasons: Vec<String>,
    #[serde(default)]
    pub reasons_any: Vec<String>,
    /// Verdicts by zone; null for a zone that has none.
    #[serde(default)]
    pub zones: BTreeMap<String, Option<String>>,
    /// By MAC, or by address where there is no MAC.
    #[serde(default)]
    pub devices: BTreeMap<String, Device>,
    pub device_count: Option<usize>,
    /// MACs that are no watched devices.
    #[serde(default)]
    pub no_device: Vec<String>,
    /// Fields of `capture`.
    #[serde(default)]
    pub counts: Map<String, Value>,
    #[serde(default)]
    pub undecoded_min: u64,
    #[serde(default)]
    pub not_judged_min: usize,
    /// All of them, and no others but `tolerated`.
    #[serde(default)]
    pub findings: Vec<Finding>,
    #[serde(default)]
    pub tolerated: Vec<Subject>,
    /// MACs with an `unknown-device`, all of them; without it these notices are not looked at.
    pub unknown_devices: Option<Vec<String>>,
    #[serde(default)]
    pub flows: Vec<Flow>,
}

/// A device of the list, held against every field given.
#[derive(Deserialize)]
pub struct Device {
    #[serde(default)]
    pub reasons: Vec<String>,
    #[serde(default)]
    pub reasons_any: Vec<String>,
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// What tells one finding from another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    #[serde(deserialize_with = "any_of")]
    pub kind: AnyOf,
    pub device: Who,
    #[serde(default, deserialize_with = "any_of")]
    pub peer_zone: AnyOf,
}

/// A device by its MAC, or by an address that it has.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    Mac(String),
    Ip(IpAddr),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Mac(mac) => mac.fmt(f),
            Who::Ip(ip) => ip.fmt(f),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    #[serde(deserialize_with = "any_of")]
    pub kind: AnyOf,
    pub device: Who,
    #[serde(default, deserialize_with = "any_of")]
    pub peer_zone: AnyOf,
    pub class: String,
    #[serde(deserialize_with = "any_of")]
    pub severity: AnyOf,
    /// Of a finding that is judged by reach.
    #[serde(default, deserialize_with = "any_of")]
    pub reach: AnyOf,
    pub zone: Option<String>,
    pub peers_total: Option<u64>,
    /// All of them.
    pub peers: Option<Vec<Peer>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    pub ip: IpAddr,
    pub port: u16,
    pub proto: Option<String>,
    pub initiator: String,
    #[serde(default, deserialize_with = "any_of")]
    pub reach: AnyOf,
}

/// A row of `flows`: found by protocol and both ends in either order, then held against every field given.
#[derive(Deserialize)]
pub struct Flow {
    pub ip_proto: u8,
    pub initiator: End,
    pub responder: End,
    /// The name of the rule.
    pub rule: Option<String>,
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone, Copy, Debug)]
pub struct End {
    pub ip: IpAddr,
    pub port: u16,
}

fn any_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AnyOf, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    Ok(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(word) => vec![word],
        OneOrMore::More(words) => words,
    })
}
