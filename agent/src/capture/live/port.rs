//! The thread of one interface: reads, hands over, watches the link, and opens again.

mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::batch::{Batch, Change, MAX_EVENTS, SourceEvent, Status};
use super::device::{Device, Filled, RETIRE_MS};
use super::link::{Link, Links};
use super::{Ledger, Settings};
use crate::base::Timestamp;

/// A change of the link, or another interface under the name, is told within this time.
pub const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// How often the link is looked at and the kernel's counters are read: a counter of 32 bits cannot go round in between.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// An interface that cannot be opened is tried again after this time, then after twice that, and so on.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(4);

/// Longest wait for frames or for a free buffer: so long nobody sees that the thread should end.
const WAIT_MS: u16 = 100;

/// A quiet interface hands over its ledger so often.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long a capture that is closed is still read: until the kernel has handed over its last block.
const DRAIN: Duration = Duration::from_millis(4 * RETIRE_MS as u64);

/// The same at the end, when somebody has to take the frames.
const LAST_DRAIN: Duration = Duration::from_secs(2);

/// Where a port's batches go, and come back from.
pub(super) struct Handover {
    pub(super) full: SyncSender<Batch>,
    pub(super) free: Receiver<Batch>,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    pub(super) stop: Arc<AtomicBool>,
}

/// One interface and its thread's state.
pub(super) struct Port {
    source: u16,
    settings: Settings,
    handover: Handover,
    links: Option<Links>,
    opened: Option<Opened>,
    status: Status,
    /// The reason told last, so that it is told once.
    failure: Option<String>,
    retry: Retry,
    batch: Option<Batch>,
    events: Vec<SourceEvent>,
    ledger: Ledger,
    handed_over: Instant,
    /// Nobody gives buffers back any more.
    orphaned: bool,
}

struct Opened {
    device: Device,
    /// The link when it was last looked at.
    link: Link,
    /// The name that was told.
    told_name: Option<String>,
}

struct Retry {
    at: Instant,
    wait: Duration,
    /// The interface that could not be opened.
    index: i32,
}

impl Port {
    /// Opens the interface if it can be opened.
    pub(super) fn open(source: u16, settings: Settings, handover: Handover) -> Port {
        let now = Instant::now();
        let mut port = Port {
            source,
            settings,
            handover,
            links: None,
            opened: None,
            status: Status::Ended,
            failure: None,
            retry: Retry { at: now, wait: FIRST_RETRY, index: 0 },
            batch: None,
            events: Vec::with_capacity(MAX_EVENTS),
            ledger: Ledger::default(),
            handed_over: now,
            orphaned: false,
        };
        port.watch();
        port
    }

    pub(super) fn source(&self) -> u16 {
        self.source
    }

    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// Reads until told to stop.
    pub(super) fn run(mut self) {
        let mut watched = Instant::now();
        while !self.orphaned && !self.handover.stop.load(Ordering::Acquire) {
            if watched.elapsed() >= WATCH_EVERY {
                watched = Instant::now();
                self.watch();
            }
            self.step();
        }
        self.finish();
    }

    /// Reads what is there, or waits a little.
    fn step(&mut self) {
        if !self.take_buffer() {
            return;
        }
        match self.read() {
            Some(Filled::Full) => self.hand_over(),
            Some(Filled::Empty) => {
                self.hand_over_if_due();
                if let Some(opened) = &self.opened {
                    opened.device.wait(WAIT_MS);
                }
            }
            Some(Filled::Failed(reason)) => self.fail(reason),
            None => {
                self.hand_over_if_due();
                thread::sleep(Duration::from_millis(WAIT_MS.into()));
            }
        }
    }

    fn read(&mut self) -> Option<Filled> {
        let (opened, batch) = (self.opened.as_mut()?, self.batch.as_mut()?);
        Some(opened.device.fill(batch, &mut self.ledger, opened.link.longest_frame()))
    }

    /// Sees to it that there is a buffer; false if none came back in time.
    fn take_buffer(&mut self) -> bool {
        if self.batch.is_none() {
            match self.handover.free.recv_timeout(Duration::from_millis(WAIT_MS.into())) {
                Ok(batch) => self.batch = Some(batch),
                Err(error) => self.orphaned = error == RecvTimeoutError::Disconnected,
            }
        }
        self.batch.is_some()
    }

    fn hand_over_if_due(&mut self) {
        let has_frames = self.batch.as_ref().is_some_and(Batch::has_frames);
        if has_frames || !self.events.is_empty() || self.handed_over.elapsed() >= HEARTBEAT {
            self.hand_over();
        }
    }

    /// Hands over the buffer, if there is one, with what happened and was counted.
    fn hand_over(&mut self) {
        self.publish();
        let Some(mut batch) = self.batch.take() else { return };
        batch.close(&mut self.events, self.ledger, self.status);
        self.handed_over = Instant::now();
        // There is room for every buffer. Where nobody takes them any more, `stop` is set.
        let _ = self.handover.full.try_send(batch);
    }

    fn publish(&self) {
        *self.handover.ledger.lock().unwrap_or_else(PoisonError::into_inner) = self.ledger;
    }

    /// Tells a change. What was read before goes before it.
    fn tell(&mut self, change: Change) {
        if self.batch.as_ref().is_some_and(Batch::has_frames) {
            self.hand_over();
        }
        if self.events.len() >= MAX_EVENTS {
            self.events.remove(0);
        }
        self.events.push(SourceEvent { at: now(), change });
    }

    /// Reads what is left, counts and closes.
    fn close(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        if let Some(opened) = &mut self.opened {
            // Where that fails, what was counted last has to do.
            let _ = opened.device.count(&mut self.ledger);
        }
        // What arrives from now on may stay.
        while self.opened.as_ref().is_some_and(|opened| opened.device.unread() > 0) {
            if self.orphaned || Instant::now() > deadline {
                break;
            }
            if !self.take_buffer() {
                continue;
            }
            match self.read() {
                Some(Filled::Full) => self.hand_over(),
                // The kernel has not handed over its last block; or the interface is gone, which is said once, and its
                // frames are there all the same.
                Some(Filled::Empty | Filled::Failed(_)) | None => thread::sleep(Duration::from_millis(5)),
            }
        }
        if let Some(opened) = self.opened.take() {
            opened.device.close(&mut self.ledger);
        }
        self.publish();
    }

    /// The last batch.
    fn finish(mut self) {
        self.close(LAST_DRAIN);
        self.status = Status::Ended;
        self.tell(Change::Ended);
        self.batch.get_or_insert_with(|| Batch::bare(self.source));
        self.hand_over();
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::new(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}
