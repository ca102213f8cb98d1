//! What became of the interface, and what is done about it.

use std::io;
use std::mem;
use std::time::Instant;

use super::{DRAIN, FIRST_RETRY, LAST_RETRY, Opened, Port, Retry};
use crate::capture::live::batch::{Change, Status};
use crate::capture::live::device::Device;
use crate::capture::live::link::{Link, Links};
use crate::report::escape;

impl Port {
    /// Looks at the link and counts; closes and opens as needed.
    pub(super) fn watch(&mut self) {
        match self.look() {
            Ok(link) => self.follow(link),
            Err(error) => {
                self.links = None;
                self.complain(format!("cannot be watched: {}", escape(&error.to_string())));
            }
        }
        let counted = match &mut self.opened {
            Some(opened) => opened.device.count(&mut self.ledger),
            None => Ok(()),
        };
        if let Err(reason) = counted {
            self.fail(reason);
        }
        self.publish();
    }

    /// The interface that has the name now.
    fn look(&mut self) -> io::Result<Option<Link>> {
        let links = match &mut self.links {
            Some(links) => links,
            none => none.insert(Links::open()?),
        };
        links.by_name(&self.settings.interface)
    }

    /// Acts on what has the name now.
    fn follow(&mut self, named: Option<Link>) {
        let Some(opened) = &self.opened else { return self.try_open(named) };
        let index = opened.link.index;
        if let Some(link) = named.as_ref().filter(|link| link.index == index) {
            let made_again = link.carrier_changes < opened.link.carrier_changes;
            if !made_again {
                return self.compare(link.clone(), None);
            }
        }
        let renamed = match &mut self.links {
            Some(links) => links.by_index(index).ok().flatten().filter(|link| link.name != self.settings.interface),
            None => None,
        };
        match (renamed, named) {
            (Some(link), None) => {
                let name = escape(&link.name).into_owned();
                self.compare(link, Some(name));
            }
            (Some(link), named) => {
                self.close(DRAIN);
                self.tell(Change::Renamed(escape(&link.name).into_owned()));
                self.try_open(named);
            }
            (None, named) => {
                self.close(DRAIN);
                self.status = Status::Gone;
                self.tell(Change::Gone);
                self.try_open(named);
            }
        }
    }

    /// Tells what is new about the interface that is read; `name` if it is not the one asked for.
    fn compare(&mut self, link: Link, name: Option<String>) {
        let Some(opened) = &mut self.opened else { return };
        let before = mem::replace(&mut opened.link, link.clone());
        let told_name = mem::replace(&mut opened.told_name, name.clone());
        self.ledger.interface_drops += link.lost.saturating_sub(before.lost);
        if told_name != name {
            let name = name.unwrap_or_else(|| self.settings.interface.clone());
            self.tell(Change::Renamed(name));
        }
        let blinked = link.carrier_changes != before.carrier_changes;
        match (before.running, link.running) {
            (true, false) => self.tell(Change::LinkDown),
            (false, true) => self.tell(Change::LinkUp),
            (true, true) if self.status == Status::Failed => self.tell(Change::LinkUp),
            // Down and up again since the last look.
            (true, true) if blinked => {
                self.tell(Change::LinkDown);
                self.tell(Change::LinkUp);
            }
            _ => {}
        }
        self.status = if link.running { Status::Seeing } else { Status::Down };
        self.failure = None;
    }

    /// Opens the interface, if it is there and not too soon after the last time.
    fn try_open(&mut self, named: Option<Link>) {
        let Some(link) = named else {
            if self.status != Status::Gone {
                self.status = Status::Gone;
                self.tell(Change::Gone);
            }
            return;
        };
        if !link.up {
            if self.status != Status::Down {
                self.status = Status::Down;
                self.tell(Change::LinkDown);
            }
            return;
        }
        let now = Instant::now();
        if self.retry.index == link.index && now < self.retry.at {
            return;
        }
        match Device::open(&self.settings) {
            Ok(device) => {
                self.retry = Retry { at: now, wait: FIRST_RETRY, index: 0 };
                self.ledger.opened += 1;
                self.failure = None;
                self.status = if link.running { Status::Seeing } else { Status::Down };
                let running = link.running;
                self.opened = Some(Opened { device, link, told_name: None });
                self.tell(Change::Opened);
                if !running {
                    self.tell(Change::LinkDown);
                }
            }
            Err(reason) => {
                let wait = if self.retry.index == link.index { self.retry.wait } else { FIRST_RETRY };
                self.retry = Retry { at: now + wait, wait: (wait * 2).min(LAST_RETRY), index: link.index };
                self.complain(reason);
            }
        }
    }

    /// Gives up a capture that cannot be read; the next look says what became of the interface.
    pub(super) fn fail(&mut self, reason: String) {
        let index = self.opened.as_ref().map_or(0, |opened| opened.link.index);
        self.close(DRAIN);
        match self.look() {
            Ok(Some(link)) if link.index == index => self.complain(reason),
            Ok(named) => {
                self.status = Status::Gone;
                self.tell(Change::Gone);
                self.try_open(named);
            }
            Err(_) => self.complain(reason),
        }
    }

    /// Tells why nothing can be seen, once.
    fn complain(&mut self, reason: String) {
        self.status = Status::Failed;
        if self.failure.as_ref() != Some(&reason) {
            self.tell(Change::Failed(reason.clone()));
            self.failure = Some(reason);
        }
    }
}
