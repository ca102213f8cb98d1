//! The backend of the program itself: configuration and captures from files, agents over HTTP.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::backend::{
    Access, Ask, Backend, ConfigSummary, DiffOutcome, DiffRequest, ExplainOutcome, ExplainRequest, ExplanationSink,
    FlowSink, LearnOutcome, LearnRequest, Outcome, Progress, ReportOutcome, ReportRequest, Request,
};
use super::client;
use crate::base::Timestamp;
use crate::capture::Files;
use crate::capture::live::{Surveyed, survey};
use crate::coverage::{Rule, default_rules};
use crate::engine::{Explanation, Options, PolicyRef};
use crate::explain::{Question, Wanted, Who};
use crate::hint::{Knowledge, VendorTable};
use crate::policy::Policy;
use crate::replay::{self, Replayed, replay};
use crate::report::{CaptureFiles, Compared, Damage, Explained, Subject};

/// Reads from files, standard input, the environment, and agents.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Backend for Local {
    fn replay(
        &self,
        request: &Request,
        flows: Option<&mut FlowSink<'_>>,
        progress: &mut Progress<'_>,
    ) -> Result<Outcome, Vec<String>> {
        let (policy, _) = policy_and_rules(request)?;
        judged(policy, request, flows, progress)
    }

    fn report(&self, request: &ReportRequest, progress: &mut Progress<'_>) -> Result<ReportOutcome, Vec<String>> {
        let (policy, rules) = policy_and_rules(&request.reading)?;
        let (site, sensor) = (policy.site.clone(), policy.sensor.clone());
        let subject = Subject { site, sensor, rules, silence: policy.coverage.silence };
        match &request.journal {
            Some(directory) => recorded(directory, request, &policy, subject),
            None => {
                let outcome = judged(policy, &request.reading, None, progress)?;
                Ok(ReportOutcome { outcome, subject, hours: Box::new(|_| None), remarks: Vec::new() })
            }
        }
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
        let options = Options { knowledge: knowledge(request.reading.data.as_deref())?, ..Options::default() };
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

    fn learn(&self, request: &LearnRequest, progress: &mut Progress<'_>) -> Result<LearnOutcome, Vec<String>> {
        let table = vendors_of(request.vendors.as_deref())?;
        let unknown = request.watched.iter().filter(|vendor| !table.words().contains(vendor));
        let problems: Vec<String> = unknown
            .map(|vendor| format!("--vendor {vendor}: the vendor table knows {}", table.words().join(", ")))
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let learned = replay::learn(&request.captures, &request.watched, &request.cameras, &table, &mut |p| {
            progress(p.read, p.total)
        });
        let learned =
            learned.map_err(|error| vec![format!("a pipe could not be set aside, to be read again: {error}")])?;
        Ok(LearnOutcome { proposal: learned.text, files: capture_files(learned.files, learned.damage) })
    }

    fn run(&self, options: &crate::daemon::Options) -> Result<(), Vec<String>> {
        crate::daemon::run(options)
    }

    fn diff(&self, request: &DiffRequest, progress: &mut Progress<'_>) -> Result<DiffOutcome, Vec<String>> {
        let load = |file: &Path| crate::config::load(file).map_err(|problems| texts(&problems));
        let vendors = vendors_of(request.vendors.as_deref());
        let (old, new, vendors) = match (load(&request.old), load(&request.new), vendors) {
            (Ok(old), Ok(new), Ok(vendors)) => (old.config, new.config, vendors),
            (old, new, vendors) => {
                let problems = [old.err(), new.err().filter(|_| request.old != request.new), vendors.err()];
                return Err(problems.into_iter().flatten().flatten().collect());
            }
        };
        let policy = replay::compare_configs(&old, &new);
        let [old_ref, new_ref] =
            [&old.policy, &new.policy].map(|policy| PolicyRef { file: policy.file.clone(), hash: policy.hash.clone() });
        let mut compared = Compared { old: old_ref, new: new_ref, policy, replays: None };
        if let Some(directory) = &request.journal {
            let policies = [old.policy, new.policy];
            let (replays, flows) = replay::diff_recorded(policies, &vendors, directory, request.span)
                .map_err(|error| vec![format!("{}: {error}", directory.display())])?;
            compared.replays = Some(replays);
            let files = vec![format!("{}, {flows} flows", directory.display())];
            return Ok(DiffOutcome { compared, files: CaptureFiles { files, damage: Vec::new() } });
        }
        if request.captures.is_empty() {
            return Ok(DiffOutcome { compared, files: CaptureFiles::default() });
        }
        let policies = [old.policy, new.policy].map(|mut policy| {
            policy.untagged = request.untagged.unwrap_or(policy.untagged);
            policy
        });
        let source = Files::open(&request.captures);
        let files = source.names().to_vec();
        let (replays, damage) = replay::diff(policies, &vendors, source, &mut |p| progress(p.read, p.total));
        compared.replays = Some(replays);
        Ok(DiffOutcome { compared, files: capture_files(files, damage) })
    }

    fn interfaces(&self, sample: Option<Duration>) -> Result<Vec<Surveyed>, Vec<String>> {
        survey(sample).map_err(|error| vec![format!("cannot list the interfaces: {error}")])
    }

    fn environment(&self) -> Access {
        let said = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name: &str| said(name).map(|value| value.to_string_lossy().into_owned());
        Access {
            url: text("SEGWATCH_URL"),
            user: text("SEGWATCH_USER"),
            password_file: said("SEGWATCH_PASSWORD_FILE").map(PathBuf::from),
            ca_file: said("SEGWATCH_CA_FILE").map(PathBuf::from),
        }
    }

    fn ask(&self, access: &Access, ask: &Ask) -> Result<String, Vec<String>> {
        client::ask(access, ask).map_err(|problem| vec![problem])
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

fn judged(
    policy: Policy,
    request: &Request,
    flows: Option<&mut FlowSink<'_>>,
    progress: &mut Progress<'_>,
) -> Result<Outcome, Vec<String>> {
    let vendors = vendors_of(request.vendors.as_deref())?;
    let knowledge = knowledge(request.data.as_deref())?;
    let options = Options { scope: request.judged.clone(), knowledge, ..Options::default() };
    let Replayed { snapshot, files, damage } =
        replay(policy, vendors, options, Files::open(&request.captures), flows, &mut |p| progress(p.read, p.total));
    Ok(Outcome { snapshot, files: capture_files(files, damage) })
}

fn policy_and_vendors(request: &Request) -> Result<(Policy, VendorTable), Vec<String>> {
    Ok((policy_and_rules(request)?.0, vendors_of(request.vendors.as_deref())?))
}

/// The policy, and which devices may remain.
/// What an agent recorded. Its own policy judged; the one that was named decides what may remain.
fn recorded(
    directory: &Path,
    request: &ReportRequest,
    policy: &Policy,
    mut subject: Subject,
) -> Result<ReportOutcome, Vec<String>> {
    let mut history =
        replay::history(directory, request.span).map_err(|error| vec![format!("{}: {error}", directory.display())])?;
    let mut remarks = Vec::new();
    let judged_by = history.snapshot.policy.hash.clone();
    match &request.reading.config {
        Some(file) if policy.hash == judged_by => {
            history.snapshot.policy.file = Some(file.display().to_string());
        }
        Some(file) => {
            history.snapshot.policy.file = Some(format!("not {}, which is another one", file.display()));
            remarks.push(format!("{}: the agent judged by another policy, {judged_by}", file.display()));
        }
        None => {
            history.snapshot.policy.file = Some("that of the agent; rules of disposition are the default".to_owned())
        }
    }
    (subject.site, subject.sensor) = (history.site.clone(), history.sensor.clone());
    let outcome = Outcome { snapshot: history.snapshot.clone(), files: history.files.clone() };
    Ok(ReportOutcome { outcome, subject, hours: Box::new(move |device| history.hours(device)), remarks })
}

fn policy_and_rules(request: &Request) -> Result<(Policy, Vec<Rule>), Vec<String>> {
    let (mut policy, rules) = match &request.config {
        Some(file) => {
            let config = crate::config::load(file).map_err(|problems| texts(&problems))?.config;
            (config.policy, config.dispositions)
        }
        None => (Policy::builtin(), default_rules()),
    };
    if let Some(untagged) = request.untagged {
        policy.untagged = untagged;
    }
    Ok((policy, rules))
}

fn vendors_of(file: Option<&Path>) -> Result<VendorTable, Vec<String>> {
    crate::config::load_vendors(file).map_err(|problem| vec![problem])
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

fn knowledge(folder: Option<&Path>) -> Result<Arc<Knowledge>, Vec<String>> {
    crate::config::load_knowledge(folder).map(Arc::new).map_err(|problem| vec![problem])
}

fn texts<T: ToString>(problems: &[T]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}
