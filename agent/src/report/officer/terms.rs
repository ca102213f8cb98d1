//! The words of segwatch in each language, and the tone in which they are meant.

use super::Language;
use super::document::{Badge, Tone};
use crate::coverage::{Disposition, ReasonCode, Verdict};
use crate::finding::Kind;
use crate::flow::Reach;
use crate::hint::{Ruling, State};

impl Language {
    /// A verdict.
    pub(super) fn of_verdict(self, verdict: Verdict) -> Badge {
        let (tone, danish) = match verdict {
            Verdict::Isolated => (Tone::Good, "isoleret"),
            Verdict::Contained => (Tone::Held, "inddæmmet"),
            Verdict::Unverified => (Tone::Doubt, "ikke verificeret"),
            Verdict::Violated => (Tone::Bad, "brudt"),
        };
        Badge { tone, word: self.of(verdict.name(), danish).to_owned() }
    }

    /// A verdict, with the word of JSON and metrics beside a Danish one.
    pub(super) fn verdict_at_length(self, verdict: Verdict) -> String {
        let word = self.of_verdict(verdict).word;
        self.of(word.clone(), format!("{word} ({})", verdict.name()))
    }

    /// What a site's verdict means.
    pub(super) fn meaning(self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Isolated => self.of(
                "Every camera was covered, and none tried to leave its zone.",
                "Alle kameraer var dækket, og ingen forsøgte at forlade sin zone.",
            ),
            Verdict::Contained => self.of(
                "Every camera was covered; what tried to leave was stopped or stayed unanswered.",
                "Alle kameraer var dækket; hvad der forsøgte at komme ud, blev stoppet eller forblev ubesvaret.",
            ),
            Verdict::Unverified => self.of(
                "Too little was seen: nobody can vouch for every camera.",
                "Der blev set for lidt: ingen kan stå inde for alle kameraer.",
            ),
            Verdict::Violated => {
                self.of("The isolation of at least one camera is broken.", "Mindst ét kameras isolation er brudt.")
            }
        }
    }

    /// A disposition.
    pub(super) fn of_disposition(self, disposition: Disposition) -> Badge {
        let (tone, danish) = match disposition {
            Disposition::Discontinue => (Tone::Bad, "skal udfases"),
            Disposition::Patch => (Tone::Act, "skal opdateres"),
            Disposition::CannotTell => (Tone::Doubt, "kan ikke afgøres"),
            Disposition::MayRemain => (Tone::Good, "må blive"),
        };
        Badge { tone, word: self.of(disposition.name(), danish).to_owned() }
    }

    /// A posture of firmware.
    pub(super) fn of_state(self, state: State) -> Badge {
        let (tone, danish) = match state {
            State::Patched => (Tone::Good, "opdateret"),
            State::Unknown => (Tone::Doubt, "ukendt"),
            State::Vulnerable => (Tone::Bad, "sårbar"),
        };
        Badge { tone, word: self.of(state.name(), danish).to_owned() }
    }

    /// What an advisory says of a firmware.
    pub(super) fn of_ruling(self, ruling: Ruling) -> &'static str {
        match ruling {
            Ruling::Affected => self.of("affected", "berørt"),
            Ruling::LikelyAffected => {
                self.of("likely affected (its range is uncertain)", "sandsynligvis berørt (dens område er usikkert)")
            }
            Ruling::Fixed => self.of("not affected: later than its range", "ikke berørt: nyere end dens område"),
            Ruling::Older => self.of("older than its range: not decided", "ældre end dens område: ikke afgjort"),
            Ruling::Between => self.of(
                "between what it calls affected and what it calls fixed: not decided",
                "mellem det, den kalder berørt, og det, den kalder rettet: ikke afgjort",
            ),
            Ruling::UncertainRange => self
                .of("later than a range that is uncertain: not decided", "nyere end et usikkert område: ikke afgjort"),
            Ruling::Incomparable => self.of(
                "does not compare with the versions it names: not decided",
                "kan ikke sammenlignes med de versioner, den nævner: ikke afgjort",
            ),
        }
    }

    /// A reach.
    pub(super) fn of_reach(self, reach: Reach) -> &'static str {
        let danish = match reach {
            Reach::Attempted => "forsøgt",
            Reach::Refused => "afvist",
            Reach::Forwarded => "videresendt",
            Reach::Established => "etableret",
        };
        self.of(reach.name(), danish)
    }

    /// A severity.
    pub(super) fn of_severity(self, severity: &'static str) -> Badge {
        let (tone, danish) = match severity {
            "critical" => (Tone::Bad, "kritisk"),
            "warning" => (Tone::Doubt, "advarsel"),
            _ => (Tone::Plain, "oplysning"),
        };
        Badge { tone, word: self.of(severity, danish).to_owned() }
    }

    /// What a reason means, in a few words.
    pub(super) fn of_reason(self, code: ReasonCode) -> &'static str {
        match code {
            ReasonCode::NeverSeen => self.of("never seen", "aldrig set"),
            ReasonCode::Silent => self.of("silent", "tavs"),
            ReasonCode::OneDirection => self.of("seen in one direction only", "kun set i én retning"),
            ReasonCode::Untagged => self.of("seen without its VLAN tag", "set uden sit VLAN-mærke"),
            ReasonCode::Loss => self.of("too many packets lost", "for mange tabte pakker"),
            ReasonCode::Gap => self.of("gap in what was observed", "hul i det observerede"),
            ReasonCode::BehindRouter => self.of("seen behind a router only", "kun set bag en router"),
            ReasonCode::OneWayEgress => {
                self.of("too much unanswered traffic to the outside", "for megen ubesvaret trafik udad")
            }
            ReasonCode::HomeUnknown => self.of("its home is not known", "hjemzonen er ikke kendt"),
        }
    }

    /// What was found.
    pub(super) fn of_kind(self, kind: Kind) -> &'static str {
        let known = KINDS.iter().find(|(name, ..)| *name == kind.name());
        known.map_or(kind.name(), |(_, english, danish)| self.of(english, danish))
    }

    /// Where a hint comes from; protocols keep their names.
    pub(super) fn of_source(self, source: &'static str) -> &'static str {
        match source {
            "oui" => self.of("MAC prefix", "MAC-præfiks"),
            "inventory" => self.of("inventory", "fortegnelsen"),
            "event" => self.of("event message", "hændelsesmeddelelse"),
            "login" => self.of("login page", "loginside"),
            other => other,
        }
    }

    /// What a hint says.
    pub(super) fn of_says(self, says: &'static str) -> &'static str {
        match says {
            "vendor" => self.of("vendor", "producent"),
            "maker" => self.of("maker, as it says", "producent, som den siger"),
            "model" => self.of("model", "model"),
            "firmware" => self.of("firmware", "firmware"),
            "serial" => self.of("serial number", "serienummer"),
            "name" => self.of("name", "navn"),
            "kind" => self.of("kind", "art"),
            "activated" => self.of("activated", "aktiveret"),
            "asks" => self.of("asked for", "spurgte efter"),
            other => other,
        }
    }

    /// A confidence.
    pub(super) fn of_confidence(self, confidence: &'static str) -> &'static str {
        match confidence {
            "low" => self.of("low", "lav"),
            "medium" => self.of("medium", "middel"),
            _ => self.of("high", "høj"),
        }
    }
}

const KINDS: &[(&str, &str, &str)] = &[
    ("internet-egress", "connection to the internet", "forbindelse til internettet"),
    ("internet-ingress", "connection from the internet", "forbindelse fra internettet"),
    ("cross-zone-egress", "connection to another zone", "forbindelse til en anden zone"),
    ("cross-zone-ingress", "connection from another zone", "forbindelse fra en anden zone"),
    ("tunnel", "tunnel", "tunnel"),
    ("wrong-vlan", "in the wrong VLAN", "i det forkerte VLAN"),
    ("vlan-hopping", "VLAN hopping", "VLAN-hop"),
    ("exploit-attempt", "attempted attack", "angrebsforsøg"),
    ("rogue-service", "rogue network service", "uvedkommende netværkstjeneste"),
    ("port-mapping", "asked for an open port", "bad om en åben port"),
    ("unknown-device", "unknown device", "ukendt enhed"),
    ("foreign-address", "foreign address", "fremmed adresse"),
    ("cloud-lookup", "looked up an outside name", "slog et eksternt navn op"),
    ("drill", "drill", "øvelse"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_words() {
        for kind in Kind::ALL {
            assert!(KINDS.iter().any(|(name, ..)| *name == kind.name()), "{}", kind.name());
        }
    }
}
