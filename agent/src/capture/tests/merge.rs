//! Several files as one stream.

use super::make::{Make, seconds};
use super::{Directory, read_all, tell};
use crate::capture::Files;

const SECOND: i64 = 1_000_000_000;

#[test]
fn frames_come_by_time_then_file_then_position() {
    let told = read_all(&[
        seconds(&[(2, 10), (5, 11), (5, 12), (9, 13)]),
        seconds(&[(1, 20), (5, 21), (5, 22)]),
        seconds(&[]),
        seconds(&[(5, 30), (7, 31)]),
    ]);
    let expected = [(1, 20), (2, 10), (5, 11), (5, 12), (5, 21), (5, 22), (5, 30), (7, 31), (9, 13)];
    assert_eq!(told.brief(), expected.map(|(second, first)| (second * SECOND, first)));
    assert_eq!(told.damage, []);
}

#[test]
fn the_order_inside_a_file_is_kept() {
    let told = read_all(&[seconds(&[(5, 10), (1, 11), (6, 12)]), seconds(&[(4, 20), (6, 21), (2, 22)])]);
    let expected = [(4, 20), (5, 10), (1, 11), (6, 12), (6, 21), (2, 22)];
    assert_eq!(told.brief(), expected.map(|(second, first)| (second * SECOND, first)));
}

#[test]
fn a_rotation_in_any_order_of_names() {
    // More files than are kept open, and each overlapping the next.
    let order: Vec<u32> = (0..60).map(|index| index * 7 % 60).collect();
    let files: Vec<Make> = order.iter().map(|n| seconds(&[(n * 10, *n as u8), (n * 10 + 15, *n as u8)])).collect();
    let directory = Directory::new();
    let mut source = Files::open(&directory.fill(&files));
    let before = source.progress();
    assert_eq!((before.read, before.total), (0, Some(60 * 96)));
    let told = tell(&mut source);
    let mut expected: Vec<(i64, u8)> =
        (0..60_u8).flat_map(|n| [(i64::from(n) * 10 * SECOND, n), ((i64::from(n) * 10 + 15) * SECOND, n)]).collect();
    expected.sort();
    assert_eq!(told.brief(), expected);
    assert_eq!(told.damage, []);
    for frame in &told.frames {
        assert_eq!(order[usize::from(frame.source)] as u8, frame.data[0]);
    }
    assert_eq!(source.progress().read, 60 * 96);
}

#[test]
fn the_end_stays_the_end() {
    let directory = Directory::new();
    let mut source = Files::open(&directory.fill(&[seconds(&[(1, 1)])]));
    assert_eq!(tell(&mut source).frames.len(), 1);
    assert_eq!(tell(&mut source).frames.len(), 0);
    assert_eq!(tell(&mut Files::open(&[])), super::Told::default());
}

#[test]
fn files_keep_the_names_that_the_user_gave() {
    let source = Files::open(&["a/../b.pcap".into(), "-".into()]);
    assert_eq!(source.names(), ["a/../b.pcap", "-"]);
    assert_eq!(source.progress().total, None);
}

#[test]
fn more_files_than_can_be_told_apart_are_named() {
    let paths = vec!["/nonexistent/x".into(); 65_538];
    let told = tell(&mut Files::open(&paths));
    assert_eq!(told.damage[0].what, "2 files more than the 65536 read together");
    assert_eq!(told.damage.len(), 65_537);
}
