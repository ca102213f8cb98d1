//! Encodings of text undone, each as leniently as servers do it.

/// Percent-encoding undone (RFC 3986, section 2.1); in a form `+` is a blank.
pub(super) fn unescaped(bytes: &[u8], form: bool) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match hex(after, 2).filter(|_| byte == b'%') {
            Some(decoded) => {
                clean.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None if byte == b'+' && form => clean.push(b' '),
            None => clean.push(byte),
        }
    }
    clean
}

/// References of XML undone, those to ASCII characters (XML 1.0, section 4.1).
pub(super) fn unreferenced(bytes: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let reference = after.get(..10).unwrap_or(after).split(|&b| b == b';').next().filter(|_| byte == b'&');
        let name = reference.and_then(|name| std::str::from_utf8(name).ok());
        let decoded = name.and_then(|name| match name {
            "lt" => Some(b'<'),
            "gt" => Some(b'>'),
            "amp" => Some(b'&'),
            "quot" => Some(b'"'),
            "apos" => Some(b'\''),
            _ => match name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")) {
                Some(hex) => u8::from_str_radix(hex, 16).ok(),
                None => name.strip_prefix('#')?.parse().ok(),
            },
        });
        match (decoded, name) {
            (Some(decoded), Some(name)) if after.get(name.len()) == Some(&b';') => {
                clean.push(decoded);
                rest = after.get(name.len() + 1..).unwrap_or_default();
            }
            _ => clean.push(byte),
        }
    }
    clean
}

/// Escapes of JSON undone that hide a word: `\uXXXX` of ASCII characters, and `\/` (RFC 8259, section 7).
pub(super) fn unquoted(bytes: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match after {
            [b'u', b'0', b'0', digits @ ..] if byte == b'\\' && hex(digits, 2).is_some() => {
                clean.extend(hex(digits, 2));
                rest = digits.get(2..).unwrap_or_default();
            }
            [b'/', more @ ..] if byte == b'\\' => {
                clean.push(b'/');
                rest = more;
            }
            _ => clean.push(byte),
        }
    }
    clean
}

/// A chunked body put together, and its length as sent if it is whole (RFC 9112, section 7.1).
pub(super) fn dechunked(bytes: &[u8]) -> (Vec<u8>, Option<usize>) {
    let mut clean = Vec::new();
    let mut rest = bytes;
    // Each round takes at least the line.
    while let Some(end) = rest.iter().position(|&b| b == b'\n') {
        let (line, after) = rest.split_at_checked(end + 1).unwrap_or((rest, &[]));
        let digits = line.split(|&b| b == b';').next().unwrap_or_default().trim_ascii();
        let size = std::str::from_utf8(digits).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
        match size {
            None => return (clean, None),
            Some(0) => {
                // Trailer fields are followed by an empty line.
                let trailer = if after.starts_with(b"\r\n") { Some(2) } else { after.starts_with(b"\n").then_some(1) };
                return (clean, trailer.map(|trailer| bytes.len() - after.len() + trailer));
            }
            Some(size) => {
                let Some(chunk) = after.get(..size) else {
                    clean.extend_from_slice(after);
                    return (clean, None);
                };
                clean.extend_from_slice(chunk);
                rest = after.get(size..).unwrap_or_default();
                rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
            }
        }
    }
    (clean, None)
}

/// What the user of a Telnet client typed: negotiation taken out (RFC 854, page 14).
pub(super) fn typed(bytes: &[u8]) -> Vec<u8> {
    const IAC: u8 = 0xff;
    const SUBNEGOTIATION: u8 = 0xfa;
    const END: u8 = 0xf0;
    let mut clean = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        rest = match rest {
            [IAC, SUBNEGOTIATION, more @ ..] => {
                let end = more.windows(2).position(|window| window == [IAC, END]);
                end.and_then(|end| more.get(end + 2..)).unwrap_or_default()
            }
            [IAC, 0xfb..=0xfe, _, more @ ..] | [IAC, _, more @ ..] => more,
            [byte, more @ ..] => {
                clean.push(*byte);
                more
            }
            [] => return clean,
        };
    }
}

fn hex(bytes: &[u8], digits: usize) -> Option<u8> {
    let text = std::str::from_utf8(bytes.get(..digits)?).ok()?;
    text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_encoding_is_itself() {
        assert_eq!(unescaped(b"%4", false), b"%4");
        assert_eq!(unescaped(b"%zz%+1+%41", true), b"%zz% 1 A");
        assert_eq!(unreferenced(b"&#36&lt;&#x24;&#x00000024;&bogus;&"), b"&#36<$$&bogus;&");
        assert_eq!(
            unquoted(br"\u0040type\u12 \/\\ \u00e6\"),
            "@type\\u12 /\\\\ \u{e6}\\".chars().map(|c| c as u8).collect::<Vec<u8>>()
        );
        assert_eq!(dechunked(b"5\r\nab"), (b"ab".to_vec(), None));
        assert_eq!(dechunked(b"zz\r\nab"), (Vec::new(), None));
        assert_eq!(dechunked(b"ffffffffffffffff\r\nab"), (b"ab".to_vec(), None));
    }

    #[test]
    fn negotiation_is_not_typed() {
        assert_eq!(typed(b"\xff\xfd\x03ro\xff\xfa\x18\0xterm\xff\xf0ot\r\0\xff\xf1x\xff"), b"root\r\0x\xff");
    }
}
