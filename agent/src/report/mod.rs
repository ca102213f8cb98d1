//! The answer for people and programs: text, JSON, JUnit, CSV. Pure: what is rendered is returned or goes to a given writer.

mod advice;
mod check;
mod damage;
mod devices;
mod diff;
mod explain;
mod findings;
mod flows;
mod from_json;
mod headline;
mod json;
mod junit;
mod ledger;
mod officer;
mod page;
mod reasons;
mod style;
mod table;
mod words;
mod zones;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

pub use crate::base::escape;
pub use check::{check_text, devices_text, findings_text, zones_text};
pub use damage::{CaptureFiles, Damage};
pub use diff::{
    Compared, DeviceChange, FindingChange, FindingClass, FlowChange, FlowChanges, FlowClass, Replays, ZoneChange,
    diff_json, diff_text,
};
pub use explain::{ExplainWriter, Explained, explain_text};
pub use flows::{FlowFormat, FlowWriter};
pub use from_json::{devices_from_json, findings_from_json, relayed_json, zones_from_json};
pub use json::{CheckJson, check_json, coverage_json, devices_json, findings_json, zones_json};
pub use junit::{FailOn, junit};
pub use officer::{Hours, Language, SiteReport, Subject, report_csv, report_html, report_markdown};
pub use style::Style;
pub use words::bytes;
