//! The real captures that tests read and that are no part of this repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Their folder: what `SEGWATCH_CAPTURES` says, else `shared/captures` beside this repository or above it. `None`, with
/// a word on standard error, where there is none: a test that needs them is then skipped.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn folder() -> Option<PathBuf> {
    let told = std::env::var_os("SEGWATCH_CAPTURES").map(PathBuf::from);
    let above =
        || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1).map(|parent| parent.join("shared/captures"));
    let folder = told.or_else(|| above().find(|folder| folder.join("expected").is_dir()));
    if folder.is_none() {
        eprintln!("skipped: no folder shared/captures above this crate, and SEGWATCH_CAPTURES is not set");
    }
    folder
}

/// The captures of a folder that have an `expected/NAME.json`, by name.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("expected")).expect("the folder of what is expected");
    let files = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(".json").map(str::to_string)).collect();
    names.sort();
    assert!(!names.is_empty(), "{} holds no expected flows", folder.display());
    names
}
