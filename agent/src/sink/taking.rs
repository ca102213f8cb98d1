//! Whether what is written is taken: by a disk, or by another side.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What has not come back for so long hangs.
const HANGS_AFTER: Duration = Duration::from_secs(2);

/// Watches one writer, from other threads too.
#[derive(Debug, Default)]
pub struct Taking(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    failed: Option<String>,
}

impl Taking {
    /// Does a write, and keeps how it went.
    ///
    /// # Errors
    /// Those of the write.
    pub fn watch<T>(&self, write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.lock().since = Some(Instant::now());
        let result = write();
        *self.lock() = State { since: None, failed: result.as_ref().err().map(ToString::to_string) };
        result
    }

    /// Why nothing is taken: the last write failed, or one hangs.
    pub fn trouble(&self) -> Option<String> {
        let state = self.lock();
        let hangs = state.since.is_some_and(|since| since.elapsed() > HANGS_AFTER);
        state.failed.clone().or_else(|| hangs.then(|| "it does not answer".to_owned()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_write_tells() {
        let taking = Taking::default();
        assert_eq!(taking.trouble(), None);
        assert!(taking.watch(|| io::Result::<()>::Err(io::ErrorKind::StorageFull.into())).is_err());
        assert_eq!(taking.trouble().as_deref(), Some("no storage space"));
        let still = taking.watch(|| Ok(taking.trouble().is_some()));
        assert_eq!((still.ok(), taking.trouble()), (Some(true), None));
    }
}
