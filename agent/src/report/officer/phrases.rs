//! Sentences of the report.

use super::Language;
use super::camera::{Coverage, Gap};
use super::site::Unseen;
use crate::base::Timestamp;
use crate::coverage::Reason;
use crate::engine::{ExceptionStatus, FindingStatus, PeerStatus};
use crate::report::words::{ref_label, socket, time};

/// Peers that are named in a line; the rest are counted.
const PEERS_SHOWN: usize = 3;
/// Gaps that are named; the rest are counted.
const GAPS_SHOWN: usize = 6;

impl Language {
    /// A count with separators.
    pub(super) fn number(self, number: u64) -> String {
        let english = crate::report::words::count(number);
        self.of(english.clone(), english.replace(',', "."))
    }

    pub(super) fn percent(self, percent: f64) -> String {
        let english = format!("{percent:.1} %");
        self.of(english.clone(), english.replace('.', ","))
    }

    /// Hours with one decimal, cut rather than rounded.
    fn hours(self, seconds: u64) -> String {
        let (whole, tenths) = (self.number(seconds / 3600), seconds % 3600 / 360);
        self.of(format!("{whole}.{tenths}"), format!("{whole},{tenths}"))
    }

    /// From when to when.
    pub(super) fn span(self, from: Timestamp, to: Timestamp) -> String {
        let (first, last) = (time(from), time(to));
        match (first.get(..11), last.get(..11), last.get(11..)) {
            (Some(a), Some(b), Some(clock)) if a == b => format!("{first} – {clock}"),
            _ => format!("{first} – {last}"),
        }
    }

    /// A reason; its details are told in English only.
    pub(super) fn reason(self, reason: &Reason) -> String {
        let (words, code) = (self.of_reason(reason.code), reason.code.name());
        self.of(format!("{words}: {}", reason.detail), format!("{words} ({code})"))
    }

    pub(super) fn reasons(self, reasons: &[Reason]) -> String {
        reasons.iter().map(|reason| self.of_reason(reason.code)).collect::<Vec<_>>().join(", ")
    }

    /// How much of the time a camera was seen, and when not.
    pub(super) fn of_coverage(self, coverage: &Coverage) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(percent) = coverage.percent {
            let percent = self.percent(percent);
            lines.push(match &coverage.hours {
                Some(hours) => {
                    let [covered, all] = [hours.observed_seconds, hours.seconds].map(|seconds| self.hours(seconds));
                    self.of(
                        format!("covered for {covered} of {all} hours ({percent})"),
                        format!("dækket i {covered} af {all} timer ({percent})"),
                    )
                }
                None => self.of(
                    format!("{percent} of the time of the captures lies between its first and last frame"),
                    format!("{percent} af optagelsernes tid ligger mellem dets første og sidste pakke"),
                ),
            });
        }
        match coverage.first_seen.zip(coverage.last_seen) {
            Some((first, last)) => lines.push(format!("{}: {} UTC", self.of("seen", "set"), self.span(first, last))),
            None => lines.push(self.never().to_owned()),
        }
        let (sent, received) = (self.number(coverage.sent), self.number(coverage.received));
        lines.push(self.of(
            format!("{sent} frames from it, {received} to it"),
            format!("{sent} pakker fra det, {received} til det"),
        ));
        lines.extend(coverage.gaps.iter().take(GAPS_SHOWN).map(|gap| self.gap(gap)));
        let more = coverage.gaps.len().saturating_sub(GAPS_SHOWN);
        lines.extend((more > 0).then(|| self.of(format!("and {more} more gaps"), format!("og {more} huller mere"))));
        lines
    }

    pub(super) fn gap(self, gap: &Gap) -> String {
        let why = match &gap.why {
            Some(why) => self.of(format!(", {}: {}", why.code.name(), why.detail), format!(", {}", why.code.name())),
            None => String::new(),
        };
        format!("{}: {} UTC{why}", self.of("GAP", "HUL"), self.span(gap.from, gap.to))
    }

    /// Something that was not seen.
    pub(super) fn of_unseen(self, unseen: &Unseen<'_>) -> String {
        match unseen {
            Unseen::Everything => self.nothing_observed().to_owned(),
            Unseen::Damage(damage) => {
                let (offset, packet) = (self.number(damage.offset), self.number(damage.packet));
                let what = self.of("cannot be read on at byte", "kan ikke læses videre ved byte");
                format!("{} {what} {offset} ({} {packet}): {}", damage.file, self.of("packet", "pakke"), damage.what)
            }
            Unseen::Alarm(alarm) => {
                let blinds = self.of(
                    "what was seen through it is not verified",
                    "hvad der blev set gennem den, er ikke verificeret",
                );
                let blinds = if alarm.blinds { format!("; {blinds}") } else { String::new() };
                let what = self.of(format!("{}: {}", alarm.alarm, alarm.detail), alarm.alarm.to_owned());
                format!("{} {}: {what}{blinds}", self.of("mirror", "spejlport"), alarm.interface)
            }
            Unseen::Undecoded { frames, by_reason } => {
                let reasons: Vec<String> =
                    by_reason.iter().map(|(reason, n)| format!("{reason} {}", self.number(*n))).collect();
                let lead = self.of("frames not decoded to their end", "pakker, der ikke kunne afkodes helt");
                format!("{} {lead} ({})", self.number(*frames), reasons.join(", "))
            }
            Unseen::Truncated { frames } => {
                format!(
                    "{} {}",
                    self.number(*frames),
                    self.of("frames cut by the capture", "pakker afkortet af optagelsen")
                )
            }
            Unseen::NotCovered { cameras, never_seen } => self.of(
                format!("cameras not covered: {cameras}, of which never seen: {never_seen}"),
                format!("kameraer, der ikke er dækket: {cameras}, heraf aldrig set: {never_seen}"),
            ),
            Unseen::Gaps { cameras } => self.of(
                format!("cameras not seen all the time: {cameras}; their gaps are told below"),
                format!("kameraer, der ikke er set hele tiden: {cameras}; deres huller er angivet nedenfor"),
            ),
        }
    }

    /// Kind, reach, other end and time of a finding.
    pub(super) fn finding(self, finding: &FindingStatus) -> String {
        let reach = finding.reach.map_or(String::new(), |reach| format!(", {}", self.of_reach(reach)));
        format!(
            "{} ({}){reach}: {}; {} UTC",
            self.of_kind(finding.kind),
            finding.kind.name(),
            self.of_peers(finding),
            self.span(finding.first_seen, finding.last_seen)
        ) + &self.muted(finding)
    }

    /// Who answers for a finding that neither pages nor makes a ticket, and until when; empty without an exception.
    pub(super) fn muted(self, finding: &FindingStatus) -> String {
        let Some(ExceptionStatus { owner, reason, expires }) = &finding.exception else { return String::new() };
        self.of(
            format!("; muted until {expires} by {owner}: {reason}"),
            format!("; undtaget til og med {expires} af {owner}: {reason}"),
        )
    }

    /// The peers' zone, and the first peers with the service that was asked for.
    pub(super) fn of_peers(self, finding: &FindingStatus) -> String {
        let one = |peer: &PeerStatus| {
            let names = if peer.names.is_empty() { String::new() } else { format!(" ({})", peer.names.join(", ")) };
            format!("{}/{}{names}", socket(peer.ip, peer.port), peer.proto)
        };
        let mut words: Vec<String> = finding.peers.iter().take(PEERS_SHOWN).map(one).collect();
        let more = finding.peers_total.saturating_sub(words.len() as u64);
        if more > 0 {
            words.push(self.of(format!("{more} more"), format!("{more} mere")));
        }
        match words.is_empty() {
            true => finding.peer_zone.clone(),
            false => format!("{}: {}", finding.peer_zone, words.join(", ")),
        }
    }

    /// The device that a finding is about.
    pub(super) fn subject(self, finding: &FindingStatus) -> String {
        let name = ref_label(&finding.device);
        if name == "?" { self.not_known().to_owned() } else { name }
    }
}
