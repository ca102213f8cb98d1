//! The alarms of one mirror port at one moment, and whom they blind.

use std::collections::BTreeMap;

use super::alarm::Alarm;
use crate::coverage::{Loss, Reason, ReasonCode};
use crate::engine::snapshot::HealthStatus;

/// The alarms of one mirror port.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Raised {
    pub(super) interface: String,
    pub(super) alarms: BTreeMap<Alarm, String>,
    /// Zones whose VLANs are missing.
    pub(super) filtered: Vec<u16>,
    /// A filter of the capture itself hides what nobody can tell.
    pub(super) hides_all: bool,
    pub(super) cuts_headers: bool,
}

impl Raised {
    fn blinds(&self, alarm: Alarm) -> bool {
        alarm.blinds() || alarm == Alarm::Truncated && self.cuts_headers
    }

    /// Why the port shows too little of a device of this home, whose VLAN must be known or need not.
    pub(in crate::engine) fn reasons(&self, home: Option<u16>, vlan_matters: bool) -> impl Iterator<Item = Reason> {
        self.alarms
            .iter()
            .filter(move |&(&alarm, _)| match alarm {
                Alarm::Untagged => vlan_matters,
                Alarm::Filtered => self.hides_all || home.is_some_and(|zone| self.filtered.contains(&zone)),
                alarm => self.blinds(alarm),
            })
            .map(|(alarm, detail)| Reason { code: alarm.reason(), detail: format!("{}: {detail}", self.interface) })
    }

    pub(in crate::engine) fn status(&self) -> impl Iterator<Item = HealthStatus> {
        self.alarms.iter().map(|(&alarm, detail)| HealthStatus {
            interface: self.interface.clone(),
            alarm: alarm.name(),
            blinds: self.blinds(alarm),
            detail: detail.clone(),
        })
    }
}

/// What a device's own numbered data says about how much of it was lost.
pub(in crate::engine) fn of_device(loss: Loss, limit: f64) -> Option<Reason> {
    loss.may_exceed(limit).then(|| Reason {
        code: ReasonCode::Loss,
        detail: format!("of what it sent and received, about {loss} and were never shown by the mirror"),
    })
}
