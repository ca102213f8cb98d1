//! Power cuts, and disks that fail for a while.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use segwatch_tests::exposition::Exposition;

use crate::cameras::Cameras;
use crate::disk::Disk;
use crate::faults::check_evidence;
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
        let fill = || drop(disk.fill());
        let empty = || fs::remove_file(disk.mount.join("filler")).expect("removed");
        fails_for_a_while(&mut site, fill, empty);
    });
}

#[test]
fn a_disk_that_hangs_stops_no_page_and_loses_no_record() {
    lab("frozen", |mut site| {
        let Some(disk) = Disk::new(&site.folder) else { return };
        site.state = disk.mount.join("state");
        fs::create_dir(&site.state).expect("a folder");
        site.write_policy("");
        let frozen = RefCell::new(None);
        let freeze = || drop(frozen.replace(Some(disk.freeze())));
        fails_for_a_while(&mut site, freeze, || drop(frozen.take()));
    });
}

#[test]
fn evidence_gives_way_so_that_the_journal_goes_on() {
    lab("gives-way", |mut site| {
        let Some(disk) = Disk::new(&site.folder) else { return };
        site.state = disk.mount.join("state");
        let folder = site.state.join("evidence");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("aa-1-1.pcapng"), vec![0; 1 << 20]).expect("written");
        site.write_policy("");
        site.start();
        let mut cameras = Cameras::new();
        // All that is left is for the journal, and not enough of it.
        let filler = disk.fill();
        let mut next = 0;
        let cut = eventually("evidence gives way", || {
            cameras.break_out(next);
            next += 1;
            thread::sleep(Duration::from_millis(50));
            site.journal().into_iter().find(|record| record["event"] == "evidence-cut")
        });
        assert_eq!(cut["files"][0], "aa-1-1.pcapng");
        let page = site.until("the journal goes on, though the disk is full", |page| {
            !is_failing(page) && page.value("segwatch_sink_lost_total", &[("sink", "evidence")]) > Some(0.0)
        });
        assert_eq!(page.value("segwatch_sink_lost_total", &[("sink", "journal")]), Some(0.0));
        let names: Vec<_> = fs::read_dir(&folder).expect("it").map(|file| file.expect("one").file_name()).collect();
        assert!(names.is_empty(), "none takes the journal's last room: {names:?}");
        fs::remove_file(filler).expect("removed");
        eventually("evidence is written again", || {
            cameras.break_out(next);
            next += 1;
            thread::sleep(Duration::from_millis(200));
            (check_evidence(&site) > 0).then_some(())
        });
        let ids = eventually("all are found", || finding_ids().filter(|ids| ids.len() == usize::from(next)));
        site.until("all are recorded", |page| !is_failing(page));
        site.kill();
        assert_eq!(check_episodes(&site.journal()), ids);
    });
}

#[test]
fn a_disk_that_is_full_from_the_start_stops_no_page() {
    lab("full-start", |mut site| {
        let Some(disk) = Disk::new(&site.folder) else { return };
        site.state = disk.mount.join("state");
        site.write_policy("");
        // Not even a folder can be made.
        fs::create_dir(&site.state).expect("a folder");
        let filler = disk.fill();
        site.start();
        let mut cameras = Cameras::new();
        (0..20).for_each(|camera| cameras.break_out(camera));
        let ids = eventually("findings", || finding_ids().filter(|ids| ids.len() == 20));
        site.until("it is told", is_failing);
        fs::remove_file(filler).expect("removed");
        site.until("the journal is well", |page| !is_failing(page));
        site.kill();
        assert_eq!(check_episodes(&site.journal()), ids);
        site.start();
        assert_eq!(finding_ids(), Some(ids));
        site.kill();
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
