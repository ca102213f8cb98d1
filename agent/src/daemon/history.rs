//! Flows of watched devices, an hour at a time, in a journal of their own: whatever they come to, findings keep theirs.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::Timestamp;
use crate::coverage::end_of_hour;
use crate::engine::Summaries;
use crate::journal::{Journal, Limits};
use crate::sink::{Batch, Sink};

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
}

impl FlowHistory {
    pub(super) fn new(directory: PathBuf) -> FlowHistory {
        let summaries = Summaries::default();
        FlowHistory { directory, journal: None, summaries, until: Timestamp::default(), waits: false }
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
            if is_over || self.summaries.is_full() {
                self.flush()?;
                self.until = end_of_hour(batch.at);
            }
            self.summaries.take(&batch.ended, &batch.open);
            *from = batch.records();
        }
        if batch.last {
            self.flush()?;
        }
        self.sync()
    }
}
