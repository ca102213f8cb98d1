//! The way to a sink: a bounded queue and a thread of its own, so that a slow or dead one holds up nobody.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::{Batch, Taking};

/// Records that wait for one sink; beyond it new ones are lost, and counted.
pub const MAX_WAITING: usize = 100_000;
/// Between two tries after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// For what waits, at the end.
const LAST_TRIES: Duration = Duration::from_secs(2);
/// For a write that hangs then; the thread ends when it comes back, and nobody waits for it.
const LAST_WRITE: Duration = Duration::from_secs(6);

/// Something that records are written to.
pub trait Sink: Send {
    /// Writes a batch. After an error it is offered again, from the first record that was not written on.
    ///
    /// # Errors
    /// What the system or the other side says.
    fn write(&mut self, batch: &Batch, from: &mut usize) -> io::Result<()>;
}

/// A sink with its queue and thread.
pub struct Queue {
    batches: Mutex<Option<Sender<Arc<Batch>>>>,
    shared: Arc<Shared>,
    ended: Mutex<Receiver<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: AtomicUsize,
    lost: AtomicU64,
    stop: AtomicBool,
    taking: Taking,
}

impl Queue {
    /// Starts the thread.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(name: &'static str, sink: Box<dyn Sink>) -> io::Result<Queue> {
        let ((batches, to_write), (end, ended)) = (channel(), channel());
        let shared = Arc::new(Shared::default());
        let its = shared.clone();
        Builder::new().name(name.to_owned()).spawn(move || its.run(sink, &to_write, &end))?;
        Ok(Queue { batches: Mutex::new(Some(batches)), shared, ended: Mutex::new(ended) })
    }

    /// Hands records over, if there is room.
    pub fn offer(&self, batch: &Arc<Batch>) {
        let (records, shared) = (batch.records(), &self.shared);
        shared.lost.fetch_add(batch.lost, Ordering::Relaxed);
        if records == 0 {
            return;
        }
        let fits = shared.waiting.load(Ordering::Relaxed) + records <= MAX_WAITING;
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        shared.waiting.fetch_add(records, Ordering::Relaxed);
        if !fits || batches.as_ref().is_none_or(|batches| batches.send(batch.clone()).is_err()) {
            shared.waiting.fetch_sub(records, Ordering::Relaxed);
            shared.lost.fetch_add(records as u64, Ordering::Relaxed);
        }
    }

    /// Records that were lost.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Why nothing is taken, if nothing is.
    pub fn trouble(&self) -> Option<String> {
        self.shared.taking.trouble()
    }

    /// Writes what waits, if the sink takes it within two seconds. What it does not take is lost, and counted.
    pub fn finish(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(self.batches.lock().unwrap_or_else(PoisonError::into_inner).take());
        // It never says anything, it ends.
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(LAST_TRIES + LAST_WRITE) == Err(RecvTimeoutError::Timeout) {
            let waiting = self.shared.waiting.load(Ordering::Relaxed);
            self.shared.lost.fetch_add(waiting as u64, Ordering::Relaxed);
        }
    }
}

impl Shared {
    /// `_end` tells by being dropped.
    fn run(&self, mut sink: Box<dyn Sink>, batches: &Receiver<Arc<Batch>>, _end: &Sender<()>) {
        let mut stopped: Option<Instant> = None;
        while let Ok(batch) = batches.recv() {
            let mut from = 0;
            while self.taking.watch(|| sink.write(&batch, &mut from)).is_err() {
                if self.stop.load(Ordering::Relaxed) && stopped.get_or_insert_with(Instant::now).elapsed() > LAST_TRIES
                {
                    self.lost.fetch_add((batch.records() - from) as u64, Ordering::Relaxed);
                    break;
                }
                std::thread::sleep(RETRY);
            }
            self.waiting.fetch_sub(batch.records(), Ordering::Relaxed);
        }
    }
}
