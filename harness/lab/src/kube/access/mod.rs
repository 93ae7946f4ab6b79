//! What a campaign may do in a cluster, whether it can run there, that it is the only one, and that nothing stays behind.
//!
//! [`rules`] says what a campaign needs to be allowed; [`examine`] and [`try_images`] whether a cluster is fit.
//! [`HeldLease`] marks a campaign as alive, [`reserve`] keeps a node free for the load generator, and [`sweep`] removes what
//! dead campaigns left.

mod choice;
mod cluster_wide;
mod holder;
mod kinds;
mod lease;
mod nodes;
mod permissions;
mod preflight;
mod quantity;
mod sweep;

pub(super) use choice::ReservedNode;
pub(super) use choice::schedulable;
pub(super) use cluster_wide::ClusterWide;
pub(super) use lease::HeldLease;
pub(super) use nodes::{list as list_nodes, release, reserve, taints};
pub use permissions::{Rule, role_yaml, rules};
pub(super) use preflight::examine_images;
pub use preflight::{Finding, Grade, KnownImages, Preflight, ROOM, TriedImages, Wanted, examine, try_images};
pub(super) use quantity::{cores as quantity_cores, units as quantity_bytes};
pub(super) use sweep::remove_all_of;
pub use sweep::{Swept, sweep};
