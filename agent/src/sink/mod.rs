//! Where records go besides the journal.

pub mod evidence;
mod pcapng;
