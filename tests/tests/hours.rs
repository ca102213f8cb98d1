//! For how long a device was observed, hour by hour: over restarts, pauses and steps of the clock nothing is missing and
//! nothing is counted twice.

use proptest::prelude::*;
use segwatch::coverage::{Gap, ReasonCode};
use segwatch::engine::Event;
use segwatch_tests::watch::{CAMERA, HOUR, SECOND, START, Watch};

/// What a record says of the camera.
#[derive(Clone, Debug)]
struct Record {
    from: i64,
    to: i64,
    observed: i64,
    gaps: Vec<Gap>,
    sent: u64,
    tagged: u64,
    began_by_step: bool,
}

fn records(watch: &Watch) -> Vec<Record> {
    let of_camera = |event: &Event| match event {
        Event::Coverage { device, from, to, observed_seconds, gaps, sent, tagged, began_by_step, .. } => {
            let observed = (observed_seconds * 1e9).round() as i64;
            let (from, to, gaps, sent) = (from.0, to.0, gaps.clone(), *sent);
            (device.mac == Some(CAMERA)).then(|| {
                let (tagged, began_by_step) = (*tagged, *began_by_step);
                Record { from, to, observed, gaps, sent, tagged, began_by_step }
            })
        }
        _ => None,
    };
    watch.events.iter().filter_map(of_camera).collect()
}

fn gaps(watch: &Watch) -> Vec<(ReasonCode, i64)> {
    records(watch).iter().flat_map(|record| &record.gaps).map(|gap| (gap.reason, gap.length() / SECOND)).collect()
}

#[test]
fn an_hour_is_recorded_when_it_is_over() {
    let mut watch = Watch::default();
    watch.cameras_talk(3 * 3_600, SECOND);
    let lengths: Vec<_> = records(&watch).iter().map(|record| (record.to - record.from) / SECOND).collect();
    assert_eq!(lengths, [60, 599 - 61, 3_600, 3_600], "the first minute, the hour's rest, and whole hours");
    let hour = &records(&watch)[2].clone();
    assert_eq!((hour.observed, hour.gaps.len()), (HOUR, 0));
    assert_eq!((hour.sent, hour.tagged), (3_600, 7_200));
    assert_eq!(hour.from % HOUR, 0);
    let hours = watch.engine.published().unwrap().hours;
    let camera = hours.iter().find(|hours| hours.device.mac == Some(CAMERA)).expect("its hours");
    assert_eq!((camera.zone.as_str(), camera.periods.len()), ("cctv", 5));
    let totals = watch.engine.published().unwrap().totals;
    // The neighbour is a camera too; both were seen from the first second on.
    assert_eq!(totals.covered["cctv"] / SECOND, 2 * (3 * 3_600 - 1));
}

#[test]
fn silence_downtime_and_pauses_are_gaps_with_their_reasons() {
    let mut watch = Watch::default();
    watch.cameras_talk(100, SECOND);
    watch.restart(250 * SECOND, false);
    watch.tick(SECOND);
    watch.cameras_talk(100, SECOND);
    watch.tick(60 * SECOND);
    watch.cameras_talk(100, SECOND);
    // An hour is what silence may last.
    watch.others_talk(3_700, SECOND);
    watch.end();
    // After a restart a device has to be seen again.
    let expected = [(ReasonCode::Gap, 251), (ReasonCode::Gap, 60), (ReasonCode::Silent, 100)];
    let gaps = gaps(&watch);
    assert_eq!(gaps, expected, "{gaps:?}");
    let records = records(&watch);
    assert_eq!(records.iter().map(|record| record.to - record.from).sum::<i64>(), watch.real - (START + 2 * SECOND));
}

#[test]
fn a_clock_that_is_set_takes_and_adds_no_time() {
    for step in [-HOUR, 25 * HOUR, -START] {
        let mut watch = Watch::default();
        watch.cameras_talk(100, SECOND);
        watch.off += step;
        watch.cameras_talk(100, SECOND);
        watch.off -= step;
        watch.cameras_talk(100, SECOND);
        watch.end();
        assert_eq!(gaps(&watch), [], "{step}");
        let observed: i64 = records(&watch).iter().map(|record| record.observed).sum();
        assert_eq!(observed, watch.real - (START + 2 * SECOND), "{step}");
        assert_eq!(records(&watch).iter().filter(|record| record.began_by_step).count(), 2, "{step}");
        let findings = |event: &&Event| matches!(event, Event::FindingOpened { .. } | Event::FindingClosed { .. });
        assert_eq!(watch.events.iter().filter(findings).count(), 0);
    }
}

#[test]
fn a_long_absence_is_one_record() {
    let mut watch = Watch::default();
    watch.cameras_talk(100, SECOND);
    watch.restart(100 * 24 * HOUR, true);
    watch.tick(SECOND);
    watch.cameras_talk(100, SECOND);
    watch.end();
    assert_eq!(gaps(&watch), [(ReasonCode::Gap, 100 * 24 * 3_600 + 1)]);
    assert!(records(&watch).len() < 10, "{}", records(&watch).len());
}

#[derive(Clone, Debug)]
enum Act {
    Talk(i64),
    Quiet(i64),
    Dead(i64),
    Pause(i64),
    Step(i64),
    Restart(i64, bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1i64..900).prop_map(Act::Talk),
        2 => (1i64..900).prop_map(Act::Quiet),
        1 => (1i64..900).prop_map(Act::Dead),
        1 => (2i64..5_000).prop_map(Act::Pause),
        1 => (-100_000i64..100_000).prop_map(Act::Step),
        1 => (0i64..200_000, any::<bool>()).prop_map(|(away, graceful)| Act::Restart(away, graceful)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn observed_time_and_gaps_are_all_of_the_time(acts in prop::collection::vec(act(), 1..12)) {
        let mut watch = Watch::default();
        watch.cameras_talk(1, SECOND);
        let began = watch.real;
        for act in acts {
            match act {
                Act::Talk(seconds) => watch.cameras_talk(seconds, SECOND),
                Act::Quiet(seconds) => watch.others_talk(seconds, SECOND),
                Act::Dead(seconds) => (0..seconds).for_each(|_| watch.tick(SECOND)),
                Act::Pause(seconds) => watch.tick(seconds * SECOND),
                Act::Step(seconds) => {
                    watch.off += seconds * SECOND;
                    watch.tick(SECOND);
                }
                Act::Restart(away, graceful) => {
                    watch.restart(away * SECOND, graceful);
                    watch.tick(SECOND);
                }
            }
        }
        watch.end();
        let mut all = 0;
        let mut observed = 0;
        for record in &records(&watch) {
            let gaps: i64 = record.gaps.iter().map(Gap::length).sum();
            let length = record.to - record.from;
            prop_assert!((record.observed + gaps - length).abs() < 1_000, "{record:?}");
            prop_assert!(length <= HOUR || gaps == length, "{record:?}");
            all += length;
            observed += record.observed;
        }
        prop_assert_eq!(all, watch.real - began);
        prop_assert!(observed <= watch.real - began);
    }
}
