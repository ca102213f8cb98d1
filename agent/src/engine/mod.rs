//! The pure core: frames and time in, findings and verdicts out.

mod snapshot;

pub use snapshot::{
    CoverageStatus, DeviceRef, DeviceStatus, EndStatus, FindingStatus, FlowRow, FlowVerdict, HealthStatus, Hint,
    PeerStatus, PolicyRef, RuleRef, Snapshot, Traffic, VlanCount, Window, ZoneStatus,
};
