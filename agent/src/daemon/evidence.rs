//! Evidence, on a thread of its own: a slow disk holds up nobody else, and what finds no place is counted.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::record::{Entry, Own, Recorder};
use super::wall_clock;
use crate::engine::{Engine, Event, FindingStatus};
use crate::sink::Taking;
use crate::sink::evidence::{Proof, Store};

/// Proofs that wait for a disk; beyond it they are lost, and counted.
const MAX_WAITING: usize = 256;
/// For what waits, at the end.
const LAST_WAIT: Duration = Duration::from_secs(10);
/// While nothing is to be written: between two looks whether a disk that failed takes something again.
const PROBE: Duration = Duration::from_secs(1);
/// The packets that came after a finding are written after this time.
const AFTERWARDS: Duration = Duration::from_secs(10);
/// Findings whose packets are waited for; those beyond have only what came before.
const MAX_PENDING: usize = 10_000;
/// Proofs taken from the engine at one tick: beyond it they wait for the next.
const MAX_AT_ONCE: usize = 200;

/// The thread that writes.
pub(super) struct Keeper {
    directory: PathBuf,
    to_write: Mutex<Option<SyncSender<Proof>>>,
    lost: Arc<AtomicU64>,
    give_way: Arc<AtomicBool>,
    taking: Arc<Taking>,
    ended: Mutex<Receiver<()>>,
}

impl Keeper {
    /// Starts the thread. A folder that cannot be opened costs evidence, never findings.
    pub(super) fn start(state: &Path, size: u64, recorder: Arc<Recorder>) -> io::Result<Keeper> {
        let directory = state.join("evidence");
        let ((to_write, proofs), (end, ended)) = (sync_channel(MAX_WAITING), channel());
        let (lost, give_way) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let taking = Arc::<Taking>::default();
        let mut writer = Writer {
            directory: directory.clone(),
            journal: state.join("journal"),
            size,
            store: None,
            lost: lost.clone(),
            give_way: give_way.clone(),
            taking: taking.clone(),
            recorder,
        };
        Builder::new().name("evidence".to_owned()).spawn(move || writer.run(&proofs, &end))?;
        let (to_write, ended) = (Mutex::new(Some(to_write)), Mutex::new(ended));
        Ok(Keeper { directory, to_write, lost, give_way, taking, ended })
    }

    fn offer(&self, proof: Proof) {
        let to_write = self.to_write.lock().unwrap_or_else(PoisonError::into_inner);
        if to_write.as_ref().is_none_or(|to_write| to_write.try_send(proof).is_err()) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Proofs that were not written.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// A disk is full: the older half of the files makes room for records.
    pub(super) fn give_way(&self) {
        self.give_way.store(true, Ordering::Relaxed);
    }

    /// All that is there of a finding.
    pub(super) fn read(&self, id: &str) -> io::Result<Option<Vec<u8>>> {
        crate::sink::evidence::read(&self.directory, id)
    }

    /// Why nothing is written, if nothing is.
    pub(super) fn trouble(&self) -> Option<String> {
        self.taking.trouble()
    }

    /// Writes what waits, and ends; whom a disk that hangs keeps is left behind.
    pub(super) fn finish(&self) {
        drop(self.to_write.lock().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.ended.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(LAST_WAIT);
    }
}

struct Writer {
    directory: PathBuf,
    journal: PathBuf,
    size: u64,
    store: Option<Store>,
    lost: Arc<AtomicU64>,
    give_way: Arc<AtomicBool>,
    taking: Arc<Taking>,
    recorder: Arc<Recorder>,
}

impl Writer {
    /// `_end` tells by being dropped.
    fn run(&mut self, proofs: &Receiver<Proof>, _end: &Sender<()>) {
        let taking = self.taking.clone();
        loop {
            match proofs.recv_timeout(PROBE) {
                Ok(proof) => {
                    if taking.watch(|| self.write(&proof)).is_err() {
                        self.lost.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Timeout) if taking.trouble().is_some() => {
                    let _ = taking.watch(|| self.change(Store::probe));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.give_way.swap(false, Ordering::Relaxed) && self.is_beside_the_journal() {
                let _ = taking.watch(|| self.change(Store::give_way));
            }
        }
    }

    /// What is deleted here makes room there.
    fn is_beside_the_journal(&self) -> bool {
        let disk = |folder: &Path| std::fs::metadata(folder).map(|folder| folder.dev());
        matches!((disk(&self.directory), disk(&self.journal)), (Ok(ours), Ok(its)) if ours == its)
    }

    fn store(&mut self) -> io::Result<&mut Store> {
        if self.store.is_none() {
            self.store = Some(Store::open(&self.directory, self.size)?);
        }
        self.store.as_mut().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Does something with the folder, and tells which files had to leave for it.
    fn change<T>(&mut self, change: impl FnOnce(&mut Store, &mut Vec<String>) -> io::Result<T>) -> io::Result<T> {
        let mut cut = Vec::new();
        let result = self.store().and_then(|store| change(store, &mut cut));
        self.tell_cut(cut);
        result
    }

    fn write(&mut self, proof: &Proof) -> io::Result<()> {
        if self.recorder.is_full() && self.is_beside_the_journal() {
            return Err(ErrorKind::StorageFull.into());
        }
        match self.change(|store, cut| store.write(proof, cut))? {
            Some(receipt) => self.tell(&Own::Evidence { at: wall_clock(), receipt }),
            // It has as much as it may have.
            None => drop(self.lost.fetch_add(1, Ordering::Relaxed)),
        }
        Ok(())
    }

    fn tell_cut(&self, files: Vec<String>) {
        if !files.is_empty() {
            self.tell(&Own::EvidenceCut { at: wall_clock(), files });
        }
    }

    fn tell(&self, record: &Own) {
        if let Ok(record) = serde_json::to_string(record) {
            self.recorder.submit(Entry { records: vec![record], ..Entry::default() });
        }
    }
}

/// What the engine's packets are still wanted for.
pub(super) struct Collector {
    keeper: Arc<Keeper>,
    interfaces: Vec<String>,
    /// Findings that opened or rose, to be taken at the next tick.
    new: Vec<String>,
    /// When packets that came after are taken, and the number of the last one that was.
    pending: BTreeMap<String, (Instant, Option<u64>)>,
}

impl Collector {
    pub(super) fn new(keeper: Arc<Keeper>, interfaces: Vec<String>) -> Collector {
        Collector { keeper, interfaces, new: Vec::new(), pending: BTreeMap::new() }
    }

    /// Takes the packets of findings that opened or rose, and those that came after earlier ones.
    pub(super) fn collect(&mut self, engine: &Engine, events: &[Event]) {
        let opened = events.iter().filter_map(|event| match event {
            Event::FindingOpened { finding, .. } | Event::FindingRaised { finding, .. } => Some(finding.id.clone()),
            _ => None,
        });
        self.new.extend(opened);
        let now = Instant::now();
        let due: Vec<String> =
            self.pending.iter().filter(|(_, (at, _))| *at <= now).map(|(id, _)| id.clone()).take(MAX_AT_ONCE).collect();
        if self.new.is_empty() && due.is_empty() {
            return;
        }
        let Some(published) = engine.published() else { return };
        let findings: BTreeMap<&str, &FindingStatus> =
            published.snapshot.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
        let new: Vec<String> = self.new.drain(..self.new.len().min(MAX_AT_ONCE)).collect();
        for id in new {
            let last = self.pending.get(&id).and_then(|(_, last)| *last);
            let last = findings.get(id.as_str()).and_then(|finding| self.take(engine, finding, last)).or(last);
            if self.pending.len() < MAX_PENDING {
                self.pending.insert(id, (now + AFTERWARDS, last));
            }
        }
        for id in due {
            let last = self.pending.remove(&id).and_then(|(_, last)| last);
            if let Some(finding) = findings.get(id.as_str()) {
                self.take(engine, finding, last);
            }
        }
    }

    /// Hands over what there is; the number of the last packet.
    fn take(&self, engine: &Engine, finding: &FindingStatus, after: Option<u64>) -> Option<u64> {
        let frames = engine.evidence(finding, after);
        let last = frames.last()?.number;
        let (finding, interfaces) = (finding.clone(), self.interfaces.clone());
        self.keeper.offer(Proof { finding, frames, interfaces, at: wall_clock() });
        Some(last)
    }
}
