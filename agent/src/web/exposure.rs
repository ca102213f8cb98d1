//! Where the server listens, and what that demands.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::limits::{BACKLOG, SEND_BUFFER_BYTES};
use crate::config::{ClientAuth, WebConfig};

/// Opens the sockets of a `listen` address. `localhost` is every address that it has.
///
/// # Errors
/// What the system says, with the address.
pub fn bind(listen: &str) -> io::Result<Vec<TcpListener>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{listen}: {error}"));
    let mut addresses: Vec<SocketAddr> = listen.to_socket_addrs().map_err(named)?.collect();
    addresses.sort_unstable();
    addresses.dedup();
    let mut listeners = Vec::new();
    let mut missing = None;
    for address in addresses {
        match open(address) {
            Ok(listener) => listeners.push(listener),
            // A host without IPv6 still names ::1 in its hosts file.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => missing = Some(error),
            Err(error) => return Err(named(error)),
        }
    }
    match (listeners.is_empty(), missing) {
        (true, Some(error)) => Err(named(error)),
        (true, None) => Err(named(io::ErrorKind::AddrNotAvailable.into())),
        (false, _) => Ok(listeners),
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // Without surprise: `[::]` is IPv6, `0.0.0.0` is IPv4.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    let _ = SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER_BYTES);
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Whether these addresses may be listened on: others than this host reach the server only through TLS and after
/// authentication, by password or by a certificate that every client must show.
///
/// # Errors
/// What is missing, and how to go on.
pub fn check_exposure(addresses: &[SocketAddr], config: &WebConfig) -> Result<(), String> {
    let Some(wide) = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback()) else { return Ok(()) };
    let certificates = config.tls.as_ref().is_some_and(|tls| tls.client_auth == ClientAuth::Required);
    let missing = match (config.tls.is_some(), !config.users.is_empty() || certificates) {
        (true, true) => return Ok(()),
        (true, false) => "authentication",
        (false, true) => "TLS",
        (false, false) => "TLS and authentication",
    };
    Err(format!(
        "{wide} can be reached from other hosts, which needs {missing}: add `tls_server_config` and \
         `basic_auth_users` to the file of `--web.config.file`, or listen on 127.0.0.1"
    ))
}
