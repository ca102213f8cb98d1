//! DNS (RFC 1035) and multicast DNS (RFC 6762): which names are asked for, and what a device announces of itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::rdata::RData;
use simple_dns::{Packet, PacketFlag, ResourceRecord};

use super::clue::{Clue, Confidence, Says, Source};
use super::marks::{Marks, Where};
use crate::base::escape;

/// Questions and records of one message that are read.
const MAX_RECORDS: usize = 32;
/// Characters of a name (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
/// Bytes of a message that is read: what fits into one datagram.
const MAX_MESSAGE: usize = 4_096;

/// A question to a resolver, or its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lookup {
    /// It is an answer.
    pub answered: bool,
    /// Names asked for, in lower case and escaped.
    pub names: Vec<String>,
    /// Addresses that were answered.
    pub addresses: Vec<IpAddr>,
}

/// Reads a DNS message.
pub fn lookup(payload: &[u8]) -> Option<Lookup> {
    let packet = parse(payload)?;
    let names: Vec<String> = packet
        .questions
        .iter()
        .take(MAX_RECORDS)
        .filter_map(|question| shown_name(&question.qname.to_string()))
        .collect();
    let addresses = packet.answers.iter().take(MAX_RECORDS).filter_map(address).collect();
    (!names.is_empty()).then_some(Lookup { answered: packet.has_flags(PacketFlag::RESPONSE), names, addresses })
}

/// Reads what a device announces by multicast DNS: its host name and address, its services, and what they say.
pub fn mdns(payload: &[u8], marks: &Marks) -> Option<Clue> {
    let packet = parse(payload).filter(|packet| packet.has_flags(PacketFlag::RESPONSE))?;
    let records = || packet.answers.iter().chain(&packet.additional_records).take(MAX_RECORDS);
    let mut clue = Clue::new(Source::Mdns, Confidence::High);
    clue.addresses.extend(records().filter_map(address).take(8));
    let mut texts: Vec<(String, String)> = Vec::new();
    for record in records() {
        let name = record.name.to_string();
        let instance = match &record.rdata {
            RData::PTR(target) => target.0.to_string(),
            _ => name.clone(),
        };
        for service in [("_axis-video._tcp", "camera"), ("_axis-nvr._tcp", "recorder")] {
            if instance.contains(service.0) {
                clue.say(Says::Vendor, "axis");
                clue.say(Says::Kind, service.1);
            }
        }
        let host = instance.split("._").next().unwrap_or(&instance);
        marks.identify(&mut clue, Where::Host, host.strip_suffix(".local").unwrap_or(host));
        if let Some((model, _)) = host.strip_prefix("AXIS ").and_then(|rest| rest.rsplit_once(" - ")) {
            clue.say(Says::Model, model);
        }
        if let RData::TXT(text) = &record.rdata {
            let pairs = text.iter_raw().take(MAX_RECORDS);
            texts.extend(pairs.map(|(key, value)| (lossy(key), value.map(lossy).unwrap_or_default())));
        }
    }
    for (key, value) in &texts {
        let model = match key.to_ascii_lowercase().as_str() {
            "mac" | "macaddress" => {
                clue.say_mac(value);
                continue;
            }
            "model" | "model_number" | "md" => value,
            _ if value.is_empty() => key,
            _ => continue,
        };
        if marks.identify(&mut clue, Where::Model, model) {
            clue.say(Says::Model, model);
        }
    }
    clue.fact(Says::Vendor).is_some().then_some(clue)
}

/// A name in lower case, without the final dot, as it may be shown; `None` if it is empty or too long.
pub(super) fn shown_name(name: &str) -> Option<String> {
    let name = name.trim_end_matches('.').to_lowercase();
    let fits = !name.is_empty() && name.len() <= MAX_NAME;
    fits.then(|| escape(&name).into_owned())
}

fn parse(payload: &[u8]) -> Option<Packet<'_>> {
    Packet::parse(payload.get(..MAX_MESSAGE).unwrap_or(payload)).ok()
}

fn address(record: &ResourceRecord<'_>) -> Option<IpAddr> {
    match &record.rdata {
        RData::A(a) => Some(IpAddr::V4(Ipv4Addr::from(a.address))),
        RData::AAAA(aaaa) => Some(IpAddr::V6(Ipv6Addr::from(aaaa.address))),
        _ => None,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A question for this name, by hand after RFC 1035, section 4.
    pub fn question(name: &str) -> Vec<u8> {
        let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend(label.as_bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        message
    }

    /// The answer with this address.
    pub fn answer(name: &str, address: [u8; 4]) -> Vec<u8> {
        let mut message = question(name);
        message[2] = 0x81;
        message[7] = 1;
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        message.extend(address);
        message
    }

    #[test]
    fn questions_and_answers_are_read() {
        let asked = lookup(&question("Dev.hik-connect.com")).expect("a question");
        assert_eq!((asked.answered, asked.names.as_slice()), (false, &["dev.hik-connect.com".to_owned()][..]));
        let told = lookup(&answer("a.example", [198, 51, 100, 7])).expect("an answer");
        assert_eq!((told.answered, told.addresses.as_slice()), (true, &[IpAddr::from([198, 51, 100, 7])][..]));
    }

    #[test]
    fn loops_end_and_hidden_characters_show() {
        let mut looped = question("a");
        looped[12..14].copy_from_slice(&[0xc0, 12]);
        assert_eq!(lookup(&looped), None);
        let hidden = lookup(&question("a\x1b[2Jb.example")).expect("a question");
        assert!(hidden.names.iter().all(|name| !name.contains('\x1b')), "{hidden:?}");
        for end in 0..40 {
            let whole = answer("a.example", [198, 51, 100, 7]);
            let _ = lookup(&whole[..end.min(whole.len())]);
        }
    }
}
