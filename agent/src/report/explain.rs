//! Why flows were judged as they were: for a person the answer first, then the way to it, then what would change it.

use std::io::{self, Write};

use serde::Serialize;

use super::headline::more;
use super::page::{Page, columns};
use super::reasons::{line, lines, step_text, trial_text, unmet_text};
use super::style::{Paint, Style};
use super::words::{count, counted, ref_label, rule, socket, span, time};
use crate::base::escape_json;
use crate::engine::{
    Explanation, FindingExplanation, FindingStatus, FlowVerdict, LineRef, PolicyRef, RuleRef, Step, Trial,
};

/// What is known beside the flows.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// The policy that decided.
    pub policy: PolicyRef,
    /// Flows that were asked about, listed or not.
    pub flows_total: u64,
    /// For a flow that nobody sent: what was assumed.
    pub assumptions: Vec<String>,
    /// The finding that was asked about.
    pub finding: Option<FindingExplanation>,
    /// For a flow that nobody sent: findings that its frames raise besides.
    pub besides: Vec<FindingStatus>,
}

/// Writes `segwatch/explain/1` while the flows come, so that none of them is kept.
pub struct ExplainWriter<W: Write> {
    out: W,
    written: u64,
}

#[derive(Serialize)]
struct FlowJson<'a> {
    summary: String,
    flow: &'a crate::engine::FlowRow,
    decided_by: DecidedBy<'a>,
    violations: &'a [crate::engine::ViolationStatus],
    steps: Vec<StepJson<'a>>,
    conduits: &'a [Trial],
    nearest: &'a Option<Trial>,
    changes: Vec<String>,
}

#[derive(Serialize)]
struct DecidedBy<'a> {
    rule: &'a RuleRef,
    lines: Vec<DecidingLine>,
}

/// A line of the policy on which a decision stands.
#[derive(Serialize)]
struct DecidingLine {
    what: String,
    #[serde(flatten)]
    line: LineRef,
}

#[derive(Serialize)]
struct StepJson<'a> {
    #[serde(flatten)]
    step: &'a Step,
    text: String,
}

impl<W: Write> ExplainWriter<W> {
    /// Begins the document.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(b"{\n\"schema\": \"segwatch/explain/1\",\n\"flows\": [")?;
        Ok(ExplainWriter { out, written: 0 })
    }

    /// Writes one flow.
    pub fn write(&mut self, explanation: &Explanation) -> io::Result<()> {
        let gap: &[u8] = if self.written == 0 { b"\n" } else { b",\n" };
        self.written += 1;
        self.out.write_all(gap)?;
        let json = serde_json::to_string(&FlowJson {
            summary: answer(explanation),
            flow: &explanation.flow,
            decided_by: DecidedBy {
                rule: &explanation.flow.rule,
                lines: lines(explanation).into_iter().map(|(what, line)| DecidingLine { what, line }).collect(),
            },
            violations: &explanation.violations,
            steps: explanation.steps.iter().map(|step| StepJson { step, text: step_text(step, explanation) }).collect(),
            conduits: &explanation.conduits,
            nearest: &explanation.nearest,
            changes: explanation
                .nearest
                .iter()
                .filter(|trial| trial.near)
                .flat_map(|trial| changes(trial, explanation))
                .map(|c| c.1)
                .collect(),
        })?;
        self.out.write_all(escape_json(json).as_bytes())
    }

    /// Ends the document.
    pub fn finish(mut self, explained: &Explained) -> io::Result<()> {
        let rest = serde_json::to_string(explained)?;
        let rest = rest.strip_prefix('{').unwrap_or(&rest).to_owned();
        self.out.write_all(b"\n],\n")?;
        self.out.write_all(escape_json(rest).as_bytes())?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

/// The flows that were asked about, the worst first, as text.
pub fn explain_text(flows: &[Explanation], explained: &Explained, style: &Style) -> String {
    let mut page = Page::new(style);
    if let Some(finding) = &explained.finding {
        about_finding(&mut page, finding, explained.flows_total);
    }
    if flows.is_empty() && explained.finding.is_none() {
        page.put(Paint::Plain, "no flow of the capture is asked about").end();
    }
    for (at, flow) in flows.iter().enumerate() {
        if at > 0 || explained.finding.is_some() {
            page.end();
        }
        about_flow(&mut page, flow, explained);
    }
    let rest = explained.flows_total.saturating_sub(flows.len() as u64);
    if rest > 0 {
        page.end();
        let hint = "; `--limit` shows more of them, `--from`, `--to`, `--service` and `--vlan` choose";
        more(&mut page, usize::try_from(rest).unwrap_or(usize::MAX), hint);
    }
    page.finish()
}

fn about_flow(page: &mut Page<'_>, explanation: &Explanation, explained: &Explained) {
    let flow = &explanation.flow;
    let (word, paint) = match flow.verdict {
        FlowVerdict::Violation => ("violation", Paint::Bad),
        FlowVerdict::Allowed => ("allowed", Paint::Good),
        FlowVerdict::Unwatched => ("unwatched", Paint::Faint),
    };
    page.put(paint, word).put(Paint::Strong, ":").space(1);
    let text = answer(explanation);
    let text = text.split_once(": ").map_or(text.as_str(), |rest| rest.1);
    page.wrap(columns(word) + 2, 2, Paint::Strong, text);
    let vlan = flow.vlan.map(|vlan| format!(", VLAN {vlan}")).unwrap_or_default();
    let (from, to) = (&flow.initiator, &flow.responder);
    let when = if explained.assumptions.is_empty() {
        format!(", {}", span(flow.first_seen, flow.last_seen))
    } else {
        String::new()
    };
    let ends = format!("{} {} → {}{vlan}{when}", flow.proto, socket(from.ip, from.port), socket(to.ip, to.port));
    page.space(2).wrap(2, 4, Paint::Plain, &ends);
    for violation in &explanation.violations {
        let id = violation.id.as_ref().map(|id| format!(" · finding {id}")).unwrap_or_default();
        // Of a single one the first line says what it is.
        let what = match explanation.violations.len() {
            1 => String::new(),
            _ => format!(" · {}, {}", violation.kind.name(), violation.reach.name()),
        };
        let (who, zone) = (ref_label(&violation.device), &violation.zone);
        let text = format!("{} · {who} of {zone}, peer in {}{what}{id}", violation.severity, violation.peer_zone);
        page.space(2).wrap(2, 4, Paint::of_severity(violation.severity), &text);
        if let Some(exception) = &violation.exception {
            page.space(2).wrap(2, 4, Paint::Minor, &super::words::muted(exception));
        }
    }
    for (what, at) in lines(explanation) {
        page.space(2).wrap(2, 4, Paint::Plain, &format!("{what} stands in {}", line(&at)));
    }
    if !explained.assumptions.is_empty() {
        page.heading("Assumed", "");
        for assumption in &explained.assumptions {
            page.space(2).wrap(2, 4, Paint::Plain, assumption);
        }
    }
    steps(page, explanation);
    conduits(page, explanation);
    if let Some(nearest) = &explanation.nearest {
        let place = nearest.line.as_ref().map(line).unwrap_or_default();
        page.heading("Nearest conduit", "");
        let what = if nearest.near {
            "would have allowed it with these changes:"
        } else {
            "names neither end of this flow, which would need a conduit of its own"
        };
        page.space(2).wrap(2, 2, Paint::Plain, &format!("{} ({place}) {what}", nearest.name));
        let changes = if nearest.near { changes(nearest, explanation) } else { Vec::new() };
        let widest = changes.iter().map(|change| change.0.len()).max().unwrap_or(0);
        for (key, change) in changes {
            labelled(page, Paint::Doubt, key, widest, &change);
        }
    }
    if !explained.besides.is_empty() {
        page.heading("Besides", "what these frames alone would raise");
        let widest = explained.besides.iter().map(|finding| finding.kind.name().len()).max().unwrap_or(0);
        for finding in &explained.besides {
            labelled(page, Paint::of_severity(finding.severity), finding.kind.name(), widest, &finding.summary);
        }
    }
}

/// `violation: internet-egress, decided by default-deny (built in)`.
fn answer(explanation: &Explanation) -> String {
    let flow = &explanation.flow;
    let rule = rule(&flow.rule);
    match flow.verdict {
        FlowVerdict::Violation => {
            let kinds: Vec<&str> = explanation.violations.iter().map(|violation| violation.kind.name()).collect();
            format!("violation: {}, {}, decided by {rule}", kinds.join(" and "), flow.reach.name())
        }
        FlowVerdict::Allowed if flow.rule.name == "home-unknown" => {
            format!("allowed: nobody can tell whether it stays at home, decided by {rule}")
        }
        FlowVerdict::Allowed => format!("allowed: {}, decided by {rule}", flow.reach.name()),
        FlowVerdict::Unwatched => format!("unwatched: neither end is watched; it would fall to {rule}"),
    }
}

fn steps(page: &mut Page<'_>, explanation: &Explanation) {
    page.heading("Steps", "");
    let widest = explanation.steps.iter().map(|step| name(step).len()).max().unwrap_or(0);
    for step in &explanation.steps {
        labelled(page, Paint::Faint, name(step), widest, &step_text(step, explanation));
    }
}

fn name(step: &Step) -> &'static str {
    match step {
        Step::End(end) if end.end == crate::engine::End::Initiator => "initiator",
        Step::End(_) => "responder",
        Step::Reach { .. } => "reach",
        Step::LocalScope { .. } => "local-scope",
        Step::Leak { .. } => "leak",
        Step::Home { .. } => "home",
        Step::Dhcp { .. } => "dhcp",
        Step::InsideTunnel | Step::Tunnel { .. } => "tunnel",
        Step::Conduits { .. } => "conduits",
        Step::HomeUnknown => "home-unknown",
    }
}

fn conduits(page: &mut Page<'_>, explanation: &Explanation) {
    const WIDEST: usize = 28;
    let tried = explanation.steps.iter().find_map(|step| match step {
        Step::Conduits { tried, declared, .. } => Some((*tried, *declared)),
        _ => None,
    });
    let Some((tried, declared)) = tried.filter(|tried| tried.0 > 0) else { return };
    let remark = match tried as usize - explanation.conduits.len() {
        0 if tried < declared => {
            format!("in file order; the {} after it were not asked", counted(declared - tried, "conduit"))
        }
        0 => "in file order".to_owned(),
        _ => format!("in file order; the nearest of {}", count(tried)),
    };
    page.heading("Conduits", &remark);
    let widest = explanation.conduits.iter().map(|trial| columns(&trial.name)).max().unwrap_or(0).min(WIDEST);
    for trial in &explanation.conduits {
        labelled(page, Paint::Plain, &trial.name, widest, &trial_text(trial));
    }
}

/// What would have to change in a conduit, the largest change first.
fn changes<'t>(trial: &'t Trial, explanation: &Explanation) -> Vec<(&'t str, String)> {
    let mut differs: Vec<_> = trial.differs.iter().collect();
    differs.sort_by_key(|difference| match difference.key {
        "direction" => 0,
        "from.zone" | "to.zone" => 1,
        "from.hosts" | "to.hosts" => 2,
        "services" => 3,
        _ => 4,
    });
    differs.into_iter().map(|difference| (difference.key, unmet_text(difference, explanation))).collect()
}

/// A name, and behind it a text in a column of its own.
fn labelled(page: &mut Page<'_>, paint: Paint, label: &str, widest: usize, text: &str) {
    let indent = 2 + widest + 2;
    let label = super::page::clip(label, widest.max(1));
    // `clip` escaped it, and escaped text has nothing left to escape.
    page.space(2).put(paint, &label).space(indent.saturating_sub(2 + columns(&label)));
    page.wrap(indent, indent, Paint::Plain, text);
}

fn about_finding(page: &mut Page<'_>, explained: &FindingExplanation, flows: u64) {
    let finding = &explained.finding;
    let reach = finding.reach.map(|reach| format!(", {}", reach.name())).unwrap_or_default();
    page.put(Paint::of_severity(finding.severity), finding.severity).put(Paint::Strong, ":").space(1);
    let text = format!("{}{reach}, decided by {}", finding.kind.name(), rule(&finding.rule));
    page.wrap(finding.severity.len() + 2, 2, Paint::Strong, &text);
    page.space(2).wrap(2, 4, Paint::Plain, &finding.summary);
    if let Some(exception) = &finding.exception {
        page.space(2).wrap(2, 4, Paint::Minor, &super::words::muted(exception));
    }
    let seen = format!("{} · finding {}", span(finding.first_seen, finding.last_seen), finding.id);
    page.space(2).wrap(2, 4, Paint::Faint, &seen);
    page.heading("Device", &ref_label(&finding.device));
    for (label, text) in super::reasons::device_facts(explained) {
        labelled(page, Paint::Faint, label, 7, &text);
    }
    for vlan in &explained.vlans {
        let zone = vlan.zone.as_ref().map_or("which no zone owns".to_owned(), |zone| format!("of zone {zone}"));
        let home = match (vlan.of_home, &explained.home) {
            (true, _) => "",
            (false, Some(_)) => ": not its home's",
            (false, None) => ": it has no home",
        };
        let paint = if vlan.of_home { Paint::Plain } else { Paint::Bad };
        let text = format!("VLAN {}, {zone}{home}, from {} UTC", vlan.vlan, time(vlan.first_seen));
        labelled(page, paint, "seen in", 7, &text);
    }
    match flows {
        0 => page.space(2).wrap(2, 4, Paint::Faint, "No flow adds to it: it is about the device itself."),
        n => page.space(2).wrap(2, 4, Paint::Faint, &format!("Flows of the capture that add to it: {}", count(n))),
    }
}
