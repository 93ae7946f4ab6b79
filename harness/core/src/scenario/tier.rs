//! [`Tier`]: how much time a scenario may take, and so when it is run.

use serde::{Deserialize, Serialize};

use super::word::written_as_word;

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

written_as_word!(Tier, "a tier", Quick => "quick", Nightly => "nightly", Full => "full");
