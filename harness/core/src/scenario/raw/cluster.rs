//! [`RawCluster`]: how a cluster is made for a campaign, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A cluster that is made for the campaign and removed when it ends, in whatever way. `{name}` stands for the name that
/// the campaign gives it; `KUBECONFIG` names a file of the campaign's own, so that nobody's own is touched.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a mapping such as {create: [kind, create, cluster, --name, \"{name}\"], delete: [kind, delete, cluster, --name, \"{name}\"], context: \"kind-{name}\"}"
)]
#[schemars(rename = "Cluster")]
pub(in crate::scenario) struct RawCluster {
    /// Program and arguments that make the cluster, with the images in it, and write the context into the file that
    /// `KUBECONFIG` names.
    #[schemars(length(min = 1))]
    pub(in crate::scenario) create: Vec<String>,
    /// Program and arguments that remove it, in whatever state it is.
    #[schemars(length(min = 1))]
    pub(in crate::scenario) delete: Vec<String>,
    /// The context that `create` writes.
    pub(in crate::scenario) context: String,
}
