//! Words and numbers of the configuration, each read from its text or refused with the likely fix.

mod address;
mod quantity;
mod service;

pub(super) use address::{host, host_or_prefix, mac, prefix};
pub(super) use quantity::{count, date, duration, share, size, vlan, vlans};
pub(super) use service::service;

use super::problem::{is_harmless, quoted};

/// Why a text is refused, and the likely fix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Wrong {
    fn new(message: impl Into<String>) -> Wrong {
        Wrong { message: message.into(), hint: None }
    }

    fn help(self, hint: impl Into<String>) -> Wrong {
        Wrong { hint: Some(hint.into()), ..self }
    }

    fn did_you_mean(self, text: impl std::fmt::Display) -> Wrong {
        self.help(format!("did you mean `{text}`?"))
    }
}

/// Characters of a name or a remark.
const MAX_TEXT: usize = 256;

/// Any text of one line.
pub(super) fn text(text: &str) -> Result<String, Wrong> {
    if !text.chars().all(is_harmless) {
        return Err(Wrong::new(format!("{} contains a control character", quoted(text))));
    }
    if text.chars().count() > MAX_TEXT {
        return Err(Wrong::new(format!("{} is longer than {MAX_TEXT} characters", quoted(text))));
    }
    Ok(text.to_owned())
}

/// A text that says something.
pub(super) fn word(word: &str) -> Result<String, Wrong> {
    if word.trim().is_empty() {
        return Err(Wrong::new("this text is empty"));
    }
    text(word)
}

/// The best of `known` for a misspelt word.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    if word.chars().count() > 40 {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= 1 + candidate.chars().count() / 4)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// "`a`, `b` or `c`".
pub(super) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
