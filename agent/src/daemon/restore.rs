//! What is known from before the start.

use std::io;
use std::path::Path;

use super::record::Own;
use crate::base::Timestamp;
use crate::engine::Saved;
use crate::journal::{Journal, Limits, is_full, read_after, read_checkpoint};

/// What was known before a restart.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// The engine's state.
    pub(super) saved: Option<Saved>,
    /// Until then something was observed.
    pub(super) observed_until: Option<Timestamp>,
}

/// Reads the latest checkpoint and what the journal says since.
fn restore(directory: &Path) -> io::Result<Restored> {
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

/// Opens the journal, and reads what it says. A disk that takes nothing now stops no agent: `None` in place of the
/// journal, which is opened once it does.
pub(super) fn open(directory: &Path) -> io::Result<(Option<Journal>, Restored)> {
    let journal = match Journal::open(directory, Limits::default()) {
        Ok((journal, opened)) => {
            if opened.torn > 0 {
                let bytes = opened.torn;
                tracing::warn!(bytes, "the journal ended in the middle of a record, which was dropped");
            }
            Some(journal)
        }
        Err(error) if may_recover(&error) => None,
        Err(error) => return Err(error),
    };
    match restore(directory) {
        Err(error) if journal.is_none() && error.kind() == io::ErrorKind::NotFound => Ok((None, Restored::default())),
        restored => Ok((journal, restored?)),
    }
}

fn may_recover(error: &io::Error) -> bool {
    /// Of the disk itself (`errno.h`).
    const EIO: i32 = 5;
    is_full(error) || error.kind() == io::ErrorKind::ReadOnlyFilesystem || error.raw_os_error() == Some(EIO)
}
