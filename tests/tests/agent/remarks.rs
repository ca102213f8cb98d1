//! What people say through the API: done, and durable, before they are told.

use serde_json::Value;

use crate::cameras::Cameras;
use crate::client::{ANN, get, request};
use crate::lab;
use crate::site::{Site, check_episodes, finding_ids, shown};

/// A crypt_blowfish test vector: the password is `U*U`.
pub(crate) const HASH: &str = "\"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\"";
const REMARK: &str = "{\"by\":\"ann\",\"reason\":\"a test\"}";

/// A site that knows Ann, and the requests that she makes.
pub(crate) fn with_users(site: &mut Site) {
    let users = site.write("users.yaml", &format!("basic_auth_users: {{ ann: {HASH} }}\n"));
    site.arguments = vec!["--web.config.file".into(), users.display().to_string()];
}

fn post(path: &str) -> u16 {
    request("POST", path, &[ANN], REMARK).expect("an answer").status
}

#[test]
fn closing_is_durable_before_it_is_answered() {
    lab("close", |mut site| {
        let mut cameras = Cameras::new();
        site.start();
        // Wrong-vlan findings rest on what is known of a device, so that they could rise again after a restart.
        [3, 5, 6, 9].iter().for_each(|&camera| cameras.misbehave(camera));
        site.until("findings", |page| shown(page).len() >= 4);
        site.kill();
        with_users(&mut site);
        site.start();
        let mut open = finding_ids().expect("findings");
        assert!(open.len() >= 4);
        while let Some(id) = open.pop_first() {
            assert_eq!(post(&format!("/api/v1/findings/{id}/close")), 200);
            if open.len().is_multiple_of(3) {
                site.kill();
                site.start();
            }
            assert_eq!(finding_ids().expect("findings"), open, "after closing {id}");
        }
        let journal = site.journal();
        check_episodes(&journal);
        let closed: Vec<_> = journal.iter().filter(|record| record["event"] == "finding-closed").collect();
        assert!(closed.len() >= 4);
        for record in closed {
            assert_eq!(
                (&record["why"], &record["by"], &record["reason"]),
                (&"person".into(), &"ann".into(), &"a test".into())
            );
        }
        // It was closed, not forgiven: seen again it is a new episode, which a restart keeps.
        cameras.break_out(5);
        let again = shown(&site.until("it opens again", |page| shown(page).len() == 1));
        site.kill();
        site.start();
        assert_eq!(shown(&site.scrape()), again);
    });
}

#[test]
fn an_acknowledgement_is_durable_before_it_is_answered() {
    lab("ack", |mut site| {
        with_users(&mut site);
        site.start();
        Cameras::new().break_out(0);
        let page = site.until("a finding", |page| shown(page).len() == 1);
        let id = shown(&page).into_keys().next().expect("an id");
        assert_eq!(post(&format!("/api/v1/findings/{id}/ack")), 200);
        let read = |path: &str| request("GET", path, &[ANN], "").expect("a page").body;
        assert!(read("/").contains("Acknowledged by ann"), "on the page");
        for path in
            [format!("/flows?finding={id}"), "/flows?from=cctv&to=internet".into(), "/flows?rule=default-deny".into()]
        {
            let flows = read(&path);
            assert!(
                flows.contains("203.0.113.9</code>") && flows.contains("violation internet-egress"),
                "{path}\n{flows}"
            );
        }
        site.kill();
        let journal = site.journal();
        let acked = journal.iter().find(|record| record["event"] == "finding-acked").expect("it is on record");
        assert_eq!(
            (&acked["id"], &acked["by"], &acked["reason"]),
            (&id.as_str().into(), &"ann".into(), &"a test".into())
        );
        site.start();
        site.stop();
        let (_, state) = segwatch::journal::read_checkpoint(&site.state.join("journal")).expect("a checkpoint");
        let state: Value = serde_json::from_str(&state).expect("JSON");
        assert_eq!(state["findings"][0]["acked"]["by"], "ann", "known after the restart too");
    });
}

#[test]
fn who_is_nobody_says_nothing() {
    lab("nobody", |mut site| {
        site.start();
        Cameras::new().break_out(0);
        let page = site.until("a finding", |page| shown(page).len() == 1);
        let id = shown(&page).into_keys().next().expect("an id");
        let path = format!("/api/v1/findings/{id}/close");
        assert_eq!(request("POST", &path, &[], REMARK).expect("an answer").status, 403, "no users");
        let flows: Value = serde_json::from_str(&get("/api/v1/flows?only=violations").expect("flows")).expect("JSON");
        assert_eq!(flows["flows"].as_array().map(Vec::len), Some(1));
        assert_eq!(flows["flows"][0]["kind"], "internet-egress");
        site.kill();
        with_users(&mut site);
        site.start();
        assert_eq!(request("GET", "/metrics", &[], "").expect("an answer").status, 401);
        assert_eq!(request("POST", &path, &[], REMARK).expect("an answer").status, 401);
        assert_eq!(post("/api/v1/findings/0000/close"), 404);
        assert_eq!(finding_ids().expect("findings").len(), 1);
    });
}
