//! [`carry_out_blocks`]: the runs of block groups, block by block and in random order.

use std::path::Path;
use std::time::Duration;

use meshbench_core::event::Event;
use meshbench_core::resources::Sample;
use meshbench_core::run::Run;
use meshbench_core::shuffle::{shuffle, shuffled_together};
use tokio_util::sync::CancellationToken;

use crate::arm::ArmRun;
use crate::error::{LabError, error_chain};
use crate::group::{FailedRun, GroupOutcome, GroupPlan, Provider};
use crate::kube::StandingMesh;
use crate::mesh::MeshDefinition;
use crate::planned_run::PlannedRun;

/// Runs all blocks of a group, or of several of one scenario whose runs share what is installed: in each block a mesh runs
/// for one group after the other, in random order, and stays installed meanwhile. What came of each, in the order of
/// `plans`. A run that fails does not stop the others; a signal does.
///
/// `folder` is the campaign's; each run gets one of its own in `runs/`.
pub async fn carry_out_blocks(
    plans: &[GroupPlan<'_>],
    provider: Provider<'_>,
    folder: &Path,
    cancelled: &CancellationToken,
    observe: &mut dyn FnMut(Event),
) -> Vec<GroupOutcome> {
    let mut outcomes: Vec<_> = plans.iter().map(|_| GroupOutcome::default()).collect();
    let Some(first) = plans.first() else { return outcomes };
    observe(started(first, plans));
    'blocks: for block in first.blocks.clone() {
        for (position, mesh) in (1..).zip(order(plans, block)) {
            let mut standing = None;
            let mut sharing: Vec<usize> = (0..plans.len()).filter(|&plan| plans[plan].has(mesh)).collect();
            // Another sequence: with as many groups as meshes the same one would put them in the same order.
            shuffle(&mut sharing, first.scenario.block_seed(block).rotate_left(32));
            let last = sharing.last().copied();
            for index in sharing {
                let place = Place { mesh, block, position, keeps_mesh: Some(index) != last };
                let run = SharedRun { plan: &plans[index], place, is_alone: plans.len() == 1 };
                let result = run.carry_out(provider, &mut standing, folder, cancelled, observe).await;
                if matches!(result, Err(LabError::Interrupted)) {
                    outcomes.iter_mut().for_each(|outcome| outcome.interrupted = true);
                    break 'blocks;
                }
                run.note(result, &mut outcomes[index], observe);
            }
        }
    }
    observe(Event::GroupDone);
    outcomes
}

fn started(first: &GroupPlan<'_>, plans: &[GroupPlan<'_>]) -> Event {
    let group = match plans.len() - 1 {
        0 => first.name(),
        more => format!("{} and {more} more in the same blocks", first.name()),
    };
    let loaded = |plan: &GroupPlan<'_>| {
        (plan.scenario.warm_up.as_duration() + plan.duration.as_duration()) * plan.runs()
    };
    let at_least: Duration = plans.iter().map(loaded).sum();
    Event::GroupStarted { group, runs: plans.iter().map(GroupPlan::runs).sum(), at_least }
}

/// The order of a block's meshes: random, and the same for the same seed. Versions of one mesh follow each other, so that as
/// little as can be changes between them.
fn order<'a>(plans: &[GroupPlan<'a>], block: u32) -> Vec<&'a MeshDefinition> {
    let mut arms: Vec<&MeshDefinition> = Vec::new();
    for mesh in plans.iter().flat_map(|plan| &plan.arms) {
        if arms.iter().all(|known| known.name != mesh.name) {
            arms.push(mesh);
        }
    }
    let are_versions =
        |one: &&MeshDefinition, other: &&MeshDefinition| one.name.folder() == other.name.folder();
    let seed = plans.first().map_or(0, |plan| plan.scenario.block_seed(block));
    shuffled_together(&arms, seed, are_versions)
}

impl GroupPlan<'_> {
    fn has(&self, mesh: &MeshDefinition) -> bool {
        self.arms.iter().any(|arm| arm.name == mesh.name)
    }
}

/// Where a run stands in its group.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    mesh: &'a MeshDefinition,
    block: u32,
    position: u32,
    keeps_mesh: bool,
}

/// One run of a group.
#[derive(Debug, Clone, Copy)]
struct SharedRun<'plan, 'a> {
    plan: &'plan GroupPlan<'a>,
    place: Place<'a>,
    /// Whether no other group is carried out with its own.
    is_alone: bool,
}

impl<'a> SharedRun<'_, 'a> {
    /// What a person who waits is told that runs.
    fn told(&self) -> String {
        let mesh = &self.place.mesh.name;
        match self.is_alone {
            true => mesh.to_string(),
            false => format!("{mesh} at {}", self.plan.conditions()),
        }
    }

    async fn carry_out(
        &self,
        provider: Provider<'_>,
        standing: &mut Option<StandingMesh<'a>>,
        folder: &Path,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(Run, Vec<Sample>), LabError> {
        let Self { plan, place: Place { mesh, block, position, keeps_mesh }, .. } = *self;
        observe(Event::RunStarted { run: self.told(), block, blocks: *plan.blocks.end() });
        let own = plan.names().run_folder(format_args!("block{block}"), &mesh.name);
        let arm = ArmRun {
            scenario: plan.scenario,
            mesh,
            rate: plan.rate,
            duration: plan.duration,
            services: plan.services,
            seed: plan.scenario.block_seed(block),
            keeps_mesh,
            folder: folder.join(&own),
        };
        let planned = PlannedRun { arm, block, position, folder: own };
        planned.carry_out(provider, standing, cancelled, observe).await
    }

    fn note(
        &self,
        result: Result<(Run, Vec<Sample>), LabError>,
        outcome: &mut GroupOutcome,
        observe: &mut dyn FnMut(Event),
    ) {
        match result {
            Ok((run, samples)) => {
                let latency = &run.recording.latency_ns;
                let quantile = |q: f64| (!latency.is_empty()).then(|| latency.value_at_quantile(q));
                observe(Event::RunDone {
                    run: self.told(),
                    p50_ns: quantile(0.5),
                    p99_ns: quantile(0.99),
                    error_share: run.recording.error_share(),
                });
                outcome.runs.push(run);
                outcome.samples.push(samples);
            }
            Err(error) => {
                let why = error_chain(&error);
                observe(Event::RunFailed { run: self.told(), why: why.clone() });
                let Place { mesh, block, .. } = self.place;
                let (mesh, is_invalid) = (mesh.name.clone(), error.is_invalid());
                outcome.failed.push(FailedRun { mesh, block, why, is_invalid });
            }
        }
    }
}
