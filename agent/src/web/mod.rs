//! The HTTP server: landing page, metrics, health, the API, and the few commands that the agent takes.
//!
//! It knows the agent through [`Agent`] only: what was published last, and a way to send a command. Nothing that a
//! client does reaches the engine but those commands, of which few run at a time.
//!
//! Clients are bounded in number, in total and by address; each has a deadline from the moment that it is accepted, and
//! when there are too many, the slowest leave. `limits.rs` names the limits.

mod agent;
mod api;
mod auth;
mod connection;
mod exposure;
mod limits;
mod page;
mod published;
mod reply;
mod routes;
mod server;
mod settings;
mod table;
mod tls;

pub use agent::{Agent, Command, FlowQuery, Note, Refusal, Remark};
pub use exposure::{bind, check_exposure};
pub use limits::{
    Limits, MAX_BODY_BYTES, MAX_COMMANDS, MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS, MAX_FLOWS, MAX_HEAD_BYTES,
    MAX_HEADERS, MAX_LOGINS, MAX_WAITING_LOGINS,
};
pub use published::{About, ConduitStatus, Published, RecordsStatus};
pub use server::{Server, Stats};
pub use settings::Settings;
