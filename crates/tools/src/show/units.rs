//! Units that people write and read.

use crate::client::date::civil_time;

const UNITS: [(&str, u64); 5] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
const SIZES: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Seconds of `30`, `30s`, `5m`, `1h30m`, `4d`, `2w`.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("a time is written like 30s, 5m, 1h30m or 4d, not {text}");
    let mut rest = text.trim();
    if let Ok(plain) = rest.parse() {
        return Ok(plain);
    }
    let mut total = 0u64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let count: u64 = rest[..end].parse().map_err(|_| wrong())?;
        let unit = &rest[end..];
        let length = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let (_, each) = UNITS.iter().find(|(name, _)| *name == &unit[..length]).ok_or_else(wrong)?;
        let seconds = count.checked_mul(*each).ok_or_else(wrong)?;
        total = total.checked_add(seconds).ok_or_else(wrong)?;
        rest = &unit[length..];
    }
    Ok(total)
}

/// Bytes of `1024`, `256KiB`, `1MiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("a size is written like 262144 or 256KiB, not {text}");
    let (digits, each) =
        SIZES.iter().find_map(|(unit, each)| Some((text.strip_suffix(unit)?, *each))).unwrap_or((text, 1));
    let count: u64 = digits.trim().parse().map_err(|_| wrong())?;
    count.checked_mul(each).ok_or_else(wrong)
}

/// `4 d`, `1 h 30 min`, `30 s`.
pub(crate) fn shown_seconds(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let shown: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if shown.is_empty() { "0 s".to_owned() } else { shown.join(" ") }
}

/// The same, to one unit: `2 h`, for how long ago something was.
pub(crate) fn roughly(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", seconds / 60),
        6_000..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `1 MiB`, `300 B`.
pub(crate) fn shown_bytes(bytes: u64) -> String {
    let whole = SIZES.iter().find(|(_, each)| bytes >= *each && bytes.is_multiple_of(*each));
    match whole {
        Some((unit, each)) => format!("{} {unit}", bytes / each),
        None => format!("{bytes} B"),
    }
}

/// `1,234,567`.
pub(crate) fn shown_count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 message`, `1,234 messages`.
pub(crate) fn messages(count: u64) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{} messages", shown_count(count)) }
}

/// `2026-11-21 10:30:00 UTC`.
pub(crate) fn shown_time(unix_seconds: u64) -> String {
    let (year, month, day, hour, minute, second) = civil_time(unix_seconds);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::{bytes, roughly, seconds, shown_bytes, shown_count, shown_seconds, shown_time};
    use proptest::prelude::*;

    #[test]
    fn times_as_people_write_them() {
        for (text, expected) in [
            ("30", 30),
            ("30s", 30),
            ("5m", 300),
            ("1h30m", 5_400),
            ("4d", 345_600),
            ("2w", 1_209_600),
            ("0", 0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for wrong in ["", "s", "5x", "-1", "1h30", "99999999999999999999", "9999999999999999999w", "5 m"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_as_people_write_them() {
        for (text, expected) in [("1024", 1024), ("256KiB", 262_144), ("1 MiB", 1 << 20)] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for wrong in ["", "KiB", "1KB", "99999999999999999GiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_shown() {
        assert_eq!(shown_seconds(345_600), "4 d");
        assert_eq!(shown_seconds(5_401), "1 h 30 min 1 s");
        assert_eq!(shown_seconds(0), "0 s");
        assert_eq!(
            (roughly(59), roughly(7_200), roughly(999_999)),
            ("59 s".into(), "2 h".into(), "11 d".into())
        );
        assert_eq!((shown_bytes(1 << 20), shown_bytes(1_025)), ("1 MiB".into(), "1025 B".into()));
        assert_eq!(
            (shown_count(1_234_567), shown_count(999), shown_count(0)),
            ("1,234,567".into(), "999".into(), "0".into())
        );
        assert_eq!(shown_time(1_369_353_600), "2013-05-24 00:00:00 UTC");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(given in 0..100_000_000u64) {
            let text = shown_seconds(given).replace("min", "m").replace(' ', "");
            prop_assert_eq!(seconds(&text), Ok(given));
        }

        #[test]
        fn nothing_written_is_too_strange(text in "[0-9wdhms가 ]{0,30}") {
            let _ = (seconds(&text), bytes(&text));
        }
    }
}
