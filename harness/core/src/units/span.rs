//! [`Span`]: a length of time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::error::{Expectation, TextError};
use crate::near_miss;

const EXPECTED: Expectation = Expectation { what: "a duration", examples: r#""500ms", "10s" or "1h30m""# };
/// What a misspelt unit is compared with.
const UNITS: [&str; 8] = ["ms", "s", "sec", "min", "us", "h", "hour", "ns"];

/// A length of time above zero: `500ms`, `10s`, `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(Duration);

impl Span {
    /// A span of that duration; `None` for zero.
    #[must_use]
    pub const fn try_new(duration: Duration) -> Option<Self> {
        if duration.is_zero() { None } else { Some(Self(duration)) }
    }

    /// The span as the standard library's type.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        self.0
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl FromStr for Span {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        if text.trim_start().starts_with('-') {
            return Err(EXPECTED.refuse(text, "is negative"));
        }
        let duration = humantime::parse_duration(text).map_err(|error| refusal(text, &error))?;
        Self::try_new(duration).ok_or_else(|| EXPECTED.refuse(text, "is zero"))
    }
}

fn refusal(text: &str, error: &humantime::DurationError) -> TextError {
    use humantime::DurationError;
    match error {
        DurationError::UnknownUnit { unit, .. } if unit.is_empty() => {
            EXPECTED.refuse(text, "has no unit").did_you_mean(Some(format!("{}s", text.trim())))
        }
        DurationError::UnknownUnit { start, end, unit, .. } => {
            let meant = near_miss::nearest(unit, UNITS);
            let meant = meant.map(|unit| format!("{}{unit}{}", text[..*start].trim_end(), &text[*end..]));
            EXPECTED.unreadable(text).did_you_mean(meant)
        }
        DurationError::NumberOverflow => EXPECTED.refuse(text, "is too long, or finer than a nanosecond"),
        _ => EXPECTED.unreadable(text),
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Spans are parts of case names, which hold no blanks.
        formatter.write_str(&humantime::format_duration(self.0).to_string().replace(' ', ""))
    }
}

super::written_as_text!(
    Span,
    "Span",
    r"^\s*[0-9]+(\.[0-9]+)?\s*[a-zµ]+[0-9a-zµ. ]*$",
    "500ms",
    "10s",
    "1h30m"
);
