//! Requests of HTTP and RTSP as a lenient server reads them: an attack may write them in any of these ways.

use super::decoding::{dechunked, unescaped, unquoted, unreferenced};

/// How often percent-encoding is undone: servers do it once, and proxies before them again.
const DECODINGS: usize = 2;
/// Letters of a method.
const MAX_METHOD: usize = 24;

/// One request, as far as it was seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// Its first line as written.
    pub line: &'a [u8],
    /// `METHOD /path?query`, decoded.
    pub head: Vec<u8>,
    /// Decoded as its kind asks.
    pub body: Vec<u8>,
    /// It is RTSP.
    pub is_rtsp: bool,
    /// Bytes up to its end, seen or not; `None` while that is not known.
    pub length: Option<usize>,
}

/// Whether a request may begin so: letters, a blank, and what a target begins with. Empty lines before it are passed over
/// (RFC 9112, section 2.2).
#[inline]
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    match bytes.first() {
        Some(b'A'..=b'Z' | b'a'..=b'z' | b'\r' | b'\n') => begins(bytes),
        _ => false,
    }
}

fn begins(bytes: &[u8]) -> bool {
    let bytes = without_lines(bytes);
    let is_method = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_');
    let method = bytes.iter().take_while(|byte| is_method(byte)).count();
    let mut rest = bytes.iter().skip(method).skip_while(|byte| matches!(byte, b' ' | b'\t'));
    match (bytes.get(method), rest.next()) {
        (None, _) => method <= MAX_METHOD,
        (Some(b' ' | b'\t'), None) => method <= MAX_METHOD,
        (Some(b' ' | b'\t'), Some(first)) => {
            (1..=MAX_METHOD).contains(&method) && (first.is_ascii_alphabetic() || matches!(first, b'/' | b'*' | b'%'))
        }
        _ => false,
    }
}

fn without_lines(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    bytes.get(start..).unwrap_or_default()
}

/// Reads the request that begins here. `None` if there is none, or its first line is not whole and more may come.
pub(super) fn read(bytes: &[u8], is_all: bool) -> Option<Request<'_>> {
    if !begins(bytes) {
        return None;
    }
    let rest = without_lines(bytes);
    let end = match rest.iter().position(|&byte| byte == b'\n') {
        Some(end) => end,
        None if is_all => rest.len(),
        None => return None,
    };
    let line = rest.get(..end)?.trim_ascii_end();
    let method_end = line.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
    let (method, target) = line.split_at_checked(method_end)?;
    let target = target.trim_ascii_start();
    let version = [&b" http/"[..], b" rtsp/"].map(|word| last(target, word));
    let (target, is_rtsp) = match version {
        [_, Some(at)] => (target.get(..at)?, true),
        [Some(at), _] => (target.get(..at)?, false),
        [None, None] => (target, target.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"rtsp://"))),
    };
    let before = bytes.len() - rest.len();
    let fields = rest.get(end..).unwrap_or_default();
    let (body, length) = match end_of_fields(fields) {
        Some(length) => {
            let (fields, body) = fields.split_at_checked(length)?;
            let (body, body_length) = body_of(method, fields, body);
            (body, body_length.map(|more| before + end + length + more))
        }
        None => (Vec::new(), None),
    };
    Some(Request { line, head: [method, b" ", &path(target.trim_ascii())].concat(), body, is_rtsp, length })
}

/// Bytes up to the first empty line and with it.
fn end_of_fields(bytes: &[u8]) -> Option<usize> {
    let crlf = bytes.windows(3).position(|window| window == b"\n\r\n").map(|at| at + 3);
    let lf = bytes.windows(2).position(|window| window == b"\n\n").map(|at| at + 2);
    match (crlf, lf) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The decoded body and its length as sent.
fn body_of(method: &[u8], fields: &[u8], rest: &[u8]) -> (Vec<u8>, Option<usize>) {
    let has = |name: &str, word: &[u8]| field(fields, name).is_some_and(|value| last(value, word).is_some());
    let (body, length) = if has("transfer-encoding", b"chunked") {
        dechunked(rest)
    } else {
        let stated = field(fields, "content-length").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let takes_body = method.eq_ignore_ascii_case(b"POST") || method.eq_ignore_ascii_case(b"PUT");
        // Without a length the rest may be the body, or another request.
        let length: Option<usize> = stated.or(if takes_body && !rest.is_empty() { None } else { Some(0) });
        (rest.get(..length.unwrap_or(rest.len())).unwrap_or(rest).to_vec(), length)
    };
    let decoded = match body.trim_ascii_start().first() {
        Some(b'<') => unreferenced(&body),
        Some(b'{' | b'[') => unquoted(&body),
        _ if has("content-type", b"json") => unquoted(&body),
        _ => unescaped(&body, true),
    };
    (decoded, length)
}

/// The value of the first field of this name.
fn field<'a>(fields: &'a [u8], name: &str) -> Option<&'a [u8]> {
    fields.split(|&byte| byte == b'\n').find_map(|line| {
        let (own, value) = line.split_at_checked(line.iter().position(|&byte| byte == b':')?)?;
        own.trim_ascii().eq_ignore_ascii_case(name.as_bytes()).then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

/// Where a word stands last, upper or lower case.
fn last(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|window| window.eq_ignore_ascii_case(word))
}

/// Path and query as a server reads them.
fn path(target: &[u8]) -> Vec<u8> {
    let target = match target.windows(3).position(|window| window == b"://") {
        Some(at) if target.iter().take(at).all(u8::is_ascii_alphabetic) => {
            let host = target.get(at + 3..).unwrap_or_default();
            host.iter().position(|&byte| byte == b'/').and_then(|at| host.get(at..)).unwrap_or(b"/")
        }
        _ => target,
    };
    let bytes = (0..DECODINGS).fold(target.to_vec(), |bytes, _| unescaped(&bytes, false));
    let end = bytes.iter().position(|&byte| byte == b'?').unwrap_or(bytes.len());
    let (path, query) = bytes.split_at_checked(end).unwrap_or((&bytes, &[]));
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&byte| byte == b'/' || byte == b'\\') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            // A parameter of a segment is none of its name.
            part => parts.push(part.split(|&byte| byte == b';').next().unwrap_or_default()),
        }
    }
    let mut clean = Vec::with_capacity(bytes.len() + 1);
    clean.push(b'/');
    clean.extend(parts.join(&b'/'));
    clean.extend_from_slice(query);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(request: &str) -> String {
        let request = read(request.as_bytes(), false).expect("a request");
        String::from_utf8_lossy(&request.head).into_owned()
    }

    #[test]
    fn a_target_is_read_as_a_server_reads_it() {
        for (target, expected) in [
            ("/Security/users?a=1", "/Security/users?a=1"),
            ("//Security/./users?x=1", "/Security/users?x=1"),
            ("/doc/..%2fSecurity/%75sers?%61=%2541", "/Security/users?a=A"),
            ("http://10.110.0.11:80/Security/users?a=http://x", "/Security/users?a=http://x"),
            ("/a;v=1/b\\c", "/a/b/c"),
            ("/shell?cd /tmp", "/shell?cd /tmp"),
            ("/../..", "/"),
            ("*", "/*"),
        ] {
            assert_eq!(head(&format!("GET {target} HTTP/1.1\r\n\r\n")), format!("GET {expected}"));
            assert_eq!(head(&format!("\r\nGET\t{target}\n")), format!("GET {expected}"), "HTTP/0.9");
        }
    }

    #[test]
    fn the_end_of_a_request_is_where_its_fields_say() {
        let length = |text: &str| read(text.as_bytes(), false).and_then(|request| request.length);
        assert_eq!(length("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET"), Some(27));
        assert_eq!(length("PUT / HTTP/1.1\r\ncontent-length : 5\r\n\r\nab"), Some(43));
        assert_eq!(length("GET / HTTP/1.1\r\nHost: x\r\n"), None);
        assert_eq!(length("POST / HTTP/1.1\r\n\r\nabc"), None, "no length was told");
        let chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nGET";
        let request = read(chunked.as_bytes(), false).expect("a request");
        assert_eq!((request.body.as_slice(), request.length), (&b"abcde"[..], Some(chunked.len() - 3)));
    }

    #[test]
    fn what_begins_no_request_is_told_at_once() {
        for begins in ["G", "GET", "GET ", "get /", "\r\n", "\r\nPOST /x", "OPTIONS *", "PLAY rtsp://", "M-SEARCH *"] {
            assert!(may_begin(begins.as_bytes()), "{begins}");
        }
        for other in ["", "\x16\x03\x01", "$\x01", "SSH-2.0-x", "GET1 /", " GET /", "A\x00", "HTTP/1.1 200", "EHLO 1"] {
            assert!(!may_begin(other.as_bytes()), "{other}");
        }
        assert!(!may_begin(&[b'A'; 30]));
    }
}
