//! [`ProviderKind`]: where a scenario runs.

use serde::{Deserialize, Serialize};

use super::word::written_as_word;

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

written_as_word!(ProviderKind, "a provider", Local => "local", Kube => "kube");
