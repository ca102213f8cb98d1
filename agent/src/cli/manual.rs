//! Completion scripts and manual pages, made from the definition of the arguments.

use std::io;
use std::path::Path;

use clap::CommandFactory;

use super::args::Cli;
use super::exit::Exit;
use super::terminal::Terminal;

pub(super) fn completions(shell: clap_complete::Shell, terminal: &mut Terminal<'_>) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "segwatch", &mut script);
    Exit::of_listing(!terminal.print(&String::from_utf8_lossy(&script)))
}

pub(super) fn man(dir: Option<&Path>, terminal: &mut Terminal<'_>) -> Exit {
    let printed = match dir {
        Some(dir) => clap_mangen::generate_to(Cli::command(), dir).map(|()| true),
        None => page().map(|page| terminal.print(&page)),
    };
    if let Err(error) = &printed {
        terminal.complain(&format!("cannot write the manual: {error}"));
    }
    Exit::of_listing(!printed.unwrap_or(false))
}

fn page() -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
