//! ONVIF: WS-Discovery (OASIS WS-Discovery 1.0, ONVIF Core, section 7) and GetDeviceInformation in clear text.

use super::clue::{Clue, Confidence, Says, Source};
use super::marks::{Marks, Where};
use super::xml::Xml;

/// Scopes of one announcement that are read.
const MAX_SCOPES: usize = 64;
const SCOPE: &str = "onvif://www.onvif.org/";

/// Reads a Hello, ProbeMatches or ResolveMatches of a network video device. Printers and Windows use the same protocol
/// with other types.
pub fn ws_discovery(payload: &[u8], marks: &Marks) -> Option<Clue> {
    let xml = Xml::read(payload)?;
    let announces = ["Hello", "ProbeMatches", "ProbeMatch", "ResolveMatches"].iter().any(|name| xml.has(name));
    let scopes = xml.get("Scopes").unwrap_or_default();
    let types = xml.get("Types").unwrap_or_default();
    let is_video = types.contains("NetworkVideoTransmitter") || scopes.contains(SCOPE);
    if xml.root != "Envelope" || !announces || !is_video {
        return None;
    }
    let mut clue = Clue::new(Source::WsDiscovery, Confidence::High);
    let (mut model, mut makers) = (String::new(), Vec::new());
    for scope in scopes.split_whitespace().take(MAX_SCOPES) {
        let Some((category, value)) = scope.strip_prefix(SCOPE).and_then(|rest| rest.split_once('/')) else { continue };
        let value = percent_decoded(value);
        match category.to_ascii_lowercase().as_str() {
            "name" | "manufacturer" | "mfr" => makers.push(value),
            "hardware" if model.is_empty() => model = value,
            "mac" => clue.say_mac(&value),
            _ => {}
        }
    }
    for maker in &makers {
        marks.identify(&mut clue, Where::Maker, maker);
    }
    if types.contains("NetworkVideoTransmitter") || scopes.to_ascii_lowercase().contains("/type/video_encoder") {
        clue.say(Says::Kind, "camera");
    }
    if !model.is_empty() {
        marks.identify(&mut clue, Where::Model, &model);
        clue.say(Says::Model, &model);
    }
    clue.say(Says::Name, makers.first().map(String::as_str).unwrap_or_default());
    // The endpoints of Hikvision end in the MAC.
    if clue.mac.is_none() && clue.fact(Says::Vendor) == Some("hikvision") {
        let endpoint = xml.get("Address").unwrap_or_default();
        clue.say_mac(endpoint.rsplit('-').next().filter(|tail| tail.len() == 12).unwrap_or_default());
    }
    for host in xml.get("XAddrs").unwrap_or_default().split_whitespace().filter_map(host_of) {
        clue.say_address(host);
    }
    (clue.fact(Says::Kind).is_some() || clue.fact(Says::Vendor).is_some()).then_some(clue)
}

/// Reads the body of an answer to GetDeviceInformation.
pub fn device_information(xml: &Xml, marks: &Marks) -> Option<Clue> {
    if !xml.has("GetDeviceInformationResponse") {
        return None;
    }
    let mut clue = Clue::new(Source::OnvifDevice, Confidence::High);
    let (maker, model) = (xml.get("Manufacturer").unwrap_or_default(), xml.get("Model").unwrap_or_default());
    marks.identify(&mut clue, Where::Maker, maker);
    marks.identify(&mut clue, Where::Model, model);
    clue.say(Says::Maker, maker);
    clue.say(Says::Model, model);
    clue.say(Says::Firmware, xml.get("FirmwareVersion").unwrap_or_default());
    clue.say(Says::Serial, xml.get("SerialNumber").unwrap_or_default());
    (!clue.facts.is_empty()).then_some(clue)
}

/// The host of a URL, without port and brackets.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split(['/', '?']).next()?;
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    }
}

/// Percent-encoded text (RFC 3986, section 2.1) as it was.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let pair = tail.first_chunk::<2>().and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.filter(|_| *byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Synthetic, after a real announcement of a Hikvision camera.
    pub fn announcement(body: &str, types: &str, scopes: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\">\
             <env:Header><wsa:MessageID>urn:uuid:1</wsa:MessageID></env:Header><env:Body><d:{body}>\
             <d:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:cea94000-fb96-11b3-8260-686dbc5cb15d</wsa:Address>\
             </wsa:EndpointReference><d:Types>{types}</d:Types><d:Scopes>{scopes}</d:Scopes>\
             <d:XAddrs>http://10.110.0.12/onvif/device_service http://[fd00:110::12]/onvif/device_service</d:XAddrs>\
             </d:ProbeMatch></d:{body}></env:Body></env:Envelope>"
        )
    }

    pub const HIKVISION: &str = "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/Profile/Streaming \
        onvif://www.onvif.org/hardware/DS-2CD2143G0-I onvif://www.onvif.org/name/HIKVISION%20DS-2CD2143G0-I";

    #[test]
    fn cameras_announce_themselves() {
        let marks = Marks::builtin();
        let clue = ws_discovery(
            announcement("ProbeMatches", "dn:NetworkVideoTransmitter tds:Device", HIKVISION).as_bytes(),
            &marks,
        )
        .expect("a camera");
        assert_eq!(clue.fact(Says::Vendor), Some("hikvision"));
        assert_eq!(clue.fact(Says::Model), Some("DS-2CD2143G0-I"));
        assert_eq!(clue.fact(Says::Kind), Some("camera"));
        assert_eq!(clue.mac, "68:6d:bc:5c:b1:5d".parse().ok(), "the end of the endpoint");
        assert_eq!(clue.addresses.len(), 2);
        let dahua = "onvif://www.onvif.org/location/country/china onvif://www.onvif.org/name/Dahua \
            onvif://www.onvif.org/hardware/IPC-HFW2228M-I1-V2 onvif://www.onvif.org/type/Network_Video_Transmitter";
        let clue = ws_discovery(announcement("Hello", "dn:NetworkVideoTransmitter", dahua).as_bytes(), &marks);
        let clue = clue.expect("a camera");
        assert_eq!((clue.fact(Says::Vendor), clue.mac), (Some("dahua"), None));
    }

    #[test]
    fn printers_and_those_who_ask_are_none() {
        let marks = Marks::builtin();
        let printer = announcement("ProbeMatches", "wsdp:Device wprt:PrintDeviceType", "ldap:///HIKVISION");
        assert_eq!(ws_discovery(printer.as_bytes(), &marks), None);
        let probe = announcement("Probe", "dn:NetworkVideoTransmitter", "").replace("ProbeMatch>", "X>");
        assert_eq!(ws_discovery(probe.as_bytes(), &marks), None);
    }

    #[test]
    fn device_information_names_all() {
        let body = b"<s:Envelope><s:Body><tds:GetDeviceInformationResponse><tds:Manufacturer>HIKVISION</tds:Manufacturer>\
            <tds:Model>DS-2CD2385G1-I</tds:Model><tds:FirmwareVersion>V5.6.1 build 190813</tds:FirmwareVersion>\
            <tds:SerialNumber>DS-2CD2385G1-I20200414AAWRE33842150</tds:SerialNumber></tds:GetDeviceInformationResponse>";
        let clue = Xml::read(body).and_then(|xml| device_information(&xml, &Marks::builtin())).expect("information");
        assert_eq!(clue.fact(Says::Vendor), Some("hikvision"));
        assert_eq!(clue.fact(Says::Firmware), Some("V5.6.1 build 190813"));
    }

    #[test]
    fn text_is_decoded() {
        assert_eq!(percent_decoded("CP%20PLUS%"), "CP PLUS%");
        assert_eq!(percent_decoded("%zz%4"), "%zz%4");
        assert_eq!(host_of("http://[fe80::1]:80/x"), Some("fe80::1"));
        assert_eq!(host_of("10.0.0.1"), None);
    }
}
