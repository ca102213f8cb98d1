//! What a message of SADP is about, whoever sent it: read leniently, since an attacker may write it as he likes.

use crate::base::Mac;

use super::word;

/// One message, over UDP or in a raw frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SadpMessage {
    /// A device answers; else a tool asks.
    pub is_answer: bool,
    /// What is asked for or was: the word of `Types`, or the operation of a raw frame. Escaped.
    pub word: String,
    /// The device that is meant, or that answers.
    pub device: Option<Mac>,
    /// The sender's address as a raw frame gives it.
    pub sender: Option<std::net::Ipv4Addr>,
}

/// Reads a message over UDP.
pub fn sadp_message(bytes: &[u8]) -> Option<SadpMessage> {
    let text = bytes.get(..MAX_BYTES).unwrap_or(bytes).to_ascii_lowercase();
    let word = word(&String::from_utf8_lossy(element(&text, b"<types>")?))?;
    let mac = element(&text, b"<mac>").and_then(|mac| std::str::from_utf8(mac).ok()?.parse::<Mac>().ok());
    Some(SadpMessage { is_answer: holds(&text, b"<probematch"), word, device: mac, sender: None })
}

/// Reads a raw frame, given what follows the EtherType: 38 bytes of header, its operation in the 11th; an answer has the
/// next number.
pub fn sadp_operation(frame: &[u8]) -> Option<SadpMessage> {
    let header: &[u8; 38] = frame.first_chunk()?;
    if header[0] != 0x21 {
        return None;
    }
    let is_answer = matches!(header[10], 7 | 0x0b | 0x11);
    let operation = header[10] - u8::from(is_answer);
    let mac =
        |at: usize| Mac([header[at], header[at + 1], header[at + 2], header[at + 3], header[at + 4], header[at + 5]]);
    let sender = std::net::Ipv4Addr::new(header[20], header[21], header[22], header[23]);
    Some(SadpMessage {
        is_answer,
        word: format!("operation {operation:#04x}"),
        device: Some(if is_answer { mac(14) } else { mac(24) }),
        sender: Some(sender).filter(|ip| !ip.is_unspecified() && !ip.is_broadcast()),
    })
}

/// Bytes of a message that are read.
const MAX_BYTES: usize = 4_096;

/// The text of the first element of this name.
fn element<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = text.windows(name.len()).position(|window| window == name)? + name.len();
    let rest = text.get(start..)?;
    Some(rest.get(..rest.iter().position(|&byte| byte == b'<')?)?.trim_ascii())
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_its_device() {
        let update =
            b"<?xml version=\"1.0\"?><Probe><Uuid>1</Uuid><MAC> 44-19-b6-01-02-03 </MAC><types>update</Types></Probe>";
        let message = sadp_message(update).expect("a message");
        assert_eq!((message.is_answer, message.word.as_str()), (false, "update"));
        assert_eq!(message.device, "44:19:b6:01:02:03".parse().ok());
        assert!(sadp_message(b"<ProbeMatch><Types>update</Types></ProbeMatch>").is_some_and(|m| m.is_answer));
        assert_eq!(sadp_message(b"<Probe><Types>update"), None);
        assert_eq!(sadp_message(b"<Types>\x1b[2J</Types>").map(|m| m.word), Some("\\x1b[2j".to_owned()));
    }

    #[test]
    fn a_frame_names_its_device() {
        let mut frame = vec![0x21, 2, 1, 0x42, 0, 0, 0, 1, 6, 4, 6, 0, 0, 0, 2, 0, 0, 0, 0, 5, 10, 110, 0, 5];
        frame.extend([0x44, 0x19, 0xb6, 1, 2, 3, 10, 110, 0, 11, 255, 255, 255, 0]);
        let message = sadp_operation(&frame).expect("a message");
        assert_eq!((message.is_answer, message.word.as_str()), (false, "operation 0x06"));
        assert_eq!(message.device, "44:19:b6:01:02:03".parse().ok());
        assert_eq!(message.sender, Some([10, 110, 0, 5].into()));
        frame[10] = 7;
        let answer = sadp_operation(&frame).expect("a message");
        assert_eq!((answer.is_answer, answer.word.as_str()), (true, "operation 0x06"));
        assert_eq!(answer.device, "02:00:00:00:00:05".parse().ok());
        assert_eq!(sadp_operation(&frame[..37]), None);
    }
}
