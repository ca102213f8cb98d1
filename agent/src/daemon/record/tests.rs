use super::*;
use crate::journal::{read_after, read_checkpoint};

fn entry(records: &[&str], checkpoint: bool) -> Entry {
    let records = records.iter().map(|&record| record.to_owned()).collect();
    Entry { records, checkpoint: checkpoint.then(Box::default), lost: 0 }
}

#[test]
fn a_checkpoint_goes_with_the_records_before_it() {
    let directory = std::env::temp_dir().join(format!("segwatch-record-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let (journal, _) = Journal::open(&directory, Limits::default()).expect("a journal");
    let recorder = Recorder { shared: Arc::default(), thread: Mutex::default() };
    recorder.submit(entry(&["one", "two"], true));
    recorder.submit(entry(&["three"], false));
    recorder.shared.lock().stop = true;
    // Both at once, as after a moment in which the disk was slow.
    recorder.shared.run(Some(journal), &directory);
    assert_eq!(read_checkpoint(&directory).map(|(after, _)| after), Some(2));
    let left = read_after(&directory, 2).expect("a journal").count();
    std::fs::remove_dir_all(&directory).expect("removed");
    assert_eq!(left, 1);
}

#[test]
fn a_disk_that_hangs_costs_no_memory_but_for_records() {
    let recorder = Recorder { shared: Arc::default(), thread: Mutex::default() };
    recorder.submit(Entry { lost: 3, ..entry(&["one"], true) });
    for _ in 0..1_000 {
        recorder.submit(entry(&[], false));
        recorder.submit(entry(&[], true));
    }
    let checkpoints: Vec<bool> =
        recorder.shared.lock().waiting.iter().map(|entry| entry.checkpoint.is_some()).collect();
    assert_eq!(checkpoints, [false, true]);
    assert_eq!((recorder.lost(), recorder.shared.lock().taken), (3, 2_001));
}
