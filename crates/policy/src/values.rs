//! Readings of text that conditions compare: instants, numbers, address ranges, ARNs.

use std::net::IpAddr;

/// Milliseconds since 1970-01-01T00:00Z from an ISO 8601 date (the forms of the W3C note: a year, a month, a day, or a
/// time of a day with `Z` or an offset) or from seconds since the epoch. Four digits are a year.
pub(crate) fn instant_ms(text: &str) -> Option<i64> {
    let is_number = text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit());
    if is_number && (text.len() != 4 || text.starts_with('-')) {
        return text.parse::<i64>().ok()?.checked_mul(1000);
    }
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let day = day_number(date, time.is_some())?;
    let within_day_ms = time.map_or(Some(0), time_of_day_ms)?;
    day.checked_mul(86_400_000)?.checked_add(within_day_ms)
}

/// Days since 1970-01-01, of the first day of what the date names.
fn day_number(date: &str, whole: bool) -> Option<i64> {
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map(|month| digits(month, 2));
    let day = parts.next().map(|day| digits(day, 2));
    if parts.next().is_some() || (whole && day.is_none()) {
        return None;
    }
    let (month, day) = (month.unwrap_or(Some(1))?, day.unwrap_or(Some(1))?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    (1..=days_in_month).contains(&day).then(|| days_before(year, month) + day - 1)
}

/// Days from 1970-01-01 to the first of a month. Years begin in March here, so that the leap day is a year's last.
fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    const MARCH_OF_YEAR_0_TO_1970: i64 = 719_468;
    365 * year + leap_days + (153 * month + 2) / 5 - MARCH_OF_YEAR_0_TO_1970
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.s…`, then `Z` or `±hh:mm`. Outside the day where the offset leads there.
fn time_of_day_ms(text: &str) -> Option<i64> {
    let (time, offset_minutes) = match text.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let (time, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            let (sign, offset) = match offset.split_at_checked(1)? {
                ("+", offset) => (1, offset),
                ("-", offset) => (-1, offset),
                _ => return None,
            };
            let (hours, minutes) = offset.split_once(':')?;
            (time, sign * (below(digits(hours, 2)?, 24)? * 60 + below(digits(minutes, 2)?, 60)?))
        }
    };
    let mut parts = time.split(':');
    let hours = below(digits(parts.next()?, 2)?, 24)?;
    let minutes = below(digits(parts.next()?, 2)?, 60)?;
    let seconds_ms = parts.next().map_or(Some(0), seconds_ms)?;
    if parts.next().is_some() {
        return None;
    }
    Some((hours * 60 + minutes - offset_minutes) * 60_000 + seconds_ms)
}

fn seconds_ms(text: &str) -> Option<i64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let whole = below(digits(whole, 2)?, 60)? * 1000;
    let Some(fraction) = fraction else { return Some(whole) };
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths = fraction.bytes().chain(*b"000").take(3);
    Some(whole + thousandths.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn below(number: i64, end: i64) -> Option<i64> {
    (number < end).then_some(number)
}

/// ISO 8601 text of an instant, in UTC and whole seconds, as AWS has it in `aws:CurrentTime`.
pub(crate) fn instant_text(unix_ms: i64) -> String {
    let seconds = unix_ms.div_euclid(1000);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // 400 years have 146,097 days, always: this is the year or the one after it.
    let mut year = 1969 + (day * 400).div_euclid(146_097);
    while days_before(year + 1, 1) <= day {
        year += 1;
    }
    let month = (2..=12).take_while(|&month| days_before(year, month) <= day).last().unwrap_or(1);
    let day_of_month = day - days_before(year, month) + 1;
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

/// A decimal number, or nothing.
pub(crate) fn number(text: &str) -> Option<f64> {
    let begins = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.');
    // Rust also reads `inf` and `nan`, which are no numbers to compare with.
    if !text.as_bytes().first().is_some_and(begins) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `true` or `false`, in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else {
        text.eq_ignore_ascii_case("false").then_some(false)
    }
}

/// A range of addresses of one family, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    V4 { bits: u32, mask: u32 },
    V6 { bits: u128, mask: u128 },
}

impl Network {
    /// An address or CIDR. Bits beyond the prefix don't matter. A range of IPv4-mapped IPv6 addresses is one of IPv4.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => {
                let plain = prefix.len() <= 3 && prefix.bytes().all(|b| b.is_ascii_digit());
                (address, Some(prefix.parse::<u32>().ok().filter(|_| plain)?))
            }
            None => (text, None),
        };
        let network = match address.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => Self::v4(address.to_bits(), prefix.unwrap_or(32))?,
            IpAddr::V6(address) => {
                let prefix = prefix.unwrap_or(128);
                match address.to_ipv4_mapped() {
                    Some(mapped) if prefix >= 96 => Self::v4(mapped.to_bits(), prefix - 96)?,
                    _ => Self::v6(address.to_bits(), prefix)?,
                }
            }
        };
        Some(network)
    }

    fn v4(address: u32, prefix: u32) -> Option<Self> {
        let mask = u32::MAX.checked_shl(32u32.checked_sub(prefix)?).unwrap_or(0);
        Some(Self::V4 { bits: address & mask, mask })
    }

    fn v6(address: u128, prefix: u32) -> Option<Self> {
        let mask = u128::MAX.checked_shl(128u32.checked_sub(prefix)?).unwrap_or(0);
        Some(Self::V6 { bits: address & mask, mask })
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::V4 { bits, mask }, IpAddr::V4(address)) => address.to_bits() & mask == *bits,
            (Self::V6 { bits, mask }, IpAddr::V6(address)) => address.to_bits() & mask == *bits,
            _ => false,
        }
    }
}

/// The six parts of `arn:partition:service:region:account:resource`; the last may have colons.
pub(crate) fn arn_parts(text: &str) -> Option<[&str; 6]> {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next();
    Some([next()?, next()?, next()?, next()?, next()?, next()?])
}

#[cfg(test)]
mod tests;
