//! The command line: what was asked, from where it is read, how it is printed, and the exit code.

mod agent_args;
mod args;
mod ask;
mod backend;
mod base_url;
mod check;
mod client;
mod config;
mod diff;
mod exit;
mod explain;
mod flows;
mod interfaces;
mod learn;
mod list;
mod local;
mod manual;
mod progress;
mod read;
mod report;
mod run;
mod terminal;

#[cfg(test)]
mod tests;

pub use args::Cli;
pub use backend::{
    Access, Ask, Backend, ConfigSummary, DiffOutcome, DiffRequest, ExplainOutcome, ExplainRequest, ExplanationSink,
    FlowSink, LearnOutcome, LearnRequest, Outcome, Progress, Remark, ReportOutcome, Request,
};
pub use exit::Exit;
pub use local::Local;
pub use terminal::Terminal;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Command, FindingsArgs};
use self::list::List;

/// The program: its own arguments, files and terminal.
pub fn main() -> ExitCode {
    // Standard error stays open to the threads of the agent, which log to it.
    let (mut out, mut err) = (io::stdout().lock(), io::stderr());
    let mut terminal = Terminal::new(&mut out, &mut err);
    ExitCode::from(run(std::env::args_os(), &Local, &mut terminal).code())
}

/// Parses the arguments (the first is the program's name), does what they say, and says how it ended.
pub fn run(args: impl IntoIterator<Item = OsString>, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    match Cli::try_parse_from(args) {
        Ok(cli) => dispatch(cli, backend, terminal),
        Err(error) => {
            terminal.say_clap(&error.render(), error.use_stderr());
            Exit::of_listing(error.use_stderr())
        }
    }
}

fn dispatch(cli: Cli, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let style = terminal.style(cli.color);
    match cli.command {
        Command::Run(args) => run::run(&args, backend, terminal),
        Command::Check(args) => check::check(&args, &style, backend, terminal),
        Command::Report(args) => report::report(&args, backend, terminal),
        Command::Flows(args) => flows::flows(&args, style, backend, terminal),
        Command::Devices(args) => list::list(&List::DEVICES, &args, &style, backend, terminal),
        Command::Findings(FindingsArgs { command: Some(command), .. }) => ask::remark(&command, backend, terminal),
        Command::Findings(args) => list::list(&List::FINDINGS, &args.list, &style, backend, terminal),
        Command::Zones(args) => list::list(&List::ZONES, &args, &style, backend, terminal),
        Command::Explain(args) => explain::explain(&args, &style, backend, terminal),
        Command::Diff(args) => diff::diff(&args, &style, backend, terminal),
        Command::Learn(args) => learn::learn(&args, backend, terminal),
        Command::Drill(args) => ask::drill(&args, backend, terminal),
        Command::Interfaces(args) => interfaces::interfaces(&args, backend, terminal),
        Command::Config(command) => config::config(&command, backend, terminal),
        Command::Completions { shell } => manual::completions(shell, terminal),
        Command::Man { dir } => manual::man(dir.as_deref(), terminal),
    }
}
