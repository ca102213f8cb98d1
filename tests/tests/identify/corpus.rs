//! The real captures with every vendor watched: whom segwatch takes for a camera, held against `identified.csv`, which a
//! person made with tshark. Skipped with a message where the captures are not there.

use std::collections::BTreeSet;

use segwatch::capture::Files;
use segwatch::engine::Options;
use segwatch::hint::{Marks, VendorTable};
use segwatch::policy::Policy;
use segwatch::replay::replay;
use segwatch_tests::corpus;

const IDENTIFIED: &str = "identified.csv";
/// Vendors that only marks name.
const WITHOUT_PREFIX: [&str; 6] = ["d-link", "edimax", "yi", "xiaomi", "xiongmai", "hipcam"];

#[test]
fn real_cameras_are_known_and_nothing_else_is_taken_for_one() {
    let Some(folder) = corpus::folder() else { return };
    let vendors = VendorTable::builtin();
    let mut policy = Policy::builtin();
    policy.watch_vendors = vendors.words().iter().cloned().chain(WITHOUT_PREFIX.map(str::to_owned)).collect();
    let mut found = BTreeSet::new();
    for name in corpus::names(&folder) {
        let files = Files::open(&[folder.join(&name)]);
        let replayed = replay(policy.clone(), vendors.clone(), Options::default(), files, None, &mut |_| {});
        for device in replayed.snapshot.devices {
            let key = device.mac.map(|mac| mac.to_string()).or(device.ips.first().map(|ip| ip.to_string()));
            let word = |word: Option<String>| word.unwrap_or_default();
            found.insert([name.clone(), word(key), word(device.vendor), word(device.model)].join(","));
        }
    }
    let listed = std::fs::read_to_string(IDENTIFIED).expect(IDENTIFIED);
    let listed: BTreeSet<String> =
        listed.lines().skip(1).map(|line| line.rsplit_once(',').map_or("", |l| l.0).to_owned()).collect();
    assert_eq!(found, listed, "left: found, right: listed");
}

#[test]
fn every_vendor_of_a_mark_is_known_by_name() {
    let known: BTreeSet<String> =
        VendorTable::builtin().words().iter().cloned().chain(WITHOUT_PREFIX.map(str::to_owned)).collect();
    let named: BTreeSet<String> = Marks::builtin().vendors().map(str::to_owned).collect();
    let new: Vec<&String> = named.difference(&known).collect();
    assert!(new.is_empty(), "{new:?}");
}
