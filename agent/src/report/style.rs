//! Width and colour of the text output.

use crate::coverage::Verdict;

/// How to write text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Use ANSI colours.
    pub color: bool,
    /// Columns of the terminal; tables and sentences keep within where they can.
    pub width: usize,
}

impl Default for Style {
    /// No colours, 100 columns.
    fn default() -> Self {
        Style { color: false, width: 100 }
    }
}

/// What a piece of text means; colour only repeats what the words say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Paint {
    #[default]
    Plain,
    Strong,
    Faint,
    Good,
    Minor,
    Doubt,
    Bad,
    /// The verdict itself, on a coloured ground.
    Badge(Verdict),
}

impl Paint {
    pub(super) fn of(verdict: Verdict) -> Paint {
        match verdict {
            Verdict::Isolated => Paint::Good,
            Verdict::Contained => Paint::Minor,
            Verdict::Unverified => Paint::Doubt,
            Verdict::Violated => Paint::Bad,
        }
    }

    pub(super) fn of_severity(severity: &str) -> Paint {
        match severity {
            "critical" => Paint::Bad,
            "warning" => Paint::Doubt,
            _ => Paint::Plain,
        }
    }

    /// ECMA-48 SGR parameters.
    fn sgr(self) -> Option<&'static str> {
        match self {
            Paint::Plain => None,
            Paint::Strong => Some("1"),
            Paint::Faint => Some("2"),
            Paint::Good => Some("32"),
            Paint::Minor => Some("36"),
            Paint::Doubt => Some("33"),
            Paint::Bad => Some("1;31"),
            Paint::Badge(Verdict::Isolated) => Some("1;30;42"),
            Paint::Badge(Verdict::Contained) => Some("1;30;46"),
            Paint::Badge(Verdict::Unverified) => Some("1;30;43"),
            Paint::Badge(Verdict::Violated) => Some("1;97;41"),
        }
    }
}

impl Style {
    /// Appends `text`, which is already escaped.
    pub(super) fn paint(&self, out: &mut String, paint: Paint, text: &str) {
        match paint.sgr().filter(|_| self.color && !text.is_empty()) {
            Some(sgr) => {
                let pad = if matches!(paint, Paint::Badge(_)) { " " } else { "" };
                out.extend(["\x1b[", sgr, "m", pad, text, pad, "\x1b[0m"]);
            }
            None => out.push_str(text),
        }
    }
}
