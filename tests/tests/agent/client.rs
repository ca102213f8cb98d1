//! HTTP from the same host, one request for each connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Where the agent of a test listens: each has a network of its own.
pub(crate) const ADDRESS: &str = "127.0.0.1:10420";
/// `ann:U*U` for basic authentication.
pub(crate) const ANN: &str = "Authorization: Basic YW5uOlUqVQ==";

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As text.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(ADDRESS)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: segwatch\r\nConnection: close\r\n");
    for header in headers {
        text += &format!("{header}\r\n");
    }
    if !body.is_empty() {
        text += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    stream.write_all(format!("{text}\r\n{body}").as_bytes())?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let bytes = all.split_off(end + 4);
    let head = String::from_utf8_lossy(&all);
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    // A server that dies in the middle has not answered.
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|text| text.parse().ok());
    match length == Some(bytes.len()) {
        true => Ok(Answer { status, body: String::from_utf8_lossy(&bytes).into_owned(), bytes }),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The body of a page, if it is there; asked for as Ann, of whom some agents know nothing.
pub(crate) fn get(path: &str) -> Option<String> {
    request("GET", path, &[ANN], "").ok().filter(|answer| answer.status == 200).map(|answer| answer.body)
}
