//! What asks the engine: lists of flows, and commands.
//!
//! Closing or acknowledging a finding, or raising a drill, needs an authenticated user, on loopback too: it ends or makes
//! a page, and the journal says who did it. A reload takes nothing from the caller but the moment, and reads what the administrator wrote; where
//! no users are configured, which only loopback allows, it needs none.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use super::agent::{Agent, Command, FlowQuery, Refusal, Remark};
use super::limits::{DEFAULT_FLOWS, MAX_BODY_BYTES, MAX_FLOWS, MAX_REMARK_CHARS};
use super::reply::Reply;
use super::server::Shared;
use crate::base::{escape, escape_json};
use crate::engine::FlowRow;

const EVENT_STREAM: &str = "text/event-stream";
/// Less than an answer may take.
const EVENT_WITHIN: Duration = Duration::from_secs(20);
const EVENT_PAUSE: Duration = Duration::from_millis(500);
const PCAPNG: &str = "application/x-pcapng";

/// Whether a path's part can be a finding's id.
pub(super) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// `/api/v1/flows?limit=100&only=violations`.
pub(super) async fn flows<A: Agent>(shared: &Shared<A>, query: Option<&str>) -> Reply {
    #[derive(Serialize)]
    struct Flows {
        schema: &'static str,
        limit: usize,
        flows: Vec<FlowRow>,
    }
    let query = match flow_query(query) {
        Ok(query) => query,
        Err(what) => return Reply::text(StatusCode::BAD_REQUEST, what),
    };
    let limit = query.limit;
    let mut rows = match ask(shared, shared.agent.flows(query)).await {
        Ok(rows) => rows,
        Err(refusal) => return refusal.into(),
    };
    rows.truncate(limit);
    let render = move || serde_json::to_string(&Flows { schema: "segwatch/flows/1", limit, flows: rows });
    match tokio::task::spawn_blocking(render).await {
        Ok(Ok(json)) => Reply::json(escape_json(json) + "\n"),
        _ => Reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the flows could not be written"),
    }
}

fn flow_query(query: Option<&str>) -> Result<FlowQuery, String> {
    let (mut limit, mut only, mut rule) = (None, None, None);
    for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let slot = match key {
            "limit" => &mut limit,
            "only" => &mut only,
            "rule" => &mut rule,
            _ => return Err(format!("unknown parameter {}: `limit`, `only` and `rule` are known", escape(key))),
        };
        if slot.replace(value).is_some() {
            return Err(format!("`{key}` is there twice"));
        }
    }
    let limit = match limit {
        None => DEFAULT_FLOWS,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_FLOWS).contains(limit))
            .ok_or_else(|| format!("`limit` is 1 to {MAX_FLOWS}"))?,
    };
    let rule = rule.map(|rule| decoded(rule).ok_or("`rule` is percent-encoded UTF-8")).transpose()?;
    match only {
        None | Some("violations") => Ok(FlowQuery { limit, only_violations: only.is_some(), rule }),
        Some(_) => Err("`only` is `violations`".to_owned()),
    }
}

/// Percent-encoding undone (RFC 3986, section 2.1).
pub(super) fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after.get(2..)?;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

pub(super) async fn reload<A: Agent>(shared: &Shared<A>) -> Reply {
    done(ask(shared, shared.agent.command(Command::Reload)).await)
}

/// What is said about a finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Remarking {
    Close,
    Acknowledge,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemarkBody {
    by: String,
    reason: String,
}

pub(super) async fn remark<A: Agent>(
    shared: &Shared<A>,
    user: Option<String>,
    id: &str,
    what: Remarking,
    request: Request<Incoming>,
) -> Reply {
    let Some(user) = user else { return nobody() };
    let read = async {
        let body: RemarkBody = read_body(request, "{\"by\": …, \"reason\": …}").await?;
        check_line("by", &body.by).and_then(|()| check_line("reason", &body.reason)).map_err(bad_request)?;
        Ok(body)
    };
    let body = match read.await {
        Ok(body) => body,
        Err(reply) => return reply,
    };
    let remark = Remark { id: id.to_owned(), by: body.by, reason: body.reason, user };
    let command = match what {
        Remarking::Close => Command::Close(remark),
        Remarking::Acknowledge => Command::Acknowledge(remark),
    };
    done(ask(shared, shared.agent.command(command)).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DrillBody {
    by: String,
}

pub(super) async fn drill<A: Agent>(shared: &Shared<A>, user: Option<String>, request: Request<Incoming>) -> Reply {
    let Some(user) = user else { return nobody() };
    let read = async {
        let body: DrillBody = read_body(request, "{\"by\": …}").await?;
        check_line("by", &body.by).map_err(bad_request)?;
        Ok(body)
    };
    match read.await {
        Ok(DrillBody { by }) => done(ask(shared, shared.agent.command(Command::Drill { by, user })).await),
        Err(reply) => reply,
    }
}

/// Server-sent events (WHATWG HTML, section 9.2), one for each answer: it comes as soon as the page says something else
/// than the one that the client knows, and after a while in any case. The client asks again by itself.
pub(super) async fn events<A: Agent>(shared: &Shared<A>, headers: &HeaderMap) -> Reply {
    let known = headers.get("last-event-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let deadline = Instant::now() + EVENT_WITHIN;
    loop {
        let revision = match shared.agent.published() {
            Some(published) => published.revision().await.unwrap_or_default(),
            None => String::new(),
        };
        if revision != known || Instant::now() >= deadline {
            let text = format!("retry: 1000\nid: {revision}\nevent: published\ndata: {revision}\n\n");
            return Reply::new(StatusCode::OK, EVENT_STREAM, text);
        }
        sleep(EVENT_PAUSE).await;
    }
}

/// Packets are personal data: only a user who was authenticated sees them, on loopback too.
pub(super) async fn evidence<A: Agent>(shared: &Shared<A>, user: Option<String>, id: &str) -> Reply {
    if user.is_none() {
        return nobody();
    }
    match ask(shared, shared.agent.evidence(id.to_owned())).await {
        Ok(bytes) => match HeaderValue::from_str(&format!("attachment; filename=\"{id}.pcapng\"")) {
            Ok(name) => Reply::new(StatusCode::OK, PCAPNG, bytes).with(CONTENT_DISPOSITION, name),
            Err(_) => bad_request("this is no id".to_owned()),
        },
        Err(refusal) => refusal.into(),
    }
}

fn nobody() -> Reply {
    let why = "this needs an authenticated user: add `basic_auth_users` to the file of `--web.config.file`";
    Reply::text(StatusCode::FORBIDDEN, why).closing()
}

/// A body of this form.
async fn read_body<B: DeserializeOwned>(request: Request<Incoming>, form: &str) -> Result<B, Reply> {
    let is_json = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    if !is_json {
        let what = "the body is JSON, and `Content-Type: application/json` says so";
        return Err(Reply::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, what).closing());
    }
    let too_large =
        || Reply::text(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {MAX_BODY_BYTES} bytes")).closing();
    // What is announced is refused before it comes.
    if request.body().size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(too_large());
    }
    let bytes = Limited::new(request.into_body(), MAX_BODY_BYTES).collect().await.map_err(|_| too_large())?;
    serde_json::from_slice(&bytes.to_bytes())
        .map_err(|error| bad_request(format!("the body is `{form}`: {}", escape(&error.to_string()))))
}

fn bad_request(what: String) -> Reply {
    Reply::text(StatusCode::BAD_REQUEST, what)
}

fn check_line(name: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() || text.chars().count() > MAX_REMARK_CHARS || escape(text) != text {
        return Err(format!("`{name}` is 1 to {MAX_REMARK_CHARS} characters in one line"));
    }
    Ok(())
}

/// Waits for the engine, with few others and not for ever.
pub(super) async fn ask<A: Agent, T>(
    shared: &Shared<A>,
    asked: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let _place = shared
        .commands
        .try_acquire()
        .map_err(|_| Refusal::Unavailable("too many commands at a time: try again".to_owned()))?;
    match timeout(shared.limits.command, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(Refusal::Unavailable("the engine did not answer in time".to_owned())),
    }
}

fn done(answer: Result<String, Refusal>) -> Reply {
    match answer {
        Ok(what) => Reply::text(StatusCode::OK, what),
        Err(refusal) => refusal.into(),
    }
}
