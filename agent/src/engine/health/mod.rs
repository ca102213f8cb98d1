//! Health of mirror ports: what makes what came through them worth less than it looks. Captures and live ports are counted
//! alike; a port is judged by its last windows, a file by all that it holds.

mod alarm;
mod counts;
mod file;
mod interface;
mod pace;
mod raised;
mod vlans;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub use alarm::Alarm;
pub use interface::InterfaceStatus;

pub(super) use counts::{Pulse, Rules, Talks, is_joined};
use file::Besides;
pub(super) use interface::Interface;
pub(super) use raised::{Raised, of_device};
use vlans::Vlans;

use super::event::SourceEvent;
use crate::flow::{Counted, Numbered};
use crate::packet::{Layer, Tunnel, erspan_sequence};

/// Mirror ports, or files, of one engine; what came through others is judged, and nothing is said of their health.
const MAX_INTERFACES: usize = 4_096;
/// ERSPAN sessions whose sequence numbers are followed.
const MAX_SESSIONS: usize = 64;

/// All mirror ports.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    ports: Vec<Interface>,
    sessions: Vec<(Session, Numbered)>,
    /// They are files.
    are_files: bool,
    /// Zones of which hosts answered watched devices.
    answers: BTreeSet<u16>,
}

/// What an ERSPAN source numbers apart: interface, ends, session.
type Session = (u16, IpAddr, IpAddr, u16);

impl Mirrors {
    /// A capture file is read under this name.
    pub(super) fn add_file(&mut self, source: u16, name: &str) {
        self.are_files = true;
        if let Some(port) = self.make(source) {
            *port = Interface::named(name.to_owned());
        }
    }

    /// A port, made if it is new.
    pub(super) fn make(&mut self, source: u16) -> Option<&mut Interface> {
        let at = usize::from(source);
        if at < MAX_INTERFACES && self.ports.len() <= at {
            self.ports.resize_with(at + 1, Interface::default);
        }
        self.ports.get_mut(at)
    }

    pub(super) fn of(&self, source: u16) -> Option<&Interface> {
        self.ports.get(usize::from(source))
    }

    pub(super) fn of_mut(&mut self, source: u16) -> Option<&mut Interface> {
        self.ports.get_mut(usize::from(source))
    }

    pub(super) fn ports(&self) -> &[Interface] {
        &self.ports
    }

    /// What a file tells besides frames.
    pub(super) fn hear(&mut self, source: u16, event: &SourceEvent) -> bool {
        if let (true, &SourceEvent::Drops { kernel, interface, agent }, Some(port)) =
            (self.are_files, event, self.ports.get_mut(usize::from(source)))
        {
            port.count_drops([kernel, interface, agent]);
        }
        self.are_files
    }

    /// A frame came in.
    #[inline]
    pub(super) fn pulse(&mut self, source: u16, pulse: &Pulse) {
        let is_file = self.are_files;
        if let Some(port) = self.of_mut(source) {
            port.pulse(pulse, is_file);
        }
    }

    /// The mirror's own transport numbers its packets.
    pub(super) fn transport(&mut self, source: u16, layer: &Layer, payload: &[u8], now: i64) {
        if !matches!(layer.tunnel, Some(Tunnel::ErspanII | Tunnel::ErspanIII)) {
            return;
        }
        let Some((session, number)) = erspan_sequence(payload) else { return };
        let key = (source, layer.src, layer.dst, session);
        let at = match self.sessions.iter().position(|(known, _)| *known == key) {
            Some(at) => at,
            None if self.sessions.len() < MAX_SESSIONS => {
                self.sessions.push((key, Numbered::default()));
                self.sessions.len() - 1
            }
            None => return,
        };
        let Some((_, numbered)) = self.sessions.get_mut(at) else { return };
        numbered.see::<32>(number);
        let counted = numbered.take();
        self.count_loss(source, counted, now);
    }

    /// (lost, seen) of numbered data.
    #[inline]
    pub(super) fn count_loss(&mut self, source: u16, counted: Counted, now: i64) {
        if counted != (0, 0)
            && let Some(port) = self.of_mut(source)
        {
            port.count_loss(counted, now);
        }
    }

    /// How often packets were dropped at the sensor: what was missing before is explained.
    #[inline]
    pub(super) fn drops(&self, source: u16) -> u32 {
        self.of(source).map_or(0, |port| port.drops)
    }

    /// After a drop no ERSPAN number tells.
    pub(super) fn forget_sessions(&mut self, source: u16) {
        self.sessions.retain(|(key, _)| key.0 != source);
    }

    /// How many pauses of steady traffic there were, while streams are asked about the latest.
    #[inline]
    pub(super) fn asks(&self, source: u16) -> Option<u32> {
        self.of(source).filter(|port| port.pace.asks()).map(|port| port.pace.pauses)
    }

    /// A stream goes on behind a pause, exactly where it had been or elsewhere.
    pub(super) fn hear_of_pause(&mut self, source: u16, goes_on: bool) {
        if let Some(port) = self.of_mut(source) {
            port.pace.hear(goes_on);
        }
    }

    /// A host of this zone answered.
    pub(super) fn answered(&mut self, zone: u16) {
        self.answers.insert(zone);
    }

    /// Indices of zones mean others.
    pub(super) fn forget_zones(&mut self) {
        self.answers.clear();
    }

    /// The wall clock went this much farther than monotonic time.
    pub(super) fn set_clock(&mut self, jump: i64, now: i64) {
        self.ports.iter_mut().for_each(|port| port.clock(jump, now));
    }

    /// Nobody looked until now: that no frame was seen says nothing.
    pub(super) fn skip(&mut self, now: i64) {
        self.ports.iter_mut().for_each(|port| port.skip(now));
    }

    /// Live ports are judged.
    pub(super) fn judge(
        &mut self,
        rules: &Rules,
        wall: crate::base::Timestamp,
        now: i64,
        events: &mut Vec<super::event::Event>,
    ) {
        let answers = &self.answers;
        for port in &mut self.ports {
            port.judge(rules, &|zone| answers.contains(&(zone as u16)), wall, now, events);
        }
    }

    /// The alarms of all ports: of files as they would be if nothing came any more, with what is `open` in flows.
    pub(super) fn raised(&self, rules: &Rules, open: &Open) -> Vec<Raised> {
        if !self.are_files {
            return self.ports.iter().map(Interface::raised).collect();
        }
        let answers = |zone: usize| {
            let zone = zone as u16;
            self.answers.contains(&zone) || open.answers.contains(&zone)
        };
        let mut filtered =
            Some(Vlans::of_all(self.ports.iter().map(|port| &port.vlans)).missing(&rules.zones, &answers));
        let nothing = !self.ports.iter().any(Interface::is_used);
        let judge = |(at, port): (usize, &Interface)| {
            let source = at as u16;
            let of_sessions = self.sessions.iter().filter(|(key, _)| key.0 == source).map(|(_, it)| it.missing());
            let missing =
                of_sessions.map(u64::from).sum::<u64>() + open.missing.get(&source).copied().unwrap_or_default();
            let talks = open.talks.get(&source).copied().unwrap_or_default();
            // Told once.
            let filtered = if port.vlans.is_used() { filtered.take().unwrap_or_default() } else { Vec::new() };
            port.judge_file(rules, Besides { missing, talks, filtered, nothing })
        };
        self.ports.iter().enumerate().map(judge).collect()
    }
}

/// What flows that have not ended add to the health of files.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    /// Numbered packets that are missing at the end, by file.
    pub(super) missing: BTreeMap<u16, u64>,
    /// What flows of watched devices show, by file.
    pub(super) talks: BTreeMap<u16, Talks>,
    /// Zones of which hosts answered.
    pub(super) answers: BTreeSet<u16>,
}
