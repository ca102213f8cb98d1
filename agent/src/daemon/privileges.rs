//! Once interface, listener and journal are open, what the agent does not need any more is given up for good, before
//! there is a second thread. CAP_NET_RAW stays: an interface that comes back has to be opened again.

use std::path::PathBuf;

use caps::{CapSet, Capability, CapsHashSet};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus,
};

/// Reads below `readable` and writes below `writable` from now on, and nothing else. What the system refuses or does not
/// know is logged: under systemd the unit has done it already.
pub(super) fn give_up(readable: &[PathBuf], writable: &[PathBuf]) {
    if let Err(error) = drop_capabilities() {
        tracing::info!(%error, "capabilities stay as they are");
    }
    match restrict_files(readable, writable) {
        Ok(RulesetStatus::NotEnforced) => tracing::warn!("this kernel has no Landlock: files are not fenced off"),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "files are not fenced off"),
    }
}

fn drop_capabilities() -> Result<(), caps::errors::CapsError> {
    let keep = CapsHashSet::from([Capability::CAP_NET_RAW]);
    let has: CapsHashSet = caps::read(None, CapSet::Permitted)?.intersection(&keep).copied().collect();
    // Needs CAP_SETPCAP, which a service does not have; its unit bounds the set.
    for capability in caps::all().difference(&keep) {
        let _ = caps::drop(None, CapSet::Bounding, *capability);
    }
    let _ = caps::clear(None, CapSet::Ambient);
    caps::set(None, CapSet::Effective, &has)?;
    caps::set(None, CapSet::Permitted, &has)?;
    caps::clear(None, CapSet::Inheritable)
}

fn restrict_files(readable: &[PathBuf], writable: &[PathBuf]) -> Result<RulesetStatus, RulesetError> {
    let abi = ABI::V5;
    let (read, all) = (AccessFs::ReadFile | AccessFs::ReadDir, AccessFs::from_all(abi));
    let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?.create()?;
    for (path, access) in readable.iter().map(|path| (path, read)).chain(writable.iter().map(|path| (path, all))) {
        // What is not there needs no rule.
        if let Ok(file) = PathFd::new(path) {
            rules = rules.add_rule(PathBeneath::new(file, access))?;
        }
    }
    Ok(rules.restrict_self()?.ruleset)
}
