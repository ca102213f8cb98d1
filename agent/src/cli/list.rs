//! `segwatch devices`, `findings` and `zones`, of captures or of a running agent.

use super::args::{ListArgs, ListFormat, ListSource, usage_error};
use super::backend::{Access, Ask, Backend, Outcome, Request};
use super::exit::Exit;
use super::read::{complain_of_damage, outcome_or_complaints, replay};
use super::terminal::Terminal;
use crate::engine::Snapshot;
use crate::report::{self, Style};

/// How one of the lists is asked for, read and written.
pub(super) struct List {
    command: &'static str,
    text: fn(&Snapshot, &Style) -> String,
    json: fn(&Snapshot) -> serde_json::Result<String>,
    ask: Ask,
    read: fn(&str) -> Result<Snapshot, String>,
}

impl List {
    pub(super) const DEVICES: List = List {
        command: "devices",
        text: report::devices_text,
        json: report::devices_json,
        ask: Ask::Devices,
        read: report::devices_from_json,
    };
    pub(super) const FINDINGS: List = List {
        command: "findings",
        text: report::findings_text,
        json: report::findings_json,
        ask: Ask::Findings,
        read: report::findings_from_json,
    };
    pub(super) const ZONES: List = List {
        command: "zones",
        text: report::zones_text,
        json: report::zones_json,
        ask: Ask::Zones,
        read: report::zones_from_json,
    };
}

pub(super) fn list(
    list: &List,
    args: &ListArgs,
    style: &Style,
    backend: &dyn Backend,
    terminal: &mut Terminal<'_>,
) -> Exit {
    match args.source(backend.environment()) {
        Ok(ListSource::Captures(request)) => of_captures(list, &request, args.format, style, backend, terminal),
        Ok(ListSource::Agent(access)) => of_agent(list, &access, args.format, style, backend, terminal),
        Err(problem) => {
            terminal.say_clap(&usage_error(list.command, problem).render(), true);
            Exit::Trouble
        }
    }
}

fn of_captures(
    list: &List,
    request: &Request,
    format: ListFormat,
    style: &Style,
    backend: &dyn Backend,
    terminal: &mut Terminal<'_>,
) -> Exit {
    let Some(Outcome { snapshot, files }) = replay(request, backend, terminal) else { return Exit::Trouble };
    let printed = match format {
        ListFormat::Text => terminal.print(&(list.text)(&snapshot, style)),
        ListFormat::Json => terminal.print_json((list.json)(&snapshot)),
    };
    complain_of_damage(&files, terminal);
    Exit::of_listing(!printed || !files.damage.is_empty())
}

fn of_agent(
    list: &List,
    access: &Access,
    format: ListFormat,
    style: &Style,
    backend: &dyn Backend,
    terminal: &mut Terminal<'_>,
) -> Exit {
    let answer = backend.ask(access, &list.ask).and_then(|json| match (list.read)(&json) {
        Ok(snapshot) => Ok((json, snapshot)),
        Err(problem) => Err(vec![format!("{}: {problem}", access.url.as_deref().unwrap_or_default())]),
    });
    let Some((json, snapshot)) = outcome_or_complaints(answer, terminal) else { return Exit::Trouble };
    Exit::of_listing(!match format {
        ListFormat::Text => terminal.print(&(list.text)(&snapshot, style)),
        ListFormat::Json => terminal.print(&report::relayed_json(&json)),
    })
}
