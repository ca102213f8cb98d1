//! The one door through which words of devices, files and policies reach a terminal or a log.

use std::borrow::Cow;
use std::fmt::Write;

/// Makes hidden characters visible: controls (so no ANSI sequence survives), bidirectional marks (CVE-2021-42574),
/// zero-width and tag characters, line and paragraph separators. Everything else stays as it is.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        let code = u32::from(c);
        let _ = match (is_hidden(c), code) {
            (false, _) => shown.write_char(c),
            (true, ..0x100) => write!(shown, "\\x{code:02x}"),
            (true, _) => write!(shown, "\\u{{{code:x}}}"),
        };
    }
    Cow::Owned(shown)
}

/// Text inside an element or a quoted attribute of HTML, hidden characters made visible.
pub fn html(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            _ => shown.push(c),
        }
    }
    shown
}

/// Rewrites hidden characters in finished JSON as `\uXXXX`, which is the same JSON and safe to print.
/// Outside of strings JSON is ASCII without controls other than line feeds, so these stay.
pub fn escape_json(json: String) -> String {
    let hidden = |c: char| c != '\n' && is_hidden(c);
    if !json.chars().any(hidden) {
        return json;
    }
    let mut shown = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_visible() {
        for (raw, shown) in [
            ("entrance-1", "entrance-1"),
            ("Indgang Ø 摄像头", "Indgang Ø 摄像头"),
            ("\x1b[2Jgone", "\\x1b[2Jgone"),
            ("a\r\nb\tc\0", "a\\x0d\\x0ab\\x09c\\x00"),
            ("\u{9b}31m", "\\x9b31m"),
            ("cam\u{202e}gnp", "cam\\u{202e}gnp"),
            ("a\u{200b}b\u{2028}c\u{e0041}", "a\\u{200b}b\\u{2028}c\\u{e0041}"),
        ] {
            assert_eq!(escape(raw), shown);
        }
    }

    #[test]
    fn nothing_is_markup() {
        assert_eq!(
            html("<a href=\"x\" b='y'>&amp;\x1b</a>"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;\\x1b&lt;/a&gt;"
        );
    }

    #[test]
    fn json_stays_the_same_json() {
        let raw = vec!["\u{202e}\u{9b}\u{e0041}\\", "\x1b\n"];
        let json = escape_json(serde_json::to_string_pretty(&raw).unwrap());
        assert!(json.is_ascii(), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), raw);
    }
}
