//! [`ProviderKind`]: where a scenario runs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::units::TextError;

/// Where a scenario runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Real processes on this machine.
    Local,
    /// Pods in a Kubernetes cluster.
    Kube,
}

impl ProviderKind {
    const ALL: [Self; 2] = [Self::Local, Self::Kube];

    /// The word in scenarios and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Kube => "kube",
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for ProviderKind {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let named = Self::ALL.into_iter().find(|kind| kind.name() == text);
        named.ok_or_else(|| TextError::not_one_of("a provider", text, &Self::ALL.map(Self::name)))
    }
}
