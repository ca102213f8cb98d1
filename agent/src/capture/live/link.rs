//! What the kernel says of network interfaces. Asked through netlink: no file is read, so a sandbox without /sys and a
//! thread in another network namespace get the same answer.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use super::netlink::{Message, Wanted, messages, request};

/// A network interface.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Link {
    /// Its name, as the kernel has it: not escaped.
    pub name: String,
    /// Its index; an interface made again under the same name has another.
    pub index: i32,
    /// What makes it, where the kernel says so: `veth`, `bridge`, `vxlan`; empty for a network card.
    pub kind: String,
    /// It is switched on.
    pub up: bool,
    /// It is switched on and has a carrier.
    pub running: bool,
    /// It is this host's loopback.
    pub loopback: bool,
    /// RFC 2863 `ifOperStatus`, in the kernel's numbers.
    pub operstate: u8,
    /// Its maximum transmission unit, in bytes.
    pub mtu: u32,
    /// How many times the carrier came or went.
    pub carrier_changes: u32,
    /// Packets received since it was made.
    pub received: u64,
    /// Frames that it lost or found damaged since it was made.
    pub lost: u64,
}

impl Link {
    /// Longest frame that can arrive on it: with four tags, as nobody needs more.
    pub(super) fn longest_frame(&self) -> u32 {
        self.mtu.saturating_add(14 + 4 * 4)
    }
}

/// Answers are much shorter; one that is not is refused.
const MAX_ANSWER: usize = 128 * 1024;

/// Interfaces listed; those beyond are left out.
const MAX_LISTED: usize = 4096;

/// Asks the kernel for interfaces, in the network namespace that it was opened in.
pub struct Links {
    socket: OwnedFd,
    sequence: u32,
    answer: Vec<u8>,
}

impl Links {
    /// Opens a netlink socket.
    pub fn open() -> io::Result<Links> {
        let protocol = SockProtocol::NetlinkRoute;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
        Ok(Links { socket, sequence: 0, answer: vec![0; MAX_ANSWER] })
    }

    /// The interface of this name, if there is one.
    pub fn by_name(&mut self, name: &str) -> io::Result<Option<Link>> {
        self.ask(Wanted::Name(name)).map(|mut found| found.pop())
    }

    /// The interface with this index, if there is one.
    pub fn by_index(&mut self, index: i32) -> io::Result<Option<Link>> {
        self.ask(Wanted::Index(index)).map(|mut found| found.pop())
    }

    /// All interfaces, by name.
    pub fn all(&mut self) -> io::Result<Vec<Link>> {
        let mut found = self.ask(Wanted::All)?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn ask(&mut self, wanted: Wanted<'_>) -> io::Result<Vec<Link>> {
        self.sequence = self.sequence.wrapping_add(1);
        send(self.socket.as_raw_fd(), &request(wanted, self.sequence), MsgFlags::empty())?;
        let mut links = Vec::new();
        loop {
            // The kernel answers before `send` returns, so there is nothing to wait for.
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
            let length = recv(self.socket.as_raw_fd(), &mut self.answer, flags)?;
            let Some(datagram) = self.answer.get(..length) else {
                return Err(io::Error::other(format!("an answer of {length} bytes about an interface")));
            };
            for message in messages(datagram, self.sequence) {
                match message {
                    Message::Link(link) if links.len() < MAX_LISTED => links.push(link),
                    Message::Link(_) | Message::Other => {}
                    Message::Done | Message::Error(0) => return Ok(links),
                    Message::Error(code) => {
                        return match Errno::from_raw(code) {
                            Errno::ENODEV => Ok(links),
                            errno => Err(errno.into()),
                        };
                    }
                }
            }
            if !links.is_empty() && !matches!(wanted, Wanted::All) {
                return Ok(links);
            }
        }
    }
}
