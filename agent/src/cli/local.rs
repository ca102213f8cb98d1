//! The backend of the program itself: configuration and captures from files.

use std::path::Path;
use std::time::Duration;

use super::backend::{Backend, ConfigSummary, FlowSink, Outcome, Progress, Request};
use crate::capture::Files;
use crate::capture::live::{Surveyed, survey};
use crate::engine::Options;
use crate::hint::VendorTable;
use crate::policy::Policy;
use crate::replay::{Replayed, replay};
use crate::report::{CaptureFiles, Damage};

/// Reads from files and standard input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Backend for Local {
    fn replay(
        &self,
        request: &Request,
        flows: Option<&mut FlowSink<'_>>,
        progress: &mut Progress<'_>,
    ) -> Result<Outcome, Vec<String>> {
        let mut policy = match &request.config {
            Some(file) => crate::config::load(file).map_err(|problems| texts(&problems))?.config.policy,
            None => Policy::builtin(),
        };
        if let Some(untagged) = request.untagged {
            policy.untagged = untagged;
        }
        let vendors = match &request.vendors {
            Some(file) => vendor_table(file)?,
            None => VendorTable::builtin(),
        };
        let options = Options { scope: request.judged.clone(), ..Options::default() };
        let Replayed { snapshot, files, damage } =
            replay(policy, vendors, options, Files::open(&request.captures), flows, &mut |p| progress(p.read, p.total));
        let damage = damage
            .into_iter()
            .map(|found| Damage {
                file: files.get(usize::from(found.source)).cloned().unwrap_or_default(),
                offset: found.offset,
                packet: found.packet,
                what: found.what,
            })
            .collect();
        Ok(Outcome { snapshot, files: CaptureFiles { files, damage } })
    }

    fn interfaces(&self, sample: Option<Duration>) -> Result<Vec<Surveyed>, Vec<String>> {
        survey(sample).map_err(|error| vec![format!("cannot list the interfaces: {error}")])
    }

    fn config_check(&self, file: &Path) -> Result<ConfigSummary, Vec<String>> {
        let loaded = crate::config::load(file).map_err(|problems| texts(&problems))?;
        let policy = &loaded.config.policy;
        Ok(ConfigSummary {
            lints: texts(&loaded.lints),
            zones: policy.zones.len(),
            conduits: policy.conduits.len(),
            devices: policy.inventory.len(),
            series: crate::config::series_count(policy),
        })
    }

    fn config_show(&self, file: &Path) -> Result<String, Vec<String>> {
        crate::config::load(file).map(|loaded| crate::config::show(&loaded)).map_err(|problems| texts(&problems))
    }

    fn config_schema(&self) -> String {
        crate::config::schema()
    }
}

fn vendor_table(file: &Path) -> Result<VendorTable, Vec<String>> {
    let text = std::fs::read_to_string(file).map_err(|error| vec![format!("{}: {error}", file.display())])?;
    VendorTable::parse(&text).map_err(|error| vec![format!("{}: {error}", file.display())])
}

fn texts<T: ToString>(problems: &[T]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}
