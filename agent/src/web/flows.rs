//! The page of flows that a person clicks down to, from a cell of the matrix or from a finding.

use hyper::StatusCode;

use super::agent::{Agent, FlowQuery};
use super::api::{ask, decoded, is_id};
use super::limits::MAX_FLOWS;
use super::page::{Of, flows_page};
use super::reply::Reply;
use super::server::Shared;
use crate::base::escape;

/// `/flows?rule=…`, `/flows?from=…&to=…` or `/flows?finding=…`.
pub(super) async fn flows<A: Agent>(shared: &Shared<A>, query: Option<&str>) -> Reply {
    let of = match meant(query.unwrap_or_default()) {
        Ok(of) => of,
        Err(what) => return Reply::text(StatusCode::BAD_REQUEST, what),
    };
    let Some(published) = shared.agent.published() else {
        return Reply::text(StatusCode::SERVICE_UNAVAILABLE, "nothing current is published");
    };
    let rule = if let Of::Rule(rule) = &of { Some(rule.clone()) } else { None };
    let only_violations = of.is_of_violations(published.snapshot());
    let query = FlowQuery { limit: MAX_FLOWS, only_violations, rule };
    let rows = match ask(shared, shared.agent.flows(query)).await {
        Ok(rows) => rows,
        Err(refusal) => return refusal.into(),
    };
    let render = move || flows_page(published.about(), published.snapshot(), &of, rows);
    match tokio::task::spawn_blocking(render).await {
        Ok(page) => Reply::html(StatusCode::OK, page),
        Err(_) => Reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the flows could not be written"),
    }
}

fn meant(query: &str) -> Result<Of, String> {
    let form = "say `rule`, `finding`, or `from` and `to`, each once";
    let mut parts = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()).take(3) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = decoded(value).ok_or_else(|| format!("`{}` is percent-encoded UTF-8", escape(key)))?;
        parts.push((key, value));
    }
    match parts.as_slice() {
        [("rule", rule)] => Ok(Of::Rule(rule.clone())),
        [("finding", id)] if is_id(id) => Ok(Of::Finding(id.clone())),
        [("from", from), ("to", to)] | [("to", to), ("from", from)] => Ok(Of::Pair(from.clone(), to.clone())),
        _ => Err(form.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_one_thing() {
        assert_eq!(meant("rule=a%20b"), Ok(Of::Rule("a b".into())));
        assert_eq!(meant("from=cctv&to=internet"), Ok(Of::Pair("cctv".into(), "internet".into())));
        assert_eq!(meant("finding=3fa2"), Ok(Of::Finding("3fa2".into())));
        for bad in ["", "rule", "rule=%zz", "from=a", "rule=a&rule=b", "finding=../x", "from=a&to=b&rule=c", "limit=1"]
        {
            assert_eq!(meant(bad).is_ok(), bad == "rule", "{bad}");
        }
    }
}
