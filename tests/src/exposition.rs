//! A strict reader of the text exposition format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>): what Prometheus would take for a mistake is an error.

use std::collections::{BTreeMap, BTreeSet};

/// One scrape.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    /// Help and type of each metric.
    pub families: BTreeMap<String, Family>,
    /// Value of each series, by metric and labels.
    pub series: BTreeMap<Series, f64>,
}

/// Metric and its labels, in the order of the names.
pub type Series = (String, BTreeMap<String, String>);

/// What is said of one metric.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Family {
    /// `# HELP`.
    pub help: String,
    /// `# TYPE`.
    pub kind: String,
}

impl Exposition {
    /// The value of a series.
    pub fn value(&self, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.series.get(&(metric.to_owned(), labels)).copied()
    }

    /// All series of a metric.
    pub fn of(&self, metric: &str) -> Vec<(&BTreeMap<String, String>, f64)> {
        self.series
            .iter()
            .filter(|((name, _), _)| name == metric)
            .map(|((_, labels), value)| (labels, *value))
            .collect()
    }
}

/// Reads a scrape.
///
/// # Errors
/// The first line that breaks a rule, and the rule.
pub fn parse(text: &str) -> Result<Exposition, String> {
    if !text.ends_with('\n') {
        return Err("the last line does not end".to_owned());
    }
    let mut read = Exposition::default();
    let (mut current, mut done) = (String::new(), BTreeSet::new());
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if line.chars().any(char::is_control) {
            return Err(format!("a raw control character in {line:?}"));
        }
        let fault = |what: &str| format!("{what}: {line:?}");
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').ok_or_else(|| fault("no help"))?;
            if !done.insert(name.to_owned()) {
                return Err(fault("a second HELP"));
            }
            name.clone_into(&mut current);
            read.families.insert(current.clone(), Family { help: help.to_owned(), kind: String::new() });
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or_else(|| fault("no type"))?;
            if !matches!(kind, "counter" | "gauge" | "histogram" | "summary" | "untyped") {
                return Err(fault("unknown type"));
            }
            match read.families.get_mut(name) {
                Some(family) if name == current && family.kind.is_empty() => kind.clone_into(&mut family.kind),
                _ => return Err(fault("a TYPE out of place")),
            }
        } else {
            let (series, value) = sample(line).map_err(|what| fault(&what))?;
            if series.0 != current || read.families.get(&current).is_none_or(|family| family.kind.is_empty()) {
                return Err(fault("a sample outside its family"));
            }
            if read.series.insert(series, value).is_some() {
                return Err(fault("a series twice"));
            }
        }
    }
    Ok(read)
}

fn sample(line: &str) -> Result<(Series, f64), String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(end);
    if !is_name(name, true) {
        return Err("a bad metric name".to_owned());
    }
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or("no label value")?;
            if !is_name(label, false) {
                return Err("a bad label name".to_owned());
            }
            let (value, after) = quoted(after)?;
            if labels.insert(label.to_owned(), value).is_some() {
                return Err("a label twice".to_owned());
            }
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    rest = after.strip_prefix('}').ok_or("the labels do not end")?;
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').ok_or("no space before the value")?;
    let number = match value {
        "NaN" => f64::NAN,
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        digits if digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'e' | b'+')) => {
            digits.parse().map_err(|_| "no number")?
        }
        _ => return Err("no number".to_owned()),
    };
    Ok(((name.to_owned(), labels), number))
}

/// A label's value up to its closing quote, and what follows.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => match chars.next() {
                Some((_, '\\')) => value.push('\\'),
                Some((_, '"')) => value.push('"'),
                Some((_, 'n')) => value.push('\n'),
                _ => return Err("an unknown escape".to_owned()),
            },
            _ => value.push(c),
        }
    }
    Err("a value does not end".to_owned())
}

fn is_name(name: &str, colons: bool) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || (colons && b == b':');
    !name.is_empty() && name.bytes().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn refuses_what_prometheus_would() {
        let head = "# HELP a Help.\n# TYPE a gauge\n";
        let good = parse(&format!("{head}a{{b=\"x\\\"\\\\\\n\"}} 1\na 2.5\n")).expect("sound");
        assert_eq!(good.value("a", &[("b", "x\"\\\n")]), Some(1.0));
        assert_eq!(good.value("a", &[]), Some(2.5));
        for bad in [
            "a 1",
            "b 1\n",
            "a{b=\"x} 1\n",
            "a{b=\"x\"} one\n",
            "a{b=\"\\x\"} 1\n",
            "a 1\na 1\n",
            "a{b=\"\r\"} 1\n",
            "a{1b=\"x\"} 1\n",
            "a{b=\"x\",b=\"y\"} 1\n",
            "a{b=\"x\"}1\n",
            "\na 1\n",
            "# TYPE a gauge\n",
            "a inf\n",
        ] {
            assert!(parse(&format!("{head}{bad}")).is_err(), "{bad:?}");
        }
        assert!(parse("# HELP a Help.\na 1\n").is_err());
    }
}
