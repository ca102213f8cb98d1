//! What was seen and the likely mistake, where a port and a file say the same.

use crate::coverage::Loss;

/// Loss as it was counted, and what to do about it.
pub(super) fn of_loss(loss: Loss) -> String {
    format!(
        "about {loss} (acknowledged TCP data, RTP and ERSPAN sequence numbers) and were never shown, so the switch lost \
         them before this port: the mirror's sources together, both directions added up, are more than its destination \
         carries, if only in bursts of video; mirror fewer ports, or to a faster one"
    )
}

/// VLANs that are missing, zone by zone.
pub(super) fn of_filtered(details: impl Iterator<Item = String>) -> Option<String> {
    let all: Vec<String> = details.collect();
    (!all.is_empty()).then(|| {
        all.join("; ") + ", which the policy declares: it is not among the mirror's sources or filtered there, or gone"
    })
}
