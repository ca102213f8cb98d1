//! A small HTTP server and client on the loopback, enough for Prometheus, Alertmanager and their webhooks.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A request that a server got.
#[derive(Clone, Debug)]
pub struct Request {
    /// The path, with its query.
    pub path: String,
    /// The body; empty without one.
    pub body: String,
}

/// What a server says to a request: a text, or nothing, then the connection is closed without a word.
pub type Answer = dyn Fn(Request) -> Option<String> + Send + Sync;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Answers requests on a free port of the loopback, until the process ends; returns the port.
pub fn serve(answer: Arc<Answer>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // The peer may go away at any time; then there is nobody to tell.
            thread::spawn(move || drop(answer_one(stream, &*answer)));
        }
    });
    port
}

fn answer_one(mut stream: TcpStream, answer: &Answer) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let (line, body) = read_message(&stream)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let Some(text) = answer(Request { path, body }) else { return Ok(()) };
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", text.len())?;
    write!(stream, "Connection: close\r\n\r\n{text}")
}

/// Sends one request to a port of the loopback; the body of the answer if its status is 200.
pub fn ask(port: u16, method: &str, path: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    // HTTP/1.0: the answer comes in one piece.
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n")?;
    write!(stream, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    let (line, answer) = read_message(&stream)?;
    if line.split(' ').nth(1) == Some("200") { Ok(answer) } else { Err(io::Error::other(format!("{line}{answer}"))) }
}

/// The first line, and the body: as long as `Content-Length` says, an answer without it to the end.
fn read_message(stream: &TcpStream) -> io::Result<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = if first.starts_with("HTTP/") { u64::MAX } else { 0 };
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    Ok((first, body))
}
