//! The last 24 hours of a device as a strip, and the same in words.

use std::fmt::Write;

use crate::base::Timestamp;
use crate::coverage::{Gap, Period};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
/// Cells of a strip, and the time that each is of.
const CELLS: usize = 288;
const CELL: i64 = DAY / CELLS as i64;
/// A gap is drawn at least so wide: a thinner one would not be seen.
const MIN_GAP_CELLS: usize = 2;
/// Gaps that are told in words: the last ones. The others are counted.
const MAX_TOLD: usize = 3;

/// What is drawn: three heights, so that no colour is needed to tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cell {
    /// Before the agent knew the device.
    NoRecord,
    Observed,
    Gap,
}

/// A strip of these periods, which end about `at`.
pub(super) fn strip(periods: &[Period], at: Timestamp) -> String {
    let from = Timestamp(at.0.saturating_sub(DAY));
    let within = |(start, end): (Timestamp, Timestamp)| {
        let clipped = (start.max(from), end.min(at));
        (clipped.0 < clipped.1).then_some(clipped)
    };
    let records: Vec<_> = periods.iter().filter_map(|period| within((period.from, period.to))).collect();
    let gaps = merged(periods.iter().flat_map(|period| &period.gaps), within);
    if records.is_empty() {
        return "<span class=\"dim\">no record</span>".to_owned();
    }
    let mut drawn = draw(&records, &gaps, from);
    words(&mut drawn, &records, &gaps, at);
    drawn
}

/// Gaps that go on over the end of an hour are one.
fn merged<'p>(
    gaps: impl Iterator<Item = &'p Gap>,
    within: impl Fn((Timestamp, Timestamp)) -> Option<(Timestamp, Timestamp)>,
) -> Vec<Gap> {
    let mut sorted: Vec<Gap> =
        gaps.filter_map(|gap| within((gap.from, gap.to)).map(|(from, to)| Gap { from, to, ..gap.clone() })).collect();
    sorted.sort_by_key(|gap| gap.from);
    let mut merged: Vec<Gap> = Vec::new();
    for gap in sorted {
        match merged.last_mut() {
            Some(last) if gap.from <= last.to && gap.reason == last.reason => last.to = last.to.max(gap.to),
            _ => merged.push(gap),
        }
    }
    merged
}

fn draw(records: &[(Timestamp, Timestamp)], gaps: &[Gap], from: Timestamp) -> String {
    let mut cells = [Cell::NoRecord; CELLS];
    let cell_of = |at: Timestamp| usize::try_from(at.since(from) / CELL).unwrap_or(0);
    for (start, end) in records {
        // A cell counts as observed once most of it is: less looks like more than there is.
        let (first, last) =
            (cell_of(Timestamp(start.0.saturating_add(CELL / 2))), cell_of(Timestamp(end.0.saturating_add(CELL / 2))));
        cells.iter_mut().take(last).skip(first).for_each(|cell| *cell = Cell::Observed);
    }
    for gap in gaps {
        let first = cell_of(gap.from).min(CELLS - MIN_GAP_CELLS);
        let end = cell_of(Timestamp(gap.to.0.saturating_add(CELL - 1))).max(first + MIN_GAP_CELLS);
        cells.iter_mut().take(end).skip(first).for_each(|cell| *cell = Cell::Gap);
    }
    let (mut observed, mut missing, mut x) = (String::new(), String::new(), 0);
    for run in cells.chunk_by(|a, b| a == b) {
        let width = run.len();
        let _ = match run.first() {
            Some(Cell::Observed) => write!(observed, "M{x} 0h{width}v9h-{width}z"),
            Some(Cell::Gap) => write!(missing, "M{x} 5h{width}v4h-{width}z"),
            _ => Ok(()),
        };
        x += width;
    }
    let mut svg =
        format!("<svg class=\"strip\" viewBox=\"0 0 {CELLS} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    for (class, path) in [("o", observed), ("g", missing)] {
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }
    svg + "</svg>"
}

fn words(text: &mut String, records: &[(Timestamp, Timestamp)], gaps: &[Gap], at: Timestamp) {
    let recorded = length(records.iter().copied());
    let covered = recorded - length(gaps.iter().map(|gap| (gap.from, gap.to))).min(recorded);
    // Rounded down: 100 % is said of nothing that has a gap.
    let thousandths = covered.saturating_mul(1_000) / recorded.max(1);
    let minutes = recorded / MINUTE;
    let of = match minutes {
        1_435.. => "24 h".to_owned(),
        60.. => format!("the {} h {} min on record", minutes / 60, minutes % 60),
        1.. => format!("the {minutes} min on record"),
        _ => format!("the {} s on record", recorded / SECOND),
    };
    let _ = write!(text, "covered {}.{} % of {of}", thousandths / 10, thousandths % 10);
    let told = gaps.len().min(MAX_TOLD);
    match gaps.len() {
        0 => return,
        1 => text.push_str(", 1 gap: "),
        all => _ = write!(text, ", {all} gaps: "),
    }
    if gaps.len() > told {
        let _ = write!(text, "{} earlier, ", gaps.len() - told);
    }
    let last: Vec<String> = gaps
        .iter()
        .skip(gaps.len() - told)
        .map(|gap| {
            let is_on = at.since(gap.to) < MINUTE;
            let to = if is_on { "now".to_owned() } else { hour(gap.to) };
            format!("<b>{}–{to}</b> {}", hour(gap.from), gap.reason.name())
        })
        .collect();
    text.push_str(&last.join(", "));
}

/// Of spans that may lie over each other, after a step of the clock.
fn length(spans: impl Iterator<Item = (Timestamp, Timestamp)>) -> i64 {
    let mut spans: Vec<_> = spans.collect();
    spans.sort();
    let (mut sum, mut reached) = (0, Timestamp(i64::MIN));
    for (from, to) in spans {
        let from = from.max(reached);
        if to > from {
            sum += to.since(from);
            reached = to;
        }
    }
    sum
}

fn hour(at: Timestamp) -> String {
    at.to_string().get(11..16).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::ReasonCode;

    /// 2026-03-02T12:00:00Z.
    const NOON: Timestamp = Timestamp(1_772_452_800 * SECOND);

    fn before(minutes: i64) -> Timestamp {
        Timestamp(NOON.0 - minutes * MINUTE)
    }

    fn gap(from: i64, to: i64, reason: ReasonCode) -> Gap {
        Gap { from: before(from), to: before(to), reason, detail: String::new() }
    }

    /// Hours of a day, of which these gaps are cut out.
    fn day(gaps: &[Gap]) -> Vec<Period> {
        let hours = (0..24).rev().map(|hour| (before(60 * (hour + 1)), before(60 * hour)));
        let of = |from: Timestamp, to: Timestamp| {
            let inside = gaps.iter().filter(move |gap| gap.from < to && gap.to > from);
            inside.map(move |gap| Gap { from: gap.from.max(from), to: gap.to.min(to), ..gap.clone() }).collect()
        };
        hours.map(|(from, to)| Period { from, to, gaps: of(from, to) }).collect()
    }

    #[test]
    fn a_whole_day_is_one_bar() {
        let drawn = strip(&day(&[]), NOON);
        assert!(drawn.contains("d=\"M0 0h288v9h-288z\"") && drawn.ends_with("covered 100.0 % of 24 h"), "{drawn}");
        assert!(!drawn.contains("class=\"g\""), "{drawn}");
    }

    #[test]
    fn a_gap_over_an_hour_is_one_and_is_seen() {
        let drawn = strip(&day(&[gap(530, 480, ReasonCode::Silent)]), NOON);
        assert!(drawn.contains("class=\"g\" d=\"M182 5h10v4h-10z\""), "{drawn}");
        assert!(drawn.ends_with("covered 96.5 % of 24 h, 1 gap: <b>03:10–04:00</b> silent"), "{drawn}");
    }

    #[test]
    fn a_gap_of_a_second_is_drawn_and_spoils_the_hundred() {
        let second = Gap { to: Timestamp(before(300).0 + SECOND), ..gap(300, 300, ReasonCode::Loss) };
        let drawn = strip(&day(&[second]), NOON);
        assert!(drawn.contains("class=\"g\" d=\"M228 5h2v4h-2z\"") && drawn.contains("covered 99.9 %"), "{drawn}");
    }

    #[test]
    fn what_nobody_recorded_is_neither_observed_nor_a_gap() {
        let drawn = strip(&day(&[gap(3, 0, ReasonCode::Gap)])[18..], NOON);
        assert!(drawn.contains("class=\"o\" d=\"M216 0h70v9h-70z\""), "{drawn}");
        assert!(drawn.contains("of the 6 h 0 min on record, 1 gap: <b>11:57–now</b> gap"), "{drawn}");
        assert!(strip(&[], NOON).contains("no record"));
        let new = Period { from: Timestamp(NOON.0 - 8 * SECOND), to: NOON, gaps: Vec::new() };
        assert!(strip(&[new], NOON).ends_with("covered 100.0 % of the 8 s on record"));
    }

    #[test]
    fn the_last_gaps_are_told_and_the_others_counted() {
        let gaps: Vec<Gap> = (1..=9).rev().map(|n| gap(100 * n, 100 * n - 30, ReasonCode::OneDirection)).collect();
        let drawn = strip(&day(&gaps), NOON);
        assert!(drawn.contains(", 9 gaps: 6 earlier, <b>07:00–07:30</b>"), "{drawn}");
        assert!(drawn.len() < 600, "{}", drawn.len());
    }

    #[test]
    fn no_clock_makes_it_panic_or_say_more_than_there_is() {
        for at in [Timestamp(i64::MIN), Timestamp(0), Timestamp(i64::MAX)] {
            let odd = Period { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX), gaps: Vec::new() };
            let _ = strip(&[odd.clone(), odd], at);
        }
        // A step back: the same hour is there twice, once with a gap.
        let [whole, cut] = [day(&[]), day(&[gap(120, 60, ReasonCode::Gap)])];
        let drawn = strip(&[whole, cut].concat(), NOON);
        assert!(drawn.contains("covered 95.8 % of 24 h, 1 gap"), "{drawn}");
    }
}
