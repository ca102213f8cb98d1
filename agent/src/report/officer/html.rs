//! The report as one HTML page without a script or anything from elsewhere, made to be printed on A4.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::compose::compose;
use super::document::{Badge, Cell, Fact, Part, Tile};
use super::{Language, SiteReport};
use crate::base::html;

/// Digits of the policy's hash at the foot of each page.
const HASH_SHOWN: usize = 16;

/// Writes the report in a language.
pub fn report_html(report: &SiteReport<'_>, language: Language) -> String {
    let (w, style) = (language, style(report));
    let site = if report.site.is_empty() { w.not_named() } else { report.site };
    let (title, site, code) = (w.title(), html(site), w.code());
    let allowed = STANDARD.encode(Sha256::digest(&style));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title} · {site}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{allowed}'; \
         base-uri 'none'; form-action 'none'\">\n\
         <style>{style}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n<p>{site}</p>\n</header>\n<main>\n"
    );
    for part in compose(report, language) {
        write(&mut out, &part);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// The style sheet, with what stands at the foot of each page: it keeps pages of different reports apart.
fn style(report: &SiteReport<'_>) -> String {
    let is_hash = report.policy.hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hash = report.policy.hash.get(..HASH_SHOWN).filter(|_| is_hash).unwrap_or_default();
    include_str!("report.css").replace("POLICY", hash)
}

// Writing to a string cannot fail.
fn write(out: &mut String, part: &Part) {
    let _ = match part {
        Part::Section(title) => writeln!(out, "<h2>{}</h2>", html(title)),
        Part::Page(title) => writeln!(out, "<h2 class=\"page\">{}</h2>", html(title)),
        Part::Text(text) => writeln!(out, "<p>{}</p>", html(text)),
        Part::List(points) => writeln!(out, "<ul>\n{}</ul>", items(points)),
        Part::Numbered(points) => writeln!(out, "<ol>\n{}</ol>", items(points)),
        Part::Facts(facts) => writeln!(out, "{}", list(facts)),
        Part::Counts(tiles) => {
            writeln!(out, "<ul class=\"tiles\">\n{}</ul>", tiles.iter().map(tile).collect::<String>())
        }
        Part::Verdict { tone, answer, meaning, why } => {
            let why = if why.is_empty() { String::new() } else { format!("<ul>\n{}</ul>\n", items(why)) };
            let (class, answer, meaning) = (tone.class(), html(answer), html(meaning));
            writeln!(out, "<section class=\"verdict {class}\">\n<h2>{answer}</h2>\n<p>{meaning}</p>\n{why}</section>")
        }
        Part::Table { name, titles, rows } => table(out, name, titles, rows),
        Part::Card { title, badge, facts } => writeln!(
            out,
            "<section class=\"card\">\n<h3>{} {}</h3>\n{}\n</section>",
            html(title),
            marked(badge),
            list(facts)
        ),
        Part::Signature(labels) => {
            let lines: String = labels.iter().map(|label| format!("<p>{}</p>\n", html(label))).collect();
            writeln!(out, "<div class=\"signature\">\n{lines}</div>")
        }
    };
}

fn items(points: &[String]) -> String {
    points.iter().map(|point| format!("<li>{}</li>\n", html(point))).collect()
}

fn list(facts: &[Fact]) -> String {
    let one = |fact: &Fact| {
        let lines: String = fact.lines.iter().map(|line| format!("<dd>{}</dd>", html(line))).collect();
        format!("<div><dt>{}</dt>{lines}</div>\n", html(&fact.term))
    };
    format!("<dl>\n{}</dl>", facts.iter().map(one).collect::<String>())
}

fn tile(tile: &Tile) -> String {
    format!("<li class=\"{}\"><b>{}</b> {}</li>\n", tile.badge.tone.class(), tile.count, html(&tile.badge.word))
}

fn marked(badge: &Badge) -> String {
    format!("<b class=\"{}\">{}</b>", badge.tone.class(), html(&badge.word))
}

fn table(out: &mut String, name: &str, titles: &[String], rows: &[Vec<Cell>]) -> std::fmt::Result {
    let titles: String = titles.iter().map(|title| format!("<th scope=\"col\">{}</th>", html(title))).collect();
    writeln!(out, "<table class=\"{name}\">\n<thead>\n<tr>{titles}</tr>\n</thead>\n<tbody>")?;
    for row in rows {
        let cells = row.iter().enumerate().map(|(at, cell)| match at {
            0 => format!("<th scope=\"row\">{}</th>", inside(cell)),
            _ => format!("<td>{}</td>", inside(cell)),
        });
        writeln!(out, "<tr>{}</tr>", cells.collect::<String>())?;
    }
    writeln!(out, "</tbody>\n</table>")
}

/// A badge, and lines: the first of a cell without a badge is its text, further ones are small.
fn inside(cell: &Cell) -> String {
    let small = |line: &String| format!("<small>{}</small>", html(line));
    match (&cell.badge, cell.lines.as_slice()) {
        (Some(badge), lines) => format!("{}{}", marked(badge), lines.iter().map(small).collect::<String>()),
        (None, [only]) => html(only),
        (None, lines) => lines.iter().map(|line| format!("<div>{}</div>", html(line))).collect(),
    }
}
