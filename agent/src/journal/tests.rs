use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A directory that is gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("segwatch-journal-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn texts(directory: &Path) -> Vec<String> {
    read(directory).expect("a journal").map(|record| record.expect("readable").text).collect()
}

fn segment_files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    files.sort();
    files
}

#[test]
fn what_was_synced_is_read_again_in_order() {
    let scratch = Scratch::new("order");
    let (mut journal, opened) = Journal::open(&scratch.0, Limits::default()).expect("a journal");
    assert_eq!(opened, Opened::default());
    for text in ["one", "two\nlines", "three"] {
        journal.append(text).expect("room");
    }
    assert_eq!(journal.durable(), 0);
    journal.sync().expect("a disk");
    assert_eq!((journal.durable(), texts(&scratch.0)), (3, vec!["one".into(), "two lines".into(), "three".into()]));
    drop(journal);
    let (mut journal, opened) = Journal::open(&scratch.0, Limits::default()).expect("a journal");
    assert_eq!(opened, Opened { torn: 0, last: 3 });
    assert_eq!(journal.append("four").expect("room"), 4);
    journal.sync().expect("a disk");
    assert_eq!(texts(&scratch.0).len(), 4);
}

#[test]
fn one_process_at_a_time() {
    let scratch = Scratch::new("lock");
    let _open = Journal::open(&scratch.0, Limits::default()).expect("a journal");
    assert!(Journal::open(&scratch.0, Limits::default()).is_err());
}

#[test]
fn a_cut_at_any_byte_loses_only_what_is_cut() {
    let scratch = Scratch::new("cut");
    let (mut journal, _) = Journal::open(&scratch.0, Limits::default()).expect("a journal");
    let all = ["first", "second record", "the third"];
    for text in all {
        journal.append(text).expect("room");
    }
    journal.sync().expect("a disk");
    drop(journal);
    let file = segment_files(&scratch.0).pop().expect("a segment");
    let whole = fs::read(&file).expect("bytes");
    for length in 0..whole.len() {
        fs::write(&file, &whole[..length]).expect("written");
        let (mut journal, opened) = Journal::open(&scratch.0, Limits::default()).expect("a journal");
        let kept = whole[..length].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(
            (opened.last, texts(&scratch.0)),
            (kept as u64, all[..kept].iter().map(|t| (*t).to_owned()).collect())
        );
        journal.append("next").expect("room");
        journal.sync().expect("a disk");
        assert_eq!(texts(&scratch.0).last().map(String::as_str), Some("next"));
        drop(journal);
        for file in segment_files(&scratch.0) {
            fs::remove_file(file).expect("removed");
        }
    }
}

#[test]
fn a_flipped_bit_is_found() {
    let scratch = Scratch::new("flip");
    let (mut journal, _) = Journal::open(&scratch.0, Limits::default()).expect("a journal");
    for text in ["first", "second"] {
        journal.append(text).expect("room");
    }
    journal.sync().expect("a disk");
    drop(journal);
    let file = segment_files(&scratch.0).pop().expect("a segment");
    let whole = fs::read(&file).expect("bytes");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&file, &bytes).expect("written");
        let found = texts(&scratch.0);
        assert!(found.iter().all(|text| text == "first" || text == "second"), "byte {at}: {found:?}");
        assert!(found.len() < 2, "byte {at}");
    }
}

#[test]
fn old_segments_go_beyond_the_cap() {
    let scratch = Scratch::new("cap");
    let (mut journal, _) =
        Journal::open(&scratch.0, Limits { segment: 1_000, total: 5_000, age: None }).expect("a journal");
    for number in 0..1_000 {
        journal.append(&format!("record {number} {}", "x".repeat(50))).expect("room");
        journal.sync().expect("a disk");
    }
    let size: u64 = segment_files(&scratch.0).iter().map(|file| fs::metadata(file).expect("a file").len()).sum();
    assert!(size < 7_000, "{size}");
    let found = texts(&scratch.0);
    assert!(found.first().is_some_and(|text| !text.starts_with("record 0 ")));
    assert!(found.last().is_some_and(|text| text.starts_with("record 999 ")));
}

#[test]
fn a_disk_that_fails_loses_nothing_once_it_is_back() {
    let scratch = Scratch::new("fail");
    let (mut journal, _) = Journal::open(&scratch.0, Limits::default()).expect("a journal");
    journal.append("before").expect("room");
    journal.sync().expect("a disk");
    // The directory goes away, as a disk may.
    let away = scratch.0.with_extension("away");
    journal.append("while it is gone").expect("room");
    journal.segment = None;
    fs::rename(&scratch.0, &away).expect("moved");
    assert!(journal.sync().is_err());
    assert_eq!(journal.durable(), 1);
    fs::rename(&away, &scratch.0).expect("moved back");
    journal.sync().expect("a disk");
    assert_eq!((journal.durable(), texts(&scratch.0)), (2, vec!["before".to_owned(), "while it is gone".to_owned()]));
}

#[test]
fn memory_is_bounded_while_a_disk_fails() {
    let scratch = Scratch::new("bound");
    let (mut journal, _) = Journal::open(&scratch.0, Limits::default()).expect("a journal");
    let long = "x".repeat(MAX_RECORD);
    for _ in 0..6 {
        journal.append(&long).expect("room");
    }
    assert!(journal.pending_bytes <= MAX_PENDING);
    assert_eq!(journal.lost(), 3);
    assert!(journal.append(&format!("{long}x")).is_err());
}

#[test]
fn the_latest_whole_checkpoint_counts() {
    let scratch = Scratch::new("checkpoint");
    fs::create_dir_all(&scratch.0).expect("a directory");
    assert_eq!(read_checkpoint(&scratch.0), None);
    write_checkpoint(&scratch.0, 7, "{\"state\":\"old\"}\n").expect("a disk");
    write_checkpoint(&scratch.0, 9, "{\"state\":\"new\"}").expect("a disk");
    assert_eq!(read_checkpoint(&scratch.0), Some((9, "{\"state\":\"new\"}".to_owned())));
    let current = scratch.0.join("checkpoint");
    let whole = fs::read(&current).expect("bytes");
    for length in 0..whole.len() {
        fs::write(&current, &whole[..length]).expect("written");
        assert_eq!(read_checkpoint(&scratch.0), Some((7, "{\"state\":\"old\"}\n".to_owned())), "cut at {length}");
    }
}
