//! What the engine tells, in the order in which it became known.

use serde::Serialize;

use super::snapshot::{DeviceRef, DeviceStatus, ExceptionStatus, FindingStatus, LossStatus};
use crate::base::Timestamp;
use crate::coverage::{Gap, Reason, Verdict};

/// One thing that happened, for the journal.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A finding that was not open.
    FindingOpened {
        /// When it was judged.
        at: Timestamp,
        /// As it is now.
        finding: Box<FindingStatus>,
    },
    /// An open finding got farther, or more severe.
    FindingRaised {
        /// When it was judged.
        at: Timestamp,
        /// As it is now.
        finding: Box<FindingStatus>,
    },
    /// A finding is not open any more.
    FindingClosed {
        /// When.
        at: Timestamp,
        /// Its id.
        id: String,
        /// Why.
        why: Closing,
        /// Who closed it, if a person did.
        by: Option<String>,
        /// The reason that the person gave.
        reason: Option<String>,
    },
    /// A person has taken note of an open finding.
    FindingAcked {
        /// When.
        at: Timestamp,
        /// Its id.
        id: String,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// An exception of the policy mutes an open finding: its severity is `info` from now on.
    FindingMuted {
        /// When.
        at: Timestamp,
        /// Its id.
        id: String,
        /// Who answers for it.
        exception: ExceptionStatus,
    },
    /// No exception mutes a finding any more that is still open: its severity is what it would have been.
    FindingRearmed {
        /// When.
        at: Timestamp,
        /// Its id.
        id: String,
        /// The exception that has expired, or is not in the policy any more.
        exception: ExceptionStatus,
    },
    /// A verdict changed.
    Verdict {
        /// When.
        at: Timestamp,
        /// The zone; `None` for the site.
        zone: Option<String>,
        /// What it was; `None` at the start.
        from: Option<Verdict>,
        /// What it is.
        to: Verdict,
        /// Why it is not better, when it is `unverified`.
        reasons: Vec<Reason>,
    },
    /// An alarm of a mirror port was raised or ended.
    Mirror {
        /// When.
        at: Timestamp,
        /// The interface.
        interface: String,
        /// The alarm (DESIGN, section 6).
        alarm: &'static str,
        /// Raised, else ended.
        raised: bool,
        /// One sentence.
        detail: String,
    },
    /// Traffic that must be seen again and again in a zone is missing, or is back.
    Canary {
        /// When it was noticed.
        at: Timestamp,
        /// The zone.
        zone: String,
        /// The conduit.
        canary: String,
        /// Missing, else back.
        silent: bool,
        /// Its last packet.
        last_seen: Option<Timestamp>,
    },
    /// Nothing was observed on an interface for a while.
    Gap {
        /// When it was noticed.
        at: Timestamp,
        /// The interface.
        interface: String,
        /// One clause.
        what: String,
    },
    /// Nobody looked for a while, though the mirror may have shown something; what the kernel kept was read afterwards,
    /// and what it dropped is counted.
    Paused {
        /// From when, by the clock of now.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
        /// One clause.
        why: &'static str,
    },
    /// The clock was set while packets came in.
    Clock {
        /// What it shows.
        at: Timestamp,
        /// What it would have shown.
        expected: Timestamp,
        /// Milliseconds between them, negative if it was set back.
        stepped_ms: i64,
    },
    /// For how long somebody vouched for a device: an hour of the clock, or a part of one.
    Coverage {
        /// When it was recorded.
        at: Timestamp,
        /// The device.
        device: DeviceRef,
        /// Its home; `none` without one.
        zone: String,
        /// The beginning.
        from: Timestamp,
        /// The end. It is an hour's end, or sooner at the start, the end, a step of the clock; only a gap of more than
        /// 48 hours is told in one.
        to: Timestamp,
        /// From the beginning to the end, without the gaps.
        observed_seconds: f64,
        /// In order.
        gaps: Vec<Gap>,
        /// The clock was set: nothing is missing between the record before and this one.
        began_by_step: bool,
        /// Unicast frames from it on its own link.
        sent: u64,
        /// Unicast frames to it on its own link.
        received: u64,
        /// Of both, frames whose VLAN is known.
        tagged: u64,
        /// What was lost of that; `None` where nothing tells.
        loss: Option<LossStatus>,
        /// The device as it was at the end; `None` if it does not count any more.
        status: Option<Box<DeviceStatus>>,
    },
    /// Another policy decides from now on.
    Policy {
        /// When.
        at: Timestamp,
        /// Its hash.
        hash: String,
    },
}

/// Why a finding closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closing {
    /// Not seen for `hold`.
    Quiet,
    /// The policy of today allows its traffic.
    Policy,
    /// A person closed it.
    Person,
    /// Its device turned out to be another, whose finding it is now.
    Renamed,
}

/// What a person or the operator asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Close an open finding.
    Close {
        /// Its id.
        id: String,
        /// Who asks.
        by: String,
        /// Why.
        reason: String,
    },
    /// Take note of an open finding.
    Ack {
        /// Its id.
        id: String,
        /// Who asks.
        by: String,
        /// Why.
        reason: String,
    },
    /// Raise the drill: a finding that is none, so that the way to the pager is tried for real.
    Drill {
        /// Who asks.
        by: String,
    },
}

/// What a mirror port tells besides frames.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SourceEvent {
    /// It can be read, under this name.
    Up {
        /// The interface.
        name: String,
    },
    /// It cannot, or no link is there.
    Down {
        /// One clause.
        why: String,
    },
    /// Packets were lost since the last time.
    Drops {
        /// In the kernel's buffer.
        kernel: u64,
        /// In the interface.
        interface: u64,
        /// In the agent.
        agent: u64,
    },
    /// Something was missed; it can be read again.
    Gap {
        /// One clause.
        why: String,
    },
    /// A capture filter hides traffic.
    Filter {
        /// The filter.
        expression: String,
    },
}
