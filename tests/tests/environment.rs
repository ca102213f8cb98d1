//! What the environment says stands in for flags that are not given, and for nothing else.

use std::path::PathBuf;
use std::process::{Command, Output};

use segwatch_tests::tool::repository;
use serde_json::Value;

fn segwatch(environment: &[(&str, &str)], args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_segwatch-under-test"));
    for name in ["SEGWATCH_CONFIG", "SEGWATCH_VENDORS", "SEGWATCH_DATA", "SEGWATCH_URL"] {
        program.env_remove(name);
    }
    program.envs(environment.iter().copied()).args(args).output().expect("it starts")
}

fn demo(name: &str) -> String {
    let path: PathBuf = repository().join("tests/captures").join(name);
    path.display().to_string()
}

fn policy_of(environment: &[(&str, &str)], args: &[&str]) -> Value {
    let capture = demo("demo.pcap");
    let args: Vec<&str> = ["check", "--format", "json"].iter().chain(args).copied().chain([capture.as_str()]).collect();
    let run = segwatch(environment, &args);
    let answer: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    answer["policy"]["file"].clone()
}

#[test]
fn a_policy_comes_from_the_flag_else_the_environment_else_is_built_in() {
    let demo = demo("demo.yaml");
    let other = repository().join("config/segwatch.yaml").display().to_string();
    assert_eq!(policy_of(&[], &[]), Value::Null);
    assert_eq!(policy_of(&[("SEGWATCH_CONFIG", &demo)], &[]), demo);
    assert_eq!(policy_of(&[("SEGWATCH_CONFIG", &demo)], &["--config", &other]), other);
}

#[test]
fn it_does_not_stand_in_the_way_of_a_running_agent() {
    let environment = [("SEGWATCH_CONFIG", "segwatch.yaml"), ("SEGWATCH_URL", "http://127.0.0.1:1")];
    let asked = segwatch(&environment, &["zones"]);
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(said.contains("nobody listens there"), "{said}");
    let asked = segwatch(&environment, &["zones", "--config", "other.yaml"]);
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(said.contains("a running agent has its own"), "{said}");
}
