//! Where output goes, and what it can show.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};

use clap::builder::StyledStr;

use super::args::Color;
use crate::report::{Style, escape};

/// Standard output and standard error, and what is known of them.
pub struct Terminal<'a> {
    /// Results.
    pub out: &'a mut (dyn Write + 'a),
    /// Problems and progress.
    pub err: &'a mut (dyn Write + 'a),
    /// Results go to a terminal.
    pub out_is_terminal: bool,
    /// Problems go to a terminal.
    pub err_is_terminal: bool,
    /// Columns, where known.
    pub width: Option<usize>,
    /// Colours are wanted unless `--color` says otherwise (NO_COLOR and TERM).
    pub colorful: bool,
}

/// Narrower than this, tables would be unreadable in any case.
const LEAST_WIDTH: usize = 60;
/// Wider than this, lines are hard to follow.
const MOST_WIDTH: usize = 200;

impl<'a> Terminal<'a> {
    /// The process's own.
    pub fn new(out: &'a mut (dyn Write + 'a), err: &'a mut (dyn Write + 'a)) -> Self {
        let said = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
        let dumb = said("TERM").is_some_and(|term| term == OsStr::new("dumb"));
        let out_is_terminal = io::stdout().is_terminal();
        let measured = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Terminal {
            out,
            err,
            out_is_terminal,
            err_is_terminal: io::stderr().is_terminal(),
            width: measured.filter(|_| out_is_terminal),
            // https://no-color.org
            colorful: said("NO_COLOR").is_none() && !dumb,
        }
    }

    pub(super) fn style(&self, color: Color) -> Style {
        let default = Style::default();
        Style {
            color: match color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => self.out_is_terminal && self.colorful,
            },
            width: self.width.map_or(default.width, |w| w.clamp(LEAST_WIDTH, MOST_WIDTH)),
        }
    }

    /// Writes a result. False if it could not be written; that nobody reads it (`| head`) is no trouble.
    #[must_use]
    pub(super) fn print(&mut self, text: &str) -> bool {
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        self.is_written(written)
    }

    /// [`Terminal::print`] of JSON.
    #[must_use]
    pub(super) fn print_json(&mut self, json: serde_json::Result<String>) -> bool {
        match json {
            Ok(json) => self.print(&json),
            Err(error) => {
                self.complain(&format!("cannot write JSON: {error}"));
                false
            }
        }
    }

    /// [`Terminal::print`] for what was written already.
    #[must_use]
    pub(super) fn is_written(&mut self, written: io::Result<()>) -> bool {
        match written {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => true,
            Err(error) => {
                self.complain(&format!("cannot write: {error}"));
                false
            }
        }
    }

    /// One line about a problem. Where standard error is closed there is nobody to tell.
    pub(super) fn complain(&mut self, problem: &str) {
        let _ = writeln!(self.err, "segwatch: {}", escape(problem));
    }

    /// A problem that may come with an excerpt: one line for each of its own.
    pub(super) fn complain_at_length(&mut self, problem: &str) {
        let mut lines = problem.lines();
        self.complain(lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(self.err, "{}", escape(line));
        }
    }

    /// Help, version, or a usage error.
    pub(super) fn say_clap(&mut self, text: &StyledStr, to_stderr: bool) {
        let colored = self.colorful && if to_stderr { self.err_is_terminal } else { self.out_is_terminal };
        let text = if colored { text.ansi().to_string() } else { text.to_string() };
        let _ = if to_stderr { self.err.write_all(text.as_bytes()) } else { self.out.write_all(text.as_bytes()) };
    }
}
