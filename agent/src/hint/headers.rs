//! Header lines that HTTP, RTSP and SSDP share.

/// Header lines of one message; a message with more is not read.
const MAX_HEADERS: usize = 48;

/// The first line of a message, its header lines, and what follows.
#[derive(Debug)]
pub struct Message<'a> {
    /// Without the end of the line.
    pub first: &'a str,
    headers: Vec<(&'a str, &'a [u8])>,
    /// What was captured of the body.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message; `None` if its headers are not all there, or are none.
    pub fn read(bytes: &'a [u8]) -> Option<Message<'a>> {
        let end = bytes.iter().position(|&b| b == b'\n')?;
        let first = std::str::from_utf8(bytes.get(..end)?).ok()?.trim_end_matches('\r');
        let rest = bytes.get(end + 1..)?;
        let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let (length, headers) = match httparse::parse_headers(rest, &mut lines) {
            Ok(httparse::Status::Complete(read)) => read,
            _ => return None,
        };
        let headers = headers.iter().map(|header| (header.name, header.value)).collect();
        Some(Message { first, headers, body: rest.get(length..).unwrap_or_default() })
    }

    /// All values of a header.
    pub fn all(&self, name: &str) -> impl Iterator<Item = String> {
        self.headers
            .iter()
            .filter(move |header| header.0.eq_ignore_ascii_case(name))
            .map(|header| String::from_utf8_lossy(header.1).trim().to_owned())
    }

    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<String> {
        self.all(name).next()
    }

    /// Bytes of the body that have not come yet, as its length says.
    pub fn missing(&self) -> usize {
        let length = self.get("Content-Length").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
        length.saturating_sub(self.body.len())
    }

    /// The realms of its challenges (RFC 9110, section 11.5).
    pub fn realms(&self) -> impl Iterator<Item = String> {
        self.all("WWW-Authenticate").filter_map(|challenge| {
            let start = challenge.to_ascii_lowercase().find("realm=")? + 6;
            let rest = challenge.get(start..)?;
            Some(match rest.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next()?.to_owned(),
                None => rest.split([',', ' ']).next()?.to_owned(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_headers_of_each_protocol() {
        let bytes = b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm=\"IP Camera(C2183)\", \
            nonce=\"x\"\r\nwww-authenticate: Basic realm=DVR\r\nContent-length: 5\r\n\r\nabc";
        let message = Message::read(bytes).expect("a message");
        assert_eq!(message.first, "RTSP/1.0 401 Unauthorized");
        assert_eq!(message.realms().collect::<Vec<_>>(), ["IP Camera(C2183)", "DVR"]);
        assert_eq!((message.body, message.missing()), (&b"abc"[..], 2));
    }

    #[test]
    fn half_a_message_is_none() {
        assert!(Message::read(b"HTTP/1.1 200 OK\r\nServer: x\r\n").is_none());
        assert!(Message::read(b"HTTP/1.1 200 OK").is_none());
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS + 1));
        assert!(Message::read(many.as_bytes()).is_none());
    }
}
