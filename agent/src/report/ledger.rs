//! What was read, what was set aside, and what could not be read.

use super::CaptureFiles;
use super::headline::more;
use super::page::{Page, columns};
use super::style::Paint;
use super::words::{bytes, count, counted};
use crate::engine::{Snapshot, Traffic};

/// Places of damage, and alarms, that are listed.
const SHOWN: usize = 8;

pub(super) fn write(page: &mut Page<'_>, snapshot: &Snapshot, files: &CaptureFiles) {
    page.heading("Capture", "");
    let traffic = &snapshot.traffic;
    let read = format!("{} in {}", bytes(traffic.bytes), counted(files.files.len() as u64, "file"));
    let undecoded: u64 = traffic.undecoded.values().sum();
    let reasons: Vec<String> = traffic.undecoded.iter().map(|(reason, n)| format!("{reason} {}", count(*n))).collect();
    let lines = [
        ("packets", traffic.packets, read, Paint::Plain),
        (
            "duplicates",
            traffic.duplicates,
            format!("{}copied twice by the mirror, counted once", share(traffic.duplicates, traffic)),
            Paint::Plain,
        ),
        ("routed copies", traffic.routed_copies, "behind a router: proof of forwarding".to_owned(), Paint::Plain),
        (
            "truncated",
            traffic.truncated,
            format!("{}cut by the snap length", share(traffic.truncated, traffic)),
            Paint::Plain,
        ),
        ("undecoded", undecoded, format!("{}{}", share(undecoded, traffic), reasons.join(", ")), Paint::Doubt),
    ];
    let widest = lines.iter().map(|(_, n, ..)| count(*n).len()).max().unwrap_or(0);
    for (name, n, remark, paint) in lines.iter().filter(|(name, n, ..)| *n > 0 || *name == "packets") {
        let number = count(*n);
        page.space(2).put(Paint::Faint, name).space(15usize.saturating_sub(name.len()) + widest - number.len());
        page.put(*paint, &number).space(2);
        page.wrap(19 + widest, 19 + widest, Paint::Plain, remark);
    }
    damage(page, files);
    health(page, snapshot);
}

/// `1.2 %: `; empty for 0.
fn share(part: u64, traffic: &Traffic) -> String {
    match (part, traffic.packets) {
        (0, _) | (_, 0) => String::new(),
        (part, all) => match 100.0 * part as f64 / all as f64 {
            percent if percent < 0.1 => "less than 0.1 %: ".to_owned(),
            percent => format!("{percent:.1} %: "),
        },
    }
}

fn damage(page: &mut Page<'_>, files: &CaptureFiles) {
    let shown = files.damage.get(..SHOWN).unwrap_or(&files.damage);
    for damage in shown {
        labelled(page, Paint::Bad, "damage", &damage.to_string());
    }
    more(page, files.damage.len() - shown.len(), " places of damage");
}

fn health(page: &mut Page<'_>, snapshot: &Snapshot) {
    let shown = snapshot.health.get(..SHOWN).unwrap_or(&snapshot.health);
    for alarm in shown {
        let (paint, blinds) = if alarm.blinds { (Paint::Doubt, ", blinding") } else { (Paint::Plain, "") };
        labelled(page, paint, "mirror", &format!("{}: {}{blinds}: {}", alarm.interface, alarm.alarm, alarm.detail));
    }
    more(page, snapshot.health.len() - shown.len(), " alarms");
}

fn labelled(page: &mut Page<'_>, paint: Paint, label: &str, text: &str) {
    page.space(2).put(paint, label).space(17usize.saturating_sub(2 + columns(label)));
    page.wrap(17, 17, Paint::Plain, text);
}
