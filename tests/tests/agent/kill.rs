//! `kill -9` at random moments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cameras::Cameras;
use crate::site::{check_episodes, finding_ids, shown, try_scrape};
use crate::{Random, lab, rounds};

/// Longest life of an agent, in milliseconds.
const LIFE: u64 = 2_500;
/// Cameras that break out in one life; with more of them than `finding_info` has room for, the API shows the rest.
const CAMERAS: u16 = 6;

/// What was ever shown.
#[derive(Default)]
struct Shown {
    ids: BTreeSet<String>,
    labels: BTreeMap<String, BTreeMap<String, String>>,
}

impl Shown {
    /// Looks at the agent until told to stop.
    fn look(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            if let Some(page) = try_scrape() {
                self.labels.extend(shown(&page));
            }
            self.ids.extend(finding_ids().unwrap_or_default());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn what_was_shown_outlives_kill_9() {
    lab("kill", |mut site| {
        let rounds = rounds(10, 200);
        let (mut cameras, mut random) = (Cameras::new(), Random(7));
        let mut ever = Shown::default();
        let (mut next, mut starts) = (0, Vec::new());
        for round in 0..=rounds {
            starts.push(site.start());
            // The first page after a restart tells it all.
            let ids = finding_ids().expect("findings");
            let lost: Vec<_> = ever.ids.difference(&ids).collect();
            assert!(lost.is_empty(), "round {round}: lost {lost:?}");
            let labels = shown(&site.scrape());
            for (id, before) in &ever.labels {
                assert_eq!(labels.get(id), Some(before), "round {round}");
            }
            if round == rounds {
                break;
            }
            let stop = AtomicBool::new(false);
            let kill_at = Instant::now() + Duration::from_millis(random.below(LIFE));
            thread::scope(|scope| {
                scope.spawn(|| ever.look(&stop));
                for _ in 0..CAMERAS {
                    cameras.misbehave(next);
                    next += 1;
                    let left = kill_at.saturating_duration_since(Instant::now());
                    thread::sleep(left / u32::from(CAMERAS));
                }
                thread::sleep(kill_at.saturating_duration_since(Instant::now()));
                site.kill();
                stop.store(true, Ordering::Release);
            });
        }
        let opened = check_episodes(&site.journal());
        assert!(ever.ids.is_subset(&opened), "shown, but not in the journal");
        starts.sort();
        println!(
            "{rounds} times kill -9: {} findings shown, {} in the journal; start-up: median {:?}, longest {:?}",
            ever.ids.len(),
            opened.len(),
            starts[starts.len() / 2],
            starts[starts.len() - 1],
        );
        assert!(ever.ids.len() >= rounds as usize, "too few findings to prove anything: {}", ever.ids.len());
    });
}
