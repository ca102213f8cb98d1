//! Newer copies of the data files that segwatch was built with.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::hint::{Knowledge, VendorTable};

/// The makers by MAC prefix of a file; without one those that segwatch was built with.
///
/// # Errors
/// A file that cannot be read: one line that says which and why.
pub fn load_vendors(file: Option<&Path>) -> Result<VendorTable, String> {
    let Some(file) = file else { return Ok(VendorTable::builtin()) };
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    VendorTable::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// The data files of a folder (`marks.csv`, `cloud-names.csv`, `advisories.csv`, `signatures.csv`); what is not there is built in.
///
/// # Errors
/// A folder that is none, or a file that cannot be read: one line that says which and why.
pub fn load_knowledge(folder: Option<&Path>) -> Result<Knowledge, String> {
    let Some(folder) = folder else { return Ok(Knowledge::builtin()) };
    Knowledge::read(|name| match fs::read_to_string(folder.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound && folder.is_dir() => Ok(None),
        Err(error) => Err(format!("{}: {error}", folder.join(name).display())),
    })
    .map_err(|problem| match problem.starts_with(&*folder.to_string_lossy()) {
        true => problem,
        false => format!("{}: {problem}", folder.display()),
    })
}
