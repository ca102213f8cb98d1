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
use crate::journal::{Journal, Limits, is_full, write_checkpoint};
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
    /// Why no checkpoint is taken: the log has all that is in it.
    checkpoint_failing: Option<String>,
    /// There is no room on the disk.
    full: bool,
    /// Records that found no place here, and in the journal.
    lost: [u64; 2],
    stop: bool,
    ended: bool,
}

impl Recorder {
    /// Starts the thread. Without a journal it tries to open one until it can.
    pub(super) fn start(journal: Option<Journal>, directory: PathBuf) -> io::Result<Recorder> {
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
        let state = self.shared.lock();
        let checkpoint = || state.checkpoint_failing.as_ref().map(|why| format!("no checkpoint can be written: {why}"));
        state.failing.clone().or_else(checkpoint)
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
        let whole = state.durable >= state.taken && state.failing.is_none() && state.checkpoint_failing.is_none();
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

    fn run(&self, journal: Option<Journal>, directory: &Path) {
        let Some(mut journal) = journal.or_else(|| self.open(directory)) else { return };
        // A checkpoint goes with the last record before it: what came later is not in it.
        let (mut failed, mut checkpoint): (bool, Option<(u64, Box<Saved>)>) = (false, None);
        let mut too_long = 0;
        loop {
            let (entries, ticket, stop) = self.next(failed);
            for entry in entries {
                for record in &entry.records {
                    // Too long: nothing that the agent writes is.
                    too_long += u64::from(journal.append(record).is_err());
                }
                checkpoint = entry.checkpoint.map(|saved| (journal.last(), saved)).or(checkpoint);
            }
            let logged = write_log(&mut journal);
            failed = logged.is_err();
            // Who waits for the log does not wait for a checkpoint.
            self.tell(ticket, logged, journal.lost() + too_long);
            if !failed && let Some((after, saved)) = &checkpoint {
                let text = serde_json::to_string(saved).map_err(io::Error::other);
                let written = text.and_then(|text| write_checkpoint(directory, *after, &text));
                failed = written.is_err();
                if !failed {
                    checkpoint = None;
                }
                let mut state = self.lock();
                state.full = written.as_ref().is_err_and(is_full);
                state.checkpoint_failing = written.err().map(|error| error.to_string());
            }
            let mut state = self.lock();
            state.ended = stop && state.waiting.is_empty();
            self.changed.notify_all();
            if state.ended {
                return;
            }
        }
    }

    /// Opens the journal as soon as the disk allows it; `None` if the agent ends before. Records wait meanwhile.
    fn open(&self, directory: &Path) -> Option<Journal> {
        loop {
            let error = match Journal::open(directory, Limits::default()) {
                Ok((journal, _)) => return Some(journal),
                Err(error) => error,
            };
            let mut state = self.lock();
            (state.full, state.failing) = (is_full(&error), Some(error.to_string()));
            self.changed.notify_all();
            let waiting = |state: &mut State| !state.stop;
            state = self.changed.wait_timeout_while(state, RETRY, waiting).unwrap_or_else(PoisonError::into_inner).0;
            if state.stop {
                state.ended = true;
                self.changed.notify_all();
                return None;
            }
        }
    }

    /// How writing the log went.
    fn tell(&self, ticket: u64, logged: io::Result<()>, lost: u64) {
        let mut state = self.lock();
        state.full = logged.as_ref().is_err_and(is_full);
        if logged.is_ok() {
            state.durable = ticket;
        }
        state.failing = logged.err().map(|error| error.to_string());
        state.lost[1] = lost;
        self.changed.notify_all();
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

/// Makes the log durable; if the oldest records had to leave, it says so.
fn write_log(journal: &mut Journal) -> io::Result<()> {
    journal.sync()?;
    if let Some(first) = journal.take_cut()
        && let Ok(record) = serde_json::to_string(&Own::Cut { first })
    {
        let _ = journal.append(&record);
        journal.sync()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
