//! What identifies a device, each hint with its source.

mod advisory;
mod cloud;
mod clue;
mod dahua;
mod decoding;
mod dhcp;
mod dns;
mod ehome;
mod exploit;
mod firmware;
mod glob;
mod headers;
mod isapi;
mod knowledge;
mod marks;
mod neighbor;
mod onvif;
mod request;
mod sadp;
mod sadp_change;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod udp;
mod vendor;
mod xml;

pub use advisory::{Advised, Advisories, Posture, Ruling, State};
pub use cloud::{Cloud, CloudNames, is_outside};
pub use clue::{Clue, Confidence, MAX_FACTS, MAX_WORD, Says, Source, word};
pub use dhcp::{Lease, client, is_v6_server_answer, lease, server_answer};
pub use dns::{Lookup, lookup};
pub use exploit::{Asked, Attempt, Proto, Signatures, Standing, may_begin as may_begin_attempt, status};
pub use firmware::Firmware;
pub use glob::is_like;
pub use knowledge::Knowledge;
pub use marks::{BadData, Marks, Where};
pub use neighbor::neighbor_claim;
pub use sadp::{ETHERTYPE as SADP_ETHERTYPE, sadp_frame};
pub use sadp_change::{SadpMessage, sadp_message, sadp_operation};
pub use tcp::{MAX_LOOKED, Reading, may_begin, message};
pub use udp::{datagram, is_discovery, may_begin as datagram_may_begin};
pub use vendor::{BadTable, VendorTable};
