//! Power cuts, and disks that fail for a while.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use segwatch_tests::exposition::Exposition;
use segwatch_tests::tool::installed;

use crate::cameras::Cameras;
use crate::disk::Disk;
use crate::site::{Site, check_episodes, finding_ids, shown};
use crate::{Random, eventually, lab, rounds};

/// `kill -9` proves nothing here: the kernel writes what a dead process left in its cache.
#[test]
fn what_was_shown_outlives_a_power_cut() {
    lab("power", |mut site| {
        let Some(mut disk) = Disk::new(&site.folder) else { return };
        let rounds = rounds(3, 25);
        let (mut cameras, mut random) = (Cameras::new(), Random(11));
        let (mut ever, mut next) = (BTreeSet::new(), 0);
        let folder = site.folder.clone();
        for round in 0..=rounds {
            site.state = disk.mount.join("state");
            fs::create_dir_all(&site.state).expect("a folder");
            site.write_policy("");
            site.start();
            let ids = finding_ids().expect("findings");
            let lost: Vec<_> = ever.difference(&ids).collect();
            assert!(lost.is_empty(), "round {round}: lost {lost:?}");
            if round == rounds {
                break;
            }
            let cut_at = Instant::now() + Duration::from_millis(500 + random.below(1_500));
            // At least one round has to show something; the last look may be just before the cut.
            let before = ever.len();
            while Instant::now() < cut_at || ever.len() == before {
                cameras.misbehave(next);
                next += 1;
                thread::sleep(Duration::from_millis(40));
                ever.extend(finding_ids().expect("findings"));
            }
            site.signal("STOP");
            let after = disk.after_power_cut(&folder, round + 1);
            site.kill();
            disk = after;
        }
        check_episodes(&site.journal());
        println!("{rounds} power cuts: {} findings shown, none lost", ever.len());
        site.kill();
    });
}

#[test]
fn a_full_disk_stops_no_page_and_loses_no_record() {
    lab("full", |mut site| {
        let Some(disk) = Disk::new(&site.folder) else { return };
        site.state = disk.mount.join("state");
        fs::create_dir(&site.state).expect("a folder");
        site.write_policy("");
        let fill = || {
            let mut file = File::create(disk.mount.join("filler")).expect("a file");
            for size in [1 << 20, 1 << 12, 1] {
                while file.write_all(&vec![1; size]).is_ok() {}
            }
            // Full also of what the kernel has not placed yet.
            let _ = file.sync_all();
        };
        let empty = || fs::remove_file(disk.mount.join("filler")).expect("removed");
        fails_for_a_while(&mut site, fill, empty);
    });
}

#[test]
fn a_disk_that_does_not_sync_stops_no_page_and_loses_no_record() {
    lab("sync", |mut site| {
        if !installed(&["strace"]) {
            return;
        }
        let (inject, mut strace) = ("fsync,fdatasync:error=EIO", None);
        site.start();
        let pid = site.child.as_ref().expect("it runs").id().to_string();
        let mut attach = Command::new("strace");
        attach.args(["-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"]).arg(format!("inject={inject}"));
        attach.args(["-p", &pid]).stderr(Stdio::null());
        let strace = std::cell::RefCell::new(&mut strace);
        let fail = || **strace.borrow_mut() = Some(attach.spawn().expect("strace starts"));
        let mend = || {
            let mut strace = strace.borrow_mut().take().expect("it runs");
            // Asked to end, it lets go of the process.
            let asked = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
            assert!(asked.expect("kill is there").success());
            strace.wait().expect("it ends");
        };
        fails_for_a_while(&mut site, fail, mend);
    });
}

fn is_failing(page: &Exposition) -> bool {
    page.value("segwatch_journal_failing", &[]) == Some(1.0)
}

fn fails_for_a_while(site: &mut Site, mut fail: impl FnMut(), mut mend: impl FnMut()) {
    let mut cameras = Cameras::new();
    if site.child.is_none() {
        site.start();
    }
    cameras.break_out(0);
    site.until("a finding", |page| shown(page).len() == 1);
    fail();
    // Every tick has something to write: each of these is a finding.
    let mut next = 1;
    let page = eventually("it says that the journal fails", || {
        cameras.break_out(next);
        next += 1;
        thread::sleep(Duration::from_millis(100));
        Some(site.scrape()).filter(is_failing)
    });
    assert!(!shown(&page).is_empty());
    // Findings are shown all the same.
    let all = next + 5;
    (next..all).for_each(|camera| cameras.break_out(camera));
    let page = site.until("findings go out without the journal", |page| shown(page).len() == usize::from(all));
    assert!(is_failing(&page));
    mend();
    let page = site.until("the journal is well again", |page| !is_failing(page));
    assert_eq!(page.value("segwatch_sink_lost_total", &[("sink", "journal")]), Some(0.0));
    let ids: BTreeSet<String> = shown(&page).into_keys().collect();
    assert_eq!(ids.len(), usize::from(all));
    site.kill();
    assert_eq!(check_episodes(&site.journal()), ids, "all records arrived");
    site.start();
    assert_eq!(finding_ids(), Some(ids));
    site.kill();
}
