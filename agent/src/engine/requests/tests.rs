use std::net::IpAddr;

use super::*;

const ATTACK: &[u8] = b"PUT /SDK/webLanguage HTTP/1.1\r\nContent-Length: 29\r\n\r\n<language>$(reboot)</language";
const START: u32 = u32::MAX - 40;

struct Case {
    requests: Requests,
    signatures: Signatures,
    is_followed: bool,
    is_watched: bool,
    found: Vec<(String, u32, usize)>,
}

impl Case {
    fn new() -> Case {
        let signatures = Signatures::builtin();
        Case { requests: Requests::default(), signatures, is_followed: false, is_watched: true, found: Vec::new() }
    }

    fn opened() -> Case {
        let mut case = Case::new();
        case.hear(40_000, START.wrapping_sub(1), b"", true);
        case
    }

    fn hear(&mut self, port: u16, sequence: u32, payload: &[u8], opens: bool) {
        let (key, from) =
            FlowKey::new(6, (IpAddr::from([10, 0, 0, 1]), port), (IpAddr::from([10, 0, 0, 2]), 80), 0, true);
        let segment = Segment {
            flow: &key,
            from,
            port: 80,
            sequence,
            payload,
            opens,
            is_followed: self.is_followed,
            is_watched: self.is_watched,
            now: 1,
        };
        let (found, goes_on) = self.requests.read(&segment, &self.signatures);
        self.is_followed = goes_on;
        for one in found {
            let told = (one.attempt.id, one.start.wrapping_sub(START), one.seen);
            if self.found.iter().all(|known| (&known.0, known.1) != (&told.0, told.1)) {
                self.found.push(told);
            }
        }
    }

    fn at(&mut self, place: usize, payload: &[u8]) {
        self.hear(40_000, START.wrapping_add(place as u32), payload, false);
    }

    fn ids(&self) -> Vec<(&str, u32)> {
        self.found.iter().map(|one| (one.0.as_str(), one.1)).collect()
    }
}

#[test]
fn a_request_is_read_wherever_it_is_cut() {
    for cut in 1..ATTACK.len() {
        let (first, rest) = ATTACK.split_at(cut);
        let mut case = Case::opened();
        case.at(0, first);
        case.at(cut, rest);
        assert_eq!(case.ids(), [("CVE-2021-36260", 0)], "cut at {cut}");
        let mut case = Case::opened();
        case.at(cut, rest);
        case.at(cut, rest);
        case.at(0, first);
        assert_eq!(case.ids(), [("CVE-2021-36260", 0)], "cut at {cut}, the rest first");
        let mut case = Case::new();
        case.at(0, first);
        case.at(cut, rest);
        assert_eq!(case.ids(), [("CVE-2021-36260", 0)], "cut at {cut}, the handshake was not seen");
    }
}

#[test]
fn pieces_of_one_byte_come_in_any_order() {
    let orders: [fn(usize) -> usize; 4] =
        [|at| at, |at| (ATTACK.len() - 1).saturating_sub(at), |at| (at * 37) % ATTACK.len(), |at| at ^ 1];
    for order in orders {
        let mut case = Case::opened();
        for at in (0..ATTACK.len() + 1).map(order).filter(|&at| at < ATTACK.len()) {
            case.at(at, &ATTACK[at..at + 1]);
            case.at(at, &ATTACK[at..at + 1]);
        }
        assert_eq!(case.ids(), [("CVE-2021-36260", 0)]);
    }
}

#[test]
fn each_request_of_a_connection_is_read() {
    let get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut case = Case::opened();
    let mut place = 0;
    for round in 0..500 {
        let request = if round % 100 == 99 { ATTACK } else { get };
        case.at(place + 9, &request[9..]);
        case.at(place, &request[..12]);
        case.at(place, request);
        place += request.len();
    }
    assert_eq!(case.found.len(), 5, "{:?}", case.ids());
    // A long body is passed over.
    case.at(place, b"POST /up HTTP/1.1\r\nContent-Length: 9000\r\n\r\n");
    place += 43;
    for _ in 0..9 {
        case.at(place, &[b'x'; 1_000]);
        place += 1_000;
    }
    let (first, rest) = ATTACK.split_at(40);
    case.at(place + 40, rest);
    case.at(place, first);
    assert_eq!(case.found.len(), 6);
}

#[test]
fn what_was_missed_does_not_hide_what_follows() {
    let mut case = Case::opened();
    case.at(0, b"GET /long HTTP/1.1\r\nHost:");
    case.at(500, ATTACK);
    assert_eq!(case.ids(), [("CVE-2021-36260", 500)]);
    let mut case = Case::opened();
    case.at(0, b"GET /long HTTP/1.1\r\nHost:");
    let (first, rest) = ATTACK.split_at(70);
    case.at(90_000, first);
    case.at(90_070, rest);
    assert_eq!(case.ids(), [("CVE-2021-36260", 90_000)]);
}

#[test]
fn what_is_no_request_is_let_go() {
    let mut case = Case::opened();
    assert!(case.is_followed);
    case.at(0, b"\x16\x03\x01\x02\0");
    assert!(!case.is_followed);
    case.at(5, b"\x01more");
    assert!(!case.is_followed && case.requests.watched.open.is_empty());
}

#[test]
fn a_new_connection_with_the_same_ports_begins_anew() {
    let mut case = Case::opened();
    case.at(0, b"GET /half");
    case.hear(40_000, START.wrapping_add(999), b"", true);
    case.at(1_000, ATTACK);
    assert_eq!(case.ids(), [("CVE-2021-36260", 1_000)]);
}

#[test]
fn a_flood_costs_no_request_that_has_begun() {
    let mut case = Case::opened();
    case.at(0, &ATTACK[..60]);
    for round in 0..3u32 {
        for port in 1_024..20_000 {
            case.is_watched = round != 1;
            case.hear(port, round, b"", true);
        }
    }
    (case.is_watched, case.is_followed) = (true, true);
    case.at(60, &ATTACK[60..]);
    assert_eq!(case.ids(), [("CVE-2021-36260", 0)]);
    assert_eq!(case.requests.refused, 0);
    assert!(case.requests.watched.open.len() <= MAX_WATCHED && case.requests.watched.order.len() <= 2 * MAX_WATCHED);
    assert!(case.requests.others.open.len() <= MAX_OTHERS && case.requests.others.order.len() <= 2 * MAX_OTHERS);
}

#[test]
fn requests_that_had_to_go_are_counted() {
    let mut case = Case::new();
    for port in 1..=MAX_WATCHED as u16 + 10 {
        case.is_followed = false;
        case.hear(port, 0, b"GET /half", false);
    }
    assert_eq!(case.requests.refused, 10);
    assert_eq!(case.requests.watched.open.len(), MAX_WATCHED);
}
