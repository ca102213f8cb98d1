//! Thin access to the `prometheus` crate: families with the prefix of segwatch, set to values that others count.

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Error, GaugeVec, IntCounterVec, Opts, Registry};

use crate::base::{Timestamp, escape};

/// Prefix of every metric.
const NAMESPACE: &str = "segwatch";

/// One exposition in the making.
#[derive(Default)]
pub(super) struct Page {
    registry: Registry,
}

/// A gauge with labels.
pub(super) struct Gauges(GaugeVec);
/// A counter with labels.
pub(super) struct Totals(IntCounterVec);

impl Page {
    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<Gauges, Error> {
        let family = GaugeVec::new(Opts::new(name, help).namespace(NAMESPACE), labels)?;
        self.add(family.clone())?;
        Ok(Gauges(family))
    }

    pub(super) fn totals(&self, name: &str, help: &str, labels: &[&str]) -> Result<Totals, Error> {
        let family = IntCounterVec::new(Opts::new(name, help).namespace(NAMESPACE), labels)?;
        self.add(family.clone())?;
        Ok(Totals(family))
    }

    /// A gauge without labels.
    pub(super) fn gauge(&self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        self.gauges(name, help, &[])?.set(&[], value)
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    fn add(&self, family: impl Collector + 'static) -> Result<(), Error> {
        self.registry.register(Box::new(family))
    }
}

impl Gauges {
    pub(super) fn set(&self, labels: &[&str], value: f64) -> Result<(), Error> {
        self.0.get_metric_with_label_values(&shown(labels))?.set(value);
        Ok(())
    }

    pub(super) fn add(&self, labels: &[&str], value: f64) -> Result<(), Error> {
        self.0.get_metric_with_label_values(&shown(labels))?.add(value);
        Ok(())
    }
}

impl Totals {
    /// Adds to a series, which is made with 0 if it does not exist.
    pub(super) fn add(&self, labels: &[&str], count: u64) -> Result<(), Error> {
        self.0.get_metric_with_label_values(&shown(labels))?.inc_by(count);
        Ok(())
    }
}

/// Label values with every hidden character made visible; the encoder escapes quotes, backslashes and line feeds.
fn shown<'a>(labels: &[&'a str]) -> Vec<std::borrow::Cow<'a, str>> {
    labels.iter().map(|label| escape(label)).collect()
}

/// A count as a gauge's value.
pub(super) fn count(count: u64) -> f64 {
    count as f64
}

/// 1 for yes, 0 for no.
pub(super) fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

/// Seconds since 1970; 0 for never.
pub(super) fn seconds(at: Option<Timestamp>) -> f64 {
    // Through microseconds, so that a time has no more digits than it needs.
    at.map_or(0.0, |at| (at.0 / 1000) as f64 / 1e6)
}
