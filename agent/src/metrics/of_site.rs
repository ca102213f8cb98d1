//! Of the agent as a whole.

use prometheus::Error;

use super::counters::{BuildInfo, Counters, Eviction, Sink};
use super::page::{Page, count, flag, seconds};
use crate::base::Timestamp;
use crate::coverage::Verdict;
use crate::engine::Snapshot;

pub(super) fn write(
    page: &Page,
    build: &BuildInfo,
    started: Timestamp,
    snapshot: &Snapshot,
    counters: &Counters,
) -> Result<(), Error> {
    let site = page.gauges(
        "site_verdict",
        "The site's verdict: 1 for the one that holds, 0 for the others. Unverified means that nobody knows.",
        &["verdict"],
    )?;
    for verdict in Verdict::ALL {
        site.set(&[verdict.name()], flag(snapshot.verdict == verdict))?;
    }
    page.gauge("flows_active", "Flows in the flow table now.", count(counters.flows_active))?;
    let evicted = page.totals(
        "flows_evicted_total",
        "Flows that left the full flow table early, by reason: with or without a watched device.",
        &["reason"],
    )?;
    for reason in Eviction::ALL {
        evicted.add(&[reason.name()], counters.flows_evicted.get(&reason).copied().unwrap_or(0))?;
    }
    let lost =
        page.totals("sink_lost_total", "Records that a sink did not take and that are lost to it.", &["sink"])?;
    for sink in Sink::ALL {
        lost.add(&[sink.name()], counters.sink_lost.get(&sink).copied().unwrap_or(0))?;
    }
    page.gauge(
        "journal_failing",
        "1 while the journal takes no records: a restart would lose what is shown now.",
        flag(counters.journal_failing),
    )?;
    page.gauge(
        "config_last_reload_successful",
        "1 if the policy was taken when it was last loaded; 0 while an older one is in force.",
        flag(counters.reload.successful),
    )?;
    page.gauge(
        "config_last_reload_success_timestamp_seconds",
        "When a policy was last taken, in seconds since 1970.",
        seconds(counters.reload.last_success),
    )?;
    page.gauges("policy_info", "1, with the SHA-256 of the policy in force.", &["hash"])?
        .set(&[&snapshot.policy.hash], 1.0)?;
    page.gauges("build_info", "1, with the build that runs.", &["version", "revision", "rustversion"])?
        .set(&[&build.version, &build.revision, &build.rustversion], 1.0)?;
    page.gauge("start_time_seconds", "When the agent started, in seconds since 1970.", seconds(Some(started)))
}
