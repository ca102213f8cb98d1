//! The report as Markdown (CommonMark, with the tables of GitHub).

use std::fmt::Write;

use super::compose::compose;
use super::document::{Badge, Cell, Fact, Part};
use super::{Language, SiteReport};
use crate::base::escape;

/// Writes the report in a language.
pub fn report_markdown(report: &SiteReport<'_>, language: Language) -> String {
    let site = if report.site.is_empty() { language.not_named() } else { report.site };
    let mut out = format!("# {}: {}\n", language.title(), text(site));
    for part in compose(report, language) {
        out.push('\n');
        write(&mut out, &part);
    }
    out
}

// Writing to a string cannot fail.
fn write(out: &mut String, part: &Part) {
    let _ = match part {
        Part::Section(title) | Part::Page(title) => writeln!(out, "## {}", text(title)),
        Part::Text(paragraph) => writeln!(out, "{}", text(paragraph)),
        Part::List(points) => points.iter().try_for_each(|point| writeln!(out, "- {}", text(point))),
        Part::Numbered(points) => {
            (1..).zip(points).try_for_each(|(n, point): (usize, &String)| writeln!(out, "{n}. {}", text(point)))
        }
        Part::Facts(facts) => write_facts(out, facts),
        Part::Counts(tiles) => {
            tiles.iter().try_for_each(|tile| writeln!(out, "- **{}** {}", tile.count, text(&tile.badge.word)))
        }
        Part::Verdict { answer, meaning, why, .. } => writeln!(out, "**{}**\n\n{}", text(answer), text(meaning))
            .and_then(|()| if why.is_empty() { Ok(()) } else { writeln!(out) })
            .and_then(|()| why.iter().try_for_each(|reason| writeln!(out, "- {}", text(reason)))),
        Part::Table { titles, rows, .. } => write_table(out, titles, rows),
        Part::Card { title, badge, facts } => {
            writeln!(out, "### {}: {}\n", text(title), text(&badge.word)).and_then(|()| write_facts(out, facts))
        }
        Part::Signature(labels) => labels
            .iter()
            .try_for_each(|label| writeln!(out, "{}: \\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\n", text(label))),
    };
}

fn write_facts(out: &mut String, facts: &[Fact]) -> std::fmt::Result {
    facts.iter().try_for_each(|fact| match fact.lines.as_slice() {
        [only] => writeln!(out, "- **{}:** {}", text(&fact.term), text(only)),
        lines => {
            writeln!(out, "- **{}:**", text(&fact.term))?;
            lines.iter().try_for_each(|line| writeln!(out, "  - {}", text(line)))
        }
    })
}

fn write_table(out: &mut String, titles: &[String], rows: &[Vec<Cell>]) -> std::fmt::Result {
    let titles: Vec<String> = titles.iter().map(|title| text(title)).collect();
    writeln!(out, "| {} |\n|{}", titles.join(" | "), "---|".repeat(titles.len()))?;
    rows.iter().try_for_each(|row| {
        let cells: Vec<String> = row.iter().map(inside).collect();
        writeln!(out, "| {} |", cells.join(" | "))
    })
}

fn inside(cell: &Cell) -> String {
    let badge = cell.badge.iter().map(|Badge { word, .. }| format!("**{}**", text(word)));
    badge.chain(cell.lines.iter().map(|line| text(line))).collect::<Vec<_>>().join("; ")
}

/// Text on one line of which nothing is markup, a link, or HTML.
fn text(text: &str) -> String {
    let escaped = escape(text);
    let line = escaped.trim();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let mut shown = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        // What would begin a list or underline a heading does so at the start only.
        let begins = at == 0 && "-+=".contains(c) || digits > 0 && at == digits && ".)".contains(c);
        let is_link = c == ':' && line.get(at..).is_some_and(|rest| rest.starts_with("://"));
        if "\\`*_{}[]<>#!|~$&@".contains(c) || begins || is_link {
            shown.push('\\');
        }
        shown.push(c);
    }
    // What is made a link without any markup.
    shown.replace("www.", "www\\.")
}
