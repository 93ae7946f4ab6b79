//! A block group: every arm under the same conditions, and what came of it.

use std::ops::RangeInclusive;

use meshbench_core::event::Event;
use meshbench_core::resources::Sample;
use meshbench_core::run::Run;
use meshbench_core::scenario::{CaseLoad, Conditions, MeshName, Scenario, ServicePlacement};
use meshbench_core::units::{OfferedRate, Span};
use tokio_util::sync::CancellationToken;

use crate::arm::{ArmResult, ArmRun};
use crate::error::LabError;
use crate::group_names::GroupNames;
use crate::kube::{KubeProvider, StandingMesh};
use crate::local::{self, LocalProvider};
use crate::mesh::MeshDefinition;
use crate::process::LiveCampaign;

/// What a block group consists of.
#[derive(Debug)]
pub struct GroupPlan<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The context of the cluster that its runs take place on, where the same group runs on others too.
    pub cluster: Option<&'a str>,
    /// The offered rate of all its runs.
    pub rate: OfferedRate,
    /// The measured window of all its runs.
    pub duration: Span,
    /// Where the services of an app run, where the scenario has several placements.
    pub services: Option<ServicePlacement>,
    /// The meshes that run in every block, `bare` among them.
    pub arms: Vec<&'a MeshDefinition>,
    /// The numbers of its blocks, the first of a group being 1.
    pub blocks: RangeInclusive<u32>,
}

/// Where the runs of a group take place.
#[derive(Debug, Clone, Copy)]
pub enum Provider<'a> {
    /// Processes of this machine.
    Local {
        /// With what they are started.
        local: &'a LocalProvider,
        /// The campaign they are of.
        campaign: &'a LiveCampaign,
    },
    /// Pods of a cluster.
    Kube(&'a KubeProvider),
}

impl Provider<'_> {
    pub(crate) async fn measure_arm<'mesh>(
        self,
        arm: &ArmRun<'mesh>,
        standing: &mut Option<StandingMesh<'mesh>>,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ArmResult, LabError> {
        match self {
            Self::Local { local, campaign } => {
                local::measure_arm(local, campaign, arm, cancelled, observe).await
            }
            Self::Kube(kube) => kube.measure_arm(arm, standing, cancelled, observe).await,
        }
    }
}

/// A run that gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRun {
    /// Which mesh.
    pub mesh: MeshName,
    /// Its block, counted from one.
    pub block: u32,
    /// Why, in words.
    pub why: String,
    /// Whether it is that nothing measured would have been of the mesh, and not that something broke.
    pub is_invalid: bool,
}

/// What a block group gave.
#[derive(Debug, Default)]
pub struct GroupOutcome {
    /// The runs with a result, in the order they ran.
    pub runs: Vec<Run>,
    /// The samples of each run, in the same order.
    pub samples: Vec<Vec<Sample>>,
    /// The runs without one.
    pub failed: Vec<FailedRun>,
    /// Whether a signal ended the group early.
    pub interrupted: bool,
}

impl GroupOutcome {
    /// Adds what a later stage of the same group gave.
    pub fn extend(&mut self, later: Self) {
        self.runs.extend(later.runs);
        self.samples.extend(later.samples);
        self.failed.extend(later.failed);
        self.interrupted |= later.interrupted;
    }
}

impl GroupPlan<'_> {
    /// `scenario::rate::duration`, and `@context` where it runs on several clusters.
    #[must_use]
    pub fn name(&self) -> String {
        self.names().group()
    }

    /// `scenario::mesh::rate::duration`, and `@context` where it runs on several clusters.
    #[must_use]
    pub fn case_name(&self, mesh: &MeshName) -> String {
        self.names().case(mesh)
    }

    /// What all its runs are measured under.
    #[must_use]
    pub fn conditions(&self) -> Conditions {
        Conditions { load: CaseLoad::Rate(self.rate), duration: self.duration, services: self.services }
    }

    pub(crate) fn names(&self) -> GroupNames<'_> {
        GroupNames { scenario: &self.scenario.name, conditions: self.conditions(), cluster: self.cluster }
    }

    /// How many runs it takes.
    #[must_use]
    pub fn runs(&self) -> u32 {
        let runs = self.blocks.clone().count() * self.arms.len();
        u32::try_from(runs).unwrap_or(u32::MAX)
    }
}
