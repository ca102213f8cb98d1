//! SADP, Hikvision's Search Active Devices Protocol: answers and greetings of devices over UDP, and the raw frames.
//! Both as reverse-engineered; what tools send (`Probe`) says nothing about a camera.

use std::net::{IpAddr, Ipv4Addr};

use super::clue::{Clue, Confidence, Says, Source, c_text, mask_length};
use super::xml::Xml;
use crate::base::Mac;

/// EtherType of the raw frames.
pub const ETHERTYPE: u16 = 0x8033;

/// Reads an answer (`ProbeMatch`) or a greeting (`Hello`) of a device.
pub fn sadp(payload: &[u8]) -> Option<Clue> {
    let xml = Xml::read(payload)?;
    let is_answer = xml.root.eq_ignore_ascii_case("ProbeMatch") || xml.root.eq_ignore_ascii_case("Hello");
    let (mac, serial) = (xml.get("MAC")?, xml.get("DeviceSN")?);
    if !is_answer {
        return None;
    }
    let mut clue = Clue::new(Source::Sadp, Confidence::High).with(Says::Vendor, "hikvision");
    clue.say_mac(mac);
    clue.mac?;
    if let Some(ip) = xml.get("IPv4Address") {
        clue.say_address(ip);
    }
    clue.mask = xml
        .get("IPv4SubnetMask")
        .and_then(|mask| mask.parse::<Ipv4Addr>().ok()?.to_bits().into())
        .and_then(mask_length);
    let model = xml.get("DeviceDescription").map(str::to_owned).or_else(|| model_of_serial(serial));
    clue.say(Says::Model, &model.unwrap_or_default());
    clue.say(Says::Serial, serial);
    clue.say(Says::Firmware, xml.get("SoftwareVersion").unwrap_or_default());
    if let Some(activated) = xml.get("Activated") {
        // A misspelt `flase` occurs.
        clue.say(Says::Activated, if activated.starts_with(['f', 'F']) { "false" } else { "true" });
    }
    Some(clue)
}

/// Reads the answer of a device to an inquiry, or its report that it is online, given what follows the EtherType.
pub fn sadp_frame(frame: &[u8]) -> Option<Clue> {
    const ID: u8 = 0x21;
    const INQUIRY_RESPONSE: u8 = 4;
    let header: &[u8; 38] = frame.first_chunk()?;
    if header[0] != ID || !matches!(header[1], 1 | 2) || header[2] != 1 || header[8..10] != [6, 4] {
        return None;
    }
    if header[10] != INQUIRY_RESPONSE {
        return None;
    }
    let info = frame.get(38..38 + 160)?;
    let at = |from: usize, length: usize| c_text(info.get(from..from + length).unwrap_or_default());
    let (serial, firmware) = (at(0, 48), at(64, 48));
    if serial.is_empty() || !firmware.starts_with(['V', 'v']) {
        return None;
    }
    let mut clue = Clue::new(Source::SadpFrame, Confidence::High).with(Says::Vendor, "hikvision");
    let mac = Mac([header[14], header[15], header[16], header[17], header[18], header[19]]);
    clue.say_mac(&mac.to_string());
    clue.mac?;
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    clue.say_address(&IpAddr::V4(Ipv4Addr::from(word(20))).to_string());
    clue.mask = mask_length(word(34)).filter(|&mask| mask > 0);
    clue.say(Says::Model, &model_of_serial(&serial).unwrap_or_default());
    clue.say(Says::Serial, &serial);
    clue.say(Says::Firmware, &firmware);
    Some(clue)
}

/// A serial number is the model, then the date of production (`YYYYMMDD`), then a group and a number.
fn model_of_serial(serial: &str) -> Option<String> {
    let bytes = serial.as_bytes();
    let date =
        (0..bytes.len()).find(|&at| bytes.get(at..at + 8).is_some_and(|run| run.iter().all(u8::is_ascii_digit)))?;
    serial.get(..date).filter(|model| model.len() >= 3).map(str::to_owned)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Synthetic, after a real answer.
    pub const ANSWER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<ProbeMatch><Uuid>7F1A</Uuid><Types>inquiry</Types>\
        <DeviceType>141945</DeviceType><DeviceDescription>DS-2CD2385G1-I</DeviceDescription>\
        <DeviceSN>DS-2CD2385G1-I20200414AAWRE33842150</DeviceSN><CommandPort>8000</CommandPort><HttpPort>80</HttpPort>\
        <MAC>58-50-ed-1f-e3-85</MAC><IPv4Address>10.110.0.12</IPv4Address><IPv4SubnetMask>255.255.255.0</IPv4SubnetMask>\
        <SoftwareVersion>V5.6.2build 190701</SoftwareVersion><Activated>flase</Activated></ProbeMatch>";

    /// Synthetic, after the documented layout.
    pub fn frame(op: u8) -> Vec<u8> {
        let mut frame = vec![0x21, 1, 1, 0xf6, 0, 0, 0, 1, 6, 4, op, 0, 0, 0];
        frame.extend([
            0x58, 0x50, 0xed, 0x1f, 0xe3, 0x85, 10, 110, 0, 12, 2, 0, 0, 0, 0, 1, 10, 110, 0, 5, 255, 255, 255, 0,
        ]);
        let mut info = vec![0; 208];
        info[..35].copy_from_slice(b"DS-2CD2385G1-I20200414AAWRE33842150");
        info[64..82].copy_from_slice(b"V5.6.2build 190701");
        frame.extend(info);
        frame
    }

    #[test]
    fn an_answer_says_all_about_its_device() {
        let clue = sadp(ANSWER.as_bytes()).expect("an answer");
        assert_eq!(clue.mac, "58:50:ed:1f:e3:85".parse().ok());
        assert_eq!((clue.addresses.as_slice(), clue.mask), (&[IpAddr::from([10, 110, 0, 12])][..], Some(24)));
        for (says, value) in [
            (Says::Vendor, "hikvision"),
            (Says::Model, "DS-2CD2385G1-I"),
            (Says::Firmware, "V5.6.2build 190701"),
            (Says::Serial, "DS-2CD2385G1-I20200414AAWRE33842150"),
            (Says::Activated, "false"),
        ] {
            assert_eq!(clue.fact(says), Some(value));
        }
        assert!(sadp(ANSWER.replace("ProbeMatch", "Probematch").as_bytes()).is_some());
        assert!(sadp(ANSWER.replace("ProbeMatch", "Hello").as_bytes()).is_some());
    }

    #[test]
    fn what_a_tool_sends_says_nothing() {
        let inquiry =
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Probe><Uuid>7F1A</Uuid><Types>inquiry</Types></Probe>";
        assert_eq!(sadp(inquiry.as_bytes()), None);
        assert_eq!(sadp(ANSWER.replace("ProbeMatch", "Probe").as_bytes()), None, "a change of settings");
        assert_eq!(sadp(ANSWER.replace("DeviceSN", "Other").as_bytes()), None);
    }

    #[test]
    fn a_frame_says_the_same() {
        let clue = sadp_frame(&frame(4)).expect("an answer");
        assert_eq!(clue.fact(Says::Model), Some("DS-2CD2385G1-I"));
        assert_eq!((clue.mac, clue.mask), ("58:50:ed:1f:e3:85".parse().ok(), Some(24)));
        assert_eq!(sadp_frame(&frame(3)), None, "an inquiry");
        for end in 0..197 {
            assert_eq!(sadp_frame(&frame(4)[..end]), None);
        }
    }
}
