//! Firmware held against the makers' advisories. Data, not code: `agent/data/advisories.csv`.
//!
//! Columns: `id` (CVE), `models` (patterns, see [`is_like`], separated by blanks), `first_affected`, `last_affected`
//! (inclusive) or `before` (exclusive), `fixed_in` (from here on it is fixed; between is unknown), each as
//! [`Firmware`] is written and maybe empty, `uncertain` (`yes` where the range or the list of models is not sure),
//! `confidence`, `source`; `example_model`, `example_firmware` (affected) and `near_model`, `near_firmware` (not).

use std::cmp::Ordering;

use super::clue::Confidence;
use super::firmware::Firmware;
use super::glob::is_like;
use super::marks::{BadData, rows};

/// Advisories of one table.
const MAX_ADVISORIES: usize = 2_048;
/// Patterns of one advisory.
const MAX_MODELS: usize = 128;

/// What is known about a device's firmware.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Posture {
    /// In one word.
    pub state: State,
    /// Of `vulnerable`: which.
    pub cves: Vec<String>,
    /// Why, in one or more clauses.
    pub detail: String,
}

impl Default for Posture {
    fn default() -> Self {
        Posture { state: State::Unknown, cves: Vec::new(), detail: "nothing is known of its firmware".to_owned() }
    }
}

impl Posture {
    /// The same of a device in factory state. That is no kind of finding, because nothing was tried and no border was crossed,
    /// and a page for each new camera would be one for nothing; but whoever comes first sets its password, whatever its
    /// firmware is, so that nobody may call it patched.
    #[must_use]
    pub fn in_factory_state(mut self) -> Self {
        let factory = "factory state: no password is set, and whoever comes first sets it";
        self.detail = match self.state {
            State::Vulnerable => format!("{factory}; {}", self.detail),
            State::Patched | State::Unknown => factory.to_owned(),
        };
        self.state = State::Vulnerable;
        self
    }
}

/// The word of a posture.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Advisories name the model, and the firmware is later than what they call affected.
    Patched,
    /// Model or firmware is not known, or no advisory decides.
    Unknown,
    /// An advisory calls the firmware affected, or the device is in factory state.
    Vulnerable,
}

/// One advisory for some models.
#[derive(Clone, Debug)]
struct Advisory {
    id: String,
    models: Vec<String>,
    first: Option<Firmware>,
    last: Option<Firmware>,
    before: Option<Firmware>,
    fixed: Option<Firmware>,
    uncertain: bool,
    source: String,
}

/// All advisories.
#[derive(Clone, Debug)]
pub struct Advisories(Vec<Advisory>);

/// What one advisory says of a firmware.
enum Says {
    Affected,
    Fixed,
    Unclear(&'static str),
}

impl Advisories {
    /// The advisories that segwatch was built with.
    pub fn builtin() -> Self {
        match Self::parse(include_str!("../../data/advisories.csv")) {
            Ok(advisories) => advisories,
            Err(error) => unreachable!("a test reads the shipped advisories: {error}"),
        }
    }

    /// Reads a table.
    pub fn parse(csv: &str) -> Result<Self, BadData> {
        let columns = [
            "id",
            "models",
            "first_affected",
            "last_affected",
            "before",
            "fixed_in",
            "uncertain",
            "confidence",
            "source",
        ];
        let advisories = rows(csv, columns, MAX_ADVISORIES, |row| {
            let [id, models, first, last, before, fixed, uncertain, confidence, source] = row;
            let bound = |text: &str| match text {
                "" => Ok(None),
                text => {
                    Firmware::parse(text).map(Some).ok_or_else(|| format!("`{}` is no firmware", text.escape_debug()))
                }
            };
            Confidence::from_name(confidence).ok_or("confidence is low, medium or high")?;
            let models: Vec<String> = models.split_whitespace().map(str::to_owned).collect();
            if id.is_empty()
                || models.is_empty()
                || models.len() > MAX_MODELS
                || models.iter().any(|model| model == "*")
            {
                return Err("an advisory needs an id, and 1 to 128 patterns of models".to_owned());
            }
            let (last, before) = (bound(last)?, bound(before)?);
            if last.is_some() == before.is_some() {
                return Err("an advisory needs one of last_affected and before".to_owned());
            }
            let uncertain = match uncertain {
                "yes" => true,
                "no" => false,
                _ => return Err("uncertain is yes or no".to_owned()),
            };
            let (first, fixed) = (bound(first)?, bound(fixed)?);
            Ok(Advisory { id: id.to_owned(), models, first, last, before, fixed, uncertain, source: source.to_owned() })
        })?;
        Ok(Advisories(advisories))
    }

    /// What the advisories say about a firmware of a model.
    pub fn posture(&self, model: Option<&str>, firmware: Option<&str>) -> Posture {
        let unknown = |detail: &str| Posture { state: State::Unknown, cves: Vec::new(), detail: detail.to_owned() };
        let Some(model) = model.map(str::trim).filter(|model| !model.is_empty()) else {
            return unknown("its model is not known");
        };
        let Some(text) = firmware.map(str::trim).filter(|text| !text.is_empty()) else {
            return unknown("its firmware is not known");
        };
        let Some(own) = Firmware::parse(text) else { return unknown("its firmware names neither a version nor a day") };
        let (mut cves, mut affected, mut unclear, mut fixed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for advisory in self.0.iter().filter(|advisory| advisory.models.iter().any(|like| is_like(like, model))) {
            let id = &advisory.id;
            match advisory.says(&own) {
                Says::Affected => {
                    let likely = if advisory.uncertain {
                        "likely affected, the advisory's range is uncertain"
                    } else {
                        "affected"
                    };
                    affected.push(format!("{id}: {likely} ({})", advisory.source));
                    if !cves.contains(id) {
                        cves.push(id.clone());
                    }
                }
                Says::Unclear(why) => unclear.push(format!("{id}: {why} ({})", advisory.source)),
                Says::Fixed => fixed.push(id.as_str()),
            }
        }
        if !affected.is_empty() {
            return Posture { state: State::Vulnerable, cves, detail: affected.join("; ") };
        }
        if !unclear.is_empty() {
            return unknown(&unclear.join("; "));
        }
        if fixed.is_empty() {
            return unknown("no advisory that is known here names this model");
        }
        fixed.dedup();
        Posture { state: State::Patched, cves, detail: format!("later than what {} call affected", fixed.join(", ")) }
    }
}

impl Advisory {
    fn says(&self, own: &Firmware) -> Says {
        const BRANCH: &str = "version and build do not compare with the advisory's";
        if let Some(first) = &self.first {
            match own.against(first) {
                Some(Ordering::Less) => return Says::Unclear("older than what the advisory tells of"),
                Some(_) => {}
                None => return Says::Unclear(BRANCH),
            }
        }
        let is_affected = match (&self.last, &self.before) {
            (Some(last), _) => own.against(last).map(Ordering::is_le),
            (None, Some(before)) => own.against(before).map(Ordering::is_lt),
            (None, None) => None,
        };
        match is_affected {
            Some(true) => Says::Affected,
            None => Says::Unclear(BRANCH),
            Some(false) => match &self.fixed {
                Some(fixed) if own.against(fixed).is_some_and(Ordering::is_ge) => Says::Fixed,
                Some(_) => Says::Unclear("between what is called affected and what is called fixed"),
                None if self.uncertain => {
                    Says::Unclear("later than what is called affected, but the range is uncertain")
                }
                None => Says::Fixed,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_advisory_has_one_that_matches_and_one_that_nearly_does() {
        let columns = ["id", "uncertain", "example_model", "example_firmware", "near_model", "near_firmware"];
        let csv = include_str!("../../data/advisories.csv");
        let cases = rows(csv, columns, MAX_ADVISORIES, |row| Ok(row.map(str::to_owned))).expect("the shipped table");
        let header = csv.lines().next().expect("a header");
        let all = Advisories::builtin();
        for (line, [id, uncertain, model, firmware, near_model, near_firmware]) in csv.lines().skip(1).zip(cases) {
            // Each alone, so that no other row answers for it.
            let alone = Advisories::parse(&format!("{header}\n{line}\n")).expect("one row");
            let posture = alone.posture(Some(&model), Some(&firmware));
            assert_eq!((posture.state, posture.cves.as_slice()), (State::Vulnerable, &[id.clone()][..]), "{line}");
            assert_eq!(posture.detail.contains("uncertain"), uncertain == "yes", "{line}");
            assert!(all.posture(Some(&model), Some(&firmware)).cves.contains(&id));
            let near = alone.posture(Some(&near_model), Some(&near_firmware));
            assert!(near.state != State::Vulnerable && near.cves.is_empty(), "{line}");
            let is_model = near_model == model || near_firmware == firmware;
            assert!(is_model, "one thing alone differs: {line}");
        }
    }

    #[test]
    fn without_a_password_nothing_is_patched() {
        let all = Advisories::builtin();
        let posture = all.posture(Some("DS-2CD2142FWD-I"), Some("V5.5.0 build 170725")).in_factory_state();
        assert_eq!((posture.state, posture.cves.len()), (State::Vulnerable, 0));
        assert!(posture.detail.starts_with("factory state: no password is set"));
        let posture = all.posture(Some("DS-2CD2142FWD-I"), Some("V5.3.3 build 150615")).in_factory_state();
        assert!(posture.detail.contains("CVE-2017-7921") && !posture.cves.is_empty());
    }

    #[test]
    fn what_is_known_decides() {
        let all = Advisories::builtin();
        let state = |model: &str, firmware: &str| all.posture(Some(model), Some(firmware)).state;
        // Metasploit's notes on CVE-2021-36260.
        assert_eq!(state("DS-2CD2142FWD-I", "V5.5.0 build 170725"), State::Patched);
        assert_eq!(state("DS-2CD2142FWD-I", "V5.3.3 build 150615"), State::Vulnerable);
        assert_eq!(state("HWI-B120-D/W", "V5.5.101 build 200408"), State::Vulnerable);
        assert_eq!(state("DS-2CD2146G2-I", "V5.5.150 build 210702"), State::Unknown, "said to be fixed, not surely");
        assert_eq!(state("DS-2CD2146G2-I", "V5.7.3 build 220112"), State::Patched);
        assert_eq!(state("Q1615", "5.20.3"), State::Unknown);
        assert_eq!(all.posture(None, Some("V5.5.0")).detail, "its model is not known");
        assert_eq!(all.posture(Some("DS-2CD2142FWD-I"), None).state, State::Unknown);
        assert_eq!(state("DS-2CD2142FWD-I", "soon"), State::Unknown);
    }

    #[test]
    fn a_bad_table_is_refused() {
        let table = |row: &str| {
            let header = "id,models,first_affected,last_affected,before,fixed_in,uncertain,confidence,source";
            Advisories::parse(&format!("{header}\n{row}\n")).map(|_| ()).map_err(|error| error.to_string())
        };
        for (row, message) in [
            ("X,*,,V1.0,,,no,high,s", "line 2: an advisory needs an id, and 1 to 128 patterns of models"),
            ("X,A*,,,,,no,high,s", "line 2: an advisory needs one of last_affected and before"),
            ("X,A*,,soon,,,no,high,s", "line 2: `soon` is no firmware"),
            ("X,A*,,V1.0,,,maybe,high,s", "line 2: uncertain is yes or no"),
        ] {
            assert_eq!(table(row), Err(message.to_owned()));
        }
    }
}
