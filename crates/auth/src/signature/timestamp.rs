//! The time of a request as signatures write it: ISO 8601's basic format in UTC, `20150830T123600Z`.

use std::fmt;
use std::time::UNIX_EPOCH;

const TEXT_BYTES: usize = 16;
const DAY_S: i64 = 86_400;
/// The last second that four digits of a year can say.
const MAX_EPOCH_S: i64 = 253_402_300_799;

/// A second between the years 1970 and 9999, and its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    epoch_s: i64,
    text: [u8; TEXT_BYTES],
}

impl Timestamp {
    /// Reads the basic format, and nothing else.
    pub fn parse_basic(text: &str) -> Option<Self> {
        let text: [u8; TEXT_BYTES] = text.as_bytes().try_into().ok()?;
        let digits_at = |place: usize| place != 8 && place != 15;
        let is_digit = |(place, byte): (usize, &u8)| byte.is_ascii_digit() || !digits_at(place);
        if text[8] != b'T' || text[15] != b'Z' || !text.iter().enumerate().all(is_digit) {
            return None;
        }
        let number = |from: usize, to: usize| {
            text[from..to].iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
        };
        let (year, month, day) = (number(0, 4), number(4, 6), number(6, 8));
        let (hour, minute, second) = (number(9, 11), number(11, 13), number(13, 15));
        let is_day = (1..=days_of_month(year, month)).contains(&day);
        let is_time = hour < 24 && minute < 60 && second < 60;
        if year < 1970 || !is_day || !is_time {
            return None;
        }
        let epoch_s = day_number(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
        Some(Self { epoch_s, text })
    }

    /// Reads a `Date` header in any of HTTP's three forms, or in the basic format.
    pub fn parse_http(text: &str) -> Option<Self> {
        if let Some(basic) = Self::parse_basic(text) {
            return Some(basic);
        }
        let since_epoch = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since_epoch.as_secs()).ok().map(Self::from_epoch_s)
    }

    /// The second that lies `epoch_s` after the beginning of 1970; what lies outside of 1970..=9999 is its nearest end.
    pub fn from_epoch_s(epoch_s: i64) -> Self {
        let epoch_s = epoch_s.clamp(0, MAX_EPOCH_S);
        let (year, month, day) = date(epoch_s.div_euclid(DAY_S));
        let second = epoch_s.rem_euclid(DAY_S);
        let mut text = *b"00000000T000000Z";
        for (place, width, number) in [
            (0, 4, year),
            (4, 2, month),
            (6, 2, day),
            (9, 2, second / 3600),
            (11, 2, second / 60 % 60),
            (13, 2, second % 60),
        ] {
            let mut rest = number;
            for digit in text[place..place + width].iter_mut().rev() {
                // A remainder of ten fits a byte.
                *digit += (rest % 10) as u8;
                rest /= 10;
            }
        }
        Self { epoch_s, text }
    }

    /// Seconds since the beginning of 1970.
    pub fn epoch_s(&self) -> i64 {
        self.epoch_s
    }

    /// `20150830T123600Z`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// The day alone, as scopes name it: `20150830`.
    pub fn day(&self) -> &str {
        self.as_str().get(..8).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// None where there is no such month.
fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap_year => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Days since 1 January 1970. Years are counted from March, so that a leap day is the last day of its year.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + day_of_year - DAYS_TO_1970
}

/// From 1 March of the year 0 to 1 January 1970.
const DAYS_TO_1970: i64 = 719_468;

/// Year, month and day of a day since 1 January 1970; the inverse of [`day_number`].
fn date(day_number: i64) -> (i64, i64, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    let days = day_number + DAYS_TO_1970;
    let era = days.div_euclid(DAYS_OF_400_YEARS);
    let day_of_era = days.rem_euclid(DAYS_OF_400_YEARS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::Timestamp;

    #[test]
    fn known_seconds_have_their_texts() {
        for (epoch_s, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (4_107_542_400, "21000301T000000Z"),
            (253_402_300_799, "99991231T235959Z"),
        ] {
            assert_eq!(Timestamp::from_epoch_s(epoch_s).as_str(), text);
            assert_eq!(Timestamp::parse_basic(text).unwrap().epoch_s(), epoch_s, "{text}");
        }
        assert_eq!(Timestamp::from_epoch_s(1_440_938_160).day(), "20150830");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "20150830",
            "20150830T123600",
            "2015-08-30T12:36:00Z",
            "20150830t123600Z",
            "20150830T123600z",
            "20151330T123600Z",
            "20150800T123600Z",
            "20150229T123600Z",
            "20150431T123600Z",
            "20150830T243600Z",
            "20150830T126000Z",
            "20150830T123660Z",
            "19691231T235959Z",
            "+0150830T123600Z",
            "2015083١T12360Z",
        ] {
            assert_eq!(Timestamp::parse_basic(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_header_is_read_in_every_form() {
        for text in [
            "Sun, 30 Aug 2015 12:36:00 GMT",
            "Sunday, 30-Aug-15 12:36:00 GMT",
            "Sun Aug 30 12:36:00 2015",
            "20150830T123600Z",
        ] {
            assert_eq!(Timestamp::parse_http(text).unwrap().as_str(), "20150830T123600Z", "{text}");
        }
        assert_eq!(Timestamp::parse_http("yesterday"), None);
    }

    proptest! {
        #[test]
        fn every_second_survives_its_text(epoch_s in 0..=super::MAX_EPOCH_S) {
            let time = Timestamp::from_epoch_s(epoch_s);
            prop_assert_eq!(Timestamp::parse_basic(time.as_str()), Some(time));
            prop_assert_eq!(time.epoch_s(), epoch_s);
        }

        #[test]
        fn later_seconds_have_later_texts(a in 0..=super::MAX_EPOCH_S, b in 0..=super::MAX_EPOCH_S) {
            let (text_a, text_b) = (Timestamp::from_epoch_s(a), Timestamp::from_epoch_s(b));
            prop_assert_eq!(a.cmp(&b), text_a.as_str().cmp(text_b.as_str()));
        }
    }
}
