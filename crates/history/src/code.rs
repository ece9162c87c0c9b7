//! A value in 16 bits.
//!
//! | code | means |
//! |---|---|
//! | 0 | no value |
//! | 1 | zero |
//! | 2 + 1024·e + m | (1 + m/1024) · 2^(e − 14), with e from 0 to 63 and m from 0 to 1023 |
//!
//! Ten bits of mantissa, rounded to the nearest, are wrong by at most half of 1/1024 of the leading bit: a relative error
//! of at most 2^-11 = 0.049 %. Whole numbers up to 2,048 are exact. The smallest value is 2^-14 = 0.00006 (one message in
//! three hours is 0.00009 a second); below half of it is zero. The largest is about 2^50 = 10^15, where codes end
//! (the last two of the highest binade are not there), and larger values are stored as that. Codes are in the order of their values.

/// No value: what a file has where nothing was written.
pub(crate) const NONE: u16 = 0;
const ZERO: u16 = 1;
const FIRST: u32 = 2;
const MANTISSA_BITS: u32 = 10;
/// The mantissa bits of an `f32` that are left out.
const DROPPED_BITS: u32 = 23 - MANTISSA_BITS;
/// The smallest exponent, with the bias of `f32`.
const LOWEST_EXPONENT: u32 = 127 - 14;

const SMALLEST: f32 = 1.0 / 16384.0;

/// The code of a value that is not negative. What is no number, infinite or negative has no code but [`NONE`].
pub(crate) fn encode(value: f64) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "to the nearest f32 is the intention; the range is checked below"
    )]
    let value = value as f32;
    if !(0.0..f32::INFINITY).contains(&value) {
        return NONE;
    }
    if value < SMALLEST {
        return if value < SMALLEST / 2.0 { ZERO } else { FIRST as u16 };
    }
    // Exponent and mantissa lie side by side, so rounding the mantissa up carries into the exponent as it should.
    let rounded = (value.to_bits() + (1 << (DROPPED_BITS - 1))) >> DROPPED_BITS;
    let code = rounded - (LOWEST_EXPONENT << MANTISSA_BITS) + FIRST;
    u16::try_from(code).unwrap_or(u16::MAX)
}

/// The value of a code.
pub(crate) fn decode(code: u16) -> Option<f32> {
    match code {
        NONE => None,
        ZERO => Some(0.0),
        _ => {
            let rounded = u32::from(code) - FIRST + (LOWEST_EXPONENT << MANTISSA_BITS);
            Some(f32::from_bits(rounded << DROPPED_BITS))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_code_is_its_own_values_code_and_codes_are_in_order() {
        let mut before = -1.0;
        for code in ZERO..=u16::MAX {
            let value = decode(code).unwrap();
            assert!(value > before, "{code}");
            assert_eq!(encode(f64::from(value)), code);
            before = value;
        }
        assert!(before > 1e15);
    }

    #[test]
    fn small_whole_numbers_are_exact() {
        for number in 0..=2048_u16 {
            assert_eq!(decode(encode(f64::from(number))), Some(f32::from(number)));
        }
    }

    #[test]
    fn what_is_no_quantity_has_no_value_and_what_is_too_large_is_the_largest() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, f64::MAX] {
            assert_eq!(encode(value), NONE, "{value}");
        }
        assert_eq!(encode(1e30), u16::MAX);
        assert_eq!(encode(-0.0), ZERO);
        assert_eq!(encode(1e-9), ZERO);
        assert_eq!(decode(NONE), None);
    }

    proptest! {
        #[test]
        fn the_relative_error_is_at_most_half_a_thousandth(exponent in -13.9_f64..49.9) {
            let value = exponent.exp2();
            let error = (f64::from(decode(encode(value)).unwrap()) - value).abs() / value;
            prop_assert!(error <= 1.0 / 2048.0 + 1e-6, "{value}: {error}");
        }
    }
}
