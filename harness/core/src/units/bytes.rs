//! [`Bytes`]: an amount of memory.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use super::decimal::{self, Unit};
use super::error::{Expectation, TextError};

const EXPECTED: Expectation =
    Expectation { what: "an amount of memory", examples: r#""500MiB" or "1.5GiB""# };
const UNITS: [Unit; 7] = [
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// An amount of memory above zero: `500MiB`, `1.5GiB`, `500MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(NonZeroU64);

impl Bytes {
    /// How many bytes.
    #[must_use]
    pub const fn get(self) -> NonZeroU64 {
        self.0
    }
}

impl FromStr for Bytes {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let bytes = decimal::read(text, &UNITS, EXPECTED)?;
        NonZeroU64::new(bytes).map(Self).ok_or_else(|| EXPECTED.refuse(text, "is zero"))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.get();
        let (scale, unit) = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
            .into_iter()
            .find(|(scale, _)| bytes.is_multiple_of(*scale))
            .unwrap_or((1, "B"));
        write!(formatter, "{}{unit}", bytes / scale)
    }
}

super::written_as_text!(
    Bytes,
    "Bytes",
    r"^\s*[0-9]+(\.[0-9]+)?\s*([KMG]iB|[kMG]B|B)\s*$",
    "500MiB",
    "1.5GiB"
);
