//! Frames from network interfaces, through libpcap (TPACKET_V3).
//!
//! [`Ports::open`] opens what can be opened, so that privileges can be given up before any thread exists; [`Ports::start`]
//! gives each interface a thread of its own that does nothing but read and hand over [`Batch`]es. The buffers go round: a
//! thread without a free one waits, the kernel's ring fills up, and the kernel drops and counts. So no packet is lost
//! that the [`Ledger`] does not show.
//!
//! An interface that is missing, down, renamed, or deleted and made again is noticed within [`NOTICED_WITHIN`] and opened
//! again by itself; a [`Change`] says so each time.

mod batch;
mod device;
mod ledger;
mod link;
mod netlink;
mod port;
mod survey;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Change, SourceEvent, Status};
pub use ledger::Ledger;
pub use link::{Link, Links};
pub use port::NOTICED_WITHIN;
pub use survey::{Directions, MAX_SAMPLE, Sample, Surveyed, survey};

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use self::port::{Handover, Port};
use crate::config::CaptureConfig;

/// Size of the kernel's ring unless set, in bytes.
pub const DEFAULT_BUFFER: u32 = 64 * 1024 * 1024;

/// Bytes kept of a frame unless set: all of any frame that there is.
pub const DEFAULT_SNAP_LENGTH: u32 = 262_144;

/// Interfaces of one process; those beyond are not opened, and said to have failed.
pub const MAX_INTERFACES: usize = 64;

/// Buffers of one interface.
const BUFFERS: usize = 8;

/// How one interface is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Its name.
    pub interface: String,
    /// Size of the kernel's ring, in bytes.
    pub buffer: u32,
    /// Bytes kept of a frame.
    pub snap_length: u32,
    /// Take frames for other hosts too, as a mirror port must.
    pub promiscuous: bool,
    /// What libpcap lets through; without, everything. What a filter hides cannot be vouched for.
    pub filter: Option<String>,
}

impl Settings {
    /// The usual ones for this interface.
    pub fn of(interface: impl Into<String>) -> Settings {
        Settings {
            interface: interface.into(),
            buffer: DEFAULT_BUFFER,
            snap_length: DEFAULT_SNAP_LENGTH,
            promiscuous: true,
            filter: None,
        }
    }
}

impl From<&CaptureConfig> for Settings {
    fn from(config: &CaptureConfig) -> Settings {
        Settings {
            interface: config.interface.clone(),
            buffer: config.buffer,
            snap_length: config.snap_length,
            promiscuous: config.promiscuous,
            filter: config.filter.clone(),
        }
    }
}

/// Says what is wrong with a filter, if anything is.
pub fn check_filter(filter: &str) -> Result<(), String> {
    device::check_filter(filter)
}

/// Interfaces opened, not yet read.
pub struct Ports {
    ports: Vec<Port>,
    stop: Arc<AtomicBool>,
    full: Receiver<Batch>,
    free: Vec<SyncSender<Batch>>,
    ledgers: Vec<Arc<Mutex<Ledger>>>,
}

impl Ports {
    /// Opens interfaces; [`super::Frame::source`] is the index here. One that cannot be opened is no error: it is told as
    /// a [`Change`] and tried again.
    pub fn open(settings: &[Settings]) -> Ports {
        let settings = settings.get(..MAX_INTERFACES).unwrap_or(settings);
        // One place more for each port's last batch.
        let (full_in, full) = sync_channel(settings.len() * (BUFFERS + 1));
        let stop = Arc::new(AtomicBool::new(false));
        let mut opened = Ports { ports: Vec::new(), stop, full, free: Vec::new(), ledgers: Vec::new() };
        for (source, settings) in (0..).zip(settings) {
            let (free_in, free) = sync_channel(BUFFERS);
            for _ in 0..BUFFERS {
                // There is room for all.
                let _ = free_in.try_send(Batch::new(source, settings.snap_length));
            }
            let ledger = Arc::new(Mutex::new(Ledger::default()));
            let handover = Handover { full: full_in.clone(), free, ledger: ledger.clone(), stop: opened.stop.clone() };
            opened.ports.push(Port::open(source, settings.clone(), handover));
            opened.free.push(free_in);
            opened.ledgers.push(ledger);
        }
        opened
    }

    /// What each port shows before it is read.
    pub fn statuses(&self) -> Vec<Status> {
        self.ports.iter().map(Port::status).collect()
    }

    /// Starts reading.
    pub fn start(self) -> io::Result<Live> {
        let Ports { ports, stop, full, free, ledgers } = self;
        let mut live = Live { stop, full, free, ledgers, threads: Vec::new() };
        for port in ports {
            let name = format!("capture-{}", port.source());
            // Where one thread cannot be had, dropping `live` ends the others.
            live.threads.push(Builder::new().name(name).spawn(move || port.run())?);
        }
        Ok(live)
    }
}

/// What [`Live::receive`] yields.
#[derive(Debug)]
pub enum Received {
    /// Frames and events of one interface.
    Batch(Batch),
    /// Nothing within the wait.
    Silence,
    /// All interfaces have ended, after [`Live::stop`].
    End,
}

/// Interfaces being read. Dropping it ends the threads, without their last frames.
pub struct Live {
    stop: Arc<AtomicBool>,
    full: Receiver<Batch>,
    free: Vec<SyncSender<Batch>>,
    ledgers: Vec<Arc<Mutex<Ledger>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Live {
    /// The next batch. Each interface gives one at least every second, with nothing but its ledger if it is quiet.
    pub fn receive(&self, wait: Duration) -> Received {
        match self.full.recv_timeout(wait) {
            Ok(batch) => Received::Batch(batch),
            Err(RecvTimeoutError::Timeout) => Received::Silence,
            Err(RecvTimeoutError::Disconnected) => Received::End,
        }
    }

    /// Gives a batch back, so that its buffers are used again.
    pub fn recycle(&self, mut batch: Batch) {
        batch.clear();
        if let Some(free) = self.free.get(usize::from(batch.source())) {
            // A port that has ended needs none.
            let _ = free.try_send(batch);
        }
    }

    /// Asks all interfaces to end: what the kernel holds is still read, then comes [`Received::End`].
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// The ledgers as the threads last wrote them, by [`super::Frame::source`]. They are ahead of those in the batches.
    pub fn ledgers(&self) -> Vec<Ledger> {
        self.ledgers.iter().map(|ledger| *ledger.lock().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop();
        self.free.clear();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}
