//! What the agent does besides judging.

use std::cmp::Ordering;

use super::{PolicyDiff, What};
use crate::policy::{Place, Untagged};

/// Where the agent looks and listens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Agent {
    /// Host and port of its HTTP server.
    pub listen: String,
    /// Its directory.
    pub state_dir: String,
    /// The mirror ports.
    pub ports: Vec<Port>,
    /// Alertmanagers that it pages directly.
    pub pages: Vec<String>,
    /// How it speaks to them: settings by name.
    pub paging: Vec<(&'static str, String)>,
}

/// A mirror port.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Port {
    /// Its network interface.
    pub interface: String,
    /// What an untagged frame means there.
    pub untagged: Untagged,
    /// The mirror's own tag.
    pub rspan_vlan: Option<u16>,
    /// Transports of the mirror that are taken off.
    pub decapsulate: Vec<String>,
    /// A capture filter, which hides packets.
    pub filter: Option<String>,
    /// Bytes kept of a frame.
    pub snap_length: u32,
    /// Frames for other hosts are taken too.
    pub promiscuous: bool,
    /// Bytes of the kernel's ring.
    pub buffer: u32,
    /// Where it is declared.
    pub place: Place,
}

pub(super) fn compare(old: &Agent, new: &Agent, diff: &mut PolicyDiff) {
    let Agent { listen, state_dir, ports, pages, paging } = new;
    for port in ports {
        match old.ports.iter().find(|other| other.interface == port.interface) {
            Some(before) => compare_ports(before, port, diff),
            None => diff.close(What::Capture, &port.interface, "another mirror port is watched", Some(&port.place)),
        }
    }
    for gone in old.ports.iter().filter(|port| !ports.iter().any(|other| other.interface == port.interface)) {
        diff.open(What::Capture, &gone.interface, "this mirror port is no longer watched", Some(&gone.place));
    }
    for url in old.pages.iter().filter(|url| !pages.contains(url)) {
        diff.open(What::Alertmanager, url, "is no longer paged", None);
    }
    for url in pages.iter().filter(|url| !old.pages.contains(url)) {
        diff.close(What::Alertmanager, url, "is paged", None);
    }
    // Whether pages still arrive cannot be told from the settings.
    for (key, value) in paging {
        let before = old.paging.iter().find(|(other, _)| other == key).map_or("", |(_, value)| value.as_str());
        if before != value && !pages.is_empty() && !old.pages.is_empty() {
            let text = format!("was `{before}`, is `{value}`");
            diff.open(What::Alertmanager, key, text.clone(), None);
            diff.close(What::Alertmanager, key, text, None);
        }
    }
    if old.listen != *listen {
        let text = format!("the agent listens on {listen}, was {}", old.listen);
        diff.open(What::Listen, "listen", text.clone(), None);
        diff.close(What::Listen, "listen", text, None);
    }
    if old.state_dir != *state_dir {
        diff.note(What::Name, "state_dir", format!("was {}, is {state_dir}", old.state_dir), None);
    }
}

fn compare_ports(old: &Port, new: &Port, diff: &mut PolicyDiff) {
    let Port { interface, untagged, rspan_vlan, decapsulate, filter, snap_length, promiscuous, buffer, place } = new;
    let (who, place) = (interface.as_str(), Some(place));
    let both = |diff: &mut PolicyDiff, text: &str| {
        diff.open(What::Capture, who, text, place);
        diff.close(What::Capture, who, text, place);
    };
    if old.untagged != *untagged {
        both(diff, "a frame without a tag means something else here");
    }
    if old.rspan_vlan != *rspan_vlan {
        both(diff, "another tag is the mirror's own here");
    }
    for transport in decapsulate.iter().filter(|transport| !old.decapsulate.contains(transport)) {
        diff.open(What::Capture, who, format!("{transport} carries the mirror, and is no traffic"), place);
    }
    for transport in old.decapsulate.iter().filter(|transport| !decapsulate.contains(transport)) {
        diff.close(What::Capture, who, format!("{transport} is traffic"), place);
    }
    if old.filter != *filter {
        let said = |filter: &Option<String>| filter.as_ref().map_or("none".to_owned(), |filter| format!("`{filter}`"));
        both(diff, &format!("capture filter {}, was {}", said(filter), said(&old.filter)));
    }
    for (key, before, after) in [("snap_length", old.snap_length, *snap_length), ("buffer", old.buffer, *buffer)] {
        let text = format!("{key} from {before} to {after} bytes");
        match after.cmp(&before) {
            Ordering::Less => diff.open(What::Capture, who, text, place),
            Ordering::Greater => diff.close(What::Capture, who, text, place),
            Ordering::Equal => {}
        }
    }
    match (old.promiscuous, promiscuous) {
        (true, false) => diff.open(What::Capture, who, "frames for other hosts are not taken", place),
        (false, true) => diff.close(What::Capture, who, "frames for other hosts are taken", place),
        _ => {}
    }
}
