//! What is wrong in a file, shown where it stands.

use std::fmt;

/// How bad a problem is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// The file is refused.
    Error,
    /// The file loads; `--strict` refuses it.
    Lint,
}

/// One problem. Its `Display` is the whole message:
///
/// ```text
/// segwatch.yaml:7:5: error: unknown key `prefxes`
///   7 |     prefxes: [10.110.0.0/24]
///     |     ^^^^^^^
/// help: did you mean `prefixes`?
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// How bad it is.
    pub level: Level,
    /// The file, as the user named it.
    pub file: String,
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Characters that are meant, from `column` on.
    pub width: u32,
    /// What is wrong.
    pub message: String,
    /// The likely fix.
    pub hint: Option<String>,
    /// The line itself.
    pub excerpt: Option<String>,
}

impl Problem {
    /// A problem of a file as a whole.
    pub(super) fn whole_file(file: &str, message: impl Into<String>) -> Problem {
        Problem {
            level: Level::Error,
            file: file.to_owned(),
            line: 0,
            column: 0,
            width: 0,
            message: message.into(),
            hint: None,
            excerpt: None,
        }
    }

    /// Adds the likely fix.
    pub(super) fn help(&mut self, hint: impl Into<String>) -> &mut Problem {
        self.hint = Some(hint.into());
        self
    }
}

/// Characters of a line that are shown.
const EXCERPT_CHARS: usize = 120;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Lint => "lint",
        };
        f.write_str(&printable(&self.file))?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {level}: {}", self.message)?;
        if let Some(excerpt) = &self.excerpt {
            self.write_excerpt(f, excerpt)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhelp: {}", printable(hint))?;
        }
        Ok(())
    }
}

impl Problem {
    fn write_excerpt(&self, f: &mut fmt::Formatter<'_>, line: &str) -> fmt::Result {
        let before = (self.column as usize).saturating_sub(1);
        // A long line is shown from a little before the place that is meant.
        let skip = if before + 20 > EXCERPT_CHARS { before - 20 } else { 0 };
        let shown: String =
            line.chars().skip(skip).take(EXCERPT_CHARS).map(|c| if is_harmless(c) { c } else { ' ' }).collect();
        let shown = shown.trim_end();
        let room = (shown.chars().count() + skip).saturating_sub(before).max(1);
        let carets = (self.width as usize).clamp(1, room);
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        write!(f, "\n  {number} | {shown}\n  {margin} | {}{}", " ".repeat(before - skip), "^".repeat(carets))
    }
}

/// Text of a file inside a message: in backquotes, cut, and with nothing that moves a terminal's cursor or turns its text round.
pub(super) fn quoted(text: &str) -> String {
    const MAX: usize = 60;
    let cut = text.chars().count() > MAX;
    let start: String = text.chars().take(MAX).collect();
    format!("`{}{}`", printable(&start), if cut { "…" } else { "" })
}

fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if is_harmless(c) { vec![c] } else { c.escape_unicode().collect() }).collect()
}

/// Neither a control character nor one that changes the direction of text.
pub(super) fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        Problem {
            line: 7,
            column: 5,
            width: 7,
            hint: Some("did you mean `prefixes`?".into()),
            excerpt: Some("    prefxes: [10.110.0.0/24]".into()),
            ..Problem::whole_file("a.yaml", "unknown key `prefxes`")
        }
    }

    #[test]
    fn shows_the_place_and_the_fix() {
        let want = "a.yaml:7:5: error: unknown key `prefxes`\n  7 |     prefxes: [10.110.0.0/24]\n    |     ^^^^^^^\nhelp: did you mean `prefixes`?";
        assert_eq!(problem().to_string(), want);
        assert_eq!(Problem::whole_file("a.yaml", "is empty").to_string(), "a.yaml: error: is empty");
    }

    #[test]
    fn a_long_or_hostile_line_stays_one_line() {
        let mut long = problem();
        long.excerpt = Some(format!("{}\u{1b}[2Jend", "x".repeat(5000)));
        (long.column, long.width) = (5001, 9000);
        let text = long.to_string();
        assert!(text.contains(&format!("| {} [2Jend\n", "x".repeat(20))), "{text}");
        assert!(text.contains(&format!("| {}^^^^^^^\n", " ".repeat(20))), "{text}");
        assert_eq!(quoted("a\u{1b}[2J\u{202e}"), "`a\\u{1b}[2J\\u{202e}`");
    }
}
