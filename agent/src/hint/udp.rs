//! What a datagram says: each protocol by its own mark, never by its ports alone.

use super::clue::{Clue, Confidence, Says, Source};
use super::headers::Message;
use super::marks::{Marks, Where};
use super::xml::Xml;
use super::{dahua, dns, ehome, onvif, sadp};

/// Multicast DNS.
const MDNS: u16 = 5353;
/// Hanwha's discovery: where it is asked, and where it answers.
const HANWHA: [u16; 2] = [7701, 7711];

/// Ports of the protocols of which every datagram is looked at; elsewhere only the first few of a flow are.
#[inline]
pub fn is_discovery(port: u16) -> bool {
    matches!(port, 1757 | 1758 | 1900 | 3702 | 5050 | 7660 | 7701 | 7711 | MDNS | 32100 | 32108 | 37020 | 37810)
}

/// Whether something that is read may begin so.
#[inline]
pub fn may_begin(sport: u16, bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'<' | b' ' | 0xb3 | 0xf1 | 0x99 | b'N' | b'H'))
        || sport == MDNS
        || HANWHA.contains(&sport)
}

/// Reads a datagram.
pub fn datagram(sport: u16, dport: u16, bytes: &[u8], marks: &Marks) -> Option<Clue> {
    if sport == MDNS {
        return dns::mdns(bytes, marks);
    }
    if HANWHA.contains(&sport) && HANWHA.contains(&dport) {
        return hanwha(bytes);
    }
    match bytes.first()? {
        b'<' => sadp::sadp(bytes)
            .or_else(|| onvif::ws_discovery(bytes, marks))
            .or_else(|| ehome::register(bytes))
            .or_else(|| bosch(bytes)),
        b' ' => dahua::dhip(bytes),
        0xb3 => dahua::dahua_5050(bytes),
        0xf1 => p2p(bytes, marks),
        0x99 => bosch(bytes),
        b'N' | b'H' => ssdp(bytes, marks),
        _ => None,
    }
}

/// An announcement or an answer of SSDP (UPnP Device Architecture 1.1, section 1.2).
fn ssdp(bytes: &[u8], marks: &Marks) -> Option<Clue> {
    let message = Message::read(bytes)?;
    if !message.first.starts_with("NOTIFY * HTTP/1.") && !message.first.starts_with("HTTP/1.1 200") {
        return None;
    }
    let mut clue = Clue::new(Source::Ssdp, Confidence::High);
    marks.identify(&mut clue, Where::Ssdp, &message.get("SERVER").unwrap_or_default());
    let location = message.get("LOCATION").unwrap_or_default();
    clue.say_address(onvif::host_of(&location).unwrap_or_default());
    if clue.facts.is_empty() && location.ends_with("/upnpdevicedesc.xml") {
        // Others may have chosen the same name.
        clue.confidence = Confidence::Low;
        clue.say(Says::Vendor, "hikvision");
    }
    (!clue.facts.is_empty()).then_some(clue)
}

/// The registration of a device at the broker of its peer-to-peer network (PPPP): what apps send has other codes.
fn p2p(bytes: &[u8], marks: &Marks) -> Option<Clue> {
    let [0xf1, 0x10 | 0x12 | 0x14, a, b, rest @ ..] = bytes else { return None };
    if usize::from(u16::from_be_bytes([*a, *b])) != rest.len() {
        return None;
    }
    let (prefix, number) = (text(rest.get(..8)?)?, rest.get(8..12)?);
    let suffix = text(rest.get(12..20)?)?;
    let number = number.iter().fold(0u32, |number, &byte| number << 8 | u32::from(byte));
    let id = format!("{prefix}-{number:06}-{suffix}");
    let mut clue = Clue::new(Source::P2p, Confidence::Medium).with(Says::Kind, "camera").with(Says::Serial, &id);
    marks.identify(&mut clue, Where::P2pId, &id);
    Some(clue)
}

/// Capital letters and then nothing but zeros.
fn text(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let (letters, rest) = bytes.split_at_checked(end)?;
    let is = letters.len() >= 3 && letters.iter().all(u8::is_ascii_uppercase) && rest.iter().all(|&b| b == 0);
    is.then(|| std::str::from_utf8(letters).ok())?
}

/// A Bosch camera's answer: XML, behind a header or alone.
fn bosch(bytes: &[u8]) -> Option<Clue> {
    const HEADER: usize = 64;
    let start = bytes.iter().take(HEADER).position(|&b| b == b'<')?;
    let is_marked = start == 0 || bytes.starts_with(&[0x99, 0x39, 0xa4, 0x27]);
    let xml = Xml::read(bytes.get(start..)?).filter(|_| is_marked)?;
    xml.get("RCPPort")?;
    let mut clue = Clue::new(Source::Bosch, Confidence::Medium).with(Says::Vendor, "bosch_security");
    clue.say_mac(xml.get("physAddress")?);
    clue.mac?;
    clue.say(Says::Name, xml.get("friendlyName").unwrap_or_default());
    clue.say(Says::Serial, xml.get("serialNumber").unwrap_or_default());
    Some(clue)
}

/// A Hanwha camera's answer: its MAC as text in a fixed place.
fn hanwha(bytes: &[u8]) -> Option<Clue> {
    const MAC: usize = 0x13;
    let mac = std::str::from_utf8(bytes.get(MAC..MAC + 17)?).ok()?;
    let mut clue = Clue::new(Source::Hanwha, Confidence::Medium).with(Says::Vendor, "hanwha");
    clue.say_mac(mac);
    clue.mac.map(|_| clue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sport: u16, bytes: &[u8]) -> Option<Clue> {
        assert!(may_begin(sport, bytes));
        datagram(sport, 40_000, bytes, &Marks::builtin())
    }

    #[test]
    fn a_yi_camera_registers_and_its_app_does_not() {
        let mut login = b"\xf1\x14\0\x68TNPUSAF\0\0\x06\x8f\xbeKGTGK\0\0\0".to_vec();
        login.resize(108, 0);
        let clue = read(15_503, &login).expect("a registration");
        assert_eq!(clue.fact(Says::Serial), Some("TNPUSAF-430014-KGTGK"));
        assert_eq!(clue.fact(Says::Vendor), Some("yi"));
        login[1] = 0x20;
        assert_eq!(read(15_503, &login), None, "an app that asks for the camera");
        login[1] = 0x14;
        login.pop();
        assert_eq!(read(15_503, &login), None, "another length");
    }

    #[test]
    fn ssdp_names_maker_and_place() {
        let notify = |server: &str, location: &str| {
            format!(
                "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nSERVER: {server}\r\nLOCATION: {location}\r\n\r\n"
            )
        };
        let clue = read(1900, notify("Linux,    UPnP/1.0 DCS-935L/1.0", "http://10.10.10.37/a.xml").as_bytes());
        let clue = clue.expect("a camera");
        assert_eq!((clue.fact(Says::Vendor), clue.addresses.len()), (Some("d-link"), 1));
        let clue = read(1900, notify("", "http://10.0.0.1:80/upnpdevicedesc.xml").as_bytes()).expect("a guess");
        assert_eq!(clue.confidence, Confidence::Low);
        assert_eq!(
            read(1900, notify("FreeRTOS/6.0.5, UPnP/1.0, IpBridge/0.1", "http://10.0.0.1/d.xml").as_bytes()),
            None
        );
    }

    #[test]
    fn bosch_and_hanwha_give_their_mac() {
        let xml =
            b"\x99\x39\xa4\x27\0\0<device><friendlyName>d</friendlyName><physAddress>00-07-5f-01-02-03</physAddress>\
            <serialNumber>1</serialNumber><RCPPort>1756</RCPPort></device>";
        assert_eq!(read(1757, xml).and_then(|clue| clue.mac), "00:07:5f:01:02:03".parse().ok());
        let mut answer = vec![0; 0x13];
        answer.extend(b"00:09:18:01:02:03 and more");
        assert_eq!(
            datagram(7701, 7711, &answer, &Marks::builtin()).and_then(|c| c.mac),
            "00:09:18:01:02:03".parse().ok()
        );
        assert_eq!(datagram(7701, 4_000, &answer, &Marks::builtin()), None);
    }
}
