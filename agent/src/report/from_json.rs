//! The lists of a running agent, read back from the JSON that [`super::json`] writes there.
//!
//! Whoever answers may be anyone: what is not of the schema is refused whole, a word that this version does not know
//! included, so that nothing is left out of a list that looks complete.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::base::escape_json;
use crate::engine::{DeviceStatus, FindingStatus, PolicyRef, Snapshot, ZoneStatus};

/// Characters of what the parser says: it quotes what it does not know.
const MAX_SAID: usize = 200;

/// A snapshot of nothing but devices, from `segwatch/devices/1`. Their hints are not read.
pub fn devices_from_json(json: &str) -> Result<Snapshot, String> {
    #[derive(Deserialize)]
    struct Devices {
        devices: Vec<DeviceStatus>,
    }
    let list: Devices = parse(json, "segwatch/devices/1")?;
    Ok(Snapshot { devices: list.devices, ..empty() })
}

/// A snapshot of nothing but findings, from `segwatch/findings/1`.
pub fn findings_from_json(json: &str) -> Result<Snapshot, String> {
    #[derive(Deserialize)]
    struct Findings {
        findings: Vec<FindingStatus>,
    }
    let list: Findings = parse(json, "segwatch/findings/1")?;
    Ok(Snapshot { findings: list.findings, ..empty() })
}

/// A snapshot of nothing but zones, from `segwatch/zones/1`.
pub fn zones_from_json(json: &str) -> Result<Snapshot, String> {
    #[derive(Deserialize)]
    struct Zones {
        zones: Vec<ZoneStatus>,
    }
    let list: Zones = parse(json, "segwatch/zones/1")?;
    Ok(Snapshot { zones: list.zones, ..empty() })
}

/// The same JSON, with all that it says and safe to print. It was read before: where a tab or a carriage return is not
/// written as an escape, it stands between tokens.
pub fn relayed_json(json: &str) -> String {
    escape_json(json.trim_end().replace(['\t', '\r'], " ")) + "\n"
}

fn parse<T: DeserializeOwned>(json: &str, schema: &str) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let head = serde_json::from_str::<Head>(json).ok().filter(|head| head.schema == schema);
    if head.is_none() {
        return Err(format!("the answer is not `{schema}`: is this a segwatch agent, and of this version?"));
    }
    serde_json::from_str(json).map_err(|error| {
        let said: String = error.to_string().chars().take(MAX_SAID).collect();
        format!("the answer is not `{schema}` as this version knows it: {said}")
    })
}

fn empty() -> Snapshot {
    Snapshot::unseen(PolicyRef { file: None, hash: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        Style, devices_json, devices_text, findings_json, findings_text, sample, zones_json, zones_text,
    };

    type Part = (
        fn(&Snapshot) -> serde_json::Result<String>,
        fn(&str) -> Result<Snapshot, String>,
        fn(&Snapshot, &Style) -> String,
    );

    #[test]
    fn what_was_written_reads_the_same() {
        let snapshot = Snapshot { not_judged: Vec::new(), ..sample::site(6, 5) };
        let parts: [Part; 3] = [
            (devices_json, devices_from_json, devices_text),
            (findings_json, findings_from_json, findings_text),
            (zones_json, zones_from_json, zones_text),
        ];
        for (write, read, text) in parts {
            let json = write(&snapshot).unwrap();
            let back = read(&json).unwrap();
            assert_eq!(text(&back, &Style::default()), text(&snapshot, &Style::default()));
            assert_eq!(relayed_json(&json), json);
        }
    }

    #[test]
    fn nothing_is_left_out_of_a_list_that_looks_complete() {
        let json = findings_json(&sample::site(6, 5)).unwrap();
        for (from, to) in [
            ("internet-egress", "quantum-egress"),
            ("critical", "fatal"),
            ("established", "teleported"),
            ("\"device\",", "\"nobody\","),
            ("T08:", "T99:"),
            ("segwatch/findings/1", "segwatch/findings/2"),
            ("]", ""),
        ] {
            let hostile = json.replacen(from, to, 1);
            assert_ne!(hostile, json, "{from}");
            assert!(findings_from_json(&hostile).is_err(), "{from}");
        }
        assert!(devices_from_json(&json).is_err());
        let loud = json.replacen("internet-egress", &"x".repeat(100_000), 1);
        assert!(findings_from_json(&loud).unwrap_err().len() < 500);
    }

    #[test]
    fn relayed_json_is_the_same_json_and_safe_to_print() {
        let json = "{\r\n\t\"a\": \"\u{9b}2J\u{202e}\\u001b\\t\"}\r\n\n";
        let relayed = relayed_json(json);
        assert!(relayed.is_ascii() && !relayed.contains(['\r', '\t', '\x1b']), "{relayed}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&relayed), value(json));
    }
}
