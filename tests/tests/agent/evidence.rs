//! The packets that prove a finding: on the disk, whole, for its user alone, and what tshark makes of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use segwatch::policy::sha256_hex;
use segwatch_tests::tool::installed;

use crate::cameras::Cameras;
use crate::client::{ANN, request};
use crate::remarks::with_users;
use crate::site::shown;
use crate::{eventually, lab};

#[test]
fn a_finding_has_its_packets() {
    lab("evidence", |mut site| {
        with_users(&mut site);
        site.start();
        let mut cameras = Cameras::new();
        // What stays at home is no evidence of it.
        (0..50).for_each(|_| cameras.talk(0));
        cameras.break_out(0);
        let page = site.until("a finding", |page| shown(page).len() == 1);
        let id = shown(&page).into_keys().next().expect("an id");
        let record = eventually("it is on record", || {
            site.journal().into_iter().find(|record| record["event"] == "evidence" && record["id"] == id.as_str())
        });
        let path = site.state.join("evidence").join(record["file"].as_str().expect("a name"));
        let bytes = fs::read(&path).expect("the file");
        assert_eq!(record["sha256"], sha256_hex(&[&bytes]));
        assert_eq!(record["bytes"], bytes.len());
        assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().expect("a folder")).expect("it").permissions().mode() & 0o777, 0o700);

        let url = format!("/api/v1/findings/{id}/evidence");
        assert_eq!(request("GET", &url, &[], "").expect("an answer").status, 401, "only for users");
        let answer = request("GET", &url, &[ANN], "").expect("an answer");
        assert_eq!((answer.status, answer.bytes.starts_with(&bytes)), (200, true));
        assert_eq!(request("GET", "/api/v1/findings/0000/evidence", &[ANN], "").expect("an answer").status, 404);
        assert_eq!(request("GET", "/api/v1/findings/..%2f/evidence", &[ANN], "").expect("an answer").status, 404);

        if !installed(&["tshark"]) {
            return println!("SKIPPED: what tshark sees");
        }
        let fields = ["vlan.id", "ip.src", "ip.dst", "tcp.flags.str", "frame.comment", "frame.interface_name"];
        let mut tshark = Command::new("tshark");
        tshark.args(["-n", "-T", "fields", "-E", "separator=|", "-r"]).arg(&path);
        for field in fields {
            tshark.args(["-e", field]);
        }
        let output = tshark.output().expect("tshark runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> = text.lines().collect();
        assert!(output.status.success() && lines.len() >= 2, "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(lines[0].contains(&format!("finding {id}: ")), "{text}");
        assert!(lines.iter().all(|line| line.starts_with("110|") && line.ends_with("|near")), "{text}");
        assert!(lines.iter().all(|line| line.contains("203.0.113.9")), "nothing else: {text}");
        let directions = ["10.110.1.0|203.0.113.9", "203.0.113.9|10.110.1.0"];
        assert!(directions.iter().all(|way| text.contains(way)), "both directions: {text}");
    });
}

#[test]
fn an_unfinished_file_is_never_left_and_the_oldest_give_way() {
    lab("evidence-size", |mut site| {
        site.write_policy("evidence: { size: 1MiB }\n");
        let folder = site.state.join("evidence");
        fs::create_dir_all(&folder).expect("a folder");
        // What a crash left, a file of long ago, and one that is not ours.
        fs::write(folder.join("aa-1-1.pcapng.new"), "half").expect("written");
        fs::write(folder.join("aa-1-1.pcapng"), vec![0; 1 << 20]).expect("written");
        fs::write(folder.join("notes.txt"), "mine").expect("written");
        site.start();
        Cameras::new().break_out(0);
        let record =
            eventually("it is on record", || site.journal().into_iter().find(|record| record["event"] == "evidence"));
        let mut names: Vec<_> =
            fs::read_dir(&folder).expect("it").map(|entry| entry.expect("one").file_name()).collect();
        names.sort();
        assert_eq!(names, [record["file"].as_str().expect("a name"), "notes.txt"]);
        let cut = site.journal().into_iter().find(|record| record["event"] == "evidence-cut").expect("it is on record");
        assert_eq!(cut["files"][0], "aa-1-1.pcapng");
    });
}
