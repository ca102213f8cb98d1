//! Patterns of the data files: `*` anything, `?` one letter or digit, `#` one digit, `@` one letter, and every other
//! character itself in upper or lower case.

/// Whether the whole text is as the pattern says.
pub fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last star: it takes one more byte each time.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(&wanted) if fits(wanted, byte) => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|&rest| rest == b'*')
}

fn fits(wanted: u8, byte: u8) -> bool {
    match wanted {
        b'?' => byte.is_ascii_alphanumeric(),
        b'#' => byte.is_ascii_digit(),
        b'@' => byte.is_ascii_alphabetic(),
        _ => wanted.eq_ignore_ascii_case(&byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, is) in [
            ("App-webs/*", "app-webs/", true),
            ("IP Camera(@####)", "IP Camera(C2183)", true),
            ("IP Camera(@####)", "IP Camera(C218)", false),
            ("DS-2CD2??2F-I*", "DS-2CD2142F-IS", true),
            ("DS-2CD2??2F-I*", "DS-2CD2142FWD-I", false),
            ("*ab*ab", "xxabyyabab", true),
            ("*", "", true),
            ("", "a", false),
            ("a#", "aø", false),
        ] {
            assert_eq!(is_like(pattern, text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_end() {
        assert!(!is_like(&"*a".repeat(60), &"a".repeat(59)));
    }
}
