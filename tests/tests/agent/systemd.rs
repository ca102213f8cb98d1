//! What systemd is told.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;

use crate::cameras::Cameras;
use crate::client::{get, request};
use crate::{eventually, lab};

/// Stands in for systemd.
struct Manager {
    socket: UnixDatagram,
    /// Words so far, without the times that go with them.
    said: Vec<String>,
}

impl Manager {
    /// Takes what has come.
    fn listen(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    let words = text.lines().filter(|line| !line.starts_with("MONOTONIC_USEC="));
                    self.said.extend(words.map(str::to_owned));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits until that was said, since a number of words.
    fn hears(&mut self, word: &str, since: usize) {
        eventually(word, || {
            self.listen();
            self.said[since..].iter().any(|said| said == word).then_some(())
        });
    }
}

#[test]
fn systemd_hears_of_readiness_packets_reloads_and_the_end() {
    lab("systemd", |mut site| {
        // A path of a socket has at most 107 bytes.
        let path = std::env::temp_dir().join(format!("segwatch-notify-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        let mut manager = Manager { socket, said: Vec::new() };
        site.environment = vec![("NOTIFY_SOCKET", path.display().to_string()), ("WATCHDOG_USEC", "10000000".into())];
        site.start();
        manager.hears("READY=1", 0);
        assert!(get("/metrics").is_some(), "ready is who has published");
        assert!(get("/-/ready").is_none(), "there was no packet yet");
        let mut cameras = Cameras::new();
        for _ in 0..3 {
            cameras.talk(0);
            let heard = manager.said.len();
            manager.hears("WATCHDOG=1", heard);
        }
        assert!(get("/-/ready").is_some());
        let heard = manager.said.len();
        assert_eq!(request("POST", "/-/reload", &[], "").expect("an answer").status, 200);
        manager.hears("RELOADING=1", heard);
        let reloading = manager.said.iter().rposition(|said| said == "RELOADING=1").expect("just heard");
        manager.hears("READY=1", reloading);
        let heard = manager.said.len();
        assert_eq!(site.stop().0, Some(0));
        manager.hears("STOPPING=1", heard);
        let _ = std::fs::remove_file(&path);
        let first = manager.said.iter().position(|said| said == "WATCHDOG=1").expect("just heard");
        assert!(manager.said[..first].contains(&"READY=1".to_owned()), "{:?}", manager.said);
    });
}
