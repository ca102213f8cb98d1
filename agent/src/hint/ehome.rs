//! Registration at an EHome (ISUP) platform: XML in clear text up to version 2, which the device sends.

use super::clue::{Clue, Confidence, Says, Source};
use super::xml::Xml;

/// Reads a REGISTER message.
pub fn register(payload: &[u8]) -> Option<Clue> {
    let xml = Xml::read(payload)?;
    if xml.root != "PPVSPMessage" || xml.get("Command") != Some("REGISTER") {
        return None;
    }
    // The platform answers the same command with a status instead of who it is.
    let id = xml.get("DeviceID")?;
    xml.get("LocalIP")?;
    let mut clue = Clue::new(Source::EHome, Confidence::High).with(Says::Vendor, "hikvision").with(Says::Name, id);
    clue.say(Says::Firmware, xml.get("FirmwareVersion").unwrap_or_default());
    clue.say(Says::Serial, xml.get("SerialNumber").unwrap_or_default());
    Some(clue)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Synthetic, after the documented message.
    pub const REGISTER: &str = "<?xml version=\"1.0\" encoding=\"GB2312\" ?><PPVSPMessage><Version>2.0</Version><Sequence>1</Sequence>\
        <CommandType>REQUEST</CommandType><Method>REGISTER</Method><Command>REGISTER</Command><Params><DeviceID>entrance</DeviceID>\
        <FirmwareVersion>V5.4.5 build 170302</FirmwareVersion><LocalIP>10.110.0.11</LocalIP><DevType>31</DevType></Params></PPVSPMessage>";

    #[test]
    fn the_device_registers_the_platform_answers() {
        let clue = register(REGISTER.as_bytes()).expect("a registration");
        assert_eq!(clue.fact(Says::Firmware), Some("V5.4.5 build 170302"));
        let answer = "<PPVSPMessage><Command>REGISTER</Command><Status>200</Status><Params><DeviceID>1</DeviceID>\
            <AlarmServerPort>7332</AlarmServerPort></Params></PPVSPMessage>";
        assert_eq!(register(answer.as_bytes()), None);
        assert_eq!(register(REGISTER.replace(">REGISTER<", ">KEEPALIVE<").as_bytes()), None);
    }
}
