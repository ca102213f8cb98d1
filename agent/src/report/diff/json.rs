//! The JSON of `diff`, schema `segwatch/diff/1`.

use serde::Serialize;

use super::changes::{self, DeviceChange, FindingChange, ZoneChange};
use super::{Compared, FlowChange, FlowClass};
use crate::base::escape_json;
use crate::coverage::Verdict;
use crate::engine::{FlowRow, PolicyRef};
use crate::policy::Place;
use crate::policy::diff::{Change, Flows, What};
use crate::report::{CaptureFiles, Damage};

#[derive(Serialize)]
struct DiffJson<'a> {
    schema: &'static str,
    old: &'a PolicyRef,
    new: &'a PolicyRef,
    policy: PolicyJson<'a>,
    verdict: Option<VerdictJson>,
    flows: Option<FlowsJson<'a>>,
    findings: Vec<FindingChange>,
    devices: Vec<DeviceChange>,
    zones: Vec<ZoneChange>,
    capture: Option<CaptureJson<'a>>,
}

#[derive(Serialize)]
struct PolicyJson<'a> {
    opens: Vec<ChangeJson<'a>>,
    closes: Vec<ChangeJson<'a>>,
    neither: Vec<ChangeJson<'a>>,
    left_out: u64,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    what: What,
    subject: &'a str,
    text: &'a str,
    rule: Option<&'a Place>,
    flows: Option<&'a Flows>,
}

#[derive(Serialize)]
struct VerdictJson {
    old: Verdict,
    new: Verdict,
}

#[derive(Serialize)]
struct FlowsJson<'a> {
    counts: CountsJson,
    newly_violating: Vec<FlowJson<'a>>,
    worse: Vec<FlowJson<'a>>,
    newly_allowed: Vec<FlowJson<'a>>,
    changed: Vec<FlowJson<'a>>,
    left_out: u64,
}

#[derive(Serialize)]
struct CountsJson {
    newly_violating: u64,
    worse: u64,
    newly_allowed: u64,
    changed: u64,
    unchanged: u64,
    unmatched: u64,
}

/// Rows as `flows` writes them; null where only one replay has the flow. And how many flows they stand for.
#[derive(Serialize)]
struct FlowJson<'a> {
    old: Option<&'a FlowRow>,
    new: Option<&'a FlowRow>,
    flows: u64,
}

#[derive(Serialize)]
struct CaptureJson<'a> {
    files: &'a [String],
    packets: u64,
    bytes: u64,
    damage: &'a [Damage],
}

/// `segwatch/diff/1`, indented, with a final newline.
pub fn diff_json(compared: &Compared, files: &CaptureFiles) -> serde_json::Result<String> {
    let replays = compared.replays.as_ref();
    let renamed = &compared.policy.renamed_zones;
    let document = DiffJson {
        schema: "segwatch/diff/1",
        old: &compared.old,
        new: &compared.new,
        policy: PolicyJson {
            opens: changes_of(&compared.policy.opens),
            closes: changes_of(&compared.policy.closes),
            neither: changes_of(&compared.policy.neither),
            left_out: compared.policy.left_out,
        },
        verdict: replays.map(|replays| VerdictJson { old: replays.old.verdict, new: replays.new.verdict }),
        flows: replays.map(|replays| {
            let flows = &replays.flows;
            let of = |class| flows.listed.iter().filter(|flow| flow.class == class).map(row).collect();
            FlowsJson {
                counts: CountsJson {
                    newly_violating: flows.newly_violating,
                    worse: flows.worse,
                    newly_allowed: flows.newly_allowed,
                    changed: flows.changed,
                    unchanged: flows.unchanged,
                    unmatched: flows.unmatched,
                },
                newly_violating: of(FlowClass::NewlyViolating),
                worse: of(FlowClass::Worse),
                newly_allowed: of(FlowClass::NewlyAllowed),
                changed: of(FlowClass::Changed),
                left_out: flows.left_out,
            }
        }),
        findings: replays.map(|replays| changes::findings(replays, renamed)).unwrap_or_default(),
        devices: replays.map(|replays| changes::devices(replays, renamed)).unwrap_or_default(),
        zones: replays.map(|replays| changes::zones(replays, renamed)).unwrap_or_default(),
        capture: replays.map(|replays| CaptureJson {
            files: &files.files,
            packets: replays.new.traffic.packets,
            bytes: replays.new.traffic.bytes,
            damage: &files.damage,
        }),
    };
    let mut json = escape_json(serde_json::to_string_pretty(&document)?);
    json.push('\n');
    Ok(json)
}

fn changes_of(changes: &[Change]) -> Vec<ChangeJson<'_>> {
    changes.iter().map(change).collect()
}

fn change(change: &Change) -> ChangeJson<'_> {
    ChangeJson {
        what: change.what,
        subject: &change.subject,
        text: &change.text,
        rule: change.place.as_ref(),
        flows: change.flows.as_ref(),
    }
}

fn row(flow: &FlowChange) -> FlowJson<'_> {
    FlowJson { old: flow.old.as_ref(), new: flow.new.as_ref(), flows: flow.flows }
}
