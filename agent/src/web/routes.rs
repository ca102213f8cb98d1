//! Which request gets which answer. No path touches a file.

use hyper::body::Incoming;
use hyper::header::{
    ALLOW, AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{HeaderMap, Method, Request, StatusCode};

use super::agent::{Agent, Note};
use super::api;
use super::auth::{Denied, Peer};
use super::flows;
use super::page::page_without_snapshot;
use super::published::Document;
use super::reply::Reply;
use super::server::Shared;
use crate::metrics;

/// A browser says with it from where a request comes.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Describes every path below `/api/v1`; tests hold it against the answers.
const DESCRIPTION: &str = include_str!("../../docs/openapi.json");

/// What a path leads to.
enum Route<'p> {
    Page,
    FlowsPage,
    Metrics,
    Healthy,
    Ready,
    Document(Document),
    Flows,
    Reload,
    Close(&'p str),
    Acknowledge(&'p str),
    Drill,
    Evidence(&'p str),
    Events,
    Description,
}

impl<'p> Route<'p> {
    fn of(path: &'p str) -> Option<Route<'p>> {
        Some(match path {
            "/" => Route::Page,
            "/flows" => Route::FlowsPage,
            "/metrics" => Route::Metrics,
            "/-/healthy" => Route::Healthy,
            "/-/ready" => Route::Ready,
            "/-/reload" => Route::Reload,
            "/api/v1/status" => Route::Document(Document::Status),
            "/api/v1/zones" => Route::Document(Document::Zones),
            "/api/v1/devices" => Route::Document(Document::Devices),
            "/api/v1/findings" => Route::Document(Document::Findings),
            "/api/v1/coverage" => Route::Document(Document::Coverage),
            "/api/v1/flows" => Route::Flows,
            "/api/v1/drill" => Route::Drill,
            "/api/v1/events" => Route::Events,
            "/api/v1/openapi.json" => Route::Description,
            _ => match path.strip_prefix("/api/v1/findings/")?.split_once('/')? {
                (id, "close") if api::is_id(id) => Route::Close(id),
                (id, "evidence") if api::is_id(id) => Route::Evidence(id),
                (id, "ack") if api::is_id(id) => Route::Acknowledge(id),
                _ => return None,
            },
        })
    }

    fn writes(&self) -> bool {
        matches!(self, Route::Reload | Route::Close(_) | Route::Acknowledge(_) | Route::Drill)
    }
}

/// The answer to a request.
pub(super) async fn answer<A: Agent>(shared: &Shared<A>, peer: &Peer, request: Request<Incoming>) -> Reply {
    let in_json = request.uri().path().starts_with("/api/");
    let reply = route(shared, peer, request).await;
    let is_error = reply.status.is_client_error() || reply.status.is_server_error();
    if in_json && is_error { reply.error_json() } else { reply }
}

async fn route<A: Agent>(shared: &Shared<A>, peer: &Peer, request: Request<Incoming>) -> Reply {
    if let Some(refused) = refuse_body(&request) {
        return refused;
    }
    let user = match authenticate(shared, peer, request.headers()).await {
        Ok(user) => user,
        Err(refused) => return refused,
    };
    let path = request.uri().path().to_owned();
    let Some(route) = Route::of(&path) else {
        return Reply::text(StatusCode::NOT_FOUND, "there is nothing here");
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if route.writes() != (request.method() == Method::POST) || !(reads || route.writes()) {
        return other_method(&route);
    }
    if route.writes()
        && let Some(refused) = refuse_browser(request.headers())
    {
        return refused;
    }
    match route {
        Route::Page => match document(shared, Document::Page).await {
            Some(page) => Reply::html(StatusCode::OK, page),
            None => Reply::html(StatusCode::SERVICE_UNAVAILABLE, page_without_snapshot()),
        },
        Route::FlowsPage => flows::flows(shared, request.uri().query()).await,
        Route::Metrics => match shared.agent.published() {
            Some(published) => Reply::new(StatusCode::OK, metrics::CONTENT_TYPE, published.metrics()),
            None => nothing_published(),
        },
        Route::Healthy => health(shared.agent.healthy(), "segwatch is healthy"),
        Route::Ready => health(shared.agent.ready(), "segwatch is ready: packets are judged"),
        Route::Document(which) => document(shared, which).await.map_or_else(nothing_published, Reply::json),
        Route::Flows => api::flows(shared, request.uri().query()).await,
        Route::Reload => api::reload(shared).await,
        Route::Close(id) => api::remark(shared, user, id, api::Remarking::Close, request).await,
        Route::Acknowledge(id) => api::remark(shared, user, id, api::Remarking::Acknowledge, request).await,
        Route::Drill => api::drill(shared, user, request).await,
        Route::Events => api::events(shared, request.headers()).await,
        Route::Evidence(id) => api::evidence(shared, user, id).await,
        Route::Description => Reply::json(DESCRIPTION),
    }
}

async fn document<A: Agent>(shared: &Shared<A>, which: Document) -> Option<hyper::body::Bytes> {
    shared.agent.published()?.document(which).await
}

fn nothing_published() -> Reply {
    Reply::text(StatusCode::SERVICE_UNAVAILABLE, "nothing current is published")
}

fn health(state: Result<(), String>, good: &str) -> Reply {
    match state {
        Ok(()) => Reply::text(StatusCode::OK, good),
        Err(what) => Reply::text(StatusCode::SERVICE_UNAVAILABLE, what),
    }
}

/// Where two readers could see the end of a request in two places, nobody reads on: bodies only with a length, and only
/// where one is wanted.
fn refuse_body(request: &Request<Incoming>) -> Option<Reply> {
    let headers = request.headers();
    if headers.contains_key(hyper::header::TRANSFER_ENCODING) {
        return Some(Reply::text(StatusCode::LENGTH_REQUIRED, "a body needs a Content-Length").closing());
    }
    let has_body = headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    let too_many = headers.get_all(CONTENT_LENGTH).iter().count() > 1;
    let unwanted = has_body && matches!(*request.method(), Method::GET | Method::HEAD);
    match Route::of(request.uri().path()) {
        Some(route) if unwanted && !too_many && route.writes() => Some(other_method(&route).closing()),
        _ if too_many || unwanted => Some(Reply::text(StatusCode::BAD_REQUEST, "this request has no body").closing()),
        _ => None,
    }
}

fn other_method(route: &Route<'_>) -> Reply {
    let allowed = HeaderValue::from_static(if route.writes() { "POST" } else { "GET, HEAD" });
    Reply::text(StatusCode::METHOD_NOT_ALLOWED, "this takes another method").with(ALLOW, allowed)
}

/// Writes are for tools. A browser sends its user's password with a request that another site made it send, and names
/// that site; our own page writes nothing.
fn refuse_browser(headers: &HeaderMap) -> Option<Reply> {
    (headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE))
        .then(|| Reply::text(StatusCode::FORBIDDEN, "browsers may not write here").closing())
}

/// Who is asking; `None` where nobody has to say.
async fn authenticate<A: Agent>(shared: &Shared<A>, peer: &Peer, headers: &HeaderMap) -> Result<Option<String>, Reply> {
    let active = shared.settings.active();
    if active.users.is_empty() {
        return Ok(peer.certificate.clone());
    }
    match shared.auth.user(&active.users, headers.get(AUTHORIZATION)).await {
        Ok(user) => Ok(Some(user)),
        Err(Denied::Busy) => Err(Reply::text(StatusCode::SERVICE_UNAVAILABLE, "too many logins at a time")
            .with(RETRY_AFTER, HeaderValue::from_static("1"))),
        Err(denied) => {
            if denied == Denied::Wrong {
                shared.agent.note(Note::LoginFailed(peer.address));
            }
            let basic = HeaderValue::from_static("Basic realm=\"segwatch\", charset=\"UTF-8\"");
            Err(Reply::text(StatusCode::UNAUTHORIZED, "a name and a password are needed").with(WWW_AUTHENTICATE, basic))
        }
    }
}
