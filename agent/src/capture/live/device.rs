//! One interface opened with libpcap.

use std::os::fd::AsFd;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::SetBool;
use pcap::{Active, Capture, Direction, Error, Linktype, Precision};

use super::Settings;
use super::batch::Batch;
use super::ledger::{Ledger, Odometer};
use crate::base::Timestamp;
use crate::packet::LinkType;
use crate::report::escape;

/// After so many milliseconds the kernel hands over a block of its ring that is not full.
pub(super) const RETIRE_MS: i32 = 50;

/// `PACKET_IGNORE_OUTGOING` of `linux/if_packet.h`: the kernel (since 4.20) leaves out what this host sends, and does not
/// count it. libpcap's own direction `in` leaves it out after it was counted.
#[derive(Clone, Copy, Debug)]
struct IgnoreOutgoing;

impl IgnoreOutgoing {
    const NAME: libc::c_int = 23;
}

nix::setsockopt_impl!(IgnoreOutgoing, libc::SOL_PACKET, IgnoreOutgoing::NAME, bool, SetBool);

pub(super) struct Device {
    capture: Capture<Active>,
    link_type: LinkType,
    received: Odometer,
    dropped: Odometer,
    /// Of this opening: what the kernel saw, less what it dropped and what was read.
    unread: i64,
}

/// Why [`Device::fill`] stopped.
pub(super) enum Filled {
    /// The batch is full.
    Full,
    /// There is nothing more now.
    Empty,
    /// It cannot be read; the reason is escaped.
    Failed(String),
}

pub(super) fn check_filter(filter: &str) -> Result<(), String> {
    let dead = Capture::dead(Linktype::ETHERNET).map_err(|error| reason(&error))?;
    dead.compile(filter, true).map(drop).map_err(|error| reason(&error))
}

impl Device {
    pub(super) fn open(settings: &Settings) -> Result<Device, String> {
        let size = |bytes: u32| i32::try_from(bytes).unwrap_or(i32::MAX);
        let open = || {
            let mut capture = Capture::from_device(settings.interface.as_str())?
                .promisc(settings.promiscuous)
                .immediate_mode(false)
                .timeout(RETIRE_MS)
                .buffer_size(size(settings.buffer))
                .snaplen(size(settings.snap_length))
                .precision(Precision::Nano)
                .open()?;
            if setsockopt(&capture.as_fd(), IgnoreOutgoing, &true).is_err() {
                capture.direction(Direction::In)?;
            }
            if let Some(filter) = &settings.filter {
                capture.filter(filter, true)?;
            }
            capture.setnonblock()
        };
        let capture = open().map_err(|error| reason(&error))?;
        // Numbers above 2^16 do not exist.
        let link_type = LinkType::from(u32::try_from(capture.get_datalink().0).unwrap_or(u32::MAX));
        let (received, dropped) = Default::default();
        Ok(Device { capture, link_type, received, dropped, unread: 0 })
    }

    /// Reads frames until there are no more or the batch is full. A frame longer than `longest` was put together here.
    pub(super) fn fill(&mut self, batch: &mut Batch, ledger: &mut Ledger, longest: u32) -> Filled {
        batch.set_link_type(self.link_type);
        loop {
            if batch.is_full() {
                return Filled::Full;
            }
            let packet = match self.capture.next_packet() {
                Ok(packet) => packet,
                Err(Error::TimeoutExpired | Error::NoMorePackets) => return Filled::Empty,
                Err(error) => return Filled::Failed(reason(&error)),
            };
            self.unread -= 1;
            let header = packet.header;
            // With nanosecond precision the field for microseconds holds nanoseconds.
            let at = Timestamp::new(header.ts.tv_sec, u32::try_from(header.ts.tv_usec).unwrap_or(0));
            if !batch.push(at, header.len, packet.data) {
                ledger.agent_drops += 1;
                continue;
            }
            ledger.delivered += 1;
            ledger.bytes += u64::from(header.len);
            ledger.oversized += u64::from(header.len > longest);
            ledger.truncated += u64::from(header.caplen < header.len);
            ledger.last_frame = Some(at);
        }
    }

    /// Waits for frames, at most so many milliseconds.
    pub(super) fn wait(&self, milliseconds: u16) {
        let mut polled = [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)];
        // Whatever it says, the next reading finds out.
        let _ = poll(&mut polled, PollTimeout::from(milliseconds));
    }

    /// Adds what the kernel counted since the last time.
    pub(super) fn count(&mut self, ledger: &mut Ledger) -> Result<(), String> {
        let stat = self.capture.stats().map_err(|error| reason(&error))?;
        let (seen, dropped) = (self.received.advance(stat.received), self.dropped.advance(stat.dropped));
        ledger.seen += seen;
        ledger.kernel_drops += dropped;
        self.unread = self.unread.saturating_add_unsigned(seen).saturating_sub_unsigned(dropped);
        Ok(())
    }

    /// Packets in the ring at the last count that were not read since.
    pub(super) fn unread(&self) -> u64 {
        u64::try_from(self.unread).unwrap_or(0)
    }

    /// Counts for the last time and closes; what is still in the ring is lost, and counted.
    pub(super) fn close(mut self, ledger: &mut Ledger) {
        // Where even that fails, what was counted before stays true.
        let _ = self.count(ledger);
        ledger.agent_drops += self.unread();
    }
}

fn reason(error: &Error) -> String {
    let text = match error {
        Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    };
    escape(text.trim()).into_owned()
}
