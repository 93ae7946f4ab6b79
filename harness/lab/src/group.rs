//! A block group: every arm of one rate and duration, block by block, in random order.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use meshbench_core::event::Event;
use meshbench_core::resources::Sample;
use meshbench_core::run::Run;
use meshbench_core::scenario::{CaseLoad, MeshName, Scenario};
use meshbench_core::shuffle::shuffled_together;
use meshbench_core::units::{OfferedRate, Span};
use tokio_util::sync::CancellationToken;

use crate::arm::{ArmResult, ArmRun};
use crate::error::{LabError, error_chain};
use crate::group_names::GroupNames;
use crate::kube::KubeProvider;
use crate::local::{self, LocalProvider};
use crate::mesh::MeshDefinition;
use crate::planned_run::PlannedRun;
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
    pub(crate) async fn measure_arm(
        self,
        arm: &ArmRun<'_>,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ArmResult, LabError> {
        match self {
            Self::Local { local, campaign } => {
                local::measure_arm(local, campaign, arm, cancelled, observe).await
            }
            Self::Kube(kube) => kube.measure_arm(arm, cancelled, observe).await,
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

    fn names(&self) -> GroupNames<'_> {
        let Self { scenario, rate, duration, cluster, .. } = *self;
        GroupNames { scenario: &scenario.name, load: CaseLoad::Rate(rate), duration, cluster }
    }

    /// How many runs it takes.
    #[must_use]
    pub fn runs(&self) -> u32 {
        let runs = self.blocks.clone().count() * self.arms.len();
        u32::try_from(runs).unwrap_or(u32::MAX)
    }

    /// Runs all blocks. A run that fails does not stop the others; a signal does.
    ///
    /// `folder` is the campaign's; each run gets one of its own in `runs/`.
    pub async fn carry_out(
        &self,
        provider: Provider<'_>,
        folder: &Path,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> GroupOutcome {
        let mut outcome = GroupOutcome::default();
        let at_least: Duration =
            (self.scenario.warm_up.as_duration() + self.duration.as_duration()) * self.runs();
        observe(Event::GroupStarted { group: self.name(), runs: self.runs(), at_least });
        'blocks: for block in self.blocks.clone() {
            for (position, mesh) in (1..).zip(self.block_order(block)) {
                let place = Place { block, position };
                let result = self.run_arm(provider, folder, mesh, place, cancelled, observe).await;
                match result {
                    Ok((run, samples)) => {
                        outcome.runs.push(run);
                        outcome.samples.push(samples);
                    }
                    Err(LabError::Interrupted) => {
                        outcome.interrupted = true;
                        break 'blocks;
                    }
                    Err(error) => {
                        let why = error_chain(&error);
                        observe(Event::RunFailed { mesh: mesh.name.clone(), why: why.clone() });
                        let (mesh, is_invalid) = (mesh.name.clone(), error.is_invalid());
                        outcome.failed.push(FailedRun { mesh, block, why, is_invalid });
                    }
                }
            }
        }
        observe(Event::GroupDone);
        outcome
    }

    /// The order of a block's arms: random, and the same for the same seed. Versions of one mesh follow each other, so that
    /// as little as can be changes between them.
    fn block_order(&self, block: u32) -> Vec<&MeshDefinition> {
        let are_versions =
            |one: &&MeshDefinition, other: &&MeshDefinition| one.name.folder() == other.name.folder();
        shuffled_together(&self.arms, self.block_seed(block), are_versions)
    }

    fn block_seed(&self, block: u32) -> u64 {
        self.scenario.seed.wrapping_add(u64::from(block))
    }

    async fn run_arm(
        &self,
        provider: Provider<'_>,
        folder: &Path,
        mesh: &MeshDefinition,
        place: Place,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(Run, Vec<Sample>), LabError> {
        let Place { block, position } = place;
        let blocks = *self.blocks.end();
        observe(Event::RunStarted { mesh: mesh.name.clone(), block, blocks });
        let planned = PlannedRun {
            scenario: self.scenario,
            mesh,
            rate: self.rate,
            duration: self.duration,
            block,
            position,
            seed: self.block_seed(block),
            folder: self.names().run_folder(format_args!("block{block}"), &mesh.name),
        };
        let (run, samples) = planned.carry_out(provider, folder, cancelled, observe).await?;
        let latency = &run.recording.latency_ns;
        observe(Event::RunDone {
            mesh: mesh.name.clone(),
            p50_ns: (!latency.is_empty()).then(|| latency.value_at_quantile(0.5)),
            p99_ns: (!latency.is_empty()).then(|| latency.value_at_quantile(0.99)),
            error_share: run.recording.error_share(),
        });
        Ok((run, samples))
    }
}

/// Where a run stands in its group.
#[derive(Debug, Clone, Copy)]
struct Place {
    block: u32,
    position: u32,
}
