//! The labels that meshbench puts on what it makes in a cluster. All begin with `meshbench.dev/`.

/// Which campaign an object is of; nothing without it is ever changed or removed.
pub(super) const CAMPAIGN: &str = "meshbench.dev/campaign";
/// The annotation of a mesh's own namespaces with what it makes outside of them, as JSON: a campaign that is killed leaves
/// word of what does not carry its label.
pub(super) const LEAVES: &str = "meshbench.dev/leaves";
/// Which run a pod or namespace is of; the value is the run's name.
pub(super) const RUN: &str = "meshbench.dev/run";
/// What a pod is for, besides the workload.
pub(super) const ROLE: &str = "meshbench.dev/role";
/// The value of [`ROLE`] on the load generator's pods, which the workload keeps away from.
pub(super) const GENERATOR_ROLE: &str = "generator";
/// Of which app a pod of the workload is, counted from zero.
pub(super) const APP: &str = "meshbench.dev/app";
/// Which service a pod of the workload is: `web`, `emoji` or `voting`.
pub(super) const SERVICE: &str = "meshbench.dev/service";
/// Taint and label of the node that is reserved for the load generator of a campaign, which is the value.
pub(super) const RESERVED: &str = "meshbench.dev/reserved-for-load-generator";
