//! Helpers shared by the tests in this workspace member: frames, capture files, a mirrored network, synthetic captures,
//! programs that are not ours.

pub mod authority;
pub mod corpus;
pub mod crowd;
pub mod demo;
pub mod exposition;
pub mod frames;
pub mod fuzz;
pub mod hospital;
pub mod http;
pub mod lab;
pub mod load;
pub mod mirror;
pub mod pcap;
pub mod program;
pub mod schema;
pub mod seeds;
pub mod site;
pub mod source;
pub mod tool;
pub mod tunnels;
pub mod watch;
