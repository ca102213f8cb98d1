//! Runs the program inside the test's own process, as a shell would: arguments in, output and exit code out.

use std::ffi::OsString;

use segwatch::cli::{self, Local, Terminal};

/// How one run ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// The exit code.
    pub exit: u8,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs `segwatch` with these arguments; no stream is a terminal.
pub fn segwatch<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Run {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal {
        out: &mut out,
        err: &mut err,
        out_is_terminal: false,
        err_is_terminal: false,
        width: None,
        colorful: false,
    };
    let args = std::iter::once("segwatch".into()).chain(args.into_iter().map(Into::into));
    let exit = cli::run(args, &Local, &mut terminal).code();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
    Run { exit, out: text(out), err: text(err) }
}
