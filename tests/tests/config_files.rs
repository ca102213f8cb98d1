//! The configuration files that are shipped.

use std::fs;
use std::path::Path;

use segwatch::config;

#[test]
fn the_example_loads() {
    if let Err(problems) = config::load(Path::new("../config/segwatch.yaml")) {
        panic!("{}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>());
    }
}

#[test]
fn the_schema_is_current() {
    const FILE: &str = "../config/segwatch.schema.json";
    if std::env::var_os("SEGWATCH_UPDATE").is_some() {
        fs::write(FILE, config::schema()).expect("the schema can be written");
    }
    assert!(fs::read_to_string(FILE).unwrap_or_default() == config::schema(), "SEGWATCH_UPDATE=1 rewrites {FILE}");
}
