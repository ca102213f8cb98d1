//! The description of the API, held against what the server answers: every path of it answers as described, and every path
//! that is served is described. `make api` asks it in more ways.

use std::collections::BTreeSet;
use std::fs;

use segwatch::web::Limits;
use segwatch_tests::schema::faults;
use segwatch_tests::tool::repository;
use serde_json::{Value, json};

use crate::client::{Answer, get, request};
use crate::{ANN, Fake, Folder, HASH, Running, start, start_with};

const METHODS: [&str; 2] = ["get", "post"];

#[test]
fn what_is_served_is_what_is_in_the_repository() {
    let answer = get(start().address, "/api/v1/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.body, description_text());
}

#[test]
fn every_path_that_is_served_is_described_and_no_other() {
    let code = fs::read_to_string(repository().join("agent/src/web/routes.rs")).expect("the routes");
    let of = code.split("fn of(").nth(1).and_then(|rest| rest.split("\n    }\n").next()).expect("the table");
    let quoted = of.split('"').skip(1).step_by(2);
    let below = quoted.clone().filter(|path| path.starts_with("/api/v1/") && !path.ends_with('/')).map(str::to_owned);
    let actions = of.split("(id, \"").skip(1).filter_map(|rest| rest.split('"').next());
    let actions = actions.map(|action| format!("/api/v1/findings/{{id}}/{action}"));
    let served: BTreeSet<String> = below.chain(actions).collect();
    let description = description();
    let described = description["paths"].as_object().expect("paths").keys().cloned().collect();
    assert_eq!(served, described, "left: served, right: described");
    assert!(served.len() > 10, "the table was not read: {served:?}");
}

#[test]
fn every_path_answers_as_described() {
    let folder = Folder::new("openapi");
    let web = folder.write("web.yaml", &format!("basic_auth_users: {{ ann: '{HASH}' }}\n"));
    let running = start_with(Fake::default(), Some(web), Limits::default());
    let description = description();
    for (path, method) in operations(&description) {
        let operation = &description["paths"][&path][&method];
        let body = body_of(operation);
        let there = path.replace("{id}", "3fa2c41d09b87e65");
        let is_post = method == "post";
        let other = if is_post { "GET" } else { "POST" };
        let ask = |method: &str, path: &str, headers: &[&str], body: &str| {
            request(running.address, method, path, headers, body)
        };
        let json = ["Content-Type: application/json", ANN];
        let method = method.to_uppercase();
        holds(&description, operation, &there, 200, &ask(&method, &there, &json, &body));
        holds(&description, operation, &there, 401, &ask(&method, &there, &[json[0]], &body));
        holds(&description, operation, &there, 405, &ask(other, &there, &json, ""));
        if is_post {
            holds(&description, operation, &there, 400, &ask("POST", &there, &json, "{}"));
            holds(&description, operation, &there, 415, &ask("POST", &there, &[ANN], &body));
        }
        if path.contains("{id}") {
            let missing = path.replace("{id}", "404");
            holds(&description, operation, &missing, 404, &ask(&method, &missing, &json, &body));
        }
    }
    let flows = &description["paths"]["/api/v1/flows"]["get"];
    for bad in ["limit=0", "limit=10001", "only=x", "x=1"] {
        let path = format!("/api/v1/flows?{bad}");
        holds(&description, flows, &path, 400, &request(running.address, "GET", &path, &[ANN], ""));
    }
    let drill = &description["paths"]["/api/v1/drill"]["post"];
    for (by, status) in [("again", 409), ("dead", 500), ("busy", 503)] {
        let headers = ["Content-Type: application/json", ANN];
        let body = json!({ "by": by }).to_string();
        let answer = request(running.address, "POST", "/api/v1/drill", &headers, &body);
        holds(&description, drill, "/api/v1/drill", status, &answer);
    }
}

#[test]
fn without_users_and_without_a_snapshot_it_answers_as_described() {
    let running: Running = start();
    let description = description();
    for (path, method) in operations(&description).into_iter().filter(|(_, method)| method == "post") {
        let operation = &description["paths"][&path][&method];
        let there = path.replace("{id}", "3fa2c41d09b87e65");
        let headers = ["Content-Type: application/json"];
        holds(
            &description,
            operation,
            &there,
            403,
            &request(running.address, "POST", &there, &headers, &body_of(operation)),
        );
    }
    *running.fake.published.lock().unwrap() = None;
    for path in ["status", "zones", "devices", "findings", "coverage"].map(|it| format!("/api/v1/{it}")) {
        holds(&description, &description["paths"][&path]["get"], &path, 503, &get(running.address, &path));
    }
}

fn holds(description: &Value, operation: &Value, path: &str, status: u16, answer: &Answer) {
    assert_eq!(answer.status, status, "{path}: {}", answer.body);
    let mut response = &operation["responses"][status.to_string()];
    if let Some(pointer) = response["$ref"].as_str() {
        response = description.pointer(pointer.trim_start_matches('#')).expect("a response");
    }
    assert!(response.is_object(), "{path}: {status} is not described");
    let kind = answer.header("content-type").and_then(|it| it.split(';').next()).expect("a type");
    let schema = &response["content"][kind]["schema"];
    assert!(schema.is_object(), "{path}: {status} with {kind} is not described");
    for name in response["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
        assert!(answer.header(&name.to_lowercase()).is_some(), "{path}: {status} without {name}");
    }
    let body = match kind {
        "application/json" => serde_json::from_str(&answer.body).expect("JSON"),
        "text/event-stream" => event(&answer.body),
        _ => Value::String(answer.body.clone()),
    };
    assert_eq!(faults(description, schema, &body), Vec::<String>::new(), "{path}: {status}");
}

/// The fields of one server-sent event.
fn event(body: &str) -> Value {
    let mut event = json!({});
    for (name, text) in body.lines().filter_map(|line| line.split_once(": ")) {
        event[name] = if name == "retry" { text.parse::<u32>().expect("a number").into() } else { text.into() };
    }
    event
}

fn operations(description: &Value) -> Vec<(String, String)> {
    let paths = description["paths"].as_object().expect("paths");
    let of = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("operations").keys().cloned();
        methods.map(|method| (path.clone(), method)).collect::<Vec<_>>()
    };
    let all: Vec<(String, String)> = paths.iter().flat_map(of).collect();
    assert!(all.iter().all(|(_, method)| METHODS.contains(&method.as_str())), "{all:?}");
    all
}

/// The example of its body.
fn body_of(operation: &Value) -> String {
    let example = &operation["requestBody"]["content"]["application/json"]["example"];
    if example.is_null() { String::new() } else { example.to_string() }
}

fn description() -> Value {
    serde_json::from_str(&description_text()).expect("JSON")
}

fn description_text() -> String {
    fs::read_to_string(repository().join("agent/docs/openapi.json")).expect("the description")
}
