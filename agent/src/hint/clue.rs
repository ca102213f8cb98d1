//! What a message says about the device that sent it. Strings are cut and escaped here, at the door.

use std::net::IpAddr;

use crate::base::{Mac, escape};

/// Characters of a device's word that are kept.
pub const MAX_WORD: usize = 64;
/// Facts of one message; further ones are left out.
pub const MAX_FACTS: usize = 16;
/// Addresses of one message; further ones are left out.
const MAX_ADDRESSES: usize = 8;

/// Declares the enums below with their words, so that both stand in one place.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every one, in order.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The word used in JSON and data files.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The one of this word.
            pub fn from_name(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.name() == word)
            }
        }
    };
}

words! {
    /// Where a hint comes from, the best first: where two tell different things with equal confidence, the earlier counts.
    Source {
        /// Hikvision's discovery over UDP.
        Sadp => "sadp",
        /// The same in raw Ethernet frames.
        SadpFrame => "sadp-frame",
        /// ISAPI device information over HTTP.
        Isapi => "isapi",
        /// Dahua's discovery.
        Dhip => "dhip",
        /// Dahua's older discovery on port 5050.
        Dahua5050 => "dahua-5050",
        /// ONVIF GetDeviceInformation over HTTP.
        OnvifDevice => "onvif-device",
        /// ONVIF WS-Discovery.
        WsDiscovery => "ws-discovery",
        /// Registration at an EHome or ISUP platform.
        EHome => "ehome",
        /// An event that a camera pushes over HTTP.
        Event => "event",
        /// Dahua's answer to a login over HTTP or DHIP.
        Login => "login",
        /// Bosch's discovery.
        Bosch => "bosch",
        /// Hanwha's discovery.
        Hanwha => "hanwha",
        /// A device description of UPnP.
        Upnp => "upnp",
        /// Multicast DNS.
        Mdns => "mdns",
        /// DHCP.
        Dhcp => "dhcp",
        /// SSDP.
        Ssdp => "ssdp",
        /// A session description of RTSP.
        Sdp => "sdp",
        /// Headers of RTSP.
        Rtsp => "rtsp",
        /// Headers of HTTP.
        Http => "http",
        /// The certificate of a TLS server.
        Tls => "tls",
        /// Registration at the broker of a peer-to-peer network (PPPP).
        P2p => "p2p",
        /// Names asked for.
        Dns => "dns",
    }
}

words! {
    /// What a hint is about.
    Says {
        /// Word of the vendor table.
        Vendor => "vendor",
        /// `camera`, `recorder`, ….
        Kind => "kind",
        /// The maker's name as the device writes it.
        Maker => "maker",
        /// Model.
        Model => "model",
        /// Firmware.
        Firmware => "firmware",
        /// Serial number.
        Serial => "serial",
        /// Its name.
        Name => "name",
        /// Its MAC as it says it itself.
        Mac => "mac",
        /// `false` in factory state, where whoever comes first sets the password.
        Activated => "activated",
        /// A name that it asked for.
        Asks => "asks",
    }
}

words! {
    /// How far a hint is to be trusted. `Low` alone never identifies a device.
    Confidence {
        /// Many devices say so.
        Low => "low",
        /// Known from consistent secondary sources.
        Medium => "medium",
        /// Known from a primary record, or seen in a real capture.
        High => "high",
    }
}

/// What one message says about its sender.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clue {
    /// Where it comes from.
    pub source: Source,
    /// How far it is to be trusted.
    pub confidence: Confidence,
    /// At most [`MAX_FACTS`], each escaped and at most [`MAX_WORD`] characters of the device.
    pub facts: Vec<(Says, String)>,
    /// The MAC that it gives as its own.
    pub mac: Option<Mac>,
    /// The addresses that it gives as its own. Where one of the sender's family is given, the sender's must be there:
    /// else the message tells of somebody else.
    pub addresses: Vec<IpAddr>,
    /// Length of its subnet mask.
    pub mask: Option<u8>,
}

impl Clue {
    /// A clue without a fact.
    pub fn new(source: Source, confidence: Confidence) -> Self {
        Clue { source, confidence, facts: Vec::new(), mac: None, addresses: Vec::new(), mask: None }
    }

    /// Adds a fact, if there is a word in it.
    pub fn say(&mut self, says: Says, text: &str) {
        if let Some(word) = word(text).filter(|_| self.facts.len() < MAX_FACTS)
            && !self.facts.iter().any(|known| known.0 == says && known.1 == word)
        {
            self.facts.push((says, word));
        }
    }

    /// The same, in one expression.
    #[must_use]
    pub fn with(mut self, says: Says, text: &str) -> Self {
        self.say(says, text);
        self
    }

    /// Takes a MAC that the device says to be its own.
    pub fn say_mac(&mut self, text: &str) {
        if let Some(mac) = text.trim().parse::<Mac>().ok().filter(|mac| !mac.is_group() && *mac != Mac::ZERO) {
            self.mac = Some(mac);
            self.say(Says::Mac, &mac.to_string());
        }
    }

    /// Takes an address that the device says to be its own.
    pub fn say_address(&mut self, text: &str) {
        if let Some(ip) = text.trim().parse::<IpAddr>().ok().filter(|ip| !ip.is_unspecified() && !ip.is_loopback())
            && self.addresses.len() < MAX_ADDRESSES
            && !self.addresses.contains(&ip)
        {
            self.addresses.push(ip);
        }
    }

    /// The first fact of this sort.
    pub fn fact(&self, says: Says) -> Option<&str> {
        self.facts.iter().find(|fact| fact.0 == says).map(|fact| fact.1.as_str())
    }
}

/// A device's word as it may be shown: without blanks around it, cut, hidden characters visible. `None` if nothing is left.
pub fn word(text: &str) -> Option<String> {
    let text = text.trim().trim_matches('\0');
    let end = text.char_indices().nth(MAX_WORD).map_or(text.len(), |(at, _)| at);
    let text = text.get(..end)?.trim();
    (!text.is_empty()).then(|| escape(text).into_owned())
}

/// The text up to the first zero byte.
pub(super) fn c_text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// Length of a subnet mask, if its ones stand together.
pub(super) fn mask_length(mask: u32) -> Option<u8> {
    let ones = mask.leading_ones();
    (mask.checked_shl(ones).unwrap_or(0) == 0).then_some(ones as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_and_escaped() {
        assert_eq!(word(" DS-2CD2143G0-I\0\0"), Some("DS-2CD2143G0-I".to_owned()));
        assert_eq!(word("\x1b[2J"), Some("\\x1b[2J".to_owned()));
        assert_eq!(word(&"ø".repeat(500)).map(|w| w.chars().count()), Some(MAX_WORD));
        assert_eq!(word(" \0 "), None);
    }

    #[test]
    fn a_clue_keeps_a_fact_once_and_no_group_address() {
        let mut clue = Clue::new(Source::Sadp, Confidence::High).with(Says::Model, "a").with(Says::Model, "a");
        clue.say_mac("ff:ff:ff:ff:ff:ff");
        clue.say_address("0.0.0.0");
        assert_eq!((clue.facts.len(), clue.mac, clue.addresses.len()), (1, None, 0));
        (0..100).for_each(|n| clue.say(Says::Model, &n.to_string()));
        assert_eq!(clue.facts.len(), MAX_FACTS);
    }
}
