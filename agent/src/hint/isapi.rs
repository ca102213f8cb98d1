//! Hikvision's ISAPI in clear text: device information, and the events that a camera pushes.

use super::clue::{Clue, Confidence, Says, Source};
use super::xml::Xml;

/// XML namespaces of Hikvision and its OEM partners.
const NAMESPACES: [&[u8]; 3] = [b"www.hikvision.com/ver", b"www.isapi.org/ver", b"www.std-cgi.com/ver"];
/// Bytes of a document in which its namespace is looked for.
const HEAD: usize = 512;
/// Bytes of a multipart body in which an event is looked for.
const MAX_PREAMBLE: usize = 1_024;

/// Reads the body of an answer to `/ISAPI/System/deviceInfo`.
pub fn device_info(xml: &Xml, body: &[u8]) -> Option<Clue> {
    if xml.root != "DeviceInfo" || !is_hikvision(body) {
        return None;
    }
    let mut clue = Clue::new(Source::Isapi, Confidence::High).with(Says::Vendor, "hikvision");
    let firmware = [xml.get("firmwareVersion"), xml.get("firmwareReleasedDate")];
    let firmware: Vec<&str> = firmware.into_iter().flatten().collect();
    clue.say(Says::Kind, kind(xml.get("deviceType").unwrap_or_default()));
    clue.say(Says::Model, xml.get("model")?);
    clue.say(Says::Firmware, &firmware.join(" "));
    clue.say(Says::Serial, xml.get("serialNumber").unwrap_or_default());
    clue.say(Says::Name, xml.get("deviceName").unwrap_or_default());
    clue.say_mac(xml.get("macAddress").unwrap_or_default());
    Some(clue)
}

/// Reads the body of a request that pushes an event: `<EventNotificationAlert>`, alone or as part of several.
pub fn event(body: &[u8]) -> Option<Clue> {
    const ROOT: &[u8] = b"<EventNotificationAlert";
    let start = body.windows(ROOT.len()).take(MAX_PREAMBLE).position(|window| window == ROOT)?;
    let document = body.get(start..)?;
    let xml = Xml::read(document).filter(|_| is_hikvision(document))?;
    let mut clue = Clue::new(Source::Event, Confidence::High).with(Says::Vendor, "hikvision");
    clue.say_mac(xml.get("macAddress").unwrap_or_default());
    clue.say_address(xml.get("ipAddress").unwrap_or_default());
    // A server passes on what cameras sent it: who they are must be there.
    (!clue.addresses.is_empty()).then_some(clue)
}

fn is_hikvision(document: &[u8]) -> bool {
    let head = document.get(..HEAD).unwrap_or(document);
    NAMESPACES.iter().any(|name| head.windows(name.len()).any(|window| window == *name))
}

fn kind(device_type: &str) -> &'static str {
    match device_type {
        "IPCamera" | "IPDome" | "IPZoom" => "camera",
        "NVR" | "DVR" | "hybridDVR" | "DVS" => "recorder",
        _ => "",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Synthetic, after the documented answer.
    pub const DEVICE_INFO: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <DeviceInfo version=\"2.0\" xmlns=\"http://www.hikvision.com/ver20/XMLSchema\">\n<deviceName>Entrance</deviceName>\n\
        <model>DS-2CD2142FWD-I</model>\n<serialNumber>DS-2CD2142FWD-I20170801AAWR812345678</serialNumber>\n\
        <macAddress>44:19:b6:01:02:03</macAddress>\n<firmwareVersion>V5.5.0</firmwareVersion>\n\
        <firmwareReleasedDate>build 170725</firmwareReleasedDate>\n<deviceType>IPCamera</deviceType>\n</DeviceInfo>";

    #[test]
    fn device_information_is_hikvisions_by_its_namespace() {
        let read = |text: &str| Xml::read(text.as_bytes()).and_then(|xml| device_info(&xml, text.as_bytes()));
        let clue = read(DEVICE_INFO).expect("information");
        assert_eq!(clue.fact(Says::Firmware), Some("V5.5.0 build 170725"));
        assert_eq!(clue.fact(Says::Kind), Some("camera"));
        assert_eq!(clue.mac, "44:19:b6:01:02:03".parse().ok());
        assert_eq!(read(&DEVICE_INFO.replace("hikvision.com", "example.com")), None);
        assert_eq!(read(&DEVICE_INFO.replace("DeviceInfo", "Info")), None);
    }

    #[test]
    fn events_say_whose_they_are() {
        let push = "--boundary\r\nContent-Type: application/xml\r\n\r\n<EventNotificationAlert version=\"2.0\" \
            xmlns=\"http://www.isapi.org/ver20/XMLSchema\"><ipAddress>10.110.0.11</ipAddress>\
            <macAddress>44:19:b6:01:02:03</macAddress><eventType>VMD</eventType></EventNotificationAlert>";
        let clue = event(push.as_bytes()).expect("an event");
        assert_eq!((clue.addresses.len(), clue.mac), (1, "44:19:b6:01:02:03".parse().ok()));
        assert_eq!(event(push.replace("ipAddress", "other").as_bytes()), None);
        assert_eq!(event(push.replace("EventNotificationAlert", "Event").as_bytes()), None);
    }
}
