//! Small changes as fingers and scripts make them.

/// Words and characters that a change may put in.
const WORDS: [&str; 32] = [
    "true",
    "false",
    "any",
    "udp/*",
    "tcp/1-65535",
    "icmp",
    "ip/47",
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.110.0.0/16",
    "cctv",
    "recording",
    "clinical",
    "transit",
    "onboarding",
    "cameras",
    "hosts",
    "zone",
    "[]",
    "{}",
    "~",
    "null",
    "0",
    "1",
    "100%",
    "info",
    "unknown",
    "reject",
    "tunnel",
    "hikvision",
    "2099-12-31",
    "168h",
];
const CHARACTERS: [char; 20] =
    ['0', '1', '2', '9', '.', ',', ':', '/', '-', ' ', '"', '\'', '#', '[', ']', '{', '}', 'a', 'e', '*'];

pub struct Mutator<'t> {
    lines: Vec<&'t str>,
    state: u64,
}

impl<'t> Mutator<'t> {
    pub fn new(text: &'t str, seed: u64) -> Self {
        Mutator { lines: text.lines().collect(), state: seed }
    }

    /// What was done, and the text that came of it.
    pub fn next(&mut self) -> (String, String) {
        loop {
            let mut lines: Vec<String> = self.lines.iter().map(|line| (*line).to_owned()).collect();
            // A comment is seldom what is changed.
            let at = self.roll(lines.len());
            let is_comment = lines[at].trim_start().starts_with('#') || lines[at].trim().is_empty();
            if is_comment && self.roll(20) > 0 {
                continue;
            }
            let name = self.change(&mut lines, at);
            if lines.iter().map(String::as_str).eq(self.lines.iter().copied()) {
                continue;
            }
            let differs = lines.iter().zip(&self.lines).position(|(new, old)| new != old).unwrap_or(0);
            let (old, new) =
                (self.lines.get(differs).copied().unwrap_or(""), lines.get(differs).map_or("", String::as_str));
            return (
                format!("{name} at line {}: `{}` is `{}`", differs + 1, old.trim(), new.trim()),
                lines.join("\n") + "\n",
            );
        }
    }

    fn change(&mut self, lines: &mut Vec<String>, at: usize) -> &'static str {
        let line = lines[at].clone();
        match self.roll(20) {
            0 => {
                lines.remove(at);
                "a line removed"
            }
            1 => {
                lines.insert(at, line);
                "a line there twice"
            }
            2 => {
                let other = self.roll(lines.len());
                lines.swap(at, other);
                "two lines swapped"
            }
            3 => {
                let keep = at.max(1);
                lines.truncate(keep);
                "the rest cut off"
            }
            4 => {
                lines[at] = format!("  {line}");
                "indented"
            }
            5 => {
                lines[at] = line.strip_prefix("  ").unwrap_or(&line).to_owned();
                "outdented"
            }
            6 => {
                lines[at] = line.replace(['"', '\''], "");
                "quotes removed"
            }
            7 => {
                lines[at] = format!("#{line}");
                "commented out"
            }
            8 => {
                lines[at] = line.trim_start_matches('#').to_owned();
                "comment mark removed"
            }
            9 => {
                lines[at] = self.without_an_item(&line);
                "an item removed"
            }
            10 => {
                lines[at] = self.swapped_items(&line);
                "two items swapped"
            }
            11 | 12 => {
                lines[at] = self.other_number(&line);
                "another number"
            }
            13 => {
                lines[at] = self.other_prefix_length(&line);
                "another prefix length"
            }
            14 => {
                lines[at] = self.misspelt(&line);
                "misspelt"
            }
            15 | 16 => {
                let word = WORDS[self.roll(WORDS.len())];
                lines[at] = self.other_word(&line, word);
                "another word"
            }
            17 => {
                let other = self.roll(lines.len());
                let words: Vec<String> = words(&lines[other]).map(str::to_owned).collect();
                if !words.is_empty() {
                    let word = words[self.roll(words.len())].clone();
                    lines[at] = self.other_word(&line, &word);
                }
                "a word from elsewhere"
            }
            18 => {
                let mut characters: Vec<char> = line.chars().collect();
                if !characters.is_empty() {
                    let place = self.roll(characters.len());
                    match self.roll(2) {
                        0 => drop(characters.remove(place)),
                        _ => characters[place] = CHARACTERS[self.roll(CHARACTERS.len())],
                    }
                }
                lines[at] = characters.into_iter().collect();
                "a character"
            }
            _ => {
                let mut characters: Vec<char> = line.chars().collect();
                let place = self.roll(characters.len() + 1);
                characters.insert(place, CHARACTERS[self.roll(CHARACTERS.len())]);
                lines[at] = characters.into_iter().collect();
                "a character more"
            }
        }
    }

    fn without_an_item(&mut self, line: &str) -> String {
        let Some((before, items, after)) = list(line) else { return line.to_owned() };
        let mut items: Vec<&str> = items.split(',').collect();
        items.remove(self.roll(items.len()));
        format!("{before}{}{after}", items.join(","))
    }

    fn swapped_items(&mut self, line: &str) -> String {
        let Some((before, items, after)) = list(line) else { return line.to_owned() };
        let mut items: Vec<&str> = items.split(',').collect();
        let (a, b) = (self.roll(items.len()), self.roll(items.len()));
        items.swap(a, b);
        format!("{before}{}{after}", items.join(","))
    }

    fn other_number(&mut self, line: &str) -> String {
        let digits: Vec<usize> = line.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
        if digits.is_empty() {
            return line.to_owned();
        }
        let at = digits[self.roll(digits.len())];
        format!("{}{}{}", &line[..at], self.roll(10), &line[at + 1..])
    }

    fn other_prefix_length(&mut self, line: &str) -> String {
        let slashes: Vec<usize> = line.match_indices('/').map(|(at, _)| at).collect();
        if slashes.is_empty() {
            return line.to_owned();
        }
        let at = slashes[self.roll(slashes.len())] + 1;
        let rest = line[at..].trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{}{}{rest}", &line[..at], self.roll(40))
    }

    fn misspelt(&mut self, line: &str) -> String {
        let mut characters: Vec<char> = line.chars().collect();
        if characters.len() > 2 {
            let at = self.roll(characters.len() - 1);
            characters.swap(at, at + 1);
        }
        characters.into_iter().collect()
    }

    fn other_word(&mut self, line: &str, by: &str) -> String {
        let all: Vec<&str> = words(line).collect();
        if all.is_empty() {
            return line.to_owned();
        }
        line.replacen(all[self.roll(all.len())], by, 1)
    }

    fn roll(&mut self, below: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % below
    }
}

/// What stands before, in and behind the list of a line.
fn list(line: &str) -> Option<(&str, &str, &str)> {
    let (open, close) = (line.find('[')? + 1, line.find(']')?);
    (open < close).then(|| (&line[..open], &line[open..close], &line[close..]))
}

/// Words of a line, its comment left out.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split(" #").next().unwrap_or(line);
    code.split(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}' | '"'))
        .filter(|word| word.len() > 1)
}
