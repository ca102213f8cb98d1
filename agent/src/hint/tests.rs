//! No bytes make a parser panic, loop, or let through what hides.

use proptest::prelude::*;

use super::*;
use crate::base::escape;

/// Everything that reads what a stranger sent.
fn read_all(bytes: &[u8], marks: &Marks) -> Vec<Clue> {
    let mut clues: Vec<Clue> = message(bytes, marks).clues;
    for (sport, dport) in [(37_020, 37_020), (5353, 5353), (7701, 7711), (40_000, 40_000)] {
        clues.extend(datagram(sport, dport, bytes, marks));
    }
    clues.extend(sadp_frame(bytes));
    clues.extend(client(bytes, marks));
    let _ = (may_begin(bytes), lease(bytes), server_answer(bytes), xml::Xml::read(bytes));
    if let Some(read) = lookup(bytes) {
        assert!(read.names.iter().all(|name| escape(name) == name.as_str()));
    }
    clues
}

fn is_tame(clue: &Clue) -> bool {
    // A hidden character takes at most ten.
    clue.facts.len() <= MAX_FACTS
        && clue.facts.iter().all(|(_, word)| escape(word) == word.as_str() && word.chars().count() <= 10 * MAX_WORD)
}

/// A message of each protocol.
fn seeds() -> Vec<Vec<u8>> {
    vec![
        sadp::tests::ANSWER.into(),
        sadp::tests::frame(4),
        onvif::tests::announcement("ProbeMatches", "dn:NetworkVideoTransmitter", onvif::tests::HIKVISION).into_bytes(),
        dahua::tests::message(dahua::tests::NOTIFY),
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n\r\n{}", isapi::tests::DEVICE_INFO).into_bytes(),
        b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"IP Camera(C2183)\"\r\n\r\na=x\r\n".to_vec(),
        b"NOTIFY * HTTP/1.1\r\nSERVER: UPnP/1.0 DCS-935L/1.0\r\nLOCATION: http://10.0.0.1/d.xml\r\n\r\n".to_vec(),
        ehome::tests::REGISTER.into(),
        tls::tests::client_hello("dev.hik-connect.com"),
        tls::tests::server_flight("HIKVISION"),
        dns::tests::answer("dev.hik-connect.com", [198, 51, 100, 7]),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(read_all(&bytes, &Marks::builtin()).iter().all(is_tame));
    }

    #[test]
    fn any_change_of_a_message_is_read(
        seed in 0..11usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        prop_assert!(read_all(&bytes, &Marks::builtin()).iter().all(is_tame));
    }

    #[test]
    fn hostile_words_come_out_tame(word in "\\PC{0,400}|[\\x00-\\x1f\\u{202e}\\u{200b}<>&\"']{0,300}") {
        let marks = Marks::builtin();
        for seed in [sadp::tests::ANSWER, isapi::tests::DEVICE_INFO, ehome::tests::REGISTER] {
            for (from, to) in [("DS-2CD2385G1-I", &word), ("V5", &word), ("Entrance", &word), ("entrance", &word)] {
                let message = seed.replace(from, to);
                prop_assert!(read_all(message.as_bytes(), &marks).iter().all(is_tame));
            }
        }
        let _ = Advisories::builtin().posture(Some(&word), Some(&word));
        let _ = Firmware::parse(&word);
        let _ = is_like("*a?b#c@*", &word);
    }
}
