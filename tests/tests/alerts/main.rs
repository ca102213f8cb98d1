//! The alert rules, their runbooks, and the examples for Prometheus and Alertmanager: sound, tested by tests that can
//! fail, and proved with the programs themselves.

mod alertmanager;
mod chain;
mod client;
mod direct;
mod mutants;
mod paths;
mod routes;
mod rules;
mod runbooks;
