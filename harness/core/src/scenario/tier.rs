//! [`Tier`]: how much time a scenario may take, and so when it is run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::units::TextError;

/// How much time a scenario may take, and so when it is run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Minutes: runs by default.
    Quick,
    /// An hour or so: runs when asked for, every night.
    Nightly,
    /// Hours or days: runs when asked for.
    Full,
}

impl Tier {
    const ALL: [Self; 3] = [Self::Quick, Self::Nightly, Self::Full];

    /// The word in scenarios and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Nightly => "nightly",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Tier {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let named = Self::ALL.into_iter().find(|tier| tier.name() == text);
        named.ok_or_else(|| TextError::not_one_of("a tier", text, &Self::ALL.map(Self::name)))
    }
}
