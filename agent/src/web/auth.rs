//! Who is asking. Passwords are compared with bcrypt hashes, off the threads that serve and few at a time; a pair that
//! was right once is remembered, as Prometheus' own exporters do.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::limits::{MAX_LOGINS, MAX_WAITING_LOGINS};
use crate::config::MAX_WEB_USERS;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// Name of its verified certificate.
    pub(super) certificate: Option<String>,
}

/// Why nobody is authenticated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Denied {
    /// No name and password.
    Missing,
    /// Wrong ones.
    Wrong,
    /// Too many are being compared.
    Busy,
}

/// Compares passwords.
pub(super) struct Authenticator {
    /// Without it, what is remembered cannot be compared with guesses.
    secret: [u8; 32],
    /// Digests of pairs that were right; at most [`MAX_WEB_USERS`].
    right: Mutex<HashSet<[u8; 32]>>,
    comparing: Semaphore,
    waiting: Semaphore,
}

impl Authenticator {
    /// `None` if the system gives no random numbers.
    pub(super) fn new() -> Option<Self> {
        let mut secret = [0; 32];
        rustls::crypto::ring::default_provider().secure_random.fill(&mut secret).ok()?;
        Some(Authenticator {
            secret,
            right: Mutex::default(),
            comparing: Semaphore::new(MAX_LOGINS),
            waiting: Semaphore::new(MAX_LOGINS + MAX_WAITING_LOGINS),
        })
    }

    /// The user that an `Authorization` header proves.
    pub(super) async fn user(
        &self,
        users: &BTreeMap<String, String>,
        header: Option<&HeaderValue>,
    ) -> Result<String, Denied> {
        let (name, password) = header.and_then(basic).ok_or(Denied::Missing)?;
        // An unknown user takes as long as a known one.
        let known = users.get(&name);
        let hash = known.or(users.values().next()).ok_or(Denied::Wrong)?.clone();
        let digest = self.digest(&name, &hash, &password);
        if known.is_some() && self.remembered().contains(&digest) {
            return Ok(name);
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| Denied::Busy)?;
        let _comparing = self.comparing.acquire().await.map_err(|_| Denied::Busy)?;
        let compared = tokio::task::spawn_blocking(move || bcrypt::verify(&password, &hash)).await;
        match (known, compared) {
            (Some(_), Ok(Ok(true))) => {
                let mut right = self.remembered();
                if right.len() >= MAX_WEB_USERS {
                    right.clear();
                }
                right.insert(digest);
                Ok(name)
            }
            _ => Err(Denied::Wrong),
        }
    }

    /// The hash is part of it: a new password of the same user does not find the old one.
    fn digest(&self, name: &str, hash: &str, password: &[u8]) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.secret);
        for part in [name.as_bytes(), hash.as_bytes(), password] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashSet<[u8; 32]>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Name and password (RFC 7617).
fn basic(header: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, credentials) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(credentials.trim()).ok()?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let (name, password) = decoded.split_at(colon);
    Some((String::from_utf8(name.to_vec()).ok()?, password.get(1..)?.to_vec()))
}
