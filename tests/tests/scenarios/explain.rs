//! Holds `explain` against `flows` and the findings: what the judge tells must lead to what it decided.

use serde_json::Value;

/// The flows of `explain`, in the order of `flows`, are its rows, and what is said of each agrees with it.
pub fn compare(rows: &[Value], answer: &Value, problems: &mut Vec<String>) {
    let flows = answer["flows"].as_array().map_or(&[][..], Vec::as_slice);
    if answer["schema"] != "segwatch/explain/1" || flows.len() != rows.len() || answer["flows_total"] != rows.len() {
        problems.push(format!("explain tells of {} flows, there are {} rows", flows.len(), rows.len()));
    }
    for (row, told) in rows.iter().zip(flows) {
        let mut differs = disagreements(told);
        if told["flow"] != *row {
            differs.push(format!("explains {}", told["flow"]));
        }
        problems.extend(differs.iter().map(|differs| format!("explain: {differs}\n    row {row}")));
    }
}

/// Where what is told of a flow does not lead to its judgement.
fn disagreements(told: &Value) -> Vec<String> {
    let flow = &told["flow"];
    let rule = &flow["rule"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let mut wrong = Vec::new();
    let mut hold = |what: &str, holds: bool| {
        if !holds {
            wrong.push(format!("{what}: {told}"));
        }
    };
    hold("the rule", told["decided_by"]["rule"] == *rule);
    hold("the verdict", text(&told["summary"]).starts_with(&format!("{}:", text(&flow["verdict"]))));
    hold("the summary names the rule", text(&told["summary"]).contains(&text(&rule["name"])));
    let violations = told["violations"].as_array().map_or(&[][..], Vec::as_slice);
    hold("the kind", flow["kind"] == violations.first().map_or(Value::Null, |violation| violation["kind"].clone()));
    hold("violations", (flow["verdict"] == "violation") != violations.is_empty());
    let steps = told["steps"].as_array().map_or(&[][..], Vec::as_slice);
    hold("every step has a sentence", !steps.is_empty() && steps.iter().all(|step| !text(&step["text"]).is_empty()));
    let step = |name: &str| steps.iter().find(|step| step["step"] == name);
    let allowed_by = |name: &str| step(name).is_some_and(|step| !step["because"].is_null() || !step["zone"].is_null());
    let lines = told["decided_by"]["lines"].as_array().map_or(&[][..], Vec::as_slice);
    let conduits = told["conduits"].as_array().map_or(&[][..], Vec::as_slice);
    match rule["name"].as_str() {
        Some("home") => hold("home", allowed_by("home") || allowed_by("dhcp")),
        Some("local-scope") => hold("local-scope", allowed_by("local-scope") && step("leak").is_none()),
        Some("home-unknown") => hold("home-unknown", step("home-unknown").is_some()),
        Some("default-deny") => {
            let undecided =
                !allowed_by("home") && !allowed_by("dhcp") && conduits.iter().all(|c| c["result"] == "differs")
                    || conduits.iter().all(|c| c["result"] == "differs" || c["result"] == "unpermitted")
                        && step("tunnel").is_some();
            let inside = step("inside-tunnel").is_some() && flow["verdict"] == "unwatched";
            hold("default-deny", step("leak").is_some() || inside || undecided);
        }
        _ => {
            let wanted = if flow["verdict"] == "violation" { "expired" } else { "allows" };
            let of_rule = |c: &&Value| c["name"] == rule["name"] && c["line"]["line"] == rule["line"];
            let deciding = conduits.iter().find(of_rule).map_or("", |c| c["result"].as_str().unwrap_or_default());
            let unwatched = flow["verdict"] == "unwatched";
            hold("the conduit", deciding == wanted || unwatched && deciding == "expired");
            hold("its line", lines.iter().any(|l| l["file"] == rule["file"] && l["line"] == rule["line"]));
        }
    }
    // A zone that a file declares stands somewhere.
    let in_zone = steps.iter().any(|step| step["step"] == "end" && !step["zone"]["line"].is_null());
    let by_zone = rule["name"] == "home" || rule["name"] == "default-deny" && step("leak").is_none();
    hold("a deciding line", !lines.is_empty() || !in_zone || !by_zone);
    wrong
}

/// What `explain --finding` says agrees with the finding: the same finding, and flows that all add to it.
pub fn compare_finding(finding: &Value, answer: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut hold = |what: &str, holds: bool| {
        if !holds {
            wrong.push(format!("explain --finding, {what}: {answer}\n    finding {finding}"));
        }
    };
    hold("the finding", answer["finding"]["finding"] == *finding);
    let flows = answer["flows"].as_array().map_or(&[][..], Vec::as_slice);
    let adds = |flow: &Value| {
        let of_kind = |v: &Value| v["kind"] == finding["kind"] && v["peer_zone"] == finding["peer_zone"];
        flow["violations"].as_array().is_some_and(|violations| violations.iter().any(of_kind))
    };
    hold("its flows", flows.iter().all(adds));
    hold("all flows", flows.is_empty() != (finding["class"] == "reach"));
    let peers = finding["peers"].as_array().map_or(&[][..], Vec::as_slice);
    for peer in peers.iter().filter(|_| finding["class"] == "reach") {
        let is_of = |flow: &Value| {
            [&flow["flow"]["initiator"], &flow["flow"]["responder"]].iter().any(|end| end["ip"] == peer["ip"])
        };
        hold("a peer", flows.iter().any(is_of));
    }
    wrong
}
