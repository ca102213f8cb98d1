//! What Prometheus scrapes: from a policy, a published [`Snapshot`] and the daemon's own [`Counters`] to the text
//! exposition format (DESIGN, section 6). Pure but for the figures of the process itself.
//!
//! Every series that the policy can make exists from the first scrape, so that `increase()` sees the first event, and
//! no word of a packet makes one: what a device says stands in `finding_info` alone, which has a limit.

mod counters;
mod finding_info;
mod of_capture;
mod of_policy;
mod of_site;
mod page;

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, TextEncoder};

use crate::base::Timestamp;
use crate::engine::Snapshot;
use crate::policy::Policy;

pub use counters::{ALARMS, BuildInfo, Counters, Eviction, InterfaceCounters, Reload, Sink};
use finding_info::Shown;
pub(crate) use finding_info::cut_to;
pub use finding_info::{MAX_FINDING_INFO, MAX_FINDING_INFO_NOT_CRITICAL, MAX_LABEL_CHARS};
use page::Page;

/// The only form of the exposition that Prometheus 3 takes from us.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why there is no exposition: a fault in this module, never in what it is given.
pub type Error = prometheus::Error;

/// Renders the exposition, and remembers what `finding_info` has shown.
pub struct Exporter {
    build: BuildInfo,
    started: Timestamp,
    process: ProcessCollector,
    shown: Shown,
}

impl Exporter {
    /// An exporter of a program that starts now.
    pub fn new(build: BuildInfo) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::started_at(build, Timestamp(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// An exporter of a program that started at this time.
    pub fn started_at(build: BuildInfo, started: Timestamp) -> Self {
        Exporter { build, started, process: ProcessCollector::for_self(), shown: Shown::default() }
    }

    /// The whole page. Called once for each published snapshot; what it returns is shared by all who scrape.
    ///
    /// # Errors
    /// When two metrics contradict each other, which the tests exclude.
    pub fn render(&mut self, policy: &Policy, snapshot: &Snapshot, counters: &Counters) -> Result<String, Error> {
        let page = Page::default();
        of_policy::write(&page, policy, snapshot, counters)?;
        of_site::write(&page, &self.build, self.started, snapshot, counters)?;
        of_capture::write(&page, snapshot, counters)?;
        self.shown.write(&page, snapshot, counters)?;
        let mut families = page.gather();
        // Its start time is 0 under systemd's `ProcSubset=pid`; ours is `start_time_seconds`.
        families
            .extend(self.process.collect().into_iter().filter(|family| family.name() != "process_start_time_seconds"));
        let mut text = Vec::new();
        TextEncoder::new().encode(&families, &mut text)?;
        String::from_utf8(text).map_err(|error| Error::Msg(error.to_string()))
    }
}
