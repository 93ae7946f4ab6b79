//! [`Share`]: a part of a whole, in percent.

use std::fmt;
use std::str::FromStr;

use super::decimal::{self, Unit};
use super::error::{Expectation, TextError};

const EXPECTED: Expectation = Expectation { what: "a share from 0% to 100%", examples: r#""0.1%""# };
const UNITS: [Unit; 1] = [("%", MILLIONTHS_PER_PERCENT)];
const DECIMALS: u32 = 6;
const MILLIONTHS_PER_PERCENT: u64 = 1_000_000;

/// A part of a whole, from 0% to 100%, exact to a millionth of a percent: `0.1%`.
///
/// Zero is a share: "no errors at all" is a budget somebody may well want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share {
    millionths_of_a_percent: u64,
}

impl Share {
    /// The share as a fraction from 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.millionths_of_a_percent as f64 / (100.0 * MILLIONTHS_PER_PERCENT as f64)
    }
}

impl FromStr for Share {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let millionths_of_a_percent = decimal::read(text, &UNITS, EXPECTED)?;
        if millionths_of_a_percent > 100 * MILLIONTHS_PER_PERCENT {
            return Err(EXPECTED.refuse(text, "is more than the whole"));
        }
        Ok(Self { millionths_of_a_percent })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}%", decimal::show(self.millionths_of_a_percent, DECIMALS))
    }
}

super::written_as_text!(Share, "Share", r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$", "0.1%", "99%");
