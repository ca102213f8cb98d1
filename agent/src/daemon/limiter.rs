//! Lines of the log that hostile traffic or a broken client could multiply.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines of one sort in one [`WINDOW`]; further ones are counted.
const MAX_LINES: u32 = 20;
const WINDOW: Duration = Duration::from_secs(10);

/// Counts lines by sort, for all threads. The sorts are words of the program, so there are few.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<BTreeMap<&'static str, Count>>);

#[derive(Debug)]
struct Count {
    began: Instant,
    lines: u32,
    held_back: u64,
}

impl Limiter {
    /// Writes a line, unless there were too many of its sort; it is told how many were held back before.
    pub(super) fn write(&self, sort: &'static str, line: impl FnOnce(u64)) {
        if let Some(held_back) = self.admit(sort, Instant::now()) {
            line(held_back);
        }
    }

    /// Whether a line of this sort may be written now; with it the number of those that were held back before it.
    fn admit(&self, sort: &'static str, now: Instant) -> Option<u64> {
        let mut sorts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = sorts.entry(sort).or_insert(Count { began: now, lines: 0, held_back: 0 });
        if now.duration_since(count.began) >= WINDOW {
            (count.began, count.lines) = (now, 0);
        }
        if count.lines >= MAX_LINES {
            count.held_back += 1;
            return None;
        }
        count.lines += 1;
        Some(std::mem::take(&mut count.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        let written = (0..1_000).filter(|_| limiter.admit("login", now).is_some()).count();
        assert_eq!(written, MAX_LINES as usize);
        assert_eq!(limiter.admit("other", now), Some(0), "each sort has its own count");
        assert_eq!(limiter.admit("login", now + WINDOW), Some(1_000 - u64::from(MAX_LINES)));
        assert_eq!(limiter.admit("login", now + WINDOW), Some(0));
    }
}
