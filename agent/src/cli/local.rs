//! The backend of the program itself: configuration and captures from files.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::backend::{
    Backend, ConfigSummary, ExplainOutcome, ExplainRequest, ExplanationSink, FlowSink, Outcome, Progress, Request,
};
use crate::base::Timestamp;
use crate::capture::Files;
use crate::capture::live::{Surveyed, survey};
use crate::engine::{Explanation, Options, PolicyRef};
use crate::explain::{Question, Wanted, Who};
use crate::hint::{Knowledge, VendorTable};
use crate::policy::Policy;
use crate::replay::{self, Replayed, replay};
use crate::report::{CaptureFiles, Damage, Explained};

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
        let (policy, vendors) = policy_and_vendors(request)?;
        let knowledge = Arc::new(knowledge(request.data.as_deref())?);
        let options = Options { scope: request.judged.clone(), knowledge, ..Options::default() };
        let Replayed { snapshot, files, damage } =
            replay(policy, vendors, options, Files::open(&request.captures), flows, &mut |p| progress(p.read, p.total));
        Ok(Outcome { snapshot, files: capture_files(files, damage) })
    }

    fn explain(
        &self,
        request: &ExplainRequest,
        flows: &mut ExplanationSink<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<ExplainOutcome, Vec<String>> {
        let (policy, vendors) = policy_and_vendors(&request.reading)?;
        if request.reading.captures.is_empty() {
            return suppose(&policy, &vendors, request, flows);
        }
        let find = |word: &Option<String>| word.as_ref().map(|word| Who::find(&policy, word)).transpose();
        let (from, to) = match (find(&request.from), find(&request.to)) {
            (Ok(from), Ok(to)) => (from, to),
            (from, to) => return Err([from.err(), to.err()].into_iter().flatten().collect()),
        };
        let finding = request.finding.clone();
        let wanted = Wanted { from, to, service: request.service, vlan: request.vlan, finding };
        let source = Files::open(&request.reading.captures);
        let mut flows_total = 0;
        let mut counted = |flow: &Explanation| {
            flows_total += 1;
            flows(flow)
        };
        let options =
            Options { knowledge: Arc::new(knowledge(request.reading.data.as_deref())?), ..Options::default() };
        let explained = replay::explain(policy, vendors, options, source, &wanted, &mut counted, &mut |p| {
            progress(p.read, p.total)
        });
        let Replayed { snapshot, files, damage } = explained.replayed;
        let mut problems = Vec::new();
        if let (Some(id), None) = (&request.finding, &explained.finding) {
            problems.push(format!("no finding has the id `{id}`; `segwatch findings` lists them"));
        }
        if explained.lost > 0 {
            problems.push(format!("{} flows ended too early to tell whether they are of the finding", explained.lost));
        }
        Ok(ExplainOutcome {
            explained: Explained {
                policy: snapshot.policy,
                flows_total,
                assumptions: Vec::new(),
                finding: explained.finding,
                besides: Vec::new(),
            },
            problems,
            files: capture_files(files, damage),
        })
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
            series: loaded.series,
        })
    }

    fn config_show(&self, file: &Path) -> Result<String, Vec<String>> {
        crate::config::load(file).map(|loaded| crate::config::show(&loaded)).map_err(|problems| texts(&problems))
    }

    fn config_schema(&self) -> String {
        crate::config::schema()
    }
}

fn policy_and_vendors(request: &Request) -> Result<(Policy, VendorTable), Vec<String>> {
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
    Ok((policy, vendors))
}

/// Explains a flow that nobody sent.
fn suppose(
    policy: &Policy,
    vendors: &VendorTable,
    request: &ExplainRequest,
    flows: &mut ExplanationSink<'_>,
) -> Result<ExplainOutcome, Vec<String>> {
    let (Some(from), Some(to), Some(service)) = (&request.from, &request.to, request.service) else {
        return Err(vec!["without a capture, say --from, --to and --service".to_owned()]);
    };
    let at = request.at.unwrap_or_else(now);
    let question = Question { from: from.clone(), to: to.clone(), service, vlan: request.vlan, at };
    let answer = crate::explain::suppose(policy, vendors, &question)?;
    let _ = flows(&answer.explanation);
    Ok(ExplainOutcome {
        explained: Explained {
            policy: PolicyRef { file: policy.file.clone(), hash: policy.hash.clone() },
            flows_total: 1,
            assumptions: answer.assumptions,
            finding: None,
            besides: answer.besides,
        },
        problems: Vec::new(),
        files: CaptureFiles::default(),
    })
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}

fn capture_files(files: Vec<String>, damage: Vec<crate::capture::Damage>) -> CaptureFiles {
    let damage = damage
        .into_iter()
        .map(|found| Damage {
            file: files.get(usize::from(found.source)).cloned().unwrap_or_default(),
            offset: found.offset,
            packet: found.packet,
            what: found.what,
        })
        .collect();
    CaptureFiles { files, damage }
}

fn vendor_table(file: &Path) -> Result<VendorTable, Vec<String>> {
    let text = std::fs::read_to_string(file).map_err(|error| vec![format!("{}: {error}", file.display())])?;
    VendorTable::parse(&text).map_err(|error| vec![format!("{}: {error}", file.display())])
}

/// The data files of a folder; what is not there is built in.
fn knowledge(folder: Option<&Path>) -> Result<Knowledge, Vec<String>> {
    let Some(folder) = folder else { return Ok(Knowledge::builtin()) };
    let read = |name: &str| match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && folder.is_dir() => Ok(None),
        Err(error) => Err(format!("{}: {error}", folder.join(name).display())),
    };
    Knowledge::read(read).map_err(|problem| vec![problem])
}

fn texts<T: ToString>(problems: &[T]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}
