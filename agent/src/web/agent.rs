//! What the server needs of the agent. The daemon implements it; tests have one of their own.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use super::published::Published;
use crate::engine::FlowRow;

/// The agent as the server sees it.
pub trait Agent: Send + Sync + 'static {
    /// What was published last. `None` before that, and once it is too old to pass for the present: then `/metrics`
    /// answers 503, so that Prometheus sees an agent that is down instead of values that stand still.
    fn published(&self) -> Option<Arc<Published>>;

    /// Whether the agent works: `Err` says what does not.
    fn healthy(&self) -> Result<(), String>;

    /// Whether packets are judged: `Err` says what is missing.
    fn ready(&self) -> Result<(), String>;

    /// Flows of the table, the violations first; at most as many as the query allows.
    fn flows(&self, query: FlowQuery) -> impl Future<Output = Result<Vec<FlowRow>, Refusal>> + Send;

    /// The packets that prove a finding, as pcapng.
    fn evidence(&self, id: String) -> impl Future<Output = Result<Vec<u8>, Refusal>> + Send;

    /// Does what is asked, and says in one sentence what was done.
    fn command(&self, command: Command) -> impl Future<Output = Result<String, Refusal>> + Send;

    /// Something for the log. May come often: the agent limits the rate.
    fn note(&self, note: Note);
}

/// What the agent is asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Read the policy again.
    Reload,
    /// Close a finding.
    Close(Remark),
    /// Mark a finding as known.
    Acknowledge(Remark),
    /// Raise a finding that nothing caused, to see whether the page arrives.
    Drill {
        /// Who says so.
        by: String,
        /// Who was authenticated.
        user: String,
    },
}

/// A person's word about a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// The finding.
    pub id: String,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Who was authenticated.
    pub user: String,
}

/// Which flows are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlowQuery {
    /// Rows at most.
    pub limit: usize,
    /// Violations only.
    pub only_violations: bool,
    /// Only those that this rule decided.
    pub rule: Option<String>,
}

/// Why the agent did not do it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is no such thing.
    NotFound(String),
    /// It is not in a state for that.
    Conflict(String),
    /// It was tried and went wrong: a policy with errors.
    Failed(String),
    /// Not now.
    Unavailable(String),
}

/// Something for the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// The web configuration file changed and is in force.
    ConfigTaken,
    /// The web configuration file changed and cannot be used; the former stays in force.
    ConfigRefused(String),
    /// A wrong password.
    LoginFailed(IpAddr),
    /// No connection could be accepted for a moment.
    AcceptFailed(String),
}
