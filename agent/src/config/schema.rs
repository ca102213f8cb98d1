//! JSON Schema of the configuration, for editors. What it cannot say (names that exist, VLANs in one zone) `config check` does.

use serde_json::{Value, json};

use super::words;
use crate::coverage::{Disposition, Verdict};
use crate::hint::State;

/// The schema as JSON text (draft 2020-12).
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&root()).unwrap_or_default();
    text.push('\n');
    text
}

fn root() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "segwatch configuration",
        "type": "object",
        "additionalProperties": false,
        "required": ["zones"],
        "not": { "required": ["devices", "devices_file"] },
        "properties": {
            "site": text("Name of the site, the same on all its sensors"),
            "sensor": text("Name of this sensor"),
            "capture": list(capture(), "Mirror ports that the agent listens on"),
            "zones": {
                "description": "Network segments by name; at least one is a camera zone",
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "not": { "enum": words::RESERVED_ZONES }, "maxLength": 64 },
                "additionalProperties": zone(),
            },
            "watch": object(json!({
                "vendors": list(json!({ "type": "string", "minLength": 1 }), "Makers whose devices are watched everywhere (default: hikvision)"),
            }), &[], "Who is watched besides camera zones and the inventory"),
            "internal": list(prefix(), "What is inside (default: RFC 1918, 100.64.0.0/10, fc00::/7); zone prefixes always are"),
            "domains": list(json!({ "type": "string", "minLength": 1 }), "DNS domains that a camera may look up"),
            "conduits": {
                "description": "Allowed paths; [] allows nothing",
                "type": "array",
                "items": conduit(),
            },
            "devices": list(device(), "The inventory"),
            "devices_file": text("The inventory as CSV with the columns of `devices`, beside this file"),
            "edge_hops": { "description": "Hops to the firewall (default 0)", "type": "integer", "minimum": 0, "maximum": 16 },
            "hold": duration("Quiet time after which a finding closes (default 24h)"),
            "coverage": object(json!({
                "silence": duration("A device unseen for longer is not covered (default 1h)"),
                "loss": {
                    "description": "Share of lost packets above which a device is not covered (default 1%)",
                    "anyOf": [
                        { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
                        { "type": "string", "pattern": "^[0-9.]+ ?%$|^0?\\.?[0-9]*$" },
                    ],
                },
            }), &[], "When the mirror shows enough of a device"),
            "severity": {
                "description": "Severity by kind of finding",
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "enum": words::KINDS },
                "additionalProperties": { "enum": words::SEVERITIES },
            },
            "exceptions": {
                "description": "Findings that neither page nor make a ticket for a while; verdicts stay",
                "type": "array",
                "items": exception(),
            },
            "dispositions": list(disposition(), "Which devices may remain, for the report; the first rule that holds decides"),
            "listen": { "description": "Address and port of the HTTP server (default 127.0.0.1:10420)", "type": "string", "pattern": ":[0-9]+$" },
            "state_dir": { "description": "Directory of journal and evidence (default /var/lib/segwatch)", "type": "string", "pattern": "^/" },
            "alertmanager": alertmanager(),
            "evidence": object(json!({
                "payload": { "description": "Keep payload too, not headers alone (default false)", "type": "boolean" },
                "size": {
                    "description": "Size of all files; the oldest go first (default 1GiB)",
                    "type": "string",
                    "pattern": "^[0-9]+(KiB|MiB|GiB)$",
                },
            }), &[], "Packets that prove a finding"),
            "sinks": sinks(),
        },
    })
}

fn sinks() -> Value {
    let server = |schemes: &str| json!({ "type": "string", "pattern": format!("^({schemes})://") });
    object(
        json!({
            "eve": object(json!({ "file": text("File that is appended to, relative to this one") }), &["file"], "JSON lines in Suricata's EVE shape"),
            "syslog": object(json!({
                "url": server("udp|tcp|tls"),
                "ca_file": text("PEM file of the certificate authority, relative to this one (default: the system's)"),
            }), &["url"], "RFC 5424 messages"),
            "ipfix": object(json!({ "url": server("udp") }), &["url"], "Flows of watched devices"),
        }),
        &[],
        "Where records go besides journal and Alertmanager",
    )
}

fn alertmanager() -> Value {
    let url = json!({ "type": "string", "pattern": "^https?://[^/?#@]+" });
    let optional = |description: &str| json!({ "description": description, "type": "string" });
    object(
        json!({
            "urls": list(url, "Alertmanagers; several are a cluster, and each is told everything"),
            "username": optional("User of HTTP basic authentication"),
            "password_file": optional("File with the password, relative to this one"),
            "ca_file": optional("PEM file of the certificate authority, relative to this one (default: the system's)"),
            "resend": duration("Time after which an alert that goes on is sent again (default 1m)"),
            "external_url": optional("Where people reach this agent, for links in alerts"),
        }),
        &["urls"],
        "Direct paging, besides Prometheus or without it",
    )
}

fn disposition() -> Value {
    let words = |words: Vec<&str>, description: &str| list(json!({ "enum": words }), description);
    let uses = |description: &str| list(json!({ "type": "string", "pattern": "[^ *]" }), description);
    object(
        json!({
            "then": { "description": "What follows", "enum": Disposition::ALL.map(Disposition::name) },
            "use": uses("Its listed use names one of these; a word may end in *"),
            "not_use": uses("Its listed use is known, and names none of these"),
            "firmware": words(State::ALL.map(State::name).to_vec(), "Posture of its firmware"),
            "fix": { "description": "Whether there is firmware that mends it", "type": "boolean" },
            "verdict": words(Verdict::ALL.map(Verdict::name).to_vec(), "Its verdict"),
        }),
        &["then"],
        "A rule: all that it names has to hold",
    )
}

fn capture() -> Value {
    object(
        json!({
            "interface": text("Network interface on the mirror port"),
            "untagged": {
                "description": "What an untagged frame means: reject (default), a VLAN id, or unknown",
                "anyOf": [{ "enum": ["reject", "unknown"] }, vlan_id()],
            },
            "rspan_vlan": vlan_id(),
            "decapsulate": list(json!({ "enum": words::TRANSPORTS }), "Transports of the mirror that are taken off"),
            "buffer": {
                "description": "Size of the kernel's ring (default 64MiB)",
                "type": "string",
                "pattern": "^[0-9]+(KiB|MiB|GiB)$",
            },
            "snap_length": {
                "description": "Bytes kept of a frame (default 262144: all)",
                "type": "integer",
                "minimum": 256,
                "maximum": 262_144,
            },
            "promiscuous": { "description": "Take frames for other hosts too (default true)", "type": "boolean" },
            "filter": text("Capture filter (default none); what it hides cannot be vouched for"),
        }),
        &["interface"],
        "A mirror port",
    )
}

fn zone() -> Value {
    let flag = |description: &str| json!({ "description": description, "type": "boolean" });
    let mut zone = object(
        json!({
            "cameras": flag("Its hosts are watched"),
            "transit": flag("Between router and firewall: a copy here proves nothing"),
            "onboarding": flag("Where cameras boot"),
            "vlans": list(json!({ "anyOf": [vlan_id(), { "type": "string", "pattern": "^[0-9]+( *- *[0-9]+)?$" }] }), "VLAN ids, and ranges as \"110-119\""),
            "prefixes": list(prefix(), "IP prefixes"),
            "gateways": list(address(), "Addresses of its gateways"),
            "dhcp": list(address(), "Addresses of its DHCP servers"),
        }),
        &[],
        "A network segment",
    );
    if let Some(zone) = zone.as_object_mut() {
        zone.insert("anyOf".to_owned(), json!([{ "required": ["vlans"] }, { "required": ["prefixes"] }]));
    }
    zone
}

fn conduit() -> Value {
    object(
        json!({
            "name": text("Its name in findings and metrics"),
            "from": side("Who may open flows"),
            "to": side("To whom"),
            "services": list(json!({
                "type": "string",
                "pattern": "^(any|icmp|ip/[0-9]+|(tcp|udp|sctp)/([*]|[0-9]+(-[0-9]+)?))$",
            }), "tcp/554, udp/5000-6000, udp/*, sctp/9, icmp, ip/47 or any"),
            "owner": text("Who answers for it"),
            "reason": text("Why it exists"),
            "expires": date("The last day that it holds, UTC"),
            "canary": duration("Its traffic must be seen so often in each of its camera zones, 10s to 30m"),
            "permits": list(json!({ "enum": words::PERMITTED }), "Kinds of finding about what it carries that it permits"),
        }),
        &["name", "from", "to", "services"],
        "An allowed path",
    )
}

fn exception() -> Value {
    object(
        json!({
            "device": text("A name of the inventory, a MAC or an address"),
            "kind": { "description": "The kind of finding", "enum": words::KINDS },
            "peer_zone": text("Zone of the other end, internet, internal or none (default: any)"),
            "owner": text("Who answers for it"),
            "reason": text("Why it may be for a while"),
            "expires": date("The last day that it holds, UTC"),
        }),
        &["device", "kind", "owner", "reason", "expires"],
        "A finding that people know of",
    )
}

fn side(description: &str) -> Value {
    let name = json!({ "type": "string", "minLength": 1 });
    let mut side = object(
        json!({
            "zone": { "anyOf": [name, { "type": "array", "minItems": 1, "items": name }] },
            "hosts": list(address(), "Addresses and prefixes"),
        }),
        &[],
        description,
    );
    if let Some(side) = side.as_object_mut() {
        side.insert("minProperties".to_owned(), json!(1));
    }
    side
}

fn device() -> Value {
    let any = |description: &str| json!({ "description": description, "type": ["string", "number"] });
    let mut device = object(
        json!({
            "name": any("Its name"),
            "mac": any("Its MAC, in any usual notation"),
            "ip": any("Its address"),
            "zone": any("Its home"),
            "use": any("What it is used for: clinical, street, …"),
            "model": any("Model as listed"),
            "firmware": any("Firmware as listed"),
            "sensor": any("The sensor that sees it; empty: all"),
            "out_of_service": { "description": "Not expected up to this date", "type": "string", "pattern": "^$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$" },
        }),
        &[],
        "A device",
    );
    if let Some(device) = device.as_object_mut() {
        device.insert("anyOf".to_owned(), json!([{ "required": ["mac"] }, { "required": ["ip"] }]));
    }
    device
}

fn object(properties: Value, required: &[&str], description: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn list(items: Value, description: &str) -> Value {
    json!({ "description": description, "type": "array", "minItems": 1, "items": items })
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": ["string", "number"], "minLength": 1 })
}

fn vlan_id() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 4094 })
}

fn prefix() -> Value {
    json!({ "type": "string", "pattern": "^[0-9A-Fa-f.:]+/[0-9]+$" })
}

fn address() -> Value {
    json!({ "type": "string", "pattern": "^[0-9A-Fa-f.:]+(/[0-9]+)?$" })
}

fn duration(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": "^([0-9]+[smhd])+$" })
}

fn date(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_keys_that_are_read() {
        let root = root();
        let properties = &root["properties"];
        for (object, keys) in [
            (properties, &words::TOP[..]),
            (&properties["capture"]["items"]["properties"], &words::CAPTURE),
            (&properties["zones"]["additionalProperties"]["properties"], &words::ZONE),
            (&properties["watch"]["properties"], &words::WATCH),
            (&properties["coverage"]["properties"], &words::COVERAGE),
            (&properties["alertmanager"]["properties"], &words::ALERTMANAGER),
            (&properties["dispositions"]["items"]["properties"], &words::DISPOSITION),
            (&properties["evidence"]["properties"], &words::EVIDENCE),
            (&properties["sinks"]["properties"], &words::SINKS),
            (&properties["sinks"]["properties"]["eve"]["properties"], &words::EVE),
            (&properties["sinks"]["properties"]["syslog"]["properties"], &words::SYSLOG),
            (&properties["sinks"]["properties"]["ipfix"]["properties"], &words::IPFIX),
            (&properties["conduits"]["items"]["properties"], &words::CONDUIT),
            (&properties["conduits"]["items"]["properties"]["from"]["properties"], &words::SIDE),
            (&properties["exceptions"]["items"]["properties"], &words::EXCEPTION),
            (&properties["devices"]["items"]["properties"], &words::DEVICE),
        ] {
            let mut there: Vec<&str> =
                object.as_object().map(|o| o.keys().map(String::as_str).collect()).unwrap_or_default();
            let mut wanted = keys.to_vec();
            there.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(there, wanted);
        }
    }
}
