//! Numbers as people read them: a sensible unit, three significant digits.

use std::time::Duration;

const SIGNIFICANT_DIGITS: i32 = 3;
/// Beyond this a small share reads as noise, whatever its digits.
const MOST_DECIMALS: i32 = 6;

/// A unit: how many base units it is worth, and its symbol.
type Unit = (f64, &'static str);

const TIME: [Unit; 4] = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];
const MEMORY: [Unit; 4] = [(1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1_024.0, "KiB"), (1.0, "B")];
const PERCENT: [Unit; 1] = [(0.01, "%")];
const RATE: [Unit; 1] = [(1.0, " rps")];
const MICROSECONDS: [Unit; 1] = [(1e3, "")];
const MEBIBYTES: [Unit; 1] = [(1_048_576.0, "")];

/// What a number is counted in, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// Nanoseconds, written `3.42ms`.
    Duration,
    /// Nanoseconds in a column headed µs, written `342`.
    Microseconds,
    /// Bytes, written `48.2MiB`.
    Bytes,
    /// Bytes in a column headed MiB, written `48.2`.
    Mebibytes,
    /// A fraction, written `99.9%`.
    Percent,
    /// Requests per second, written `500 rps`.
    Rate,
}

impl Number {
    /// The number, in the largest unit it fills.
    pub(crate) fn show(self, value: f64) -> String {
        let (scale, symbol) = self.unit_of(value);
        let scaled = value / scale;
        format!("{scaled:.*}{symbol}", decimals(scaled))
    }

    /// A difference to stand beside a value: in that value's unit, to that value's last digit, without the symbol.
    pub(crate) fn difference(self, beside: f64, difference: f64) -> String {
        let magnitude = self.beside(beside, difference.abs());
        let sign = match () {
            () if !magnitude.contains(|digit: char| digit.is_ascii_digit() && digit != '0') => "±",
            () if difference < 0.0 => "-",
            () => "+",
        };
        format!("{sign}{magnitude}")
    }

    /// A number to stand beside a value, in that value's unit, to that value's last digit, without the symbol.
    pub(crate) fn beside(self, value: f64, number: f64) -> String {
        let (scale, _) = self.unit_of(value);
        let decimals = decimals(value / scale);
        format!("{:.decimals$}", number / scale)
    }

    fn unit_of(self, value: f64) -> Unit {
        let units: &[Unit] = match self {
            Self::Duration => &TIME,
            Self::Microseconds => &MICROSECONDS,
            Self::Bytes => &MEMORY,
            Self::Mebibytes => &MEBIBYTES,
            Self::Percent => &PERCENT,
            Self::Rate => &RATE,
        };
        let filled = units.iter().find(|(scale, _)| rounded(value / scale).abs() >= 1.0);
        filled.or(units.last()).copied().unwrap_or((1.0, ""))
    }
}

/// How many decimals show a number to its significant digits; a whole number of fewer digits needs none.
fn decimals(value: f64) -> usize {
    if value == 0.0 {
        return 0;
    }
    let before_point = rounded(value).abs().log10().floor() as i32 + 1;
    let decimals = (SIGNIFICANT_DIGITS - before_point).clamp(0, MOST_DECIMALS);
    usize::try_from(decimals).unwrap_or(0)
}

/// Rounds to the significant digits first, so that 999.7µs becomes 1.00ms and not 1000µs.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let step = 10_f64.powi(value.abs().log10().floor() as i32 + 1 - SIGNIFICANT_DIGITS);
    (value / step).round() * step
}

/// A wait as people say it: `52s`, `1m 52s`, `2h 03m`.
pub(crate) fn wait(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A count with its noun: `1 block`, `2 blocks`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Number::Duration, 0.0, "0ns")]
    #[case(Number::Duration, 7.0, "7.00ns")]
    #[case(Number::Duration, 846_000.0, "846µs")]
    #[case(Number::Duration, 999_700.0, "1.00ms")]
    #[case(Number::Duration, 3_420_000.0, "3.42ms")]
    #[case(Number::Duration, 99_960_000.0, "100ms")]
    #[case(Number::Duration, 1_800e9, "1800s")]
    #[case(Number::Microseconds, 123_400.0, "123")]
    #[case(Number::Microseconds, 1_234_500.0, "1234")]
    #[case(Number::Bytes, 8_372_224_000.0, "7.80GiB")]
    #[case(Number::Bytes, 512.0, "512B")]
    #[case(Number::Mebibytes, 50_541_363.0, "48.2")]
    #[case(Number::Percent, 0.0, "0%")]
    #[case(Number::Percent, 0.000_012_3, "0.00123%")]
    #[case(Number::Percent, 0.999, "99.9%")]
    #[case(Number::Percent, 1.0, "100%")]
    #[case(Number::Rate, 500.0, "500 rps")]
    #[case(Number::Rate, 12_345.0, "12345 rps")]
    fn shows_three_significant_digits(#[case] number: Number, #[case] value: f64, #[case] shown: &str) {
        assert_eq!(number.show(value), shown);
    }

    #[rstest]
    #[case(Number::Duration, 3_420_000.0, 1_900_000.0, "+1.90")]
    #[case(Number::Duration, 3_420_000.0, -40_000.0, "-0.04")]
    #[case(Number::Duration, 3_420_000.0, -400.0, "±0.00")]
    #[case(Number::Duration, 846_000.0, 1_200.0, "+1")]
    #[case(Number::Microseconds, 98_700.0, 12_340.0, "+12.3")]
    fn a_difference_is_written_like_the_value_beside_it(
        #[case] number: Number,
        #[case] beside: f64,
        #[case] difference: f64,
        #[case] shown: &str,
    ) {
        assert_eq!(number.difference(beside, difference), shown);
    }

    #[rstest]
    #[case(52.4, "52s")]
    #[case(112.0, "1m 52s")]
    #[case(7_385.0, "2h 03m")]
    fn says_how_long_to_wait(#[case] seconds: f64, #[case] said: &str) {
        assert_eq!(wait(Duration::from_secs_f64(seconds)), said);
    }
}
