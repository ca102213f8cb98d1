//! A file's text, and places in it.

use std::ops::Range;

use super::problem::{Level, Problem};

/// Where something stands: line and column from 1, width in characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Span {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) width: u32,
}

/// A value and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) at: Span,
}

/// A file with the problems found in it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    text: String,
    /// Bytes of each line.
    lines: Vec<Range<u32>>,
    pub(super) problems: Vec<Problem>,
}

/// Problems of one file that are reported; then it says that there are more.
const MAX_PROBLEMS: usize = 100;

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        Source { name: name.to_owned(), text: text.to_owned(), lines: lines(text), problems: Vec::new() }
    }

    /// The text of a line, counted from 1.
    pub(super) fn line(&self, line: u64) -> Option<&str> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let bytes = self.lines.get(index)?;
        self.text.get(bytes.start as usize..bytes.end as usize)
    }

    pub(super) fn error(&mut self, at: Span, message: impl Into<String>) -> &mut Problem {
        self.add(Level::Error, at, message.into())
    }

    pub(super) fn lint(&mut self, at: Span, message: impl Into<String>) -> &mut Problem {
        self.add(Level::Lint, at, message.into())
    }

    fn add(&mut self, level: Level, at: Span, message: String) -> &mut Problem {
        let excerpt = self.line(u64::from(at.line)).map(str::to_owned);
        let problem = Problem {
            level,
            file: self.name.clone(),
            line: at.line,
            column: at.column,
            width: at.width,
            message,
            hint: None,
            excerpt,
        };
        self.problems.truncate(MAX_PROBLEMS);
        let index = self.problems.len();
        self.problems.push(if index < MAX_PROBLEMS {
            problem
        } else {
            Problem::whole_file(&self.name, "more problems follow")
        });
        &mut self.problems[index]
    }

    /// The problems in the order of their places.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line == 0, problem.line, problem.column));
        self.problems
    }
}

/// Lines as YAML counts them (YAML 1.2.2, section 5.4): CR LF, LF and CR end a line. Positions fit in 32 bits,
/// because a file has at most [`super::MAX_BYTES`].
fn lines(text: &str) -> Vec<Range<u32>> {
    let mut lines = Vec::new();
    let (mut start, mut after_cr) = (0, false);
    for (at, byte) in (0u32..).zip(text.bytes()) {
        match byte {
            // The second half of CR LF.
            b'\n' if after_cr => start = at + 1,
            b'\n' | b'\r' => {
                lines.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
        after_cr = byte == b'\r';
    }
    lines.push(start..u32::try_from(text.len()).unwrap_or(start));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_as_yaml_does() {
        let source = Source::new("f", "a\r\nb\rc\n\nd");
        let lines: Vec<_> = (0..8).map(|line| source.line(line)).collect();
        assert_eq!(lines, [None, Some("a"), Some("b"), Some("c"), Some(""), Some("d"), None, None]);
        assert_eq!(Source::new("f", "").line(1), Some(""));
    }

    #[test]
    fn problems_are_bounded() {
        let mut source = Source::new("f", "x");
        for _ in 0..MAX_PROBLEMS + 50 {
            source.error(Span { line: 1, column: 1, width: 1 }, "bad");
        }
        let problems = source.into_problems();
        assert_eq!(problems.len(), MAX_PROBLEMS + 1);
        assert_eq!(problems.last().map(|p| p.message.as_str()), Some("more problems follow"));
    }
}
