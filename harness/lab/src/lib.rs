//! Brings meshes and workloads up, measures them block by block, and takes everything down again.
//!
//! A [`GroupPlan`] says what is compared; [`carry_out_blocks`] runs its blocks
//! on a [`local::LocalProvider`] or in a cluster and gives [`Run`](meshbench_core::run::Run)s.
//! What a mesh is comes from files ([`mesh::MeshCatalog`]). What a killed campaign
//! left behind is removed by [`process::sweep`].

mod arm;
mod blocks;
mod error;
mod group;
mod group_names;
mod http;
mod identity;
pub mod kube;
mod limit;
pub mod local;
pub mod mesh;
mod planned_run;
pub mod process;
mod resources;
mod wait;

pub use blocks::carry_out_blocks;
pub use error::{LabError, error_chain, read_definition, shown_path};
pub use group::{FailedRun, GroupOutcome, GroupPlan, Provider};
pub use limit::{LimitGroup, LimitsOutcome, MeshSearch};
