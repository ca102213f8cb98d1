//! Typed reading of nodes: what has the wrong shape is reported and read as absent.

use super::problem::quoted;
use super::source::{Source, Span, Spanned};
use super::tree::{Entry, Kind, Node};
use super::value::{Wrong, nearest, one_of};

/// A value of a mapping, with the key that it stands under.
#[derive(Clone, Copy)]
pub(super) struct Field<'n> {
    pub(super) key: &'n str,
    /// The key's place.
    pub(super) at: Span,
    pub(super) node: &'n Node,
}

impl Field<'_> {
    /// Whether it says "none" as `""`.
    pub(super) fn is_empty_text(&self) -> bool {
        matches!(&self.node.kind, Kind::Scalar { text, plain: false } if text.is_empty())
    }
}

/// A mapping whose keys are all known ones, the others being reported.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    pub(super) fn get(&self, key: &str) -> Option<Field<'n>> {
        self.all().find(|field| field.key == key)
    }

    /// Whether a misspelt key, which is reported as such, was probably meant for this one.
    pub(super) fn has_nearly(&self, key: &str, known: &[&str]) -> bool {
        self.all().any(|field| !known.contains(&field.key) && nearest(field.key, known.iter().copied()) == Some(key))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Field<'n>> + use<'n> {
        self.entries.iter().map(|entry| Field { key: &entry.key, at: entry.at, node: &entry.value })
    }
}

impl Source {
    /// A mapping with these keys only.
    pub(super) fn fields<'n>(&mut self, field: Field<'n>, known: &[&str]) -> Option<Fields<'n>> {
        let fields = self.map(field)?;
        for field in fields.all().filter(|field| !known.contains(&field.key)) {
            let problem = self.error(field.at, format!("unknown key {}", quoted(field.key)));
            match nearest(field.key, known.iter().copied()) {
                _ if field.key == "<<" => problem.help("YAML merge keys are not supported: write the values out"),
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem
                    .help(format!("the keys here are {}", one_of(known.iter().copied()).replace(" or ", " and "))),
            };
        }
        Some(fields)
    }

    /// A mapping with keys of the user's own choice.
    pub(super) fn map<'n>(&mut self, field: Field<'n>) -> Option<Fields<'n>> {
        match &field.node.kind {
            Kind::Map(entries) if entries.is_empty() => {
                self.empty(field);
                None
            }
            Kind::Map(entries) => Some(Fields { entries }),
            _ => {
                self.wrong_type(field, "keys with values");
                None
            }
        }
    }

    /// A list with at least one item.
    pub(super) fn list<'n>(&mut self, field: Field<'n>) -> Option<&'n [Node]> {
        let nodes = self.list_or_none(field)?;
        if nodes.is_empty() {
            self.empty(field);
            return None;
        }
        Some(nodes)
    }

    /// A list that may say "none" as `[]`.
    pub(super) fn list_or_none<'n>(&mut self, field: Field<'n>) -> Option<&'n [Node]> {
        match &field.node.kind {
            Kind::List(nodes) => Some(nodes),
            Kind::Scalar { text, .. } => {
                self.error(field.node.at, format!("{} must be a list", quoted(field.key)))
                    .help(format!("did you mean {}?", quoted(&format!("[{text}]"))));
                None
            }
            _ => {
                self.wrong_type(field, "a list");
                None
            }
        }
    }

    /// Scalars of a list, each read by `parse`.
    pub(super) fn items<T>(&mut self, field: Field<'_>, parse: impl Fn(&str) -> Result<T, Wrong>) -> Vec<Spanned<T>> {
        let nodes = self.list(field).unwrap_or_default();
        nodes.iter().filter_map(|node| self.value(Field { node, ..item_of(field, node) }, &parse)).collect()
    }

    /// A scalar, read by `parse`.
    pub(super) fn value<T>(
        &mut self,
        field: Field<'_>,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<Spanned<T>> {
        let at = field.node.at;
        let Kind::Scalar { text, .. } = &field.node.kind else {
            self.wrong_type(field, "a single value");
            return None;
        };
        match parse(text) {
            Ok(value) => Some(Spanned { value, at }),
            Err(wrong) => {
                self.error(at, wrong.message).hint = wrong.hint;
                None
            }
        }
    }

    /// `true` or `false`; the rest of what YAML 1.1 took for one is refused, not guessed.
    pub(super) fn flag(&mut self, field: Field<'_>) -> Option<bool> {
        let at = field.node.at;
        let Kind::Scalar { text, plain } = &field.node.kind else {
            self.wrong_type(field, "`true` or `false`");
            return None;
        };
        match (&**text, *plain) {
            ("true" | "True" | "TRUE", true) => return Some(true),
            ("false" | "False" | "FALSE", true) => return Some(false),
            _ => {}
        }
        let problem = self.error(at, format!("{} must be `true` or `false`, not {}", quoted(field.key), quoted(text)));
        match &*text.to_lowercase() {
            "yes" | "on" | "y" | "1" => problem.help("`yes` and `on` are words in YAML 1.2: write `true`"),
            "no" | "off" | "n" | "0" => problem.help("`no` and `off` are words in YAML 1.2: write `false`"),
            "true" | "false" => problem.help("write it without quotes"),
            _ => problem,
        };
        None
    }

    /// Reports a value of another shape than `wanted`.
    fn wrong_type(&mut self, field: Field<'_>, wanted: &str) {
        let got = match field.node.kind {
            Kind::Broken => return,
            Kind::Null => return self.empty(field),
            Kind::Scalar { .. } => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "keys with values",
        };
        self.error(field.node.at, format!("{} must be {wanted}, not {got}", quoted(field.key)));
    }

    /// Reports a key with nothing under it: everything below may have been commented out.
    fn empty(&mut self, field: Field<'_>) {
        let at = if matches!(field.node.kind, Kind::Null) { field.at } else { field.node.at };
        self.error(at, format!("{} is empty", quoted(field.key))).help("say what belongs there, or remove the key");
    }
}

/// An item of a list, reported under the list's key.
pub(super) fn item_of<'n>(field: Field<'n>, node: &'n Node) -> Field<'n> {
    Field { key: field.key, at: node.at, node }
}
