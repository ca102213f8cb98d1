//! YAML read once into a tree that keeps positions. Only plain data: no anchors, aliases, tags, directives' magic
//! or second documents, because each is a way to write a policy that says something else than it seems to.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::problem::quoted;
use super::source::{Source, Span};

/// One node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Node {
    pub(super) at: Span,
    pub(super) kind: Kind,
}

/// What a node is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// Any other scalar as it is written, quotes and escapes undone.
    Scalar { text: String, plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in file order, without duplicate keys.
    Map(Vec<Entry>),
    /// Something that was reported already.
    Broken,
}

impl Node {
    /// Whether something in it was reported already, so that what seems to be missing may not be.
    pub(super) fn is_broken(&self) -> bool {
        match &self.kind {
            Kind::Broken => true,
            Kind::Null | Kind::Scalar { .. } => false,
            Kind::List(nodes) => nodes.iter().any(Node::is_broken),
            Kind::Map(entries) => entries.iter().any(|entry| entry.value.is_broken()),
        }
    }
}

/// One key of a mapping, with its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Span,
    pub(super) value: Node,
}

/// Levels of nesting; the deepest place of the language is the fifth.
const MAX_DEPTH: usize = 16;

/// Reads the only document of `text`. `None` when there is no tree to go on with; why is in the problems.
pub(super) fn read(source: &mut Source, text: &str) -> Option<Node> {
    let mut builder = Builder { open: Vec::new(), root: None, documents: 0, refused: Vec::new() };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => {
                if !builder.event(source, event, &span) {
                    return None;
                }
            }
            Err(error) => {
                let mark = error.marker();
                let at = Span { line: narrow(mark.line()), column: narrow(mark.col()) + 1, width: 1 };
                source.error(at, format!("this is not YAML: {}", error.info()));
                return None;
            }
        }
    }
    builder.root
}

struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    documents: u32,
    /// What is reported once, however often it is there: a bomb has thousands.
    refused: Vec<&'static str>,
}

/// A collection that has not ended.
struct Open {
    at: Span,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: HashMap<String, u32>, key: Option<Key>, bad_keys: bool },
}

enum Key {
    Text(String, Span),
    /// Reported; its value is read and dropped.
    Bad,
}

impl Builder {
    /// Takes the next event; false to stop.
    fn event(&mut self, source: &mut Source, event: Event<'_>, span: &saphyr_parser::Span) -> bool {
        let at = place(span);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    source
                        .error(at, "a second YAML document begins here")
                        .help("one policy is one document: remove `---` and what follows");
                    return false;
                }
            }
            Event::Alias(_) => {
                self.refuse(source, at, "aliases", "write the value out");
                self.node(source, Node { at, kind: Kind::Broken });
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let mut kind = match &*text {
                    "" | "~" | "null" | "Null" | "NULL" if plain => Kind::Null,
                    _ => Kind::Scalar { text: text.into_owned(), plain },
                };
                if self.is_decorated(source, at, anchor, tag.is_some()) {
                    kind = Kind::Broken;
                }
                self.node(source, Node { at, kind });
            }
            Event::SequenceStart(anchor, tag) => {
                self.is_decorated(source, at, anchor, tag.is_some());
                return self.begin(source, at, Items::List(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.is_decorated(source, at, anchor, tag.is_some());
                let seen = HashMap::new();
                return self.begin(source, at, Items::Map { entries: Vec::new(), seen, key: None, bad_keys: false });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { at, items }) = self.open.pop() {
                    let kind = match items {
                        Items::List(nodes) => Kind::List(nodes),
                        Items::Map { entries, bad_keys: true, .. } if entries.is_empty() => Kind::Broken,
                        Items::Map { entries, .. } => Kind::Map(entries),
                    };
                    self.node(source, Node { at, kind });
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        true
    }

    fn begin(&mut self, source: &mut Source, at: Span, items: Items) -> bool {
        if self.open.len() >= MAX_DEPTH {
            source.error(at, format!("nested deeper than {MAX_DEPTH} levels"));
            return false;
        }
        self.open.push(Open { at, items });
        true
    }

    /// Reports an anchor or a tag; true if there was one.
    fn is_decorated(&mut self, source: &mut Source, at: Span, anchor: usize, tag: bool) -> bool {
        if tag {
            self.refuse(source, at, "tags", "remove the word that begins with `!`");
        }
        if anchor != 0 {
            self.refuse(source, at, "anchors", "remove the word that begins with `&`");
        }
        tag || anchor != 0
    }

    fn refuse(&mut self, source: &mut Source, at: Span, what: &'static str, hint: &str) {
        if !self.refused.contains(&what) {
            self.refused.push(what);
            source.error(at, format!("YAML {what} are not supported")).help(hint);
        }
    }

    /// Puts a finished node where it belongs.
    fn node(&mut self, source: &mut Source, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.items {
            Items::List(nodes) => nodes.push(node),
            Items::Map { entries, seen, key, bad_keys } => match key.take() {
                None => *key = Some(as_key(source, node, seen)),
                Some(Key::Text(text, at)) => entries.push(Entry { key: text, at, value: node }),
                Some(Key::Bad) => *bad_keys = true,
            },
        }
    }
}

fn as_key(source: &mut Source, node: Node, seen: &mut HashMap<String, u32>) -> Key {
    let at = node.at;
    match node.kind {
        Kind::Scalar { text, .. } => match seen.get(&text) {
            Some(first) => {
                source
                    .error(at, format!("duplicate key {}: the first is in line {first}", quoted(&text)))
                    .help("keep one of the two");
                Key::Bad
            }
            None => {
                seen.insert(text.clone(), at.line);
                Key::Text(text, at)
            }
        },
        Kind::Broken => Key::Bad,
        Kind::Null | Kind::List(_) | Kind::Map(_) => {
            source.error(at, "a key must be a word");
            Key::Bad
        }
    }
}

fn place(span: &saphyr_parser::Span) -> Span {
    let width = if span.start.line() == span.end.line() { span.end.col().saturating_sub(span.start.col()) } else { 1 };
    Span { line: narrow(span.start.line()), column: narrow(span.start.col()) + 1, width: narrow(width).max(1) }
}

/// Positions fit: a file has at most [`super::MAX_BYTES`].
fn narrow(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX - 1)
}
