//! The limits of several meshes, looked for together: a round gives each of them one probe, in random order.

use std::path::Path;
use std::time::{Duration, Instant};

use meshbench_core::event::Event;
use meshbench_core::limit::{Answer, Examined, LimitPlan, Owner, Probe, Probed, Search, examine};
use meshbench_core::resources::Sample;
use meshbench_core::run::Run;
use meshbench_core::scenario::{CaseLoad, Conditions, MeshName, ProviderKind, Scenario, ServicePlacement};
use meshbench_core::shuffle::shuffle;
use meshbench_core::units::Span;
use tokio_util::sync::CancellationToken;

use crate::arm::{ArmRun, DRAIN_MARGIN};
use crate::error::{LabError, error_chain};
use crate::group::{FailedRun, GroupOutcome, Provider};
use crate::group_names::GroupNames;
use crate::mesh::MeshDefinition;
use crate::planned_run::PlannedRun;

/// What starting, proving and stopping take on one machine at most, where nothing is wrong.
const LONGEST_START_AND_STOP: Duration = Duration::from_secs(15);
/// The steps of a run on a cluster that each may take `step_limit`: install, deploy, delete, uninstall.
const STEPS_ON_A_CLUSTER: u32 = 4;
/// A mesh whose runs fail so often in succession, without a word on the rate, has no limit that could be found.
const MOST_FAILURES: u32 = 2;

/// Whose limits are looked for.
#[derive(Debug)]
pub struct LimitGroup<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The context of the cluster that its runs take place on, where the same group runs on others too.
    pub cluster: Option<&'a str>,
    /// What limit.
    pub limit: &'a LimitPlan,
    /// The measured window of each probe.
    pub duration: Span,
    /// Where the services of an app run, where the scenario has several placements.
    pub services: Option<ServicePlacement>,
    /// The meshes, `bare` among them.
    pub arms: Vec<&'a MeshDefinition>,
}

/// What came of it.
#[derive(Debug)]
pub struct LimitsOutcome {
    /// A search for each mesh, in the order of the arms.
    pub searches: Vec<MeshSearch>,
    /// The runs of all probes, and the runs that failed.
    pub measured: GroupOutcome,
}

/// The search for one mesh's limit.
#[derive(Debug)]
pub struct MeshSearch {
    /// The mesh.
    pub mesh: MeshName,
    /// The search as far as it came.
    pub search: Search,
    /// Its probes, in order.
    pub probes: Vec<Probed>,
    failures_in_succession: u32,
}

impl LimitGroup<'_> {
    /// `scenario::limit::duration`, and `@context` where it runs on several clusters.
    #[must_use]
    pub fn name(&self) -> String {
        self.names().group()
    }

    /// `scenario::mesh::limit::duration`, and `@context` where it runs on several clusters.
    #[must_use]
    pub fn case_name(&self, mesh: &MeshName) -> String {
        self.names().case(mesh)
    }

    /// What all its probes are measured under, the rate apart.
    #[must_use]
    pub fn conditions(&self) -> Conditions {
        Conditions { load: CaseLoad::Limit, duration: self.duration, services: self.services }
    }

    fn names(&self) -> GroupNames<'_> {
        GroupNames { scenario: &self.scenario.name, conditions: self.conditions(), cluster: self.cluster }
    }

    /// How long it takes at most. No probe is begun that would end later; one whose mesh does not start may.
    #[must_use]
    pub fn at_most(&self) -> Duration {
        self.longest_probe() * self.most_probes()
    }

    /// Looks for all limits. A run that fails does not stop the others; a signal does.
    ///
    /// `folder` is the campaign's; each run gets one of its own in `runs/`.
    pub async fn carry_out(
        &self,
        provider: Provider<'_>,
        folder: &Path,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> LimitsOutcome {
        let searches = self.arms.iter().map(|mesh| MeshSearch::new(mesh.name.clone(), self.limit));
        let mut outcome = LimitsOutcome { searches: searches.collect(), measured: GroupOutcome::default() };
        let (most_probes, at_most) = (self.most_probes(), self.at_most());
        observe(Event::SearchStarted { group: self.name(), most_probes, at_most });
        let last_begin = Instant::now() + at_most.saturating_sub(self.longest_probe());
        'rounds: for round in 1.. {
            let mut order: Vec<usize> =
                (0..self.arms.len()).filter(|&arm| outcome.searches[arm].next().is_some()).collect();
            if order.is_empty() {
                break;
            }
            shuffle(&mut order, self.scenario.block_seed(round));
            for (position, arm) in (1..).zip(order) {
                if Instant::now() > last_begin {
                    break 'rounds;
                }
                let Some(probe) = outcome.searches[arm].next() else { continue };
                let mesh = self.arms[arm];
                observe(Event::ProbeStarted { mesh: mesh.name.clone(), rate: probe.rate });
                let planned = self.planned(mesh, probe, (round, position), folder);
                let result = planned.carry_out(provider, &mut None, cancelled, observe).await;
                if matches!(result, Err(LabError::Interrupted)) {
                    outcome.measured.interrupted = true;
                    break 'rounds;
                }
                let what = outcome.take(arm, probe, round, result, self.limit);
                let most_left = outcome.searches.iter().map(|search| search.most_left(self.limit)).sum();
                let at_most_left = self.longest_probe() * most_left;
                let (mesh, rate) = (mesh.name.clone(), probe.rate);
                observe(Event::ProbeDone { mesh, rate, what, most_left, at_most_left });
            }
        }
        observe(Event::GroupDone);
        outcome
    }

    fn planned<'a>(
        &'a self,
        mesh: &'a MeshDefinition,
        probe: Probe,
        (round, position): (u32, u32),
        campaign: &Path,
    ) -> PlannedRun<'a> {
        let folder = self.names().run_folder(format_args!("probe{round}"), &mesh.name);
        let arm = ArmRun {
            scenario: self.scenario,
            mesh,
            rate: probe.rate,
            duration: self.duration,
            services: self.services,
            seed: self.scenario.block_seed(round),
            // Queues and grown heaps must not leak into the next probe.
            keeps_mesh: false,
            folder: campaign.join(&folder),
        };
        PlannedRun { arm, block: round, position, folder }
    }

    fn most_probes(&self) -> u32 {
        let meshes = u32::try_from(self.arms.len()).unwrap_or(u32::MAX);
        Search::most_probes(self.limit).saturating_mul(meshes)
    }

    /// The longest that a probe takes, overload included.
    fn longest_probe(&self) -> Duration {
        let load = self.scenario.warm_up.as_duration() + self.duration.as_duration();
        let drain = self.scenario.workload.timeout.as_duration() + DRAIN_MARGIN;
        let around = match self.scenario.provider {
            ProviderKind::Local => LONGEST_START_AND_STOP,
            ProviderKind::Kube => self.scenario.kube.step_limit.as_duration() * STEPS_ON_A_CLUSTER,
        };
        load + drain + around
    }
}

impl LimitsOutcome {
    /// Takes what came of a probe, and says it in words.
    fn take(
        &mut self,
        arm: usize,
        probe: Probe,
        round: u32,
        result: Result<(Run, Vec<Sample>), LabError>,
        limit: &LimitPlan,
    ) -> String {
        let searched = &mut self.searches[arm];
        match result {
            Ok((run, samples)) => {
                let examined = examine(&run, &limit.service_level);
                self.measured.runs.push(run);
                self.measured.samples.push(samples);
                searched.learn(probe, round, examined)
            }
            Err(LabError::UnderLoad(error)) => {
                let why = vec![error_chain(&error)];
                searched.learn(probe, round, Examined { answer: Answer::NotHeld(Owner::Mesh), why })
            }
            Err(error) => {
                let why = error_chain(&error);
                let (mesh, is_invalid) = (searched.mesh.clone(), error.is_invalid());
                searched.failures_in_succession += 1;
                let what = format!("failed: {why}");
                self.measured.failed.push(FailedRun { mesh, block: round, why, is_invalid });
                what
            }
        }
    }
}

impl MeshSearch {
    fn new(mesh: MeshName, limit: &LimitPlan) -> Self {
        Self { mesh, search: Search::new(limit), probes: Vec::new(), failures_in_succession: 0 }
    }

    /// Whether its runs failed so often that it was given up.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.failures_in_succession >= MOST_FAILURES
    }

    fn next(&self) -> Option<Probe> {
        self.search.next().filter(|_| !self.is_given_up())
    }

    fn most_left(&self, limit: &LimitPlan) -> u32 {
        let asked = u32::try_from(self.probes.len()).unwrap_or(u32::MAX);
        self.next().map_or(0, |_| Search::most_probes(limit).saturating_sub(asked))
    }

    fn learn(&mut self, probe: Probe, round: u32, examined: Examined) -> String {
        self.search.learn(probe, examined.answer);
        self.failures_in_succession = 0;
        let is_asked_again = examined.answer == Answer::NotHeld(Owner::Machine) && self.next() == Some(probe);
        let what = format!("{examined}{}", if is_asked_again { "; so it is asked again" } else { "" });
        self.probes.push(Probed { probe, block: round, examined });
        what
    }
}
