//! Which labels findings of a kind can have.

use super::{Class, Kind};
use crate::flow::Reach;
use crate::policy::Severity;

impl Kind {
    /// Every reach and severity that a finding of this kind can have, the reach `None` for kinds that are not judged
    /// by it. `set` is the severity that the policy gives the kind; a kind that is `muted` may be for the record, too.
    pub fn outcomes(self, set: Option<Severity>, muted: bool) -> Vec<(Option<Reach>, Severity)> {
        let reaches: Vec<Option<Reach>> = match self.class(Reach::Attempted) {
            Class::Reach => Reach::ALL.map(Some).to_vec(),
            Class::Breach | Class::Notice | Class::None => vec![None],
        };
        let mut outcomes = Vec::new();
        for reach in reaches {
            let mut severities = match (set, reach) {
                (Some(set), _) => vec![set],
                // What only an expired conduit would allow is a warning, however far it got.
                (None, Some(reach)) => vec![Severity::Warning, self.severity(reach)],
                (None, None) if self == Kind::ExploitAttempt => vec![Severity::Warning, Severity::Critical],
                (None, None) => Reach::ALL.map(|reach| self.severity(reach)).to_vec(),
            };
            severities.extend(muted.then_some(Severity::Info));
            severities.sort_unstable();
            severities.dedup();
            outcomes.extend(severities.into_iter().map(|severity| (reach, severity)));
        }
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_severity_that_a_kind_can_have_is_there() {
        use Severity::{Critical, Info, Warning};
        let by_reach = Kind::InternetEgress.outcomes(None, false);
        assert_eq!(by_reach.len(), 6);
        assert!(by_reach.contains(&(Some(Reach::Established), Critical)));
        assert!(by_reach.contains(&(Some(Reach::Established), Warning)));
        assert!(!by_reach.contains(&(Some(Reach::Attempted), Critical)));
        assert_eq!(Kind::WrongVlan.outcomes(None, false), [(None, Critical)]);
        assert_eq!(Kind::ExploitAttempt.outcomes(None, false), [(None, Warning), (None, Critical)]);
        assert_eq!(Kind::UnknownDevice.outcomes(Some(Info), false), [(None, Info)]);
        assert_eq!(Kind::CrossZoneEgress.outcomes(Some(Info), false).len(), 4);
        assert_eq!(Kind::CrossZoneEgress.outcomes(Some(Info), true).len(), 4);
        assert_eq!(Kind::WrongVlan.outcomes(None, true), [(None, Info), (None, Critical)]);
    }
}
