//! Datagrams, TCP and TLS to a host of the configuration.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// For a connection, and for each write.
const PATIENCE: Duration = Duration::from_secs(5);

/// How records travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// A connection with TLS.
    Tls,
}

/// An open way to the other side.
pub(super) enum Stream {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Opens it. `authority` is `host:port`; `ca_file` is a PEM file, the system's certificates without it.
    pub(super) fn open(transport: Transport, authority: &str, ca_file: Option<&Path>) -> io::Result<Stream> {
        let address = authority.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
        match transport {
            Transport::Udp => {
                let any: SocketAddr = if address.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
                let socket = UdpSocket::bind(any)?;
                socket.connect(address)?;
                Ok(Stream::Udp(socket))
            }
            Transport::Tcp => Ok(Stream::Tcp(connect(address)?)),
            Transport::Tls => {
                let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
                let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
                let config = tls(ca_file)?;
                let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
                Ok(Stream::Tls(Box::new(StreamOwned::new(connection, connect(address)?))))
            }
        }
    }

    /// The other side has ended the connection: what is written to it now would be lost without a word.
    pub(super) fn is_closed(&mut self) -> bool {
        let mut scrap = [0; 512];
        let read = match self {
            Stream::Udp(_) => return false,
            Stream::Tcp(stream) => stream.set_nonblocking(true).and_then(|()| stream.read(&mut scrap)),
            Stream::Tls(stream) => stream.sock.set_nonblocking(true).and_then(|()| stream.read(&mut scrap)),
        };
        let again = match self {
            Stream::Udp(_) => Ok(()),
            Stream::Tcp(stream) => stream.set_nonblocking(false),
            Stream::Tls(stream) => stream.sock.set_nonblocking(false),
        };
        let is_open = match read {
            Ok(count) => count > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        !is_open || again.is_err()
    }

    /// Sends a message whole.
    pub(super) fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Stream::Udp(socket) => socket.send(message).map(drop),
            Stream::Tcp(stream) => stream.write_all(message),
            Stream::Tls(stream) => stream.write_all(message).and_then(|()| stream.flush()),
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn tls(ca_file: Option<&Path>) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file).map_err(io::Error::other)? {
                roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
            }
        }
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(Arc::new(builder.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth()))
}
