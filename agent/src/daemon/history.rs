//! Flows of watched devices, an hour at a time, in a journal of their own: whatever they come to, findings keep theirs.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::Timestamp;
use crate::coverage::end_of_hour;
use crate::engine::Summaries;
use crate::journal::{Journal, Limits};
use crate::sink::{Batch, Sink, is_short};

/// What is kept: at most so many bytes, and nothing that is older.
const KEPT: Limits = Limits { segment: 16 << 20, total: 512 << 20, age: Some(Duration::from_secs(35 * 86_400)) };

/// See the module.
pub(super) struct FlowHistory {
    directory: PathBuf,
    journal: Option<Journal>,
    summaries: Summaries,
    /// The hour that they are of ends then.
    until: Timestamp,
    /// Something is not on the disk yet.
    waits: bool,
    /// Flows that found no place.
    lost: Arc<AtomicU64>,
}

impl FlowHistory {
    pub(super) fn new(directory: PathBuf, lost: Arc<AtomicU64>) -> FlowHistory {
        let summaries = Summaries::default();
        FlowHistory { directory, journal: None, summaries, until: Timestamp::default(), waits: false, lost }
    }

    fn journal(&mut self) -> io::Result<&mut Journal> {
        match &mut self.journal {
            Some(journal) => Ok(journal),
            none => Ok(none.insert(Journal::open(&self.directory, KEPT)?.0)),
        }
    }

    /// Hands over what there is; it is on the disk after the next [`FlowHistory::sync`].
    fn flush(&mut self) -> io::Result<()> {
        self.journal()?;
        let summaries = self.summaries.drain();
        let Some(journal) = &mut self.journal else { return Ok(()) };
        for summary in summaries {
            let record = serde_json::to_string(&summary).map_err(io::Error::other)?;
            journal.append(&record)?;
            self.waits = true;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.waits {
            if is_short(&self.directory, 0)? {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.journal()?.sync()?;
            self.waits = false;
        }
        Ok(())
    }
}

impl Sink for FlowHistory {
    fn write(&mut self, batch: &Batch, from: &mut usize) -> io::Result<()> {
        let is_over = batch.at >= self.until || end_of_hour(batch.at) < self.until;
        if *from == 0 {
            if is_over {
                self.flush()?;
                self.until = end_of_hour(batch.at);
            }
            let lost = self.summaries.take(&batch.ended, &batch.open);
            self.lost.fetch_add(lost, Ordering::Relaxed);
            *from = batch.records();
        }
        if batch.last {
            self.flush()?;
        }
        self.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{FlowRow, FlowSummary};
    use crate::journal;
    use crate::report::sample;

    const HOUR: i64 = 3_600_000_000_000;

    fn batch(hour: i64, ended: usize, last: bool) -> Batch {
        let facts = r#"{"evidence":{"vlans":[110,0,0,0,0,0],"vlan_count":1,"facts":[1,1],"refused":[null,null],
            "stopped":[0,0],"routed":false},"initiator_first":true,"unicast":true,"tunnel":null,"devices":[null,null]}"#;
        let facts = serde_json::from_str(facts).expect("facts");
        let row = FlowRow { facts: Some(Box::new(facts)), ..sample::flow(true) };
        Batch { at: Timestamp(hour * HOUR + 1), ended: vec![row; ended], last, ..Batch::default() }
    }

    fn write(history: &mut FlowHistory, batch: &Batch) -> io::Result<()> {
        history.write(batch, &mut 0)
    }

    fn flows(folder: &std::path::Path) -> Vec<u64> {
        let Ok(records) = journal::read(folder) else { return Vec::new() };
        let summaries = records.map(|record| serde_json::from_str::<FlowSummary>(&record.expect("a record").text));
        summaries.map(|summary| summary.expect("a summary").flows()).collect()
    }

    #[test]
    fn an_hour_is_written_when_it_is_over_and_what_is_left_at_the_end() {
        let folder = std::env::temp_dir().join(format!("segwatch-flows-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let mut history = FlowHistory::new(folder.clone(), Arc::default());
        (0..3).for_each(|_| write(&mut history, &batch(1, 2, false)).expect("written"));
        assert_eq!(flows(&folder), [0; 0]);
        write(&mut history, &batch(2, 1, false)).expect("written");
        assert_eq!(flows(&folder), [6], "alike, and told once");
        // A clock that was set back ends an hour too.
        write(&mut history, &batch(1, 4, false)).expect("written");
        write(&mut history, &batch(1, 3, true)).expect("written");
        assert_eq!(flows(&folder), [6, 1, 7]);
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn what_a_disk_does_not_take_is_offered_again_and_counts_once() {
        let folder = std::env::temp_dir().join(format!("segwatch-no-flows-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::write(&folder, "in the way").expect("a file");
        let mut history = FlowHistory::new(folder.clone(), Arc::default());
        let (batch, mut from) = (batch(1, 2, true), 0);
        for _ in 0..3 {
            assert!(history.write(&batch, &mut from).is_err());
        }
        std::fs::remove_file(&folder).expect("removed");
        history.write(&batch, &mut from).expect("written");
        assert_eq!(flows(&folder), [2]);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
