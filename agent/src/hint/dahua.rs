//! Dahua: discovery with DHIP (UDP 37810) and its forerunner on port 5050, and the answer to a login, which leaks MAC
//! and serial number.

use super::clue::{Clue, Confidence, Says, Source, c_text};

/// Bytes of a DHIP header.
const HEADER: usize = 32;
/// JSON that is read; longer messages are none.
const MAX_JSON: usize = 8_192;

/// Reads a message with a DHIP header: a device that tells of itself, or its answer to a login.
pub fn dhip(payload: &[u8]) -> Option<Clue> {
    let header: &[u8; HEADER] = payload.first_chunk()?;
    if header[..8] != *b"\x20\0\0\0DHIP" {
        return None;
    }
    let length = u32::from_le_bytes([header[16], header[17], header[18], header[19]]) as usize;
    let rest = payload.get(HEADER..)?;
    let json = json(rest.get(..length.min(rest.len()))?)?;
    if text(&json, "/method") != "client.notifyDevInfo" {
        return login(&json);
    }
    let info = "/params/deviceInfo";
    let at = |field: &str| text(&json, &format!("{info}/{field}"));
    json.pointer(info)?.is_object().then_some(())?;
    // Its word for the vendor is often that of a reseller, or `Private`.
    let mut clue = Clue::new(Source::Dhip, Confidence::High).with(Says::Vendor, "dahua");
    clue.say_mac(text(&json, "/mac"));
    clue.say_address(at("IPv4Address/IPAddress"));
    clue.say(Says::Maker, at("Vendor"));
    clue.say(Says::Model, at("DeviceType"));
    clue.say(Says::Firmware, at("Version"));
    clue.say(Says::Serial, at("SerialNo"));
    clue.say(Says::Kind, kind(at("DeviceClass")));
    (clue.fact(Says::Model).is_some() || clue.fact(Says::Serial).is_some()).then_some(clue)
}

/// Reads the older answer: the model in a fixed place, then lines of text with the MAC first.
pub fn dahua_5050(payload: &[u8]) -> Option<Clue> {
    const ANSWER: u8 = 0xb3;
    const MODEL: usize = 0x28;
    const LINES: usize = 120;
    if *payload.first()? != ANSWER {
        return None;
    }
    let model = c_text(payload.get(MODEL..MODEL + 16)?);
    let lines = c_text(payload.get(LINES..)?);
    let mac = lines.get(..17)?;
    if !lines.contains("SerialNo:") && !lines.contains("Name:") {
        return None;
    }
    let mut clue =
        Clue::new(Source::Dahua5050, Confidence::Medium).with(Says::Vendor, "dahua").with(Says::Model, &model);
    clue.say_mac(mac);
    clue.mac?;
    for line in lines.get(17..).unwrap_or_default().split("\r\n") {
        match line.split_once(':') {
            Some(("SerialNo", serial)) => clue.say(Says::Serial, serial),
            Some(("Device", model)) => clue.say(Says::Model, model),
            _ => {}
        }
    }
    Some(clue)
}

/// Reads a JSON body that may be the answer to a login.
pub fn login_answer(body: &[u8]) -> Option<Clue> {
    login(&json(body)?)
}

/// The challenge of a login: `{"error":{…},"params":{"encryption":…,"mac":…,"realm":"Login to SERIAL"}}`.
fn login(json: &serde_json::Value) -> Option<Clue> {
    let (mac, realm) = (text(json, "/params/mac"), text(json, "/params/realm"));
    if json.get("error").is_none() || text(json, "/params/encryption").is_empty() {
        return None;
    }
    let serial = realm.strip_prefix("Login to ")?;
    let mut clue = Clue::new(Source::Login, Confidence::High).with(Says::Vendor, "dahua");
    clue.say_mac(mac);
    clue.say(Says::Serial, serial_of(serial).unwrap_or_default());
    Some(clue)
}

/// What stands behind `Login to`: a serial number, or a hash or a name, which are none.
pub(super) fn serial_of(text: &str) -> Option<&str> {
    let is_serial = (10..=20).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && text.bytes().any(|b| b.is_ascii_digit());
    is_serial.then_some(text)
}

fn kind(class: &str) -> &'static str {
    match class {
        "IPC" | "SD" | "TPC" => "camera",
        "NVR" | "DVR" | "HCVR" | "XVR" | "EVS" => "recorder",
        "VTO" | "VTH" | "VTS" => "intercom",
        _ => "",
    }
}

fn json(bytes: &[u8]) -> Option<serde_json::Value> {
    let bytes = bytes.trim_ascii();
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes).trim_ascii();
    // The reader itself stops at 128 levels.
    (bytes.len() <= MAX_JSON && bytes.first() == Some(&b'{')).then(|| serde_json::from_slice(bytes).ok())?
}

fn text<'a>(json: &'a serde_json::Value, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Synthetic, after the documented header.
    pub fn message(json: &str) -> Vec<u8> {
        let mut message = b"\x20\0\0\0DHIP\0\0\0\0\0\0\0\0".to_vec();
        for _ in 0..2 {
            message.extend((json.len() as u32).to_le_bytes());
            message.extend([0; 4]);
        }
        message.extend(json.as_bytes());
        message
    }

    pub const NOTIFY: &str = r#"{"mac":"38:af:29:bb:bc:ab","method":"client.notifyDevInfo","params":{"deviceInfo":
        {"DeviceType":"IPC-HDW1431T1-S4","DeviceClass":"IPC","SerialNo":"6C01E93PAG69A7D","Version":"2.800.0000000.13.R",
        "Vendor":"Private","IPv4Address":{"IPAddress":"10.110.0.20","DhcpEnable":false}}}}"#;

    #[test]
    fn a_device_tells_of_itself() {
        let clue = dhip(&message(NOTIFY)).expect("an answer");
        for (says, value) in [
            (Says::Vendor, "dahua"),
            (Says::Maker, "Private"),
            (Says::Model, "IPC-HDW1431T1-S4"),
            (Says::Serial, "6C01E93PAG69A7D"),
            (Says::Firmware, "2.800.0000000.13.R"),
            (Says::Kind, "camera"),
        ] {
            assert_eq!(clue.fact(says), Some(value));
        }
        assert_eq!(clue.mac, "38:af:29:bb:bc:ab".parse().ok());
    }

    #[test]
    fn a_search_says_nothing() {
        let search = r#"{"method":"DHDiscover.search","params":{"mac":"","uni":1}}"#;
        assert_eq!(dhip(&message(search)), None);
        assert_eq!(dhip(NOTIFY.as_bytes()), None, "without the header");
        assert_eq!(dhip(&message(&"[".repeat(4_000))), None);
    }

    #[test]
    fn the_answer_to_a_login_leaks_mac_and_serial() {
        let body = br#"{"error":{"code":268632079,"message":"Component error"},"id":2,"params":{"encryption":"Default",
            "mac":"38AF29BBBCAB","random":"1","realm":"Login to 4H01D66PAJ2FA64"},"result":false,"session":1}"#;
        let clue = login_answer(body).expect("a challenge");
        assert_eq!(clue.fact(Says::Serial), Some("4H01D66PAJ2FA64"));
        assert_eq!(clue.mac, "38:af:29:bb:bc:ab".parse().ok());
        assert_eq!(login_answer(br#"{"error":null,"params":{"realm":"Login to your account"}}"#), None);
        assert_eq!(serial_of("your account"), None);
    }

    #[test]
    fn the_older_answer_has_its_places() {
        let mut answer = vec![0; 120];
        answer[0] = 0xb3;
        answer[0x28..0x28 + 11].copy_from_slice(b"IPC-HFW2100");
        answer.extend(b"90:02:a9:01:02:03Name:PZB\r\nDevice:IPC-HFW2100\r\nSerialNo:1B02033\r\n");
        let clue = dahua_5050(&answer).expect("an answer");
        assert_eq!((clue.fact(Says::Model), clue.fact(Says::Serial)), (Some("IPC-HFW2100"), Some("1B02033")));
        answer[0] = 0xa3;
        assert_eq!(dahua_5050(&answer), None, "a search");
    }
}
