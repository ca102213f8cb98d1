//! XML that a stranger wrote: names and texts of its leaves, without document types or entities of its own.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Bytes that are read; what follows is left out.
const MAX_BYTES: usize = 8_192;
/// Elements inside each other; deeper documents are not read.
const MAX_DEPTH: usize = 24;
/// Leaves that are kept; what follows is left out.
const MAX_LEAVES: usize = 256;
/// Bytes of one text that are kept.
const MAX_TEXT: usize = 2_048;

/// The leaves of a document, as far as it went.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Xml {
    /// Name of the root without its prefix.
    pub root: String,
    /// Local names and texts, in order.
    leaves: Vec<(String, String)>,
    /// Names of all elements that hold others.
    branches: Vec<String>,
}

impl Xml {
    /// Reads a document. It may be cut; a document type makes it none.
    pub fn read(bytes: &[u8]) -> Option<Xml> {
        let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
        let mut reader = Reader::from_reader(bytes);
        reader.config_mut().check_end_names = false;
        let mut xml = Xml::default();
        let mut depth = 0usize;
        let mut open: Option<(String, String)> = None;
        // Each event takes at least one byte.
        for _ in 0..MAX_BYTES {
            match reader.read_event() {
                Ok(Event::Start(start)) => {
                    let name = name_of(start.local_name().as_ref());
                    if depth == 0 && xml.root.is_empty() {
                        xml.root.clone_from(&name);
                    }
                    if let Some((outer, _)) = open.replace((name, String::new()))
                        && xml.branches.len() < MAX_LEAVES
                    {
                        xml.branches.push(outer);
                    }
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return None;
                    }
                }
                Ok(Event::Text(text)) => append(&mut open, &String::from_utf8_lossy(&text)),
                Ok(Event::CData(text)) => append(&mut open, &String::from_utf8_lossy(&text)),
                Ok(Event::GeneralRef(reference)) => append(&mut open, entity(&reference)),
                Ok(Event::End(_)) => {
                    if let Some(leaf) = open.take() {
                        xml.leaves.push(leaf);
                    }
                    depth = depth.saturating_sub(1);
                    if xml.leaves.len() >= MAX_LEAVES {
                        break;
                    }
                }
                Ok(Event::DocType(_)) => return None,
                Ok(Event::Eof) | Err(_) => break,
                Ok(_) => {}
            }
        }
        (!xml.root.is_empty()).then_some(xml)
    }

    /// The text of the first leaf with this name, upper or lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.leaves.iter().find(|leaf| leaf.0.eq_ignore_ascii_case(name))?;
        Some(found.1.trim()).filter(|text| !text.is_empty())
    }

    /// Whether an element has this name.
    pub fn has(&self, name: &str) -> bool {
        self.root == name
            || self.branches.iter().any(|branch| branch == name)
            || self.leaves.iter().any(|leaf| leaf.0 == name)
    }
}

fn name_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..64).unwrap_or(bytes)).into_owned()
}

fn append(open: &mut Option<(String, String)>, text: &str) {
    if let Some((_, value)) = open
        && value.len() + text.len() <= MAX_TEXT
    {
        value.push_str(text);
    }
}

/// The five entities that XML itself has; others stand for nothing.
fn entity(name: &[u8]) -> &'static str {
    match name {
        b"amp" => "&",
        b"lt" => "<",
        b"gt" => ">",
        b"quot" => "\"",
        b"apos" => "'",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_are_found_by_local_name() {
        let xml = Xml::read(b"<a:R><b:B><c:Model>X &amp; Y</c:Model></b:B><Empty/><N> 1 </N>").expect("cut is fine");
        assert_eq!((xml.root.as_str(), xml.get("model"), xml.get("n")), ("R", Some("X & Y"), Some("1")));
        assert!(xml.has("B") && !xml.has("C"));
    }

    #[test]
    fn bombs_cost_nothing() {
        let bomb = b"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>";
        assert_eq!(Xml::read(bomb), None);
        assert_eq!(Xml::read("<a>".repeat(5_000).as_bytes()), None);
        let wide = format!("<r>{}</r>", "<a>1</a>".repeat(5_000));
        assert!(Xml::read(wide.as_bytes()).is_some_and(|xml| xml.leaves.len() <= MAX_LEAVES));
        let long = format!("<r><a>{}</a>", "&amp;".repeat(5_000));
        assert!(Xml::read(long.as_bytes()).is_some_and(|xml| xml.get("a").is_none_or(|a| a.len() <= MAX_TEXT)));
        assert_eq!(Xml::read(b""), None);
    }
}
