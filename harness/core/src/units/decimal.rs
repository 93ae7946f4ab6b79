//! Reads `2.5krps` and the like exactly: a decimal number and a unit, as a whole number of the smallest unit.

use super::error::{Expectation, TextError};
use crate::near_miss;

/// A unit and how many of the smallest unit it holds.
pub(super) type Unit = (&'static str, u64);

/// Reads a number followed by one of `units` as a whole number of the smallest unit.
///
/// The first of `units` is the one suggested when none is written.
///
/// # Errors
///
/// When the text is no such quantity, is negative, or is finer or larger than can be told apart exactly.
pub(super) fn read(text: &str, units: &[Unit], expected: Expectation) -> Result<u64, TextError> {
    let trimmed = text.trim();
    if trimmed.starts_with('-') && trimmed[1..].starts_with(|first: char| first.is_ascii_digit()) {
        return Err(expected.refuse(text, "is negative"));
    }
    let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..split], trimmed[split..].trim_start());
    let Some((whole, fraction)) = digits(number) else {
        return Err(expected.unreadable(text));
    };
    let Some((_, scale)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(wrong_unit(text, number, unit, units, expected));
    };
    scaled(whole, fraction, *scale).map_err(|complaint| expected.refuse(text, complaint))
}

/// The digits before and after the point of a plain decimal number.
fn digits(number: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (number, ""),
    };
    (!whole.is_empty() && !fraction.contains('.')).then_some((whole, fraction))
}

fn wrong_unit(text: &str, number: &str, unit: &str, units: &[Unit], expected: Expectation) -> TextError {
    if unit.is_empty() {
        let suggestion = units.first().map(|(name, _)| format!("{number}{name}"));
        return expected.refuse(text, "has no unit").did_you_mean(suggestion);
    }
    let meant = near_miss::nearest(unit, units.iter().map(|(name, _)| *name));
    expected.unreadable(text).did_you_mean(meant.map(|name| format!("{number}{name}")))
}

fn scaled(whole: &str, fraction: &str, scale: u64) -> Result<u64, &'static str> {
    const TOO_LARGE: &str = "is too large";
    const TOO_FINE: &str = "has more decimals than can be kept exactly";
    let whole: u64 = whole.parse().map_err(|_| TOO_LARGE)?;
    let whole = whole.checked_mul(scale).ok_or(TOO_LARGE)?;
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        return Ok(whole);
    }
    let numerator: u128 = fraction.parse().map_err(|_| TOO_FINE)?;
    let denominator = u32::try_from(fraction.len()).ok().and_then(|length| 10_u128.checked_pow(length));
    let denominator = denominator.ok_or(TOO_FINE)?;
    let product = numerator.checked_mul(u128::from(scale)).ok_or(TOO_FINE)?;
    if product % denominator != 0 {
        return Err(TOO_FINE);
    }
    let part = u64::try_from(product / denominator).map_err(|_| TOO_FINE)?;
    whole.checked_add(part).ok_or(TOO_LARGE)
}

/// Prints `smallest` smallest units as a decimal number of a unit that holds `10^decimals` of them.
pub(super) fn show(smallest: u64, decimals: u32) -> String {
    let scale = 10_u64.pow(decimals);
    let (whole, fraction) = (smallest / scale, smallest % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:0width$}", width = decimals as usize);
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}
