//! Numbers with a meaning: VLAN ids, times, shares.

use super::Wrong;
use crate::base::Timestamp;
use crate::config::problem::quoted;

/// Decimal digits only: no sign, no leading zero (octal to some readers of YAML), no exponent.
pub(in crate::config) fn count(text: &str) -> Result<u64, Wrong> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(Wrong::new(format!("{} is no whole number", quoted(text))));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(
            Wrong::new(format!("{} begins with a zero", quoted(text))).did_you_mean(text.trim_start_matches('0'))
        );
    }
    text.parse().map_err(|_| Wrong::new(format!("{} is too large", quoted(text))))
}

/// A VLAN identifier: 1 to 4094 (IEEE 802.1Q-2018, table 9-2: 0 is no VLAN, 4095 is reserved).
pub(in crate::config) fn vlan(text: &str) -> Result<u16, Wrong> {
    let id = count(text).map_err(|wrong| Wrong { message: format!("{} is no VLAN id", quoted(text)), ..wrong })?;
    match u16::try_from(id) {
        Ok(id @ 1..=4094) => Ok(id),
        _ => Err(Wrong::new(format!("VLAN {id} cannot be used")).help("VLAN ids are 1 to 4094")),
    }
}

/// A VLAN id or a range of them, as `100-110`: first and last.
pub(in crate::config) fn vlans(text: &str) -> Result<(u16, u16), Wrong> {
    let Some((first, last)) = text.split_once('-').filter(|(first, _)| !first.is_empty()) else {
        return vlan(text).map(|id| (id, id));
    };
    let (first, last) = (vlan(first.trim())?, vlan(last.trim())?);
    if first > last {
        return Err(Wrong::new(format!("the range {} runs backwards", quoted(text)))
            .did_you_mean(format_args!("{last}-{first}")));
    }
    Ok((first, last))
}

/// A date as `2027-06-30`; the answer is the end of that day, UTC.
pub(in crate::config) fn date(text: &str) -> Result<Timestamp, Wrong> {
    let date = match text.parse::<jiff::civil::Date>() {
        Ok(date) if text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') => date,
        _ => {
            let wrong = Wrong::new(format!("{} is no date", quoted(text)));
            return Err(match turned(text) {
                Some(date) => wrong.did_you_mean(date),
                None => wrong.help("write year, month and day, as in `2027-06-30`"),
            });
        }
    };
    let end = jiff::tz::TimeZone::UTC.to_timestamp(date.at(23, 59, 59, 0)).map(|last| last.as_second());
    // A date that the clock cannot hold is later than any packet.
    Ok(end.map_or(Timestamp(i64::MAX), |last| Timestamp::new(last.saturating_add(1), 0)))
}

/// `30-06-2027`, `30.06.2027` and `30/06/2027` the right way round, where the day cannot be a month.
fn turned(text: &str) -> Option<jiff::civil::Date> {
    let parts: Vec<&str> = text.split(['-', '.', '/']).collect();
    let &[day, month, year] = parts.as_slice() else { return None };
    if year.len() != 4 || day.parse::<u8>().ok()? <= 12 {
        return None;
    }
    jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// A length of time as `90s`, `15m`, `24h`, `7d` or `1h30m`, in nanoseconds.
pub(in crate::config) fn duration(text: &str) -> Result<i64, Wrong> {
    let wrong = || Wrong::new(format!("{} is no length of time", quoted(text)));
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        let number: i64 =
            digits.parse().map_err(|_| wrong().help("write a number and a unit, as in `90s`, `15m`, `24h` or `7d`"))?;
        let Some(unit) = after.chars().next() else {
            return Err(Wrong::new(format!("{} has no unit", quoted(text))).did_you_mean(format_args!("{text}s")));
        };
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong().help("the units are `s`, `m`, `h` and `d`")),
        };
        let part = number.checked_mul(seconds).and_then(|s| s.checked_mul(1_000_000_000));
        total = part
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| Wrong::new(format!("{} is too long", quoted(text))))?;
        rest = after.get(1..).unwrap_or("");
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// A number of bytes as `64MiB`.
pub(in crate::config) fn size(text: &str) -> Result<u64, Wrong> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let shift = match unit {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => {
            let wrong = Wrong::new(format!("{} is no number of bytes", quoted(text)));
            return Err(match unit.trim().to_lowercase().as_str() {
                "k" | "kb" | "kib" if !number.is_empty() => wrong.did_you_mean(format_args!("{number}KiB")),
                "m" | "mb" | "mib" if !number.is_empty() => wrong.did_you_mean(format_args!("{number}MiB")),
                "g" | "gb" | "gib" if !number.is_empty() => wrong.did_you_mean(format_args!("{number}GiB")),
                _ => wrong.help("write a number and a unit, as in `512KiB`, `64MiB` or `1GiB`"),
            });
        }
    };
    count(number)?.checked_mul(1 << shift).ok_or_else(|| Wrong::new(format!("{} is too large", quoted(text))))
}

/// A share as `1%` or `0.01`, 0 to less than 1.
pub(in crate::config) fn share(text: &str) -> Result<f64, Wrong> {
    let wrong = || Wrong::new(format!("{} is no share", quoted(text))).help("write it as `1%` or `0.01`");
    let (number, percent) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), true),
        None => (text, false),
    };
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number: f64 = if plain { number.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
    let share = if percent { number / 100.0 } else { number };
    if share < 1.0 {
        return Ok(share);
    }
    let wrong = Wrong::new(format!("{} is everything or more", quoted(text)));
    Err(if percent || number >= 100.0 { wrong } else { wrong.did_you_mean(format_args!("{text}%")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_and_shares() {
        for (text, want) in [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("1h30m", 5400)] {
            assert_eq!(duration(text), Ok(want * 1_000_000_000), "{text}");
        }
        for text in ["", "90", "s", "1.5h", "-1h", "1w", "1h30", "99999999999999999999s", "9999999999d", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for (text, want) in [("1%", 0.01), ("0.01", 0.01), ("0", 0.0), ("2.5 %", 0.025)] {
            assert_eq!(share(text), Ok(want), "{text}");
        }
        for text in ["", "%", "-1%", "1", "100%", "1e-2", "nan", "inf", ".", "1,5%"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_sizes() {
        for (text, want) in [("512KiB", 512 << 10), ("64MiB", 64 << 20), ("1GiB", 1 << 30)] {
            assert_eq!(size(text), Ok(want), "{text}");
        }
        for text in ["", "64", "MiB", "64 MiB", "64MB", "-1MiB", "1.5MiB", "01MiB", "99999999999999999GiB", "64é"] {
            assert!(size(text).is_err(), "{text}");
        }
        assert_eq!(size("64M").map_err(|wrong| wrong.hint), Err(Some("did you mean `64MiB`?".into())));
    }

    #[test]
    fn a_date_is_the_end_of_its_day() {
        assert_eq!(date("2027-06-30").map(|end| end.to_string()), Ok("2027-07-01T00:00:00.000000Z".into()));
        assert_eq!(date("2028-02-29").map(|end| end.to_string()), Ok("2028-03-01T00:00:00.000000Z".into()));
        assert!(date("9999-12-31").is_ok_and(|end| end > Timestamp::new(9_000_000_000, 0)));
        for text in ["", "2027-02-29", "20270630", "2027-6-30", "2027-06-30T00:00:00Z", "tomorrow", "-2027-06-3"] {
            assert!(date(text).is_err(), "{text}");
        }
        assert_eq!(date("30-06-2027").map_err(|wrong| wrong.hint), Err(Some("did you mean `2027-06-30`?".into())));
    }

    #[test]
    fn vlan_ids_are_plain_decimal() {
        assert_eq!((vlan("1"), vlan("4094"), vlans("100-110")), (Ok(1), Ok(4094), Ok((100, 110))));
        for text in
            ["0", "4095", "4096", "65646", "-1", "+110", "0110", "0x6e", "1e2", "110.0", "", "110-100", "1-", "-"]
        {
            assert!(vlans(text).is_err(), "{text}");
        }
    }
}
