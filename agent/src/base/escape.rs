//! Strings that strangers chose, made harmless once, at the door.

/// Longest string kept, in characters; the rest is cut with an ellipsis.
const MAX_CHARS: usize = 256;

/// The text with control characters, line and paragraph separators and bidirectional overrides as `\u{…}`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (count, c) in text.chars().enumerate() {
        if count == MAX_CHARS {
            out.push('…');
            break;
        }
        let hidden = c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if hidden { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_or_turns_text_passes() {
        assert_eq!(escape("Kamera Ø-1 \"a\""), "Kamera Ø-1 \"a\"");
        assert_eq!(escape("a\x1b[31m\n\u{202e}"), "a\\u{1b}[31m\\u{a}\\u{202e}");
        assert_eq!(escape(&"x".repeat(300)).chars().count(), 257);
    }
}
