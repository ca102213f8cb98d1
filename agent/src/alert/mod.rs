//! Direct paging: open findings go to Alertmanager (API v2) without Prometheus in between.
//!
//! [`Outbox`] decides what is sent when, without clock, socket or file. [`Sink`] is the thread around it.
//! Alertmanager remembers no alert across its own restart, so each is sent again and again until it is over, and then that
//! it is over for five minutes. Labels are those of the Prometheus rules (`config/alerts/findings.yml`) with
//! `path="direct"` and the sensor besides.

mod client;
mod entry;
mod finding;
mod keeper;
mod outbox;
mod saved;
mod sink;
#[cfg(test)]
mod tests;

pub use client::Trouble;
pub use entry::Key;
pub use finding::{Alert, MAX_ANNOTATION_CHARS, Origin};
pub use keeper::Store;
pub use outbox::{MAX_ALERTS, MAX_BATCH, Outbox, Request, Times};
pub use sink::{MAX_WAITING, Note, Settings, Sink};
