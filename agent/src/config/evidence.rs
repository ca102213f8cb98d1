//! What is kept of the packets that prove a finding.

use super::fields::Field;
use super::source::Source;
use super::value::{self, Wrong};
use super::words::EVIDENCE;

/// Evidence files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EvidenceConfig {
    /// The payload of packets too, not their headers alone.
    pub payload: bool,
    /// Bytes of all files; beyond it the oldest are deleted.
    pub size: u64,
    /// Line of the file, from 1; `None` where nothing is said.
    pub line: Option<u32>,
}

const MIN_SIZE: u64 = 1 << 20;
const DEFAULT_SIZE: u64 = 1 << 30;

impl Default for EvidenceConfig {
    fn default() -> Self {
        EvidenceConfig { payload: false, size: DEFAULT_SIZE, line: None }
    }
}

/// Reads `evidence`.
pub(super) fn read(source: &mut Source, field: Field<'_>) -> Option<EvidenceConfig> {
    let fields = source.fields(field, &EVIDENCE)?;
    let payload = fields.get("payload").and_then(|field| Some((field.at, source.flag(field)?)));
    if let Some((at, true)) = payload {
        source.lint(at, "payload is kept: video and passwords are in it").help("headers prove a finding");
    }
    let size = fields.get("size").and_then(|field| source.value(field, size));
    Some(EvidenceConfig {
        payload: payload.is_some_and(|(_, on)| on),
        size: size.map_or(DEFAULT_SIZE, |size| size.value),
        line: Some(field.at.line),
    })
}

fn size(text: &str) -> Result<u64, Wrong> {
    let size = value::size(text)?;
    if size < MIN_SIZE {
        return Err(Wrong {
            message: format!("{size} bytes are too few"),
            hint: Some("at least 1MiB is kept".to_owned()),
        });
    }
    Ok(size)
}
