//! The real captures, with every host of a private network watched: what is told as an attack is one. Skipped with a message
//! where the captures are not there.

use std::collections::BTreeSet;

use segwatch::base::Timestamp;
use segwatch::capture::Files;
use segwatch::config;
use segwatch::engine::Options;
use segwatch::hint::VendorTable;
use segwatch::replay::replay;
use segwatch_tests::corpus;

use super::lab::START;

/// Capture, signature, and why it is an attack.
const ATTACKS: [(&str, &str, &str); 0] = [];

#[test]
fn what_is_told_as_an_attack_is_one() {
    let Some(folder) = corpus::folder() else { return };
    let yaml = "site: all\nsensor: s\ncapture: [{ interface: eth1 }]\nzones:\n  all: { cameras: true, prefixes: [10.0.0.0/8, \
        172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, \"fc00::/7\"] }\n";
    let loaded = config::load_str("all.yaml", yaml, Timestamp(START), &mut |_| Err(std::io::Error::other("none")));
    let policy = loaded.expect("a sound policy").config.policy;
    let vendors = VendorTable::builtin();
    let mut found = BTreeSet::new();
    for name in corpus::names(&folder) {
        let files = Files::open(&[folder.join(&name)]);
        let replayed = replay(policy.clone(), vendors.clone(), Options::default(), files, None, &mut |_| {});
        for attack in super::attacks(&replayed.snapshot) {
            found.insert((name.clone(), attack));
        }
    }
    let listed = ATTACKS.iter().map(|(capture, id, _)| ((*capture).to_owned(), (*id).to_owned())).collect();
    assert_eq!(found, listed, "left: found, right: listed");
}
