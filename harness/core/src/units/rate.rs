//! [`OfferedRate`]: how many requests per second the load generator is told to send.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use super::decimal::{self, Unit};
use super::error::{Expectation, TextError};

const EXPECTED: Expectation = Expectation { what: "a rate", examples: r#""500rps" or "2.5krps""# };
const UNITS: [Unit; 2] = [("rps", 1_000), ("krps", 1_000_000)];
const DECIMALS: u32 = 3;

/// Requests per second, exact to a thousandth, above zero: `500rps`, `0.5rps`, `2.5krps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferedRate {
    millirequests_per_second: NonZeroU64,
}

impl OfferedRate {
    /// A rate from its thousandths of a request per second.
    #[must_use]
    pub const fn from_millirequests_per_second(millirequests_per_second: NonZeroU64) -> Self {
        Self { millirequests_per_second }
    }

    /// A rate of whole requests per second; `None` for zero or beyond what a rate can hold.
    #[must_use]
    pub const fn from_requests_per_second(requests_per_second: u64) -> Option<Self> {
        match requests_per_second.checked_mul(1_000) {
            Some(thousandths) => match NonZeroU64::new(thousandths) {
                Some(thousandths) => Some(Self::from_millirequests_per_second(thousandths)),
                None => None,
            },
            None => None,
        }
    }

    /// Thousandths of a request per second: the exact value, for schedules.
    #[must_use]
    pub const fn millirequests_per_second(self) -> NonZeroU64 {
        self.millirequests_per_second
    }

    /// Requests per second, for display and shares.
    #[must_use]
    pub fn requests_per_second(self) -> f64 {
        self.millirequests_per_second.get() as f64 / 1_000.0
    }
}

impl FromStr for OfferedRate {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let thousandths = decimal::read(text, &UNITS, EXPECTED)?;
        NonZeroU64::new(thousandths)
            .map(Self::from_millirequests_per_second)
            .ok_or_else(|| EXPECTED.refuse(text, "is zero"))
    }
}

impl fmt::Display for OfferedRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}rps", decimal::show(self.millirequests_per_second.get(), DECIMALS))
    }
}

super::written_as_text!(
    OfferedRate,
    "OfferedRate",
    r"^\s*[0-9]+(\.[0-9]+)?\s*k?rps\s*$",
    "500rps",
    "2.5krps"
);
