//! Sentences about the firmware of a camera, and about what follows for it.

use std::collections::BTreeSet;

use super::Language;
use super::camera::Camera;
use crate::coverage::{Missing, Rule, Verdict};
use crate::hint::{Firmware, Posture, State};

/// Versions that mend a firmware and are named in a line.
const FIXES_SHOWN: usize = 4;

impl Language {
    /// Version, posture, and what each advisory says.
    pub(super) fn of_firmware(self, camera: &Camera<'_>) -> Vec<String> {
        let posture = camera.posture;
        let version = camera.firmware.unwrap_or(self.not_known());
        let mut lines = vec![format!("{version}: {}", self.of_state(posture.state).word)];
        lines.extend(self.dispute(camera));
        lines.extend(posture.advisories.iter().map(|advised| {
            let fixed = advised.fixed_in.as_ref().filter(|_| posture.state == State::Vulnerable);
            let fixed =
                fixed.map_or(String::new(), |version| format!("; {} {version}", self.of("fixed in", "rettet i")));
            format!("{}: {}{fixed} [{}]", advised.id, self.of_ruling(advised.says), advised.source)
        }));
        if posture.state == State::Unknown && posture.advisories.is_empty() {
            lines.push(self.why_firmware_is_unknown(camera).to_owned());
        }
        if posture.state == State::Vulnerable {
            lines.push(self.fix(posture.fix).to_owned());
        }
        lines
    }

    fn fix(self, fix: Option<bool>) -> &'static str {
        match fix {
            Some(true) => self.of("fixed firmware exists", "der findes rettet firmware"),
            Some(false) => self.of("there is no fixed firmware", "der findes ingen rettet firmware"),
            None => {
                self.of("whether fixed firmware exists is not known", "det vides ikke, om der findes rettet firmware")
            }
        }
    }

    /// With the versions that the advisories name.
    fn fix_at_length(self, posture: &Posture) -> String {
        let versions: BTreeSet<&str> = posture.advisories.iter().filter_map(|one| one.fixed_in.as_deref()).collect();
        match (posture.fix, versions.is_empty()) {
            (Some(true), false) => {
                let lead = self.of("fixed in", "rettet i");
                format!("{lead} {}", versions.into_iter().take(FIXES_SHOWN).collect::<Vec<_>>().join(", "))
            }
            (fix, _) => self.fix(fix).to_owned(),
        }
    }

    fn why_firmware_is_unknown(self, camera: &Camera<'_>) -> &'static str {
        match (camera.model, camera.firmware) {
            (None, _) => self.of("its model is not known", "modellen kendes ikke"),
            (_, None) => self.of("its firmware version is not known", "firmwareversionen kendes ikke"),
            (_, Some(version)) if Firmware::parse(version).is_none() => {
                self.of("its firmware names neither a version nor a day", "firmwaren nævner hverken version eller dato")
            }
            _ => self.of(
                "no advisory that segwatch knows decides about this model and version",
                "ingen sikkerhedsmeddelelse, som segwatch kender, afgør denne model og version",
            ),
        }
    }

    fn dispute(self, camera: &Camera<'_>) -> Option<String> {
        let what: Vec<&str> = camera.conflicts.iter().map(|says| self.of_says(says)).collect();
        let lead = self.of("sources disagree about its", "kilderne er uenige om");
        (!what.is_empty()).then(|| format!("{lead} {}", what.join(self.of(" and ", " og "))))
    }

    /// What is missing for a camera to remain.
    pub(super) fn of_missing(self, missing: Missing, camera: &Camera<'_>) -> String {
        match (missing, camera.verdict) {
            (Missing::Use, _) => match camera.use_.filter(|use_| crate::policy::is_known_use(use_)) {
                Some(use_) => self.of(
                    format!("“{use_}” is no use that may remain"),
                    format!("“{use_}” er ingen anvendelse, der må blive"),
                ),
                None => self.of("its use is not listed", "anvendelsen er ikke angivet").to_owned(),
            },
            (Missing::Firmware, _) => match (camera.posture.state, self.dispute(camera)) {
                (State::Vulnerable, _) => self.of("its firmware is vulnerable", "firmwaren er sårbar").to_owned(),
                (_, Some(dispute)) => dispute,
                (State::Unknown, None) if camera.posture.advisories.is_empty() => {
                    self.why_firmware_is_unknown(camera).to_owned()
                }
                (State::Unknown, None) => self
                    .of(
                        "the advisories do not decide about its firmware",
                        "sikkerhedsmeddelelserne afgør ikke firmwaren",
                    )
                    .to_owned(),
                (State::Patched, None) => {
                    self.of("no rule for patched firmware fits", "ingen regel for opdateret firmware passer").to_owned()
                }
            },
            (Missing::Fix, _) => self.fix(None).to_owned(),
            (Missing::Verdict, Verdict::Violated) => self
                .of("its isolation is violated: end that traffic first", "isolationen er brudt: stop først den trafik")
                .to_owned(),
            (Missing::Verdict, Verdict::Contained) => self
                .of(
                    "it tries to leave, if in vain: end the attempts first",
                    "det forsøger forgæves at komme ud: stop først forsøgene",
                )
                .to_owned(),
            (Missing::Verdict, Verdict::Unverified) => {
                let lead = self.of("nobody saw that it is isolated", "ingen har set, at det er isoleret");
                format!("{lead} ({})", self.reasons(camera.reasons))
            }
            (Missing::Verdict, Verdict::Isolated) => {
                self.of("no rule for isolated cameras fits", "ingen regel for isolerede kameraer passer").to_owned()
            }
        }
    }

    /// What a rule asks for, in the facts of the camera that it decided about.
    pub(super) fn because(self, rule: &Rule, camera: &Camera<'_>) -> String {
        let posture = camera.posture;
        let mut facts = Vec::new();
        if !rule.uses.is_empty() || !rule.not_use.is_empty() {
            facts.push(format!("{} “{}”", self.of("use", "anvendelse"), camera.use_.unwrap_or_default()));
        }
        if !rule.firmware.is_empty() {
            let state = self.of_state(posture.state).word;
            let cves = if posture.cves.is_empty() { String::new() } else { format!(" ({})", posture.cves.join(", ")) };
            facts.push(format!("firmware {state}{cves}"));
        }
        if rule.fix.is_some() {
            facts.push(self.fix_at_length(posture));
        }
        if !rule.verdict.is_empty() {
            facts.push(self.of_verdict(camera.verdict).word);
        }
        match facts.is_empty() {
            true => self.of("holds for every camera", "gælder for alle kameraer").to_owned(),
            false => facts.join(", "),
        }
    }

    /// A rule, in a sentence.
    pub(super) fn rule(self, rule: &Rule) -> String {
        let or = self.of(" or ", " eller ");
        let quoted = |words: &[String]| words.iter().map(|word| format!("“{word}”")).collect::<Vec<_>>();
        let some = |lead: &str, words: Vec<String>| (!words.is_empty()).then(|| format!("{lead} {}", words.join(or)));
        let conditions: Vec<String> = [
            some(self.of("its use names", "anvendelsen nævner"), quoted(&rule.uses)),
            some(
                self.of("its use is listed, and does not name", "anvendelsen er angivet og nævner ikke"),
                quoted(&rule.not_use),
            ),
            some(
                self.of("its firmware is", "firmwaren er"),
                rule.firmware.iter().map(|state| self.of_state(*state).word).collect(),
            ),
            rule.fix.map(|fix| self.fix(Some(fix)).to_owned()),
            some(
                self.of("its verdict is", "vurderingen er"),
                rule.verdict.iter().map(|verdict| self.of_verdict(*verdict).word).collect(),
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        let word = self.of_disposition(rule.then).word;
        match conditions.is_empty() {
            true => format!("{word}: {}", self.of("always", "altid")),
            false => format!("{word}: {}", conditions.join("; ")),
        }
    }
}
