//! `segwatch findings close`, `findings ack` and `drill`: what a running agent is told to do.

use super::agent_args::{AgentArgs, DrillArgs, FindingsCommand};
use super::backend::{Ask, Backend};
use super::exit::Exit;
use super::read::outcome_or_complaints;
use super::terminal::Terminal;
use crate::report::escape;

pub(super) fn remark(command: &FindingsCommand, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    match command {
        FindingsCommand::Close(args) => tell(&Ask::Close(args.remark()), &args.agent, backend, terminal),
        FindingsCommand::Ack(args) => tell(&Ask::Acknowledge(args.remark()), &args.agent, backend, terminal),
    }
}

pub(super) fn drill(args: &DrillArgs, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    tell(&Ask::Drill { by: args.by.clone() }, &args.agent, backend, terminal)
}

/// Prints what the agent says that it did.
fn tell(ask: &Ask, agent: &AgentArgs, backend: &dyn Backend, terminal: &mut Terminal<'_>) -> Exit {
    let access = agent.access(backend.environment());
    let Some(said) = outcome_or_complaints(backend.ask(&access, ask), terminal) else { return Exit::Trouble };
    Exit::of_listing(!terminal.print(&format!("{}\n", escape(&said))))
}
