//! `segwatch check`.

use super::args::{CheckArgs, CheckFormat};
use super::backend::{Backend, Outcome};
use super::exit::Exit;
use super::read::{complain_of_damage, replay};
use super::terminal::Terminal;
use crate::engine::{DeviceStatus, JudgedDevices, Snapshot};
use crate::report::{Style, check_json, check_text, junit};

pub(super) fn check(args: &CheckArgs, style: &Style, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let request = args.request();
    let Some(Outcome { snapshot, files }) = replay(&request, backend, terminal) else { return Exit::Trouble };
    let printed = match args.format {
        CheckFormat::Text => terminal.print(&check_text(&snapshot, &files, style)),
        CheckFormat::Json => terminal.print_json(check_json(&snapshot, &files)),
        CheckFormat::Junit => terminal.print(&junit(&snapshot, &files, args.fail_on)),
    };
    // The text tells of it already.
    if args.format != CheckFormat::Text {
        complain_of_damage(&files, terminal);
    }
    let unknown = complain_of_unknown(&request.judged, &snapshot, terminal);
    Exit::of_check(!printed || unknown || !files.damage.is_empty(), &snapshot, args.fail_on)
}

/// A device that was asked for and is neither seen nor declared: an answer without it would be about others.
fn complain_of_unknown(judged: &JudgedDevices, snapshot: &Snapshot, terminal: &mut Terminal<'_>) -> bool {
    let JudgedDevices::Named(names) = judged else { return false };
    let mut unknown = false;
    for name in names.iter().filter(|name| !snapshot.devices.iter().any(|d| is_called(d, name))) {
        terminal.complain(&format!("--device {name}: neither the capture nor the inventory has such a device"));
        unknown = true;
    }
    unknown
}

/// By its MAC in any notation, one of its addresses, or its name in the inventory.
fn is_called(device: &DeviceStatus, name: &str) -> bool {
    let by_mac = name.parse().is_ok_and(|mac| device.mac == Some(mac));
    let by_ip = name.parse().is_ok_and(|ip| device.ips.contains(&ip));
    by_mac || by_ip || device.name.as_deref() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::Verdict;
    use crate::report::sample;

    #[test]
    fn a_device_is_known_by_three_words() {
        let device = sample::device(1, Verdict::Isolated);
        for (name, meant) in [
            ("44-19-B6-01-02-01", true),
            ("10.110.0.11", true),
            ("entrance-1", true),
            ("entrance-2", false),
            ("10.110.0.12", false),
            ("44:19:b6:01:02:02", false),
        ] {
            assert_eq!(is_called(&device, name), meant, "{name}");
        }
    }
}
