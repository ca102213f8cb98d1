//! Limits of the server. What is beyond one is refused or cut, never queued without end.

use std::time::Duration;

/// Connections; one more, and the one that is least use leaves. Each is a file descriptor.
pub const MAX_CONNECTIONS: usize = 1024;
/// Connections of one IPv4 address or one IPv6 /64; one more, and the one of them that is least use leaves.
pub const MAX_CONNECTIONS_PER_ADDRESS: usize = 768;
/// Bytes of a request's head; more gets 431.
pub const MAX_HEAD_BYTES: usize = 8 << 10;
/// Headers of a request; more get 431.
pub const MAX_HEADERS: usize = 64;
/// Bytes of a request's body; more get 413.
pub const MAX_BODY_BYTES: usize = 16 << 10;
/// Commands and flow lists that the engine works at; more get 503.
pub const MAX_COMMANDS: usize = 4;
/// Passwords that are compared at a time: bcrypt takes a processor for about 75 ms each.
pub const MAX_LOGINS: usize = 2;
/// Passwords that wait for it; more get 503.
pub const MAX_WAITING_LOGINS: usize = 32;
/// Rows of one `/api/v1/flows`.
pub const MAX_FLOWS: usize = 10_000;
/// Rows of one `/api/v1/flows` unless asked otherwise.
pub(super) const DEFAULT_FLOWS: usize = 1000;
/// Characters of `by` and `reason`.
pub(super) const MAX_REMARK_CHARS: usize = 256;
/// The kernel's send buffer of a connection, so that a client that does not read holds little memory.
pub(super) const SEND_BUFFER_BYTES: usize = 64 << 10;
/// Connections that the kernel holds until they are accepted.
pub(super) const BACKLOG: i32 = 1024;

/// Times and numbers of the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// See [`MAX_CONNECTIONS`].
    pub connections: usize,
    /// See [`MAX_CONNECTIONS_PER_ADDRESS`].
    pub connections_per_address: usize,
    /// From accept, TLS included, or from the first byte of a later request, to the end of its head.
    pub head: Duration,
    /// From the end of a request's head to the last byte of the answer.
    pub answer: Duration,
    /// Between two requests of a connection.
    pub idle: Duration,
    /// For the engine to take a command.
    pub command: Duration,
    /// From the stop of the server to the end of the last connection.
    pub stop: Duration,
    /// Between two looks at the web configuration file.
    pub reread: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: MAX_CONNECTIONS,
            connections_per_address: MAX_CONNECTIONS_PER_ADDRESS,
            head: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            // Scrapes are up to two minutes apart.
            idle: Duration::from_secs(130),
            command: Duration::from_secs(10),
            stop: Duration::from_secs(5),
            reread: Duration::from_secs(2),
        }
    }
}
