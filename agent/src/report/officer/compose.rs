//! The report in the order in which it is read: the answer first, then what has to be done, then the evidence.

use super::Language;
use super::camera::Camera;
use super::cards::{card, why};
use super::document::{Badge, Cell, Fact, Part, Tile, Tone, fact};
use super::site::{Count, SiteReport};
use crate::coverage::{Disposition, Verdict};

/// Cameras that are named beside the answer; the rest are counted.
const NAMES_SHOWN: usize = 12;

pub(super) fn compose(report: &SiteReport<'_>, w: Language) -> Vec<Part> {
    let mut parts = answer(report, w);
    for Count { is, cameras } in report.dispositions.iter().filter(|count| count.cameras > 0) {
        let word = capitalised(&w.of_disposition(*is).word);
        parts.push(Part::Section(format!("{word} ({cameras})")));
        parts.push(overview(report, *is, w));
    }
    parts.extend(strays(report, w));
    if !report.cameras.is_empty() {
        parts.push(Part::Page(w.details().to_owned()));
        parts.extend(report.cameras.iter().map(|camera| card(camera, report, w)));
    }
    parts.extend(closing(report, w));
    parts
}

fn answer(report: &SiteReport<'_>, w: Language) -> Vec<Part> {
    let mut parts = vec![
        Part::Verdict {
            tone: w.of_verdict(report.verdict).tone,
            answer: format!("{}: {}", w.verdict_of_site(), w.verdict_at_length(report.verdict)),
            meaning: w.meaning(report.verdict).to_owned(),
            why: report.reasons.iter().map(|reason| w.reason(reason)).chain(worst(report, w)).collect(),
        },
        Part::Facts(subject(report, w)),
        Part::Section(w.summary().to_owned()),
    ];
    if report.cameras.is_empty() {
        parts.push(Part::Text(w.no_cameras().to_owned()));
    } else {
        let tiles =
            report.dispositions.iter().map(|count| Tile { count: count.cameras, badge: w.of_disposition(count.is) });
        parts.push(Part::Counts(tiles.collect()));
        parts.push(Part::Text(totals(report, w)));
    }
    parts.push(Part::Section(w.unseen().to_owned()));
    parts.push(match report.unseen.as_slice() {
        [] => Part::Text(w.nothing_unseen().to_owned()),
        unseen => Part::List(unseen.iter().map(|one| w.of_unseen(one)).collect()),
    });
    if !report.homes.is_empty() {
        parts.push(Part::Section(w.homes().to_owned()));
        parts.push(homes(report, w));
    }
    parts
}

/// Which cameras make the site's verdict what it is, where something was seen.
fn worst(report: &SiteReport<'_>, w: Language) -> Option<String> {
    let is_told = matches!(report.verdict, Verdict::Violated | Verdict::Contained);
    let names: Vec<String> =
        report.cameras.iter().filter(|camera| camera.verdict == report.verdict).map(Camera::label).collect();
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let more = if more > 0 { w.of(format!(" and {more} more"), format!(" og {more} mere")) } else { String::new() };
    let shown = names.get(..NAMES_SHOWN.min(names.len())).unwrap_or_default().join(", ");
    (is_told && !names.is_empty()).then(|| format!("{}: {shown}{more}", w.of_verdict(report.verdict).word))
}

fn subject(report: &SiteReport<'_>, w: Language) -> Vec<Fact> {
    let named = |name: &str| if name.is_empty() { w.not_named().to_owned() } else { name.to_owned() };
    let observed = match report.observed.from.zip(report.observed.to) {
        Some((from, to)) => format!("{} UTC ({})", w.span(from, to), lasting(report.observed.seconds, w)),
        None => w.nothing_observed().to_owned(),
    };
    let mut sources = report.observed.sources.to_vec();
    let packets = report.observed.packets.map(|packets| format!("{} {}", w.number(packets), w.packets()));
    let from = if packets.is_some() { w.sources() } else { w.journal() };
    sources.extend(packets);
    vec![
        fact(w.site(), vec![named(report.site)]),
        fact(w.sensor(), vec![named(report.sensor)]),
        fact(w.observed(), vec![observed]),
        fact(from, sources),
        fact(w.policy(), vec![report.policy.file.clone().unwrap_or(w.built_in().to_owned())]),
        fact(w.hash(), vec![report.policy.hash.clone()]),
        fact(w.made_by(), vec![format!("segwatch {}", env!("CARGO_PKG_VERSION"))]),
    ]
}

fn lasting(seconds: f64, w: Language) -> String {
    let minutes = (seconds / 60.0) as u64;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds:.0} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => w.of(format!("{hours} h {minutes} min"), format!("{hours} t {minutes} min")),
        _ => w.of(format!("{days} d {hours} h"), format!("{days} d {hours} t")),
    }
}

/// All cameras by their verdict, in a line.
fn totals(report: &SiteReport<'_>, w: Language) -> String {
    let verdicts = report.verdicts.iter().filter(|count| count.cameras > 0);
    let verdicts: Vec<String> =
        verdicts.map(|count| format!("{} {}", count.cameras, w.verdict_at_length(count.is))).collect();
    format!("{} {}: {}.", report.cameras.len(), w.cameras(), verdicts.join(", "))
}

fn homes(report: &SiteReport<'_>, w: Language) -> Part {
    let titles = [w.zone(), w.verdict(), w.of("Cameras", "Kameraer"), w.findings()];
    let row = |home: &super::site::Home<'_>| {
        let mut why = w.reasons(home.reasons);
        for verdict in Verdict::ALL {
            let is_one = |camera: &&Camera<'_>| camera.home == Some(home.name) && camera.verdict == verdict;
            let cameras = report.cameras.iter().filter(is_one).count();
            if cameras > 0 {
                let gap = if why.is_empty() { "" } else { ", " };
                why = format!("{cameras} {}{gap}{why}", w.of_verdict(verdict).word);
            }
        }
        vec![
            Cell::text(home.name),
            Cell::badge(w.of_verdict(home.verdict), Vec::new()),
            Cell::text(format!("{}: {why}", w.number(home.cameras))),
            Cell::text(w.number(home.findings)),
        ]
    };
    let titles = titles.map(str::to_owned).to_vec();
    Part::Table { name: "zones", titles, rows: report.homes.iter().map(row).collect() }
}

/// The cameras of one disposition, a row each.
fn overview(report: &SiteReport<'_>, is: Disposition, w: Language) -> Part {
    let reason = if is == Disposition::CannotTell { w.missing() } else { w.why() };
    let titles = [w.camera().to_owned(), format!("{}, {}", w.home(), w.use_().to_lowercase())];
    let titles = titles.into_iter().chain([w.verdict(), w.firmware(), reason].map(str::to_owned)).collect();
    let cameras = report.cameras.iter().filter(|camera| camera.disposition == is);
    Part::Table { name: "cameras", titles, rows: cameras.map(|camera| row(camera, report, w)).collect() }
}

fn row(camera: &Camera<'_>, report: &SiteReport<'_>, w: Language) -> Vec<Cell> {
    let model = [camera.vendor, camera.model].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mac = camera.mac.map(|mac| mac.to_string());
    let addresses = mac.into_iter().chain(camera.ips.iter().map(ToString::to_string)).collect::<Vec<_>>().join(" · ");
    let lines = [model, addresses].into_iter().filter(|line| !line.is_empty()).collect();
    let findings = camera.findings.len();
    let findings = (findings > 0).then(|| match findings {
        1 => w.of("1 finding", "1 fund").to_owned(),
        n => w.of(format!("{n} findings"), format!("{n} fund")),
    });
    vec![
        Cell::badge(Badge { tone: Tone::Plain, word: camera.label() }, lines),
        Cell {
            badge: None,
            lines: vec![
                camera.home.unwrap_or(w.no_home()).to_owned(),
                camera.use_.map_or(w.not_listed().to_owned(), |use_| format!("“{use_}”")),
            ],
        },
        Cell::badge(w.of_verdict(camera.verdict), findings.into_iter().collect()),
        Cell::badge(w.of_state(camera.posture.state), camera.firmware.map(str::to_owned).into_iter().collect()),
        Cell { badge: None, lines: why(camera, report, w) },
    ]
}

/// Findings about no camera of the report.
fn strays(report: &SiteReport<'_>, w: Language) -> Vec<Part> {
    let findings = report.findings_of(&report.findings_without_camera);
    if findings.is_empty() {
        return Vec::new();
    }
    let titles = [w.kind(), w.severity(), w.device(), w.zone(), w.peers(), w.reach(), w.when()];
    let muted = |finding: &crate::engine::FindingStatus| {
        let text = w.muted(finding);
        Some(text.trim_start_matches("; ").to_owned()).filter(|text| !text.is_empty()).into_iter().collect()
    };
    let row = |finding: &&crate::engine::FindingStatus| {
        vec![
            Cell { badge: None, lines: vec![w.of_kind(finding.kind).to_owned(), finding.kind.name().to_owned()] },
            Cell::badge(w.of_severity(finding.severity), muted(finding)),
            Cell::text(w.subject(finding)),
            Cell::text(finding.zone.clone()),
            Cell::text(w.of_peers(finding)),
            Cell::text(finding.reach.map_or("–", |reach| w.of_reach(reach))),
            Cell::text(w.span(finding.first_seen, finding.last_seen)),
        ]
    };
    let titles = titles.map(str::to_owned).to_vec();
    let table = Part::Table { name: "findings", titles, rows: findings.iter().map(row).collect() };
    vec![Part::Section(format!("{} ({})", w.findings_elsewhere(), findings.len())), table]
}

fn closing(report: &SiteReport<'_>, w: Language) -> Vec<Part> {
    let judged = [w.method_mirror(), w.method_isolated(), w.method_others()];
    let of_journal = report.observed.packets.is_none().then_some(w.method_journal());
    let known = [w.method_firmware(), w.method_use(), w.method_hash()];
    let method = judged.into_iter().chain(of_journal).chain(known);
    vec![
        Part::Page(w.rules().to_owned()),
        Part::Text(w.rules_lead().to_owned()),
        Part::Numbered(report.rules.iter().map(|rule| w.rule(rule)).collect()),
        Part::Section(w.method().to_owned()),
        Part::List(method.map(str::to_owned).collect()),
        Part::Section(w.signature().to_owned()),
        Part::Text(w.signature_lead().to_owned()),
        Part::Signature([w.signature_name(), w.signature_date(), w.signature()].map(str::to_owned).to_vec()),
    ]
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}
