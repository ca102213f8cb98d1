//! One published state, rendered once however many ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::body::Bytes;
use serde::Serialize;
use tokio::sync::OnceCell;

use super::page::{body, landing_page};
use crate::base::{Timestamp, escape_json};
use crate::coverage::{Reason, Verdict};
use crate::engine::{DeviceHours, HealthStatus, PolicyRef, Snapshot, Traffic, Window};
use crate::policy::sha256_hex;
use crate::report::{coverage_json, devices_json, findings_json, zones_json};

/// Which agent this is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct About {
    /// Version of segwatch.
    pub version: String,
    /// Commit that it was built from; empty if unknown.
    pub revision: String,
    /// The site of the policy.
    pub site: String,
    /// The sensor of the policy.
    pub sensor: String,
}

/// A conduit, for the page: who may open to whom by it, and how many flows did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConduitStatus {
    /// Its name.
    pub name: String,
    /// Names of zones; `any` for hosts of no zone.
    pub from: Vec<String>,
    /// The same of the other side.
    pub to: Vec<String>,
    /// Flows since the start.
    pub flows: u64,
}

/// Where records go, and do not arrive.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RecordsStatus {
    /// What takes no records now (the journal, or a sink), and why.
    pub failing: BTreeMap<&'static str, String>,
    /// Records lost since the start, where there are any.
    pub lost: BTreeMap<&'static str, u64>,
}

/// A snapshot with its metrics, and its documents once someone asked for them.
#[derive(Debug)]
pub struct Published {
    about: About,
    snapshot: Arc<Snapshot>,
    at: Timestamp,
    metrics: Bytes,
    conduits: Vec<ConduitStatus>,
    records: RecordsStatus,
    hours: Arc<Vec<DeviceHours>>,
    /// Changes with what the page says.
    revision: OnceCell<Option<String>>,
    documents: [OnceCell<Option<Bytes>>; 6],
}

/// What is rendered of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Document {
    Page,
    Status,
    Zones,
    Devices,
    Findings,
    Coverage,
}

impl Published {
    /// A snapshot of this time, with the text that [`crate::metrics::Exporter::render`] made of it.
    pub fn new(about: About, snapshot: Arc<Snapshot>, at: Timestamp, metrics: String) -> Self {
        Published {
            about,
            snapshot,
            at,
            metrics: metrics.into(),
            conduits: Vec::new(),
            records: RecordsStatus::default(),
            hours: Arc::default(),
            revision: OnceCell::new(),
            documents: Default::default(),
        }
    }

    /// The same with the policy's conduits.
    #[must_use]
    pub fn with_conduits(self, conduits: Vec<ConduitStatus>) -> Self {
        Published { conduits, ..self }
    }

    /// The same with what becomes of records.
    #[must_use]
    pub fn with_records(self, records: RecordsStatus) -> Self {
        Published { records, ..self }
    }

    /// The same with when each device was observed.
    #[must_use]
    pub fn with_hours(self, hours: Arc<Vec<DeviceHours>>) -> Self {
        Published { hours, ..self }
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// When it was taken.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    pub(super) fn metrics(&self) -> Bytes {
        self.metrics.clone()
    }

    /// The bytes of a document: made once, off the threads that serve. `None` if it could not be made.
    pub(super) async fn document(self: &Arc<Self>, document: Document) -> Option<Bytes> {
        let cell = self.documents.get(document as usize)?;
        let make = || async {
            let this = self.clone();
            let made = tokio::task::spawn_blocking(move || this.render(document)).await;
            made.ok().flatten().map(Bytes::from)
        };
        cell.get_or_init(make).await.clone()
    }

    /// A word that is another one as soon as the page says something else, its time and counts of packets aside.
    pub(super) async fn revision(self: &Arc<Self>) -> Option<String> {
        let make = || async {
            let this = self.clone();
            let revise = move || {
                let snapshot = Snapshot { traffic: Traffic::default(), ..(*this.snapshot).clone() };
                let named = |conduit: &ConduitStatus| ConduitStatus { flows: 0, ..conduit.clone() };
                let conduits: Vec<ConduitStatus> = this.conduits.iter().map(named).collect();
                sha256_hex(&[body(&snapshot, &conduits, &this.records).as_bytes()])
            };
            tokio::task::spawn_blocking(revise).await.ok()
        };
        self.revision.get_or_init(make).await.clone()
    }

    fn render(&self, document: Document) -> Option<String> {
        match document {
            Document::Page => Some(landing_page(&self.about, &self.snapshot, (&self.conduits, &self.records), self.at)),
            Document::Status => self.status().ok(),
            Document::Zones => zones_json(&self.snapshot).ok(),
            Document::Devices => devices_json(&self.snapshot).ok(),
            Document::Findings => findings_json(&self.snapshot).ok(),
            Document::Coverage => coverage_json(&self.hours).ok(),
        }
    }

    fn status(&self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Status<'a> {
            schema: &'static str,
            #[serde(flatten)]
            about: &'a About,
            published: Timestamp,
            verdict: Verdict,
            reasons: &'a [Reason],
            policy: &'a PolicyRef,
            window: Option<Window>,
            traffic: &'a Traffic,
            devices: usize,
            findings: usize,
            health: &'a [HealthStatus],
            records: &'a RecordsStatus,
        }
        let snapshot = &*self.snapshot;
        let status = Status {
            schema: "segwatch/status/1",
            about: &self.about,
            published: self.at,
            verdict: snapshot.verdict,
            reasons: &snapshot.reasons,
            policy: &snapshot.policy,
            window: snapshot.window,
            traffic: &snapshot.traffic,
            devices: snapshot.devices.len(),
            findings: snapshot.findings.len(),
            health: &snapshot.health,
            records: &self.records,
        };
        let mut json = escape_json(serde_json::to_string_pretty(&status)?);
        json.push('\n');
        Ok(json)
    }
}
