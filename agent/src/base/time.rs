//! Packet time.

use std::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z, saturating at both ends of `i64` (the years 1677 and 2262).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds and nanoseconds.
    pub fn new(seconds: i64, nanoseconds: u32) -> Self {
        Timestamp(seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(nanoseconds)))
    }

    /// Nanoseconds from `earlier` to this time; negative if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The last day before this time, UTC: of the end of a day, that day, as in `2027-06-30`.
    pub fn day_before(self) -> String {
        let last = Timestamp(self.0.saturating_sub(1)).to_string();
        last.get(..10).unwrap_or(&last).to_owned()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ")),
            Err(_) => f.write_str("?"),
        }
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        i64::try_from(time.as_nanosecond()).map(Timestamp).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc3339() {
        let read = |text: &str| serde_json::from_value::<Timestamp>(text.into());
        assert_eq!(read("1970-01-01T00:00:01.000002Z").unwrap(), Timestamp::new(1, 2_000));
        assert_eq!(read("1970-01-01T01:00:00+01:00").unwrap(), Timestamp(0));
        for bad in ["", "?", "now", "1970-01-01", "9000-01-01T00:00:00Z"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn prints_rfc3339_with_microseconds() {
        assert_eq!(Timestamp::new(1, 2_000).to_string(), "1970-01-01T00:00:01.000002Z");
        assert_eq!(Timestamp::new(4_294_967_295, 999_999_999).to_string(), "2106-02-07T06:28:15.999999Z");
        assert_eq!(Timestamp(i64::MAX).to_string(), "2262-04-11T23:47:16.854775Z");
    }

    #[test]
    fn reads_what_it_prints() {
        let time = Timestamp::new(4_294_967_295, 999_999_000);
        let json = serde_json::to_string(&time).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
        for wrong in ["\"9999-01-01T00:00:00Z\"", "\"yesterday\"", "1"] {
            assert!(serde_json::from_str::<Timestamp>(wrong).is_err(), "{wrong}");
        }
    }
}
