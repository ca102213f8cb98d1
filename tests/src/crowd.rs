//! Clients of an HTTP server, many and slow.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Scrapes once a second over one connection, and connects again when it is closed.
pub async fn scraper(address: SocketAddr, scrapes: Arc<AtomicU64>, end: Instant) {
    while Instant::now() < end {
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        while scrape(&mut stream).await.is_some() {
            scrapes.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn scrape(stream: &mut TcpStream) -> Option<()> {
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.ok()?;
    let mut all = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        all.extend_from_slice(buffer.get(..read)?);
        let text = String::from_utf8_lossy(&all);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
            if body.len() >= length {
                return Some(());
            }
        }
    }
}

/// An open page: it waits for an event, and then reads the page again, as `live.js` does.
pub async fn open_page(address: SocketAddr, pages: Arc<AtomicU64>, end: Instant) {
    let mut known = String::new();
    while Instant::now() < end {
        let Some(event) = answer(address, "/api/v1/events", &known).await else { continue };
        known = event.lines().find_map(|line| line.strip_prefix("id: ")).unwrap_or_default().to_owned();
        if answer(address, "/", "").await.is_some_and(|page| page.contains("</html>")) {
            pages.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn answer(address: SocketAddr, path: &str, known: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {known}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.ok()?;
    Some(String::from_utf8_lossy(&all).into_owned())
}

/// Each in its own way as slow as it can be; connects again when it is cut.
pub async fn slow_client(address: SocketAddr, number: usize) {
    loop {
        let socket = TcpSocket::new_v4().expect("a socket");
        let _ = socket.set_recv_buffer_size(2048);
        if let Ok(mut stream) = socket.connect(address).await {
            match number % 4 {
                // Says nothing.
                0 => {}
                // Never ends its request.
                1 => {
                    for byte in b"GET /metrics HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" {
                        if stream.write_all(&[*byte]).await.is_err() {
                            break;
                        }
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                }
                // Asks for much and reads nothing.
                2 => {
                    let _ = stream.write_all(&b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50)).await;
                    tokio::time::sleep(Duration::from_secs(20)).await;
                }
                // Reads a byte now and then.
                _ => {
                    let _ = stream.write_all(&b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50)).await;
                    while stream.read(&mut [0]).await.is_ok_and(|read| read > 0) {
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                }
            }
            let _ = stream.read(&mut [0]).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Memory that a process holds, in KiB; 0 if that is not known.
pub fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Processor time that the threads of this name took so far, in clock ticks (proc(5): hundredths of a second).
pub fn thread_ticks(pid: u32, name: &str) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let ticks = tasks.filter_map(|task| {
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        let (comm, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let is_meant = comm.split_once('(')?.1 == name;
        is_meant.then(|| {
            fields.get(11..13).unwrap_or_default().iter().filter_map(|field| field.parse::<u64>().ok()).sum::<u64>()
        })
    });
    ticks.sum()
}
