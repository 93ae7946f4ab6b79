//! [`Scenario`]: what one file under `scenarios/` asks for, known to be valid.

mod case;
mod check;
mod cluster_source;
mod kube;
mod mesh_name;
mod mesh_version;
mod provider_kind;
mod raw;
mod sweep;
mod tier;
mod word;
mod workload;

use std::num::NonZeroU32;

use crate::budget::Budgets;
use crate::comparison::{ComparisonPlan, Strictness};
use crate::limit::LimitPlan;
use crate::problem::Problems;
use crate::units::{OfferedRate, Span};
use crate::yaml;

pub use case::{Case, CaseLoad, Conditions};
pub use cluster_source::{ClusterRecipe, ClusterSource};
pub use kube::{
    GeneratorNode, InstallCycle, KubeSettings, NamespaceLayout, ServicePlacement, WorkloadImages,
};
pub use mesh_name::MeshName;
pub use mesh_version::MeshVersion;
pub use provider_kind::ProviderKind;
pub use tier::Tier;
pub use workload::{WeightedRequest, Workload};

/// A matrix of meshes × rates (or the limit) × durations with a workload and budgets.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The name of the file without `.yaml`; the first part of every case's name.
    pub name: String,
    /// What stands in its file.
    pub text: String,
    /// What the scenario is for.
    pub description: String,
    /// When it is run.
    pub tier: Tier,
    /// Where it runs.
    pub provider: ProviderKind,
    /// The meshes that are cases, in the order of the file; one that is compared in two versions is there as both.
    ///
    /// `bare` runs in every block whether it is listed or not; listed, it is a case with a verdict of its own.
    pub meshes: Vec<MeshName>,
    /// Rates offered over all apps together; none where a limit is looked for.
    pub rates: Vec<OfferedRate>,
    /// Whether a mesh is not run any more above the first rate that it could not carry.
    pub stop_at_collapse: bool,
    /// How much each mesh can carry, where that is what it asks.
    pub limit: Option<LimitPlan>,
    /// How long is measured, without the warm-up.
    pub durations: Vec<Span>,
    /// Load before the measured window.
    pub warm_up: Span,
    /// Blocks: in each, every mesh runs once, in random order.
    pub repeats: NonZeroU32,
    /// Decides the random order of meshes and requests.
    pub seed: u64,
    /// What is deployed and what is asked of it.
    pub workload: Workload,
    /// Which mesh is compared with which, if any is.
    pub compare: Option<ComparisonPlan>,
    /// How strictly changes are judged, whatever is compared.
    pub strictness: Strictness,
    /// How a cluster is used; the defaults where the scenario runs on one machine.
    pub kube: KubeSettings,
    /// How CPU and memory are watched.
    pub resources: Resources,
    /// What may not be exceeded.
    pub budgets: Budgets,
}

/// How CPU and memory are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// The time between two samples.
    pub interval: Span,
}

/// What exists outside of scenario files for them to name.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The folders under `scenarios/meshes/`; `bare` is known even if it is not among them.
    pub meshes: &'a [MeshName],
    /// The shortcodes that the workload can be voted with, such as `:flushed:`.
    pub emoji: &'a [&'a str],
}

impl Scenario {
    /// Reads the `text` of the scenario called `name`, which `file` holds.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, or the first thing when its very shape is wrong.
    pub fn parse(file: &str, name: &str, text: &str, known: Known<'_>) -> Result<Self, Problems> {
        let raw = yaml::from_str(file, text)?;
        check::check(file, name, text, &raw, known)
    }

    /// Every cell of the matrix: mesh by mesh, then by what is offered, then by duration, then by where services run.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let limit = self.limit.iter().map(|_| CaseLoad::Limit);
        let loads: Vec<_> = self.rates.iter().copied().map(CaseLoad::Rate).chain(limit).collect();
        let placements: Vec<_> = match self.kube.services.as_slice() {
            [_] => vec![None],
            several => several.iter().copied().map(Some).collect(),
        };
        let mut cases =
            Vec::with_capacity(self.meshes.len() * loads.len() * self.durations.len() * placements.len());
        for mesh in &self.meshes {
            for &load in &loads {
                for &duration in &self.durations {
                    for &services in &placements {
                        let conditions = Conditions { load, duration, services };
                        cases.push(Case { scenario: self.name.clone(), mesh: mesh.clone(), conditions });
                    }
                }
            }
        }
        cases
    }

    /// What decides the random order of a block, or of a round of probes, counted from one.
    #[must_use]
    pub fn block_seed(&self, block: u32) -> u64 {
        self.seed.wrapping_add(u64::from(block))
    }

    /// The meshes of every block: `bare` first, then the listed ones.
    #[must_use]
    pub fn arms(&self) -> Vec<MeshName> {
        let listed = self.meshes.iter().filter(|mesh| !mesh.is_bare()).cloned();
        std::iter::once(MeshName::bare()).chain(listed).collect()
    }
}

/// The JSON schema of scenario files, for editors.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(raw::RawScenario).to_value()
}

#[cfg(test)]
mod tests;
