//! TLS up to 1.2 in clear text: the name that a client asks for (RFC 6066, section 3) and the subject of a server's
//! certificate (RFC 5280, section 4.1.2.6).

use super::clue::{Clue, Confidence, Says, Source};
use super::dns::shown_name;
use super::marks::{Marks, Where};
use super::tcp::{MAX_LOOKED, Reading};

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const CERTIFICATE: u8 = 11;
/// Records and handshake messages that are read.
const MAX_RECORDS: usize = 8;
/// Extensions of one hello.
const MAX_EXTENSIONS: usize = 64;
/// Names in one subject.
const MAX_NAMES: usize = 16;

/// Reads the first handshake messages of one end.
pub fn hello(bytes: &[u8], marks: &Marks) -> Reading {
    let (messages, whole) = handshake(bytes);
    let mut reading = Reading { more: !whole && bytes.len() < MAX_LOOKED, ..Reading::default() };
    let mut rest = messages.as_slice();
    for _ in 0..MAX_RECORDS {
        let [kind, a, b, c, tail @ ..] = rest else { break };
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let Some(body) = tail.get(..length) else { break };
        match *kind {
            CLIENT_HELLO => {
                reading.server_name = server_name(body);
                reading.more = false;
                return reading;
            }
            CERTIFICATE => {
                reading.clues.extend(subject_of(body, marks));
                reading.more = false;
                return reading;
            }
            _ => {}
        }
        rest = tail.get(length..).unwrap_or_default();
    }
    reading
}

/// Handshake bytes of the records, and whether another kind of record follows, which ends them.
fn handshake(bytes: &[u8]) -> (Vec<u8>, bool) {
    let (mut messages, mut rest) = (Vec::new(), bytes);
    for _ in 0..MAX_RECORDS {
        let [kind, 3, _, a, b, tail @ ..] = rest else { return (messages, rest.len() >= 5) };
        if *kind != HANDSHAKE {
            return (messages, true);
        }
        let length = usize::from(u16::from_be_bytes([*a, *b]));
        messages.extend_from_slice(tail.get(..length).unwrap_or(tail));
        rest = tail.get(length..).unwrap_or_default();
        if rest.is_empty() {
            return (messages, false);
        }
    }
    (messages, true)
}

/// Takes a length of so many bytes and what it measures from the front.
fn take<'a>(bytes: &mut &'a [u8], size: usize) -> Option<&'a [u8]> {
    let length = bytes.get(..size)?.iter().fold(0usize, |length, &byte| length << 8 | usize::from(byte));
    let taken = bytes.get(size..size.checked_add(length)?)?;
    *bytes = bytes.get(size + length..)?;
    Some(taken)
}

fn server_name(hello: &[u8]) -> Option<String> {
    // Version and random; then session, cipher suites, compressions.
    let mut rest = hello.get(34..)?;
    take(&mut rest, 1)?;
    take(&mut rest, 2)?;
    take(&mut rest, 1)?;
    let mut extensions = take(&mut rest, 2)?;
    for _ in 0..MAX_EXTENSIONS {
        let [a, b, tail @ ..] = extensions else { return None };
        let is_name = [*a, *b] == [0, 0];
        extensions = tail;
        let mut extension = take(&mut extensions, 2)?;
        if is_name {
            let mut names = take(&mut extension, 2)?;
            let [0, tail @ ..] = names else { return None };
            names = tail;
            return shown_name(std::str::from_utf8(take(&mut names, 2)?).ok()?);
        }
    }
    None
}

fn subject_of(message: &[u8], marks: &Marks) -> Option<Clue> {
    let mut list = message;
    let mut list = take(&mut list, 3)?;
    let subject = subject(take(&mut list, 3)?)?;
    let mut clue = Clue::new(Source::Tls, Confidence::High);
    marks.identify(&mut clue, Where::Subject, &subject);
    clue.fact(Says::Vendor)?;
    clue.say(Says::Name, subject.split(',').find_map(|part| part.strip_prefix("CN=")).unwrap_or_default());
    Some(clue)
}

/// `C=…,O=…,CN=…` of a certificate in DER.
fn subject(certificate: &[u8]) -> Option<String> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let mut certificate = certificate;
    let mut body = element(&mut certificate, SEQUENCE)?;
    let mut fields = element(&mut body, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        any_element(&mut fields)?;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        any_element(&mut fields)?;
    }
    let mut names = element(&mut fields, SEQUENCE)?;
    let mut shown = String::new();
    for _ in 0..MAX_NAMES {
        let Some((_, mut set)) = any_element(&mut names) else { break };
        let mut pair = element(&mut set, SEQUENCE)?;
        let (_, kind) = any_element(&mut pair)?;
        let (_, value) = any_element(&mut pair)?;
        // 2.5.4.x (X.520).
        let word = match kind {
            [0x55, 0x04, 3] => "CN",
            [0x55, 0x04, 6] => "C",
            [0x55, 0x04, 7] => "L",
            [0x55, 0x04, 8] => "ST",
            [0x55, 0x04, 10] => "O",
            [0x55, 0x04, 11] => "OU",
            _ => continue,
        };
        let value = String::from_utf8_lossy(value.get(..64).unwrap_or(value)).replace(',', " ");
        shown.push_str(if shown.is_empty() { "" } else { "," });
        shown.push_str(&format!("{word}={value}"));
    }
    Some(shown)
}

fn element<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    any_element(bytes).filter(|element| element.0 == tag).map(|element| element.1)
}

/// Takes one DER element (ITU-T X.690, section 8.1) from the front: its tag and contents.
fn any_element<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let [tag, length, tail @ ..] = *bytes else { return None };
    let (length, tail) = match *length {
        short @ 0..=0x7f => (usize::from(short), tail),
        long @ 0x81..=0x83 => {
            let size = usize::from(long & 0x7f);
            let length = tail.get(..size)?.iter().fold(0usize, |length, &byte| length << 8 | usize::from(byte));
            (length, tail.get(size..)?)
        }
        _ => return None,
    };
    let contents = tail.get(..length)?;
    *bytes = tail.get(length..)?;
    Some((*tag, contents))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn prefixed(size: usize, bytes: &[u8]) -> Vec<u8> {
        let length = (bytes.len() as u32).to_be_bytes();
        [&length[4 - size..], bytes].concat()
    }

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        let message = [&[kind][..], &prefixed(3, body)].concat();
        [&[HANDSHAKE, 3, 3][..], &prefixed(2, &message)].concat()
    }

    fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = match contents.len() {
            short @ 0..=0x7f => vec![short as u8],
            long => vec![0x82, (long >> 8) as u8, long as u8],
        };
        [&[tag][..], &length, contents].concat()
    }

    /// Synthetic: a hello that asks for this name.
    pub fn client_hello(name: &str) -> Vec<u8> {
        let list = prefixed(2, &[&[0][..], &prefixed(2, name.as_bytes())].concat());
        let extension = [&[0, 0][..], &prefixed(2, &list)].concat();
        let body =
            [&[3; 34][..], &[0], &prefixed(2, &[0x13, 1]), &prefixed(1, &[0]), &prefixed(2, &extension)].concat();
        record(CLIENT_HELLO, &body)
    }

    /// Synthetic: a server hello, then a certificate of this organisation.
    pub fn server_flight(organisation: &str) -> Vec<u8> {
        let name = |kind: u8, text: &str| {
            let pair = [der(6, &[0x55, 4, kind]), der(12, text.as_bytes())].concat();
            der(0x31, &der(0x30, &pair))
        };
        let subject = der(0x30, &[name(6, "CN"), name(10, organisation), name(3, "www.hikvision.com")].concat());
        let skipped = [der(0xa0, &[2, 1, 2]), der(2, &[1]), der(0x30, &[]), der(0x30, &[]), der(0x30, &[])].concat();
        let certificate = der(0x30, &der(0x30, &[skipped, subject, vec![0; 300]].concat()));
        let list = prefixed(3, &prefixed(3, &certificate));
        [record(2, &[3; 70]), record(CERTIFICATE, &list)].concat()
    }

    #[test]
    fn a_client_names_the_host_it_asks_for() {
        let hello_bytes = client_hello("dev.hik-connect.com");
        let read = hello(&hello_bytes, &Marks::builtin());
        assert_eq!((read.server_name.as_deref(), read.more), (Some("dev.hik-connect.com"), false));
        for end in 0..hello_bytes.len() {
            let cut = hello(&hello_bytes[..end], &Marks::builtin());
            assert!(cut.server_name.is_none() && cut.more, "{end}");
        }
    }

    #[test]
    fn a_certificate_names_its_maker() {
        let marks = Marks::builtin();
        let read = hello(&server_flight("HIKVISION"), &marks);
        assert_eq!(read.clues.first().and_then(|clue| clue.fact(Says::Vendor)), Some("hikvision"));
        assert!(hello(&server_flight("Region"), &marks).clues.is_empty());
        let whole = server_flight("HIKVISION");
        for end in 0..whole.len() {
            let cut = hello(&whole[..end], &marks);
            assert!(cut.clues.is_empty() && cut.more, "{end}");
        }
    }
}
