//! Flows that were written down are judged again as they were: of every scenario, by the policy that it has.

use std::fs;
use std::path::{Path, PathBuf};

use segwatch::capture::{Files, FrameSource, Next};
use segwatch::config;
use segwatch::engine::{Engine, FlowRow, FlowSummary, FlowVerdict, Input, Options, SourceEvent, Summaries};
use segwatch::hint::VendorTable;
use segwatch::packet::DecodeOptions;
use segwatch::policy::Policy;
use serde_json::Value;

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(path).expect("a folder").map(|entry| entry.expect("a folder").path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

/// A live engine that has seen a capture, and the rows of its flows.
fn watched(policy: &Policy, captures: &[PathBuf]) -> (Engine, Vec<FlowRow>) {
    let decode = DecodeOptions { erspan: true, tzsp: true };
    let options = Options { rows: true, watched_rows: true, decode, ..Options::default() };
    let mut engine = Engine::new(policy.clone(), VendorTable::builtin(), options);
    let mut source = Files::open(captures);
    let mut last = None;
    loop {
        match source.next() {
            Next::Frame(frame) => {
                if last.is_none() {
                    for source in 0..u16::try_from(captures.len()).expect("a few") {
                        let name = format!("eth{source}");
                        engine.handle(Input::Source { source, event: SourceEvent::Up { name } });
                    }
                    engine.handle(Input::Tick { wall: frame.at, mono: frame.at.0 });
                }
                last = last.max(Some(frame.at));
                let (source, at, link_type, wire_len, data) =
                    (frame.source, frame.at, frame.link_type, frame.wire_len, frame.data);
                engine.handle(Input::Frame { source, at, link_type, wire_len, data });
            }
            Next::Silence | Next::Damage(_) => {}
            Next::End => break,
        }
    }
    if let Some(last) = last {
        engine.handle(Input::Tick { wall: last, mono: last.0 });
    }
    let mut rows = engine.take_rows();
    rows.extend(engine.open_rows());
    rows.retain(|row| row.verdict != FlowVerdict::Unwatched && row.facts.is_some());
    (engine, rows)
}

fn told(row: &FlowRow) -> String {
    let (initiator, responder) = (&row.initiator, &row.responder);
    format!(
        "{} {} > {}:{} layer {}: {:?} {:?} {:?} {}",
        row.proto,
        initiator.ip,
        responder.ip,
        responder.port,
        row.layer,
        row.verdict,
        row.kind,
        row.reach,
        row.rule.name
    )
}

#[test]
fn what_was_written_down_is_judged_as_it_was() {
    let (mut flows, mut summaries) = (0, 0);
    let mut problems = Vec::new();
    for folder in folders(Path::new("scenarios")).iter().flat_map(|group| folders(group)) {
        let expected = fs::read_to_string(folder.join("expected.json")).expect("expected.json");
        let expected: Value = serde_json::from_str(&expected).expect("JSON");
        // An agent has a policy.
        let Some(file) = expected["policy"].as_str() else { continue };
        let Ok(loaded) = config::load(&folder.join(file)) else { continue };
        let policy = loaded.config.policy;
        let names = expected["captures"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let captures: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
        let (engine, rows) = watched(&policy, &captures);
        // Each for itself: what is alike is counted together.
        let mut written: Vec<(String, FlowSummary)> = Vec::new();
        for row in &rows {
            let mut together = Summaries::default();
            together.take(std::slice::from_ref(row), &[]);
            for summary in together.drain() {
                let json = serde_json::to_string(&summary).expect("JSON");
                written.push((told(row), serde_json::from_str(&json).expect("a summary")));
            }
        }
        let options = Options { rows: true, ..Options::default() };
        let mut again = Engine::new(policy.clone(), VendorTable::builtin(), options);
        again.know(&engine.save());
        written.iter().for_each(|(_, summary)| again.meet(summary));
        for (was, summary) in &written {
            let is = again.recall(summary).map(|row| told(&row)).unwrap_or_default();
            if is != *was {
                problems.push(format!("{}\n   was {was}\n    is {is}", folder.display()));
            }
        }
        flows += rows.len();
        summaries += written.len();
    }
    assert_eq!(flows, summaries);
    assert!(flows > 600, "{flows} flows of watched devices");
    assert!(problems.is_empty(), "{} of {flows}\n{}", problems.len(), problems.join("\n"));
}
