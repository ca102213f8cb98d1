//! One line about how far a long file is read, on a terminal only.

use std::time::{Duration, Instant};

use crate::report::bytes;

/// Shorter captures are read before a line would help.
const LONG_BYTES: u64 = 64 * 1024 * 1024;
/// At most five lines a second.
const PAUSE: Duration = Duration::from_millis(200);

/// When to write the line, and what.
#[derive(Debug, Default)]
pub(super) struct Meter {
    begun: Option<Instant>,
    written: Option<Instant>,
}

impl Meter {
    /// The line to write now, if it is time for one.
    pub(super) fn line(&mut self, read: u64, total: Option<u64>, now: Instant) -> Option<String> {
        let begun = *self.begun.get_or_insert(now);
        let recent = self.written.is_some_and(|at| now.saturating_duration_since(at) < PAUSE);
        if total.unwrap_or(read) <= LONG_BYTES || recent {
            return None;
        }
        self.written = Some(now);
        let Some(total) = total else { return Some(format!("{} read", bytes(read))) };
        let share = read.min(total) as f64 / total as f64;
        let spent = now.saturating_duration_since(begun).as_secs_f64();
        let left = match share {
            // Too early to tell.
            ..0.02 => String::new(),
            share => format!(", about {:.0} s left", spent * (1.0 - share) / share),
        };
        Some(format!("{} of {} read ({:.0} %){left}", bytes(read.min(total)), bytes(total), 100.0 * share))
    }

    /// True once a line was written, which then has to go.
    pub(super) fn is_shown(&self) -> bool {
        self.written.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_get_a_line_five_times_a_second() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut meter = Meter::default();
        let total = Some(2_000_000_000);
        assert_eq!(meter.line(0, total, start).as_deref(), Some("0 B of 2.0 GB read (0 %)"));
        assert_eq!(meter.line(100_000_000, total, after(199)), None);
        let line = meter.line(500_000_000, total, after(1000));
        assert_eq!(line.as_deref(), Some("500 MB of 2.0 GB read (25 %), about 3 s left"));
        assert!(meter.is_shown());
    }

    #[test]
    fn short_files_get_none() {
        let mut meter = Meter::default();
        assert_eq!(meter.line(1, Some(LONG_BYTES), Instant::now()), None);
        assert_eq!(meter.line(LONG_BYTES, None, Instant::now()), None);
        assert!(!meter.is_shown());
        assert_eq!(meter.line(3 * LONG_BYTES, None, Instant::now()).as_deref(), Some("201 MB read"));
    }
}
