//! Firmware held against the makers' advisories. Data, not code: `agent/data/advisories.csv`.
//!
//! Columns: `id` (CVE), `models` (patterns, see [`is_like`], separated by blanks), `first_affected`, `last_affected`
//! (inclusive) or `before` (exclusive), `fixed_in` (from here on it is fixed; between is unknown), each as
//! [`Firmware`] is written and maybe empty, or `none` as `fixed_in` where the maker says that there will be no fixed
//! firmware, `uncertain` (`yes` where the range or the list of models is not sure),
//! `confidence`, `source`; `example_model`, `example_firmware` (affected) and `near_model`, `near_firmware` (not).

use std::cmp::Ordering;

use super::clue::Confidence;
use super::firmware::Firmware;
use super::glob::is_like;
use super::marks::{BadData, rows};

/// Advisories of one table.
const MAX_ADVISORIES: usize = 2_048;
/// Stands for the fixed firmware where there will be none.
const NEVER_FIXED: &str = "none";
/// Patterns of one advisory.
const MAX_MODELS: usize = 128;

/// What is known about a device's firmware.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Posture {
    /// In one word.
    pub state: State,
    /// Of `vulnerable`: which.
    pub cves: Vec<String>,
    /// Of `vulnerable`: whether there is firmware that mends all of them; `None` where an advisory leaves that open.
    #[serde(default)]
    pub fix: Option<bool>,
    /// What each of the advisories that decided says.
    #[serde(default)]
    pub advisories: Vec<Advised>,
    /// Why, in one or more clauses.
    pub detail: String,
}

impl Default for Posture {
    fn default() -> Self {
        Posture::unknown("nothing is known of its firmware", Vec::new())
    }
}

impl Posture {
    fn unknown(detail: &str, advisories: Vec<Advised>) -> Posture {
        Posture { state: State::Unknown, cves: Vec::new(), fix: None, advisories, detail: detail.to_owned() }
    }
}

/// What one advisory says of a firmware.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Advised {
    /// The CVE, or `factory state`.
    pub id: String,
    /// In one word.
    pub says: Ruling,
    /// The first firmware that is fixed, where the advisory names one.
    pub fixed_in: Option<String>,
    /// Where it stands.
    pub source: String,
}

/// The word of an advisory about a firmware.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// It is in the range.
    Affected,
    /// It is in a range that is not sure.
    LikelyAffected,
    /// It is later than the range.
    Fixed,
    /// It is older than the range.
    Older,
    /// It is between what is called affected and what is called fixed.
    Between,
    /// It is later than a range that is not sure.
    UncertainRange,
    /// Version and build do not compare.
    Incomparable,
}

impl Ruling {
    fn clause(self) -> &'static str {
        match self {
            Ruling::Affected => "affected",
            Ruling::LikelyAffected => "likely affected, the advisory's range is uncertain",
            Ruling::Fixed => "fixed",
            Ruling::Older => "older than what the advisory tells of",
            Ruling::Between => "between what is called affected and what is called fixed",
            Ruling::UncertainRange => "later than what is called affected, but the range is uncertain",
            Ruling::Incomparable => "version and build do not compare with the advisory's",
        }
    }

    fn is_affected(self) -> bool {
        matches!(self, Ruling::Affected | Ruling::LikelyAffected)
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
        let advised = Advised {
            id: "factory state".to_owned(),
            says: Ruling::Affected,
            fixed_in: None,
            source: "its own SADP: Activated false".to_owned(),
        };
        self.advisories.insert(0, advised);
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

impl State {
    /// Every one.
    pub const ALL: [State; 3] = [State::Patched, State::Unknown, State::Vulnerable];

    /// The word of configuration and JSON.
    pub fn name(self) -> &'static str {
        match self {
            State::Patched => "patched",
            State::Unknown => "unknown",
            State::Vulnerable => "vulnerable",
        }
    }
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
    /// Whether there is fixed firmware, and which, as it is written.
    fix: Option<bool>,
    fixed_in: Option<String>,
    uncertain: bool,
    source: String,
}

/// All advisories.
#[derive(Clone, Debug)]
pub struct Advisories(Vec<Advisory>);

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
            let row_before = before;
            let (last, before) = (bound(last)?, bound(before)?);
            if last.is_some() == before.is_some() {
                return Err("an advisory needs one of last_affected and before".to_owned());
            }
            let uncertain = match uncertain {
                "yes" => true,
                "no" => false,
                _ => return Err("uncertain is yes or no".to_owned()),
            };
            let never = fixed == NEVER_FIXED;
            let named = [fixed, row_before].into_iter().find(|text| !never && !text.is_empty());
            let fix = match (never, named, uncertain) {
                (true, ..) => Some(false),
                (false, Some(_), _) => Some(true),
                // What is surely later than the range is fixed.
                (false, None, uncertain) => (!uncertain).then_some(true),
            };
            let (first, fixed) = (bound(first)?, if never { None } else { bound(fixed)? });
            Ok(Advisory {
                id: id.to_owned(),
                models,
                first,
                last,
                before,
                fixed,
                fix,
                fixed_in: named.map(str::to_owned),
                uncertain,
                source: source.to_owned(),
            })
        })?;
        Ok(Advisories(advisories))
    }

    /// What the advisories say about a firmware of a model.
    pub fn posture(&self, model: Option<&str>, firmware: Option<&str>) -> Posture {
        let Some(model) = model.map(str::trim).filter(|model| !model.is_empty()) else {
            return Posture::unknown("its model is not known", Vec::new());
        };
        let Some(text) = firmware.map(str::trim).filter(|text| !text.is_empty()) else {
            return Posture::unknown("its firmware is not known", Vec::new());
        };
        let Some(own) = Firmware::parse(text) else {
            return Posture::unknown("its firmware names neither a version nor a day", Vec::new());
        };
        let about = self.0.iter().filter(|advisory| advisory.models.iter().any(|like| is_like(like, model)));
        let advised: Vec<(&Advisory, Ruling)> = about.map(|advisory| (advisory, advisory.says(&own))).collect();
        let of = |is: fn(Ruling) -> bool| -> Vec<(&Advisory, Ruling)> {
            advised.iter().copied().filter(|(_, ruling)| is(*ruling)).collect()
        };
        let affected = of(Ruling::is_affected);
        if !affected.is_empty() {
            let mut cves: Vec<String> = Vec::new();
            for (advisory, _) in &affected {
                if !cves.contains(&advisory.id) {
                    cves.push(advisory.id.clone());
                }
            }
            // One that nobody mends is enough; one that is open leaves all open.
            let fixes = || affected.iter().map(|(advisory, _)| advisory.fix);
            let fix = fixes().find(|fix| *fix == Some(false)).or(fixes().find(Option::is_none)).unwrap_or(Some(true));
            let detail = clauses(&affected);
            return Posture { state: State::Vulnerable, cves, fix, advisories: listed(&affected), detail };
        }
        let unclear = of(|ruling| !ruling.is_affected() && ruling != Ruling::Fixed);
        if !unclear.is_empty() {
            return Posture::unknown(&clauses(&unclear), listed(&unclear));
        }
        let fixed = of(|ruling| ruling == Ruling::Fixed);
        if fixed.is_empty() {
            return Posture::unknown("no advisory that is known here names this model", Vec::new());
        }
        let mut ids: Vec<&str> = fixed.iter().map(|(advisory, _)| advisory.id.as_str()).collect();
        ids.dedup();
        let detail = format!("later than what {} call affected", ids.join(", "));
        Posture { state: State::Patched, cves: Vec::new(), fix: None, advisories: listed(&fixed), detail }
    }
}

fn clauses(advised: &[(&Advisory, Ruling)]) -> String {
    let clause = |(advisory, ruling): &(&Advisory, Ruling)| {
        format!("{}: {} ({})", advisory.id, ruling.clause(), advisory.source)
    };
    advised.iter().map(clause).collect::<Vec<_>>().join("; ")
}

fn listed(advised: &[(&Advisory, Ruling)]) -> Vec<Advised> {
    let one = |(advisory, says): &(&Advisory, Ruling)| Advised {
        id: advisory.id.clone(),
        says: *says,
        fixed_in: advisory.fixed_in.clone(),
        source: advisory.source.clone(),
    };
    advised.iter().map(one).collect()
}

impl Advisory {
    fn says(&self, own: &Firmware) -> Ruling {
        if let Some(first) = &self.first {
            match own.against(first) {
                Some(Ordering::Less) => return Ruling::Older,
                Some(_) => {}
                None => return Ruling::Incomparable,
            }
        }
        let is_affected = match (&self.last, &self.before) {
            (Some(last), _) => own.against(last).map(Ordering::is_le),
            (None, Some(before)) => own.against(before).map(Ordering::is_lt),
            (None, None) => None,
        };
        match is_affected {
            Some(true) if self.uncertain => Ruling::LikelyAffected,
            Some(true) => Ruling::Affected,
            None => Ruling::Incomparable,
            Some(false) => match &self.fixed {
                Some(fixed) if own.against(fixed).is_some_and(Ordering::is_ge) => Ruling::Fixed,
                Some(_) => Ruling::Between,
                None if self.uncertain => Ruling::UncertainRange,
                None => Ruling::Fixed,
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
    fn a_fix_is_known_open_or_out_of_the_question() {
        let header = "id,models,first_affected,last_affected,before,fixed_in,uncertain,confidence,source";
        let fix = |rows: &[&str]| {
            let table = Advisories::parse(&format!("{header}\n{}\n", rows.join("\n"))).expect("a good table");
            let posture = table.posture(Some("A1"), Some("V1.0"));
            assert_eq!(posture.state, State::Vulnerable, "{rows:?}");
            (posture.fix, posture.advisories[0].fixed_in.clone())
        };
        let (known, later, open) = ("W,A*,,,V1.1,,yes,high,s", "X,A*,,V1.0,,,no,high,s", "Y,A*,,V1.0,,,yes,high,s");
        let never = "Z,A*,,V1.0,,none,no,high,s";
        assert_eq!(fix(&[known]), (Some(true), Some("V1.1".to_owned())));
        assert_eq!(fix(&["W,A*,,V1.0,,V1.2,no,high,s"]), (Some(true), Some("V1.2".to_owned())));
        assert_eq!(fix(&[later]), (Some(true), None), "what is later is not affected");
        assert_eq!(fix(&[open]), (None, None));
        assert_eq!(fix(&[never]), (Some(false), None));
        assert_eq!(fix(&[known, open]).0, None);
        assert_eq!(fix(&[known, open, never]).0, Some(false));
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
