//! The tree against another reader of YAML: what both accept, both must read the same.

use serde_yaml::Value;

use super::source::Source;
use super::tree::{self, Kind, Node};

/// Our tree of a document without problems.
fn ours(text: &str) -> Option<Node> {
    let mut source = Source::new("f", text);
    let tree = tree::read(&mut source, text);
    tree.filter(|_| source.problems.is_empty())
}

/// Where two readings differ.
fn difference(path: &str, ours: &Node, theirs: &Value) -> Option<String> {
    let same = match (&ours.kind, theirs) {
        (Kind::Null, Value::Null) => true,
        (Kind::Scalar { text, .. }, Value::String(theirs)) => text == theirs,
        // They resolve words that we keep as text; the value must be the same.
        (Kind::Scalar { text, plain: true }, Value::Bool(theirs)) => {
            text.eq_ignore_ascii_case(if *theirs { "true" } else { "false" })
        }
        (Kind::Scalar { text, plain: true }, Value::Number(theirs)) => {
            text.parse().ok() == theirs.as_f64()
                || theirs.to_string() == *text
                || theirs.as_f64().is_some_and(f64::is_nan)
                || text.starts_with(['0', '+', '-', '.'])
        }
        (Kind::List(ours), Value::Sequence(theirs)) if ours.len() == theirs.len() => {
            return ours
                .iter()
                .zip(theirs)
                .enumerate()
                .find_map(|(at, (a, b))| difference(&format!("{path}[{at}]"), a, b));
        }
        (Kind::Map(ours), Value::Mapping(theirs)) if ours.len() == theirs.len() => {
            return ours.iter().zip(theirs).find_map(|(a, (key, b))| {
                let path = format!("{path}.{}", a.key);
                let same_key = match key {
                    Value::String(key) => *key == a.key,
                    Value::Number(_) | Value::Bool(_) => true,
                    _ => false,
                };
                if same_key { difference(&path, &a.value, b) } else { Some(format!("{path} against {key:?}")) }
            });
        }
        _ => false,
    };
    (!same).then(|| format!("{path}: {:?} against {theirs:?}", ours.kind))
}

/// Compares, and says whether both accepted.
fn agree(text: &str) -> bool {
    let (Some(ours), Ok(theirs)) = (ours(text), serde_yaml::from_str::<Value>(text)) else { return false };
    assert_eq!(difference("", &ours, &theirs), None, "{text}");
    true
}

#[test]
fn agrees_on_the_example_and_on_tricky_documents() {
    assert!(agree(include_str!("../../../config/segwatch.yaml")));
    for text in [
        "a: 'it''s'\nb: \"x\\ty\\u00e9\"\n",
        "a: >\n  folded\n  text\n\n  more\nb: |\n  kept\n   lines\n",
        "a: >-\n  x\nb: |+\n  y\n\nc: 1\n",
        "a: b c # comment\nd: e#f\n",
        "a: [1, [2, {b: c}], ]\nd: {e, f: }\n",
        "a: 44:19:16:01:02:03\nb: fd00:110::/64\nc: 2027-06-30\nd: 0x10\ne: 1_000\nf: 1e3\n",
        "? a\n: b\n? c\n",
        "a:\n- b\n-\n  - c\n- d: e\n  f: g\n",
        "a: long plain\n  text on\n  lines\nb: \"in quotes\n  too\"\n",
        "\"a\": 'b'\n'c d': e\n",
        "a: !!str x\n",
        "- ~\n- null\n- ''\n- no\n- on\n- True\n",
        "a: http://x/y?z=1\nb: -1\nc: - \n",
        "a:   \r\n  b: c\r\nd: e\r\n",
        "a: æøå\n",
    ] {
        agree(text);
    }
}

#[test]
fn agrees_on_damaged_copies_of_the_example() {
    let example = include_str!("../../../config/segwatch.yaml");
    let bytes: Vec<char> = example.chars().filter(|c| c.is_ascii()).collect();
    const SPECIAL: [char; 16] = [' ', '\n', ':', '-', '[', ']', '{', '}', ',', '"', '\'', '#', '\t', '|', '>', '\r'];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut both = 0;
    for _ in 0..2000 {
        let mut text = bytes.clone();
        for _ in 0..=random(3) {
            let at = random(text.len());
            match random(3) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, SPECIAL[random(SPECIAL.len())]),
                _ => text[at] = SPECIAL[random(SPECIAL.len())],
            }
        }
        both += usize::from(agree(&text.iter().collect::<String>()));
    }
    assert!(both > 500, "only {both} documents were read by both");
}
