//! segwatch: shows, with evidence, whether surveillance cameras talk only inside their own network segment.
//!
//! The modules are layers; each imports only from lower ones (ARCHITECTURE.md, held by a test).

pub mod alert;
pub mod base;
pub mod capture;
pub mod cli;
pub mod config;
pub mod coverage;
pub mod daemon;
pub mod device;
pub mod engine;
pub mod explain;
pub mod finding;
pub mod flow;
pub mod hint;
pub mod journal;
pub mod learn;
pub mod metrics;
pub mod packet;
pub mod policy;
pub mod replay;
pub mod report;
pub mod sink;
pub mod web;
