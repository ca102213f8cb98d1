//! What hinders a start: said in one go, with exit code 2.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::site::{POLICY, Site};
use crate::{PATIENCE, lab};

/// Starts it, and holds what it says against these words.
fn refuses(site: &Site, words: &[&str]) {
    // One that starts after all is ended, so that the test fails.
    let patience = PATIENCE.as_secs().to_string();
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", &patience]).arg(site.command().get_program()).args(site.command().get_args());
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
}

fn with_policy(site: &Site, change: impl Fn(&str) -> String) {
    let text = format!("{POLICY}state_dir: {}\n", site.state.display());
    site.write("policy.yaml", &change(&text));
}

#[test]
fn a_policy_that_cannot_be_run() {
    lab("refuses-policy", |site| {
        with_policy(&site, |text| {
            text.lines().filter(|line| !line.starts_with("capture")).fold(String::new(), |all, line| all + line + "\n")
        });
        refuses(&site, &["policy.yaml: no mirror port: add `capture: [{ interface: eth1 }]`"]);
        with_policy(&site, |text| text.replace("watch:", "wach:").replace("vlans: [300]", "vlans: [110]"));
        refuses(&site, &["policy.yaml:6:", "110", "policy.yaml:7:1", "did you mean `watch`"]);
        with_policy(&site, |_| String::new());
        refuses(&site, &["policy.yaml: error: is empty: a policy names at least one camera zone"]);
        fs::remove_file(site.folder.join("policy.yaml")).expect("removed");
        refuses(&site, &["policy.yaml", "No such file"]);
    });
}

#[test]
fn an_address_that_cannot_be_had_or_is_open_to_all() {
    lab("refuses-address", |mut site| {
        let taken = TcpListener::bind("127.0.0.1:10420").expect("a port");
        refuses(&site, &["cannot listen on 127.0.0.1:10420", "in use"]);
        drop(taken);
        with_policy(&site, |text| text.replace("127.0.0.1:10420", "0.0.0.0:10420"));
        refuses(&site, &["0.0.0.0:10420", "TLS and authentication", "--web.config.file"]);
        let users = site.write("users.yaml", &format!("basic_auth_users: {{ ann: {} }}\n", crate::remarks::HASH));
        site.arguments = vec!["--web.config.file".into(), users.display().to_string()];
        refuses(&site, &["0.0.0.0:10420", "needs TLS"]);
        with_policy(&site, |text| text.replace("127.0.0.1:10420", "192.0.2.1:10420"));
        refuses(&site, &["cannot listen on 192.0.2.1:10420"]);
    });
}

#[test]
fn a_bad_web_configuration() {
    lab("refuses-web", |mut site| {
        let users = site.write("users.yaml", "basic_auth_user: {}\n");
        site.arguments = vec!["--web.config.file".into(), users.display().to_string()];
        refuses(&site, &["users.yaml:1:1", "did you mean `basic_auth_users`"]);
        site.arguments = vec!["--web.config.file".into(), "nowhere.yaml".into()];
        refuses(&site, &["nowhere.yaml", "No such file"]);
    });
}

#[test]
fn a_state_folder_that_cannot_be_used() {
    lab("refuses-state", |mut site| {
        with_policy(&site, |text| text.replace(&site.state.display().to_string(), "/proc/nowhere"));
        refuses(&site, &["/proc/nowhere"]);
        fs::write(site.folder.join("file"), "").expect("written");
        let file = site.folder.join("file").display().to_string();
        with_policy(&site, |text| text.replace(&site.state.display().to_string(), &file));
        refuses(&site, &[&file]);
        site.write_policy("");
        site.start();
        with_policy(&site, |text| text.replace("10420", "10421"));
        refuses(&site, &["is in use", &site.state.display().to_string()]);
    });
}

#[test]
fn words_of_the_command_line_that_mean_nothing() {
    lab("refuses-words", |mut site| {
        site.arguments = vec!["--log.level".into(), "loud".into()];
        refuses(&site, &["--log.level", "loud", "error, warn, info, debug or trace"]);
        site.arguments = vec!["--log.format".into(), "xml".into()];
        refuses(&site, &["--log.format", "json"]);
        let vendors = site.write("vendors.csv", "nonsense\n");
        site.arguments = vec!["--vendors".into(), vendors.display().to_string()];
        refuses(&site, &["vendors.csv"]);
    });
}
