//! One connection from accept to its end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::agent::Agent;
use super::auth::Peer;
use super::limits::{MAX_HEAD_BYTES, MAX_HEADERS};
use super::routes::answer;
use super::server::Shared;
use super::table::{Client, Place};
use super::tls::{certificate_name, is_allowed};

/// Serves a connection until it ends, is late, or the server stops. Errors are the client's affair.
pub(super) async fn serve<A: Agent>(
    shared: Arc<Shared<A>>,
    stream: TcpStream,
    mut peer: Peer,
    place: Place,
    stop: watch::Receiver<bool>,
) {
    let client = place.client.clone();
    let work = async {
        // Before the settings are read, so that a change in between is heard.
        let changed = shared.settings.changed();
        let settings = shared.settings.active();
        let _ = stream.set_nodelay(true);
        match &settings.tls {
            None => speak(&shared, stream, peer, &client, changed, stop).await,
            Some(tls) => {
                let Ok(stream) = TlsAcceptor::from(tls.clone()).accept(stream).await else { return };
                if let Some(certificate) = stream.get_ref().1.peer_certificates().and_then(<[_]>::first) {
                    if !is_allowed(certificate, &settings.client_names) {
                        return;
                    }
                    peer.certificate = Some(certificate_name(certificate));
                }
                speak(&shared, stream, peer, &client, changed, stop).await;
            }
        }
    };
    tokio::select! {
        () = client.until_cut() => {}
        () = work => {}
    }
}

async fn speak<A: Agent, S: AsyncRead + AsyncWrite + Unpin + Send>(
    shared: &Arc<Shared<A>>,
    stream: S,
    peer: Peer,
    client: &Arc<Client>,
    mut changed: watch::Receiver<u64>,
    mut stop: watch::Receiver<bool>,
) {
    let io = TokioIo::new(Watched { inner: stream, client: client.clone() });
    let service = service_fn(|request| {
        client.begin_answer();
        let (shared, peer, client) = (shared.clone(), peer.clone(), client.clone());
        async move {
            let reply = answer(&shared, &peer, request).await;
            let mut response = reply.into_response(client);
            shared.add_headers(response.headers_mut());
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        // The table has the deadlines, from accept on; hyper's own begins too late.
        .header_read_timeout(None)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_HEAD_BYTES * 2)
        .max_headers(MAX_HEADERS)
        .writev(true)
        .serve_connection(io, service);
    tokio::pin!(connection);
    let end = async {
        tokio::select! {
            _ = changed.changed() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    };
    tokio::select! {
        _ = connection.as_mut() => return,
        () = end => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// A stream that tells the table what its client does.
struct Watched<S> {
    inner: S,
    client: Arc<Client>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.client.received();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        if let Poll::Ready(Ok(())) = flushed {
            self.client.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
