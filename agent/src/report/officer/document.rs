//! The parts of a report, in words of a language and without markup: what writes them escapes all of them.

/// One part, in the order of reading.
pub(super) enum Part {
    /// A heading.
    Section(String),
    /// A heading that begins a page.
    Page(String),
    /// A paragraph.
    Text(String),
    /// Points without an order.
    List(Vec<String>),
    /// Points with one.
    Numbered(Vec<String>),
    /// Terms, each with its lines.
    Facts(Vec<Fact>),
    /// Numbers that stand out.
    Counts(Vec<Tile>),
    /// The answer, what it means, and why.
    Verdict { tone: Tone, answer: String, meaning: String, why: Vec<String> },
    /// A table, with its name in the style sheet.
    Table { name: &'static str, titles: Vec<String>, rows: Vec<Vec<Cell>> },
    /// All about one camera.
    Card { title: String, badge: Badge, facts: Vec<Fact> },
    /// Lines to be filled in by hand, each a row of labels.
    Signature(Vec<String>),
}

/// A term and what there is to say of it.
pub(super) struct Fact {
    pub(super) term: String,
    pub(super) lines: Vec<String>,
}

/// A number with its word.
pub(super) struct Tile {
    pub(super) count: usize,
    pub(super) badge: Badge,
}

/// A word in the colour of what it means.
#[derive(Clone)]
pub(super) struct Badge {
    pub(super) tone: Tone,
    pub(super) word: String,
}

/// One cell: a word that stands out, and lines below it.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) badge: Option<Badge>,
    pub(super) lines: Vec<String>,
}

/// How something is meant; never told by colour alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    Plain,
    Good,
    Held,
    Doubt,
    Bad,
    Act,
}

impl Tone {
    /// Its name in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Tone::Plain => "plain",
            Tone::Good => "good",
            Tone::Held => "held",
            Tone::Doubt => "doubt",
            Tone::Bad => "bad",
            Tone::Act => "act",
        }
    }
}

impl Cell {
    /// One line.
    pub(super) fn text(text: impl Into<String>) -> Cell {
        Cell { badge: None, lines: vec![text.into()] }
    }

    /// A badge, and what there is to say of it.
    pub(super) fn badge(badge: Badge, lines: Vec<String>) -> Cell {
        Cell { badge: Some(badge), lines }
    }
}

/// A fact of some lines.
pub(super) fn fact(term: &str, lines: Vec<String>) -> Fact {
    Fact { term: term.to_owned(), lines }
}
