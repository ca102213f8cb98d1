//! Of the mirror ports: the packet ledger and the alarms.

use prometheus::Error;

use super::counters::{ALARMS, Counters};
use super::page::{Page, flag, seconds};
use crate::engine::Snapshot;
use crate::packet::Undecoded;

pub(super) fn write(page: &Page, snapshot: &Snapshot, counters: &Counters) -> Result<(), Error> {
    let packets = page.totals(
        "capture_packets_total",
        "Frames that the mirror delivered to the interface, dropped ones included.",
        &["interface"],
    )?;
    let bytes =
        page.totals("capture_bytes_total", "Bytes on the wire of the frames that were read.", &["interface"])?;
    let dropped = page.totals(
        "capture_dropped_packets_total",
        "Frames that were lost, by where: in the kernel's buffer, at the interface, in the agent.",
        &["interface", "where"],
    )?;
    let last = page.gauges(
        "capture_last_packet_timestamp_seconds",
        "When the last frame came, in seconds since 1970; 0 for never.",
        &["interface"],
    )?;
    let health = page.gauges(
        "mirror_health",
        "1 while this alarm of the mirror is raised. The blinding ones make what the mirror shows unverified.",
        &["interface", "alarm"],
    )?;
    for of in &counters.interfaces {
        let interface = of.interface.as_str();
        packets.add(&[interface], of.packets)?;
        bytes.add(&[interface], of.bytes)?;
        dropped.add(&[interface, "kernel"], of.dropped_by_kernel)?;
        dropped.add(&[interface, "interface"], of.dropped_by_interface)?;
        dropped.add(&[interface, "agent"], of.dropped_by_agent)?;
        last.set(&[interface], seconds(of.last_packet))?;
        for alarm in ALARMS {
            let raised = of.alarms.contains(&alarm)
                || snapshot.health.iter().any(|status| status.alarm == alarm && status.interface == interface);
            health.set(&[interface, alarm], flag(raised))?;
        }
    }
    let errors = page.totals(
        "decode_errors_total",
        "Frames that were not decoded to their end, by reason: traffic that may have hidden.",
        &["reason"],
    )?;
    for reason in Undecoded::ALL {
        errors.add(&[reason.name()], counters.decode_errors.get(reason.name()).copied().unwrap_or(0))?;
    }
    Ok(())
}
