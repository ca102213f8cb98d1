//! The way to a sink: a bounded queue and a thread of its own, so that a slow or dead one holds up nobody.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::Batch;

/// Records that wait for one sink; beyond it new ones are lost, and counted.
pub const MAX_WAITING: usize = 100_000;
/// Between two tries after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// For what waits, at the end.
const LAST_TRIES: Duration = Duration::from_secs(2);

/// Something that records are written to.
pub trait Sink: Send {
    /// Writes a batch. After an error it is offered again, from the first record that was not written on.
    ///
    /// # Errors
    /// What the system or the other side says.
    fn write(&mut self, batch: &Batch, from: &mut usize) -> io::Result<()>;
}

/// What goes wrong, for the log: the sink's name, and why.
pub type Complain = Arc<dyn Fn(&'static str, &io::Error) + Send + Sync>;

/// A sink with its queue and thread.
pub struct Queue {
    batches: Mutex<Option<Sender<Arc<Batch>>>>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    waiting: AtomicUsize,
    lost: AtomicU64,
    stop: AtomicBool,
}

impl Queue {
    /// Starts the thread.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(name: &'static str, sink: Box<dyn Sink>, complain: Complain) -> io::Result<Queue> {
        let (batches, to_write) = channel();
        let shared = Arc::new(Shared::default());
        let its = shared.clone();
        let thread = Builder::new().name(name.to_owned()).spawn(move || its.run(name, sink, &to_write, &complain))?;
        Ok(Queue { batches: Mutex::new(Some(batches)), shared, thread: Mutex::new(Some(thread)) })
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

    /// Writes what waits, if the sink takes it within two seconds.
    pub fn finish(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(self.batches.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self, name: &'static str, mut sink: Box<dyn Sink>, batches: &Receiver<Arc<Batch>>, complain: &Complain) {
        let mut stopped: Option<Instant> = None;
        while let Ok(batch) = batches.recv() {
            let mut from = 0;
            while let Err(error) = sink.write(&batch, &mut from) {
                complain(name, &error);
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
