//! The journal, on a thread of its own: a disk that hangs holds up nobody but it.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::engine::{Changes, Saved};
use crate::journal::{Journal, read_after, read_checkpoint, write_checkpoint};
use crate::sink::evidence::Receipt;

/// Bytes of records that wait for a disk that hangs; beyond it the newest are lost, and counted.
const MAX_WAITING: usize = 64 << 20;
/// Between two tries of a disk that fails.
const RETRY: Duration = Duration::from_secs(1);

/// Records of the agent itself, beside the engine's events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Own {
    /// The agent began to observe.
    Started {
        /// When.
        at: Timestamp,
        /// Until when the agent before it observed.
        observed_until: Option<Timestamp>,
        /// Version of segwatch.
        version: String,
        /// Hash of the policy.
        policy: String,
        /// The site of the policy.
        #[serde(default)]
        site: String,
        /// Its sensor.
        #[serde(default)]
        sensor: String,
    },
    /// The agent observes.
    Observing {
        /// Until now.
        at: Timestamp,
    },
    /// The agent was told to stop.
    Stopped {
        /// When.
        at: Timestamp,
    },
    /// The oldest records had to leave a journal that reached its size.
    Cut {
        /// The first record that is still there.
        first: u64,
    },
    /// Packets that prove a finding are on the disk.
    Evidence {
        /// When.
        at: Timestamp,
        /// The file.
        #[serde(flatten)]
        receipt: Receipt,
    },
    /// The oldest evidence had to leave.
    EvidenceCut {
        /// When.
        at: Timestamp,
        /// The files.
        files: Vec<String>,
    },
    /// What has to be known after a restart changed.
    State {
        /// What changed.
        changes: Changes,
    },
}

/// What was known before a restart.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// The engine's state.
    pub(super) saved: Option<Saved>,
    /// Until then something was observed.
    pub(super) observed_until: Option<Timestamp>,
}

/// Reads the latest checkpoint and what the journal says since.
pub(super) fn restore(directory: &Path) -> io::Result<Restored> {
    let checkpoint = read_checkpoint(directory);
    let (after, saved) = match &checkpoint {
        Some((sequence, text)) => (*sequence, serde_json::from_str::<Saved>(text).ok()),
        None => (0, None),
    };
    // A checkpoint of another version says nothing: the journal tells what it still has.
    let after = if saved.is_some() { after } else { 0 };
    let mut observed_until = saved.as_ref().map(|saved| saved.at());
    let mut state = saved;
    for record in read_after(directory, after)? {
        match serde_json::from_str::<Own>(&record?.text) {
            Ok(Own::State { changes }) => state.get_or_insert_default().apply(changes),
            Ok(Own::Started { at, .. } | Own::Observing { at } | Own::Stopped { at }) => {
                observed_until = observed_until.max(Some(at));
            }
            // An event of the engine, or nothing that matters here.
            Ok(Own::Cut { .. } | Own::Evidence { .. } | Own::EvidenceCut { .. }) | Err(_) => {}
        }
    }
    Ok(Restored { saved: state, observed_until })
}

/// What is written together.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// One line each.
    pub(super) records: Vec<String>,
    /// The state after them.
    pub(super) checkpoint: Option<Box<Saved>>,
    /// Records before them that found no place.
    pub(super) lost: u64,
}

/// The thread, and what waits for it.
pub(super) struct Recorder {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Entry>,
    waiting_bytes: usize,
    /// Entries handed over, and those that are durable.
    taken: u64,
    durable: u64,
    failing: Option<String>,
    /// There is no room on the disk.
    full: bool,
    /// Records that found no place here, and in the journal.
    lost: [u64; 2],
    stop: bool,
    ended: bool,
}

impl Recorder {
    /// Starts the thread.
    pub(super) fn start(journal: Journal, directory: PathBuf) -> io::Result<Recorder> {
        let shared = Arc::new(Shared::default());
        let its = shared.clone();
        let thread = Builder::new().name("journal".to_owned()).spawn(move || its.run(journal, &directory))?;
        Ok(Recorder { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Hands records over. Returns a ticket for [`Recorder::wait`].
    pub(super) fn submit(&self, mut entry: Entry) -> u64 {
        let mut state = self.shared.lock();
        let bytes: usize = entry.records.iter().map(String::len).sum();
        state.lost[0] += entry.lost;
        if state.waiting_bytes + bytes > MAX_WAITING {
            state.lost[0] += entry.records.len() as u64;
            entry.records.clear();
        } else {
            state.waiting_bytes += bytes;
        }
        if entry.checkpoint.is_some() {
            // The latest is enough, however long a disk hangs.
            state.waiting.iter_mut().for_each(|earlier| earlier.checkpoint = None);
            state.waiting.retain(|earlier| !earlier.records.is_empty());
        }
        if entry.checkpoint.is_some() || !entry.records.is_empty() {
            state.waiting.push_back(entry);
        }
        state.taken += 1;
        self.shared.changed.notify_all();
        state.taken
    }

    /// Waits until an entry is durable, for a while; not at all while the disk fails.
    pub(super) fn wait(&self, ticket: u64, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        while state.durable < ticket && state.failing.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.failing = Some("the disk does not answer".to_owned());
                break;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.durable >= ticket
    }

    /// Why records are not taken, if they are not.
    pub(super) fn failing(&self) -> Option<String> {
        self.shared.lock().failing.clone()
    }

    /// Whether it is because the disk is full.
    pub(super) fn is_full(&self) -> bool {
        self.shared.lock().full
    }

    /// Records lost so far.
    pub(super) fn lost(&self) -> u64 {
        self.shared.lock().lost.iter().sum()
    }

    /// Ends the thread after what was handed over, if the disk takes it in time. False if not.
    pub(super) fn finish(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        state.stop = true;
        self.shared.changed.notify_all();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let whole = state.durable >= state.taken && state.failing.is_none();
        drop(state);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
        whole
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut journal: Journal, directory: &Path) {
        // A checkpoint goes with the last record before it: what came later is not in it.
        let (mut failing, mut checkpoint): (Option<String>, Option<(u64, Box<Saved>)>) = (None, None);
        let mut too_long = 0;
        loop {
            let (entries, ticket, stop) = self.next(failing.is_some());
            for entry in entries {
                for record in &entry.records {
                    // Too long: nothing that the agent writes is.
                    too_long += u64::from(journal.append(record).is_err());
                }
                checkpoint = entry.checkpoint.map(|saved| (journal.last(), saved)).or(checkpoint);
            }
            let mut outcome = journal.sync();
            if outcome.is_ok()
                && let Some((after, saved)) = checkpoint.take()
            {
                let written = serde_json::to_string(&saved).map_err(io::Error::other);
                outcome = written.and_then(|text| write_checkpoint(directory, after, &text));
            }
            if let Some(first) = journal.take_cut()
                && let Ok(record) = serde_json::to_string(&Own::Cut { first })
            {
                let _ = journal.append(&record);
                outcome = outcome.and_then(|()| journal.sync());
            }
            let full = outcome
                .as_ref()
                .is_err_and(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded));
            failing = outcome.err().map(|error| error.to_string());
            let mut state = self.lock();
            state.full = full;
            if failing.is_none() {
                state.durable = ticket;
            }
            state.failing = failing.clone();
            state.lost[1] = journal.lost() + too_long;
            state.ended = stop && state.waiting.is_empty();
            self.changed.notify_all();
            if state.ended {
                return;
            }
        }
    }

    /// Waits for something to write, or, after a failure, for the time of the next try.
    fn next(&self, failed: bool) -> (VecDeque<Entry>, u64, bool) {
        let mut state = self.lock();
        let retry_at = Instant::now() + RETRY;
        loop {
            let left = retry_at.saturating_duration_since(Instant::now());
            if state.stop || (if failed { left.is_zero() } else { state.durable < state.taken }) {
                break;
            }
            let wait = if failed { left } else { Duration::from_secs(3600) };
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.waiting_bytes = 0;
        (std::mem::take(&mut state.waiting), state.taken, state.stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Limits;

    fn entry(records: &[&str], checkpoint: bool) -> Entry {
        let records = records.iter().map(|&record| record.to_owned()).collect();
        Entry { records, checkpoint: checkpoint.then(Box::default), lost: 0 }
    }

    #[test]
    fn a_checkpoint_goes_with_the_records_before_it() {
        let directory = std::env::temp_dir().join(format!("segwatch-record-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        let (journal, _) = Journal::open(&directory, Limits::default()).expect("a journal");
        let recorder = Recorder { shared: Arc::default(), thread: Mutex::default() };
        recorder.submit(entry(&["one", "two"], true));
        recorder.submit(entry(&["three"], false));
        recorder.shared.lock().stop = true;
        // Both at once, as after a moment in which the disk was slow.
        recorder.shared.run(journal, &directory);
        assert_eq!(read_checkpoint(&directory).map(|(after, _)| after), Some(2));
        let left = read_after(&directory, 2).expect("a journal").count();
        std::fs::remove_dir_all(&directory).expect("removed");
        assert_eq!(left, 1);
    }

    #[test]
    fn a_disk_that_hangs_costs_no_memory_but_for_records() {
        let recorder = Recorder { shared: Arc::default(), thread: Mutex::default() };
        recorder.submit(Entry { lost: 3, ..entry(&["one"], true) });
        for _ in 0..1_000 {
            recorder.submit(entry(&[], false));
            recorder.submit(entry(&[], true));
        }
        let checkpoints: Vec<bool> =
            recorder.shared.lock().waiting.iter().map(|entry| entry.checkpoint.is_some()).collect();
        assert_eq!(checkpoints, [false, true]);
        assert_eq!((recorder.lost(), recorder.shared.lock().taken), (3, 2_001));
    }
}
