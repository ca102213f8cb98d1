//! Answers, with the headers that every one has.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::agent::Refusal;
use super::table::Client;

/// An answer before the server's own headers.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// What this answer has besides.
    pub(super) header: Option<(HeaderName, HeaderValue)>,
    /// The connection cannot go on: what follows on it is not known.
    pub(super) close: bool,
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

impl Reply {
    pub(super) fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
        Reply { status, content_type, body: body.into(), header: None, close: false }
    }

    pub(super) fn text(status: StatusCode, body: impl Into<String>) -> Reply {
        let mut body: String = body.into();
        body.push('\n');
        Reply::new(status, TEXT, body)
    }

    pub(super) fn json(body: impl Into<Bytes>) -> Reply {
        Reply::new(StatusCode::OK, JSON, body)
    }

    pub(super) fn html(status: StatusCode, body: impl Into<Bytes>) -> Reply {
        Reply::new(status, HTML, body)
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Reply {
        self.header = Some((name, value));
        self
    }

    pub(super) fn closing(mut self) -> Reply {
        self.close = true;
        self
    }

    /// The same as `{"error": …}`.
    pub(super) fn error_json(self) -> Reply {
        let text = String::from_utf8_lossy(&self.body).trim_end().to_owned();
        Reply { content_type: JSON, body: format!("{}\n", serde_json::json!({ "error": text })).into(), ..self }
    }

    pub(super) fn into_response(self, client: Arc<Client>) -> Response<Tracked> {
        let mut response = Response::new(Tracked { inner: Full::new(self.body), client });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some((name, value)) = self.header {
            headers.insert(name, value);
        }
        if self.close {
            headers.insert(hyper::header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Reply {
        let (status, what) = match refusal {
            Refusal::NotFound(what) => (StatusCode::NOT_FOUND, what),
            Refusal::Conflict(what) => (StatusCode::CONFLICT, what),
            Refusal::Failed(what) => (StatusCode::INTERNAL_SERVER_ERROR, what),
            Refusal::Unavailable(what) => (StatusCode::SERVICE_UNAVAILABLE, what),
        };
        Reply::text(status, what)
    }
}

/// A body that tells its client when the last of it was handed to the connection.
pub(super) struct Tracked {
    inner: Full<Bytes>,
    client: Arc<Client>,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::convert::Infallible>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.client.body_handed_over();
    }
}
