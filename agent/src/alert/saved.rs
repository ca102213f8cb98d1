//! What of the outbox outlives a restart.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Key};
use super::finding::Alert;
use super::outbox::{MAX_ALERTS, Outbox};
use crate::base::Timestamp;

/// Version of the form; another one is not read.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    alerts: Vec<SavedAlert>,
}

/// Times are nanoseconds since 1970.
#[derive(Serialize, Deserialize)]
struct SavedAlert {
    #[serde(flatten)]
    key: Key,
    alert: Alert,
    closed: Option<i64>,
    told: bool,
    over: Option<i64>,
}

impl Outbox {
    /// What [`Outbox::restore`] reads, on one line.
    pub fn save(&self) -> String {
        let alerts = self.entries.iter().map(|(key, entry)| SavedAlert {
            key: key.clone(),
            alert: entry.alert.clone(),
            closed: entry.closed.map(|at| at.0),
            told: entry.told,
            over: entry.over.map(|at| at.0),
        });
        serde_json::to_string(&Saved { version: VERSION, alerts: alerts.collect() }).unwrap_or_default()
    }

    /// Takes back what was saved; what Alertmanager had then is sent to it again.
    ///
    /// # Errors
    /// If this is not what [`Outbox::save`] wrote; nothing is taken then.
    pub fn restore(&mut self, text: &str) -> Result<(), String> {
        let saved: Saved = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if saved.version != VERSION {
            return Err(format!("its form has version {}, this is {VERSION}", saved.version));
        }
        for SavedAlert { key, alert, closed, told, over } in saved.alerts.into_iter().take(MAX_ALERTS) {
            let entry = Entry::restored(alert, closed.map(Timestamp), told, over.map(Timestamp));
            self.adopt(key, entry);
        }
        Ok(())
    }
}
