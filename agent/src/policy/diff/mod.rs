//! What one policy lets pass that another does not, without a packet: in addresses, services and times what rules open
//! and close, and whatever else makes the judge milder or stricter. Only what a [`Policy`] means counts, not how its file
//! is written; what changes no judgement is told apart.

mod agent;
mod devices;
mod exceptions;
mod hosts;
mod pairing;
mod ranges;
mod rules;
mod services;
mod settings;
#[cfg(test)]
mod tests;
mod wording;
mod zones;

use super::model::{Place, Policy, Severity};
use crate::base::Timestamp;

pub use agent::{Agent, Port};
pub use hosts::Hosts;

/// What changes between two policies.
#[derive(Clone, Debug, Default)]
pub struct PolicyDiff {
    /// What the new policy lets pass or overlooks, and the old one did not.
    pub opens: Vec<Change>,
    /// What the new policy refuses or notices, and the old one did not.
    pub closes: Vec<Change>,
    /// What changes no judgement: names, owners, reasons, order.
    pub neither: Vec<Change>,
    /// Zones that go by another name now: old and new name.
    pub renamed_zones: Vec<(String, String)>,
    /// Changes beyond [`MAX_CHANGES`] of one of these lists.
    pub left_out: u64,
}

/// Changes kept in each list; further ones are counted.
pub const MAX_CHANGES: usize = 10_000;

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    /// Of which sort.
    pub what: What,
    /// The conduit, zone, device or setting.
    pub subject: String,
    /// One clause.
    pub text: String,
    /// Where it stands: in the new policy for what is there, in the old one for what is gone.
    pub place: Option<Place>,
    /// For what is allowed or no longer allowed: exactly which flows.
    pub flows: Option<Flows>,
}

/// Flows between two sets of hosts.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Flows {
    /// Who may open them.
    pub from: Hosts,
    /// To whom.
    pub to: Hosts,
    /// As a conduit writes them.
    pub services: Vec<String>,
    /// Only from this time on.
    pub since: Option<Timestamp>,
    /// Only before this time.
    pub until: Option<Timestamp>,
    /// These and no others; otherwise there were too many parts, and some of these are no change.
    pub exact: bool,
}

/// Sorts of change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum What {
    /// Flows that a conduit allows.
    Conduit,
    /// Flows inside a zone.
    Home,
    /// Flows between a zone and its DHCP servers.
    Dhcp,
    /// What flows may carry besides.
    Permits,
    Zone,
    Vlan,
    Gateway,
    Device,
    Vendor,
    Internal,
    Domain,
    Coverage,
    Hold,
    EdgeHops,
    Severity,
    Exception,
    Canary,
    Disposition,
    Untagged,
    RspanVlan,
    Capture,
    Listen,
    Alertmanager,
    /// Names, owners, reasons.
    Name,
    Order,
}

/// How a change compares with what was before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mildness {
    /// More is let pass.
    Milder,
    /// Less is let pass.
    Stricter,
    /// Neither.
    Same,
}

/// What a comparison must know of the judge.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Ports that are registered for a tunnel: a conduit that names one alone lets that tunnel pass.
    pub tunnel_ports: &'a [u16],
    /// Severities of a kind of finding, by reach, where the policy sets none; empty for an unknown kind.
    pub severities: &'a dyn Fn(&str) -> Vec<Severity>,
}

/// Compares two policies.
pub fn compare(old: &Policy, new: &Policy, judge: &Judge<'_>) -> PolicyDiff {
    let pairing = pairing::Pairing::of(old, new);
    let mut diff = PolicyDiff::default();
    rules::compare(old, new, &pairing, judge, &mut diff);
    zones::compare(old, new, &pairing, &mut diff);
    devices::compare(old, new, &pairing, &mut diff);
    exceptions::compare(old, new, &pairing, &mut diff);
    settings::compare(old, new, judge, &mut diff);
    diff
}

impl PolicyDiff {
    /// Compares what the agent does besides judging: which ports it listens to, and who can reach it.
    pub fn compare_agents(&mut self, old: &Agent, new: &Agent) {
        agent::compare(old, new, self);
    }

    /// Takes in what a report makes of devices otherwise: how mild that is beside before, and in which words.
    pub fn add_dispositions(&mut self, changes: impl IntoIterator<Item = (Mildness, String)>) {
        for (mildness, text) in changes {
            match mildness {
                Mildness::Milder => self.open(What::Disposition, "dispositions", text, None),
                Mildness::Stricter => self.close(What::Disposition, "dispositions", text, None),
                Mildness::Same => self.note(What::Disposition, "dispositions", text, None),
            }
        }
    }

    /// Whether something that is judged changes.
    pub fn is_empty(&self) -> bool {
        self.opens.is_empty() && self.closes.is_empty()
    }

    fn open(&mut self, what: What, subject: &str, text: impl Into<String>, place: Option<&Place>) {
        keep(&mut self.opens, &mut self.left_out, Change::new(what, subject, text.into(), place));
    }

    fn close(&mut self, what: What, subject: &str, text: impl Into<String>, place: Option<&Place>) {
        keep(&mut self.closes, &mut self.left_out, Change::new(what, subject, text.into(), place));
    }

    fn note(&mut self, what: What, subject: &str, text: impl Into<String>, place: Option<&Place>) {
        keep(&mut self.neither, &mut self.left_out, Change::new(what, subject, text.into(), place));
    }

    /// A value that lets more pass the higher it is.
    fn looser_when_higher<T: PartialOrd>(
        &mut self,
        what: What,
        subject: &str,
        old: T,
        new: T,
        show: impl Fn(&T) -> String,
    ) {
        if old < new {
            self.open(what, subject, format!("from {} to {}", show(&old), show(&new)), None);
        } else if new < old {
            self.close(what, subject, format!("from {} to {}", show(&old), show(&new)), None);
        }
    }
}

fn keep(list: &mut Vec<Change>, left_out: &mut u64, change: Change) {
    if list.len() < MAX_CHANGES { list.push(change) } else { *left_out += 1 }
}

impl Change {
    fn new(what: What, subject: &str, text: String, place: Option<&Place>) -> Change {
        let place = place.filter(|place| place.line > 0).cloned();
        Change { what, subject: subject.to_owned(), text, place, flows: None }
    }
}
