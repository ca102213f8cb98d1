//! What a device is used for, in the words of an inventory: free text, as people write it.

/// Clinical use, in English and Danish.
pub const CLINICAL: [&str; 2] = ["clinic*", "klini*"];

/// Words that say that nobody knows.
const PLACEHOLDERS: [&str; 14] = [
    "unknown",
    "unspecified",
    "undefined",
    "none",
    "null",
    "todo",
    "tbd",
    "tbc",
    "na",
    "n a",
    "ukendt",
    "uoplyst",
    "ingen",
    "mangler",
];
/// Words that turn the next one into its opposite.
const NEGATIONS: [&str; 5] = ["non", "not", "no", "ikke", "ej"];

/// Whether a use says anything: not empty, no placeholder, no question mark.
pub fn is_known_use(text: &str) -> bool {
    let words = words(text);
    !words.is_empty() && !text.contains('?') && !PLACEHOLDERS.contains(&words.join(" ").as_str())
}

/// Whether a use names one of these, in upper or lower case, as whole words; a pattern's word may end in `*`.
/// `clinic*` is in `Clinical ward 3`, and is not in `non-clinical`.
pub fn is_used_as(patterns: &[impl AsRef<str>], text: &str) -> bool {
    let said = words(text);
    patterns.iter().any(|pattern| {
        let wanted = words(pattern.as_ref());
        let is_here = |at: usize| {
            let is_negated = at.checked_sub(1).and_then(|before| said.get(before));
            let is_negated = is_negated.is_some_and(|word| NEGATIONS.contains(&word.as_str()));
            let window = said.get(at..at + wanted.len()).unwrap_or_default();
            !is_negated
                && window.len() == wanted.len()
                && wanted.iter().zip(window).all(|(wanted, word)| fits(wanted, word))
        };
        !wanted.is_empty() && (0..said.len()).any(is_here)
    })
}

/// Whether a pattern of a rule can be in any use.
pub fn is_use_pattern(pattern: &str) -> bool {
    words(pattern).iter().any(|word| word != "*")
}

fn fits(wanted: &str, word: &str) -> bool {
    wanted.strip_suffix('*').map_or(wanted == word, |start| word.starts_with(start))
}

/// Runs of letters and digits, in lower case; the stars of a pattern stay.
fn words(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '*';
    text.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_knows_what_a_placeholder_means() {
        for text in ["street", "Clinical", "non-clinical", "0", "sengestue 4", "gård"] {
            assert!(is_known_use(text), "{text}");
        }
        for text in ["", "  ", "-", "—", "?", "street?", "Unknown", "N/A", "n.a.", "TBD", "ukendt", "None", "null"] {
            assert!(!is_known_use(text), "{text}");
        }
    }

    #[test]
    fn a_use_is_searched_for_whole_words() {
        let patterns = ["clinic*", "klini*", "waiting room"];
        for text in [
            "clinical",
            " Clinical ",
            "CLINIC",
            "clinical ward 3",
            "street/clinical",
            "Klinisk brug",
            "the Waiting  Room",
        ] {
            assert!(is_used_as(&patterns, text), "{text}");
        }
        for text in [
            "",
            "street",
            "non-clinical",
            "Not clinical",
            "ikke-klinisk",
            "policlinic",
            "waiting",
            "room waiting",
            "waiting x room",
        ] {
            assert!(!is_used_as(&patterns, text), "{text}");
        }
        assert!(is_used_as(&patterns, "not only clinical"), "what is not surely the opposite counts");
        assert!(is_used_as(&patterns, "non-clinical, clinical on sundays"));
        assert!(!is_used_as(&CLINICAL, "street") && !is_used_as(&["-"], "street"));
    }
}
