//! Damaged copies of the example: each loads or is refused with its reasons, and none makes the program fail.

use proptest::collection::vec;
use proptest::prelude::*;
use segwatch::base::Timestamp;
use segwatch::config::{self, Loaded, Problem};

const EXAMPLE: &str = include_str!("../../config/segwatch.yaml");
/// 2026-11-24.
const TODAY: Timestamp = Timestamp(1_795_478_400_000_000_000);
const DEVICES: &str = "name,mac,ip,zone\nentrance-1,44:19:b6:01:02:03,10.110.0.11,cctv\n\"a, b\",4419b6010204,,\n";
/// Pieces that a policy is made of, and pieces that YAML trips over.
const PIECES: [&str; 34] = [
    "\n",
    " ",
    "\t",
    ":",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "!!x ",
    "|",
    ">",
    "%",
    "---\n",
    "? ",
    "<<: ",
    "~",
    "0",
    "999999999999999999999",
    "-1",
    "0.0.0.0/0",
    "::/0",
    "any",
    "cctv",
    "\u{feff}",
    "\r",
    "é",
];

#[derive(Clone, Debug)]
enum Damage {
    Remove(usize, usize),
    Insert(usize, usize),
    Replace(usize, char),
    Copy(usize, usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), 1..40usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        (any::<usize>(), 0..PIECES.len()).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        (any::<usize>(), any::<char>()).prop_map(|(at, c)| Damage::Replace(at, c)),
        (any::<usize>(), any::<usize>(), 1..200usize).prop_map(|(from, to, count)| Damage::Copy(from, to, count)),
    ]
}

fn damaged(text: &str, damages: &[Damage]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for damage in damages {
        let length = text.len().max(1);
        let place = |at: usize| (at % length).min(text.len());
        match *damage {
            Damage::Remove(at, count) => drop(text.drain(place(at)..(place(at) + count).min(text.len()))),
            Damage::Insert(at, piece) => {
                let at = place(at);
                text.splice(at..at, PIECES[piece].chars());
            }
            Damage::Replace(at, c) => {
                let at = place(at);
                text.splice(at..(at + 1).min(text.len()), [c]);
            }
            Damage::Copy(from, to, count) => {
                let from = place(from);
                let piece = text[from..(from + count).min(text.len())].to_vec();
                let to = place(to);
                text.splice(to..to, piece);
            }
        }
    }
    text.into_iter().collect()
}

fn load(text: &str, devices: &str) -> Result<Loaded, Vec<Problem>> {
    config::load_str("segwatch.yaml", text, TODAY, &mut |_| Ok(devices.as_bytes().to_vec()))
}

/// What holds of every answer.
fn check(answer: Result<Loaded, Vec<Problem>>) -> Result<(), TestCaseError> {
    let problems = match answer {
        Ok(loaded) => {
            let policy = &loaded.config.policy;
            prop_assert!(policy.zones.iter().any(|zone| zone.cameras), "no camera zone");
            for conduit in &policy.conduits {
                prop_assert!(!conduit.services.is_empty(), "a conduit without services");
                for side in [&conduit.from, &conduit.to] {
                    prop_assert!(!side.zones.is_empty() || !side.hosts.is_empty(), "a side for everyone");
                }
            }
            let shown = config::show(&loaded);
            let again = load(&shown, "");
            prop_assert!(again.is_ok(), "{:#?} in\n{}", again.map(|_| ()), shown);
            loaded.lints
        }
        Err(problems) => {
            prop_assert!(!problems.is_empty(), "refused without a reason");
            problems
        }
    };
    for problem in problems {
        let text = problem.to_string();
        prop_assert!(text.lines().count() <= 4 && text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_policy_loads_or_is_refused(damages in vec(damage(), 1..6)) {
        check(load(&damaged(EXAMPLE, &damages), ""))?;
    }

    #[test]
    fn a_damaged_inventory_loads_or_is_refused(damages in vec(damage(), 1..4)) {
        let policy = "zones: { cctv: { cameras: true, vlans: [110] } }\ndevices_file: devices.csv\n";
        check(load(policy, &damaged(DEVICES, &damages)))?;
    }
}
