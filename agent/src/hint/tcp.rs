//! What the first bytes of one direction of a TCP connection say: HTTP, RTSP, TLS, DHIP and EHome.

use super::clue::{Clue, Confidence, Says, Source};
use super::headers::Message;
use super::marks::{Marks, Where};
use super::xml::Xml;
use super::{dahua, ehome, isapi, onvif, tls};

/// Bytes of one direction that are looked at.
pub const MAX_LOOKED: usize = 4_096;
/// Headers end within this, or are not read.
const MAX_HEADERS: usize = 2_048;
/// Lines of a session description that are read.
const MAX_SDP_LINES: usize = 64;

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What the sender says about itself.
    pub clues: Vec<Clue>,
    /// The host that it wants to talk to (TLS server name indication).
    pub server_name: Option<String>,
    /// More bytes would tell more.
    pub more: bool,
}

/// Whether something that is read may begin so.
#[inline]
pub fn may_begin(bytes: &[u8]) -> bool {
    const WORDS: [&[u8]; 5] = [b"HTTP/1.", b"RTSP/1.0 ", b"POST ", b"\x20\0\0\0DHIP", b"<"];
    match bytes.first() {
        Some(b'H' | b'R' | b'P' | b' ' | b'<') => {
            WORDS.iter().any(|word| bytes.starts_with(word) || word.starts_with(bytes))
        }
        Some(0x16) => matches!(bytes, [_] | [_, 3, ..]),
        _ => false,
    }
}

/// Reads what there is so far.
pub fn message(bytes: &[u8], marks: &Marks) -> Reading {
    match bytes.first() {
        Some(0x16) => tls::hello(bytes, marks),
        Some(b' ') => {
            Reading { clues: dahua::dhip(bytes).into_iter().collect(), more: bytes.len() < 512, ..Reading::default() }
        }
        Some(b'<') => {
            let clues: Vec<Clue> = ehome::register(bytes).into_iter().collect();
            Reading { more: clues.is_empty(), clues, ..Reading::default() }
        }
        _ => text(bytes, marks),
    }
}

fn text(bytes: &[u8], marks: &Marks) -> Reading {
    let Some(message) = Message::read(bytes) else {
        return Reading { more: bytes.len() < MAX_HEADERS, ..Reading::default() };
    };
    let more = message.missing() > 0 && wants_body(&message);
    let clues = if message.first.starts_with("HTTP/1.") {
        http(&message, marks)
    } else if message.first.starts_with("RTSP/1.0 ") {
        rtsp(&message, marks)
    } else if message.first.starts_with("POST ") {
        isapi::event(message.body).into_iter().collect()
    } else {
        Vec::new()
    };
    Reading { clues, more, ..Reading::default() }
}

fn wants_body(message: &Message<'_>) -> bool {
    let kind = message.get("Content-Type").unwrap_or_default().to_ascii_lowercase();
    message.get("Content-Encoding").is_none()
        && (kind.is_empty() || ["xml", "json", "sdp", "text/plain", "multipart"].iter().any(|word| kind.contains(word)))
}

fn http(message: &Message<'_>, marks: &Marks) -> Vec<Clue> {
    // What a proxy passes on is somebody else's.
    if ["Via", "X-Cache", "Forwarded"].iter().any(|name| message.get(name).is_some()) {
        return Vec::new();
    }
    let mut clues: Vec<Clue> = banner(Source::Http, message, Where::HttpServer, marks).into_iter().collect();
    if !wants_body(message) {
        return clues;
    }
    let body = message.body.trim_ascii_start();
    match body.first() {
        Some(b'{') => clues.extend(dahua::login_answer(body)),
        Some(b'<') => {
            if let Some(xml) = Xml::read(body) {
                let read = isapi::device_info(&xml, body)
                    .or_else(|| onvif::device_information(&xml, marks))
                    .or_else(|| upnp(&xml, marks));
                clues.extend(read);
            }
        }
        _ => {}
    }
    clues
}

fn rtsp(message: &Message<'_>, marks: &Marks) -> Vec<Clue> {
    let mut clues: Vec<Clue> = banner(Source::Rtsp, message, Where::RtspServer, marks).into_iter().collect();
    let mut clue = Clue::new(Source::Sdp, Confidence::High);
    for line in message.body.split(|&b| b == b'\n').take(MAX_SDP_LINES) {
        let line = String::from_utf8_lossy(line.get(..200).unwrap_or(line));
        marks.identify(&mut clue, Where::Sdp, &line);
    }
    clues.extend((!clue.facts.is_empty()).then_some(clue));
    clues
}

/// What `Server` and the realms of challenges say.
fn banner(source: Source, message: &Message<'_>, place: Where, marks: &Marks) -> Option<Clue> {
    let mut clue = Clue::new(source, Confidence::High);
    if let Some(server) = message.get("Server") {
        marks.identify(&mut clue, place, &server);
    }
    for realm in message.realms() {
        let serial = realm.strip_prefix("Login to ");
        if marks.identify(&mut clue, Where::Realm, &realm) {
            clue.say_mac(realm.rsplit('_').next().filter(|tail| tail.len() == 12).unwrap_or_default());
        } else if realm.len() == 12 && clue.mac.is_none() {
            // Whose it is, its maker's prefix says.
            clue.say_mac(&realm);
        } else if let Some(serial) = serial.and_then(dahua::serial_of) {
            clue.say(Says::Vendor, "dahua");
            clue.say(Says::Serial, serial);
        } else if serial.is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit())) {
            clue.say(Says::Vendor, "dahua");
        }
    }
    (!clue.facts.is_empty()).then_some(clue)
}

/// The description of a UPnP device (UPnP Device Architecture 1.1, section 2.3), where maker and model are known.
fn upnp(xml: &Xml, marks: &Marks) -> Option<Clue> {
    if xml.root != "root" || !xml.has("device") {
        return None;
    }
    let mut clue = Clue::new(Source::Upnp, Confidence::High);
    marks.identify(&mut clue, Where::Maker, xml.get("manufacturer").unwrap_or_default());
    for field in ["modelNumber", "modelName"] {
        if let Some(model) = xml.get(field) {
            marks.identify(&mut clue, Where::Model, model);
            if clue.fact(Says::Model).is_none() {
                clue.say(Says::Model, model);
            }
        }
    }
    clue.fact(Says::Vendor)?;
    clue.say(Says::Serial, xml.get("serialNumber").unwrap_or_default());
    clue.say(Says::Name, xml.get("friendlyName").unwrap_or_default());
    Some(clue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor(bytes: &[u8]) -> Option<String> {
        assert!(may_begin(bytes));
        let clues = message(bytes, &Marks::builtin()).clues;
        clues.iter().find_map(|clue| clue.fact(Says::Vendor)).map(str::to_owned)
    }

    #[test]
    fn banners_and_realms_name_the_maker() {
        for (bytes, expected) in [
            ("HTTP/1.1 200 OK\r\nServer: App-webs/\r\n\r\n", Some("hikvision")),
            (
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"IP Camera(C2183)\"\r\n\r\n",
                Some("hikvision"),
            ),
            ("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"IP Camera\"\r\n\r\n", None),
            (
                "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Login to 4H01D66PAJ2FA64\"\r\n\r\n",
                Some("dahua"),
            ),
            ("RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Login to your account\"\r\n\r\n", None),
            ("HTTP/1.1 200 OK\r\nServer: App-webs/\r\nVia: 1.1 proxy\r\n\r\n", None),
            ("HTTP/1.1 200 OK\r\nServer: Apache\r\nX: Hikvision-Webs\r\n\r\n", None),
        ] {
            assert_eq!(vendor(bytes.as_bytes()).as_deref(), expected, "{bytes}");
        }
    }

    #[test]
    fn a_realm_may_be_a_mac() {
        let bytes = b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"48ea6362b25c\",nonce=\"5\"\r\n\r\n";
        let clues = message(bytes, &Marks::builtin()).clues;
        assert_eq!(clues.first().and_then(|clue| clue.mac), "48:ea:63:62:b2:5c".parse().ok());
    }

    #[test]
    fn session_descriptions_survive_other_brands() {
        let sdp = |line: &str| {
            format!(
                "RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: 90\r\n\r\nv=0\r\n{line}\r\n"
            )
        };
        assert_eq!(vendor(sdp("a=Media_header:MEDIAINFO=494D4B48010100;").as_bytes()).as_deref(), Some("hikvision"));
        assert_eq!(vendor(sdp("a=packetization-supported:DH").as_bytes()).as_deref(), Some("dahua"));
        assert_eq!(vendor(sdp("a=appversion:1.0").as_bytes()), None);
    }

    #[test]
    fn more_is_wanted_until_all_is_there() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 10\r\n\r\n0123456789";
        for end in 1..whole.len() {
            assert!(may_begin(&whole[..end]));
            assert!(message(&whole[..end], &Marks::builtin()).more, "{end}");
        }
        assert!(!message(whole, &Marks::builtin()).more);
        assert!(
            !message(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 9999\r\n\r\n", &Marks::builtin())
                .more
        );
    }

    #[test]
    fn upnp_descriptions_need_a_known_maker_or_model() {
        let description = |maker: &str, model: &str| {
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device>\
                 <manufacturer>{maker}</manufacturer><modelName>{model}</modelName></device></root>"
            )
        };
        assert_eq!(vendor(description("HIKVISION", "DS-2CD2143G0-I").as_bytes()).as_deref(), Some("hikvision"));
        assert_eq!(vendor(description("D-Link", "DCS-935L").as_bytes()).as_deref(), Some("d-link"));
        assert_eq!(vendor(description("D-Link", "DCH-S220").as_bytes()), None, "a siren");
        assert_eq!(vendor(description("Royal Philips Electronics", "Philips hue bridge 2012").as_bytes()), None);
    }
}
