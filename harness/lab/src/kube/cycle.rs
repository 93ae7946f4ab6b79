//! One arm of one block on a cluster, from nothing to nothing: reserve, install, deploy, prove, measure, confirm, delete,
//! uninstall. Between arms that share an installation, the mesh and the reservation stay.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use meshbench_core::digest::digest;
use meshbench_core::edges::{at_edges, in_step};
use meshbench_core::event::{Event, Step};
use meshbench_core::load_plan::ShardOfPlan;
use meshbench_core::report::{ClusterPlacement, StepSeconds};
use tokio_util::sync::CancellationToken;

use super::access::{ReservedNode, list_nodes, release, remove_all_of, reserve};
use super::error::KubeError;
use super::install::MeshInstallation;
use super::layouts::{generator_layout, workload_layout};
use super::load::Generators;
use super::node_readiness::ReadyNodes;
use super::placement::refuse_another_placement;
use super::proof::{Answered, keep_effective, prove};
use super::provider::KubeProvider;
use super::resources::{Sampler, Subjects};
use super::results::{copy_files, course_of, keep_manifests, keep_recordings};
use super::step_limit::StepLimit;
use super::under_load::blame;
use super::workload::{Layout, Service, delete, deploy, workload_manifests};
use crate::arm::{ArmResult, ArmRun, FrontEnd, Share};
use crate::error::{LabError, error_chain};
use crate::mesh::KubeMesh;

/// How many digits of a digest tell runs apart: namespaces of a cluster are few.
const DIGITS: usize = 8;

/// Between points of the course of CPU and memory, in nanoseconds: kubelets have new readings about this often.
const STEP_NS: u64 = 10_000_000_000;

/// A mesh in a cluster, begun at least, and the node that is reserved for the load generator meanwhile.
#[derive(Debug)]
pub(crate) struct StandingMesh<'mesh> {
    node: ReservedNode,
    installation: MeshInstallation<'mesh>,
    /// Where its manifests are kept.
    configuration: PathBuf,
}

/// What an arm has made for itself so far, to be taken down whatever happens; noted before it is begun.
#[derive(Default)]
struct Made {
    workload: Option<Layout>,
    steps: StepSeconds,
}

impl KubeProvider {
    /// Runs one arm, on the mesh that is `standing` where one is. Whatever happens, nothing is left in the cluster when this
    /// returns, or the error says what; but for the mesh of an arm that keeps it and succeeded, which is `standing` then.
    ///
    /// # Errors
    /// [`LabError`].
    pub(crate) async fn measure_arm<'mesh>(
        &self,
        arm: &ArmRun<'mesh>,
        standing: &mut Option<StandingMesh<'mesh>>,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ArmResult, LabError> {
        let mesh = arm.mesh.kube.as_ref().ok_or_else(|| LabError::NotKube(arm.mesh.name.to_string()))?;
        refuse_a_deaf_mesh(arm, mesh)?;
        // Whoever has the cluster now has swept it, or will: from here on nothing in it is touched.
        self.check_held().inspect_err(|_| *standing = None)?;
        let mut made = Made::default();
        let outcome = tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(LabError::Interrupted),
            outcome = self.attempt(arm, mesh, standing, &mut made, observe) => outcome,
        };
        if standing.is_none() && made.workload.is_none() {
            // Nothing was made.
            return outcome;
        }
        observe(Event::Step(Step::Stopping));
        let limit = arm.scenario.kube.step_limit.as_duration();
        let keeps_mesh =
            arm.keeps_mesh && outcome.is_ok() && self.delete_workload(&mut made, limit).await.is_ok();
        let taken_down = match keeps_mesh {
            true => Ok(()),
            false => self.take_down(standing.take(), &mut made, limit).await,
        };
        match (outcome, taken_down) {
            (Ok(mut result), Ok(())) => {
                result.placement.iter_mut().for_each(|placement| placement.steps = made.steps);
                Ok(result)
            }
            (Ok(_), Err(left)) => Err(left.into()),
            // Why it failed says more; what is left is tried again, and named, at the campaign's end.
            (Err(error), _) => Err(error),
        }
    }

    /// What comes of an arm where no signal comes; what it leaves is `standing` and `made`.
    async fn attempt<'mesh>(
        &self,
        arm: &ArmRun<'mesh>,
        mesh: &'mesh KubeMesh,
        standing: &mut Option<StandingMesh<'mesh>>,
        made: &mut Made,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ArmResult, LabError> {
        if standing.is_none() {
            self.refuse_left_overs().await?;
        }
        fs::create_dir_all(&arm.folder).map_err(LabError::file("create", &arm.folder))?;
        let limit = arm.scenario.kube.step_limit.as_duration();
        let ready = self.ready_nodes(limit).await?;
        let outcome = self.carry_out(arm, mesh, standing, made, observe).await;
        self.blame_nodes(&ready, limit, outcome).await
    }

    /// What another arm could not take down would be measured with this one.
    async fn refuse_left_overs(&self) -> Result<(), KubeError> {
        match remove_all_of(self.cluster(), self.cluster().campaign()).await.left {
            left if left.is_empty() => Ok(()),
            left => Err(KubeError::Unfit(format!("an earlier run is not gone: {}", left.join("; ")))),
        }
    }

    async fn ready_nodes(&self, limit: Duration) -> Result<ReadyNodes, KubeError> {
        let asked = ReadyNodes::now(self.cluster());
        StepLimit::begin(limit).keep("the nodes cannot be seen", asked).await
    }

    /// What came of an arm, unless a node was lost meanwhile: then that, for it explains all else.
    async fn blame_nodes(
        &self,
        ready: &ReadyNodes,
        limit: Duration,
        outcome: Result<ArmResult, LabError>,
    ) -> Result<ArmResult, LabError> {
        let result = outcome.as_ref().err().map(|error| error_chain(error));
        let now = match (self.ready_nodes(limit).await, &result) {
            (Ok(now), _) => now,
            (Err(away), None) => return Err(away.into()),
            // Nobody can say: what is known stands.
            (Err(_), Some(_)) => return outcome,
        };
        match ready.lost_until(&now) {
            nodes if nodes.is_empty() => outcome,
            nodes => Err(KubeError::NodesLost { nodes, result }.into()),
        }
    }

    /// The mesh of an arm: as it stands, or newly installed.
    async fn stand<'mesh, 'standing>(
        &self,
        arm: &ArmRun<'mesh>,
        mesh: &'mesh KubeMesh,
        standing: &'standing mut Option<StandingMesh<'mesh>>,
        steps: &mut StepSeconds,
    ) -> Result<&'standing StandingMesh<'mesh>, LabError> {
        let configuration = arm.folder.join("configuration");
        let none = match standing {
            Some(stands) => {
                copy_files(&stands.configuration, &configuration)?;
                return Ok(stands);
            }
            none => none,
        };
        let installation = MeshInstallation::render(arm.mesh, mesh, &configuration).await?;
        let settings = &arm.scenario.kube;
        let limit = settings.step_limit.as_duration();
        let step = StepLimit::begin(limit);
        let reserved = reserve(self.cluster(), &settings.generator_node, arm.seed);
        let node = step.keep("no node is kept for the load generator", reserved).await?;
        let stands = none.insert(StandingMesh { node, installation, configuration });
        let nodes = step.keep("the nodes cannot be seen", list_nodes(self.cluster())).await?;
        refuse_another_placement(self.environment(), &stands.node, &nodes)?;
        stands.installation.see_nodes(self.cluster(), &settings.image, limit).await?;
        let began = Instant::now();
        stands.installation.install(self.cluster(), limit).await?;
        steps.install = began.elapsed().as_secs_f64();
        Ok(stands)
    }

    async fn carry_out<'mesh>(
        &self,
        arm: &ArmRun<'mesh>,
        mesh: &'mesh KubeMesh,
        standing: &mut Option<StandingMesh<'mesh>>,
        made: &mut Made,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ArmResult, LabError> {
        let (cluster, settings) = (self.cluster(), &arm.scenario.kube);
        let limit = settings.step_limit.as_duration();
        let run = self.run_name(arm);
        observe(Event::Step(Step::Starting));
        let StandingMesh { node, installation, .. } =
            self.stand(arm, mesh, standing, &mut made.steps).await?;
        let layout = &*made.workload.insert(workload_layout(
            arm.scenario,
            settings.services_at(arm.services),
            installation,
            &run,
            node,
        )?);
        keep_manifests(&arm.folder, workload_manifests(layout, mesh))?;
        let began = Instant::now();
        let pods = deploy(cluster, layout, mesh, limit).await?;
        made.steps.deploy = began.elapsed().as_secs_f64();
        let generator = generator_layout(cluster, arm.scenario, mesh, &run, node);
        let generators = Generators::start(cluster, &generator, limit).await?;

        observe(Event::Step(Step::Verifying));
        let proven = prove(cluster, layout, mesh, &pods, limit);
        let proven = StepLimit::around(limit).keep("the data path is not proven", proven).await?;
        let interval = arm.scenario.resources.interval.as_duration();
        let sampler = Sampler::start(cluster, Subjects::new(layout, mesh), interval);
        let sampler = StepLimit::begin(limit).keep("what is measured cannot be seen", sampler).await?;
        let plan_of = |index: u32, start: u64| {
            let shard = ShardOfPlan::try_new(index + 1, generator.pods).unwrap_or(ShardOfPlan::WHOLE);
            let share = Share { shard, start_at_unix_ns: Some(start) };
            arm.load_plan(front_ends(layout), share)
                .map_err(|error| KubeError::Unfit(format!("this scenario cannot be sent: {error}")))
        };
        let load = generators.carry_out(plan_of, observe).await?;
        let (opened, closed) = (load.window.opens_unix_ns, load.window.closes_unix_ns);
        let observed = sampler.finish(closed, limit).await?;
        let (recording, recording_digest) = keep_recordings(&arm.folder, &load)?;
        let answered = Answered::of(arm.scenario, &recording);
        let confirmed = proven.confirm(cluster, layout, &answered, limit);
        let confirmed = StepLimit::around(limit).keep("the data path is not confirmed", confirmed).await;
        let data_path = confirmed.map_err(|error| blame(observed.restarted_proxies, error))?;
        // After the window: to say so much takes memory that a proxy keeps.
        keep_effective(cluster, mesh.proof.as_ref(), &pods, &arm.folder.join("configuration"), limit).await?;
        let samples = at_edges(&observed.readings, opened, closed);
        // Whoever took the cluster over meanwhile may have swept, or measured, at the same time.
        self.check_held()?;
        Ok(ArmResult {
            recording,
            course: course_of(&load, observed.incidents)?.with_readings(&in_step(
                &observed.readings,
                opened,
                closed,
                STEP_NS,
            )),
            samples,
            data_path,
            // The counters were brought to the edges; what that leaves open stands beside each sample.
            edge_lateness_ns: 0,
            recording_digest,
            placement: Some(ClusterPlacement {
                generator_node: node.name.clone(),
                co_located: node.co_located,
                generators: generator.pods,
                clock_spread_ns: load.clock_spread_ns,
                clock_error_ns: load.clock_error_ns,
                steps: StepSeconds::default(),
            }),
        })
    }

    /// Leaves nothing of an arm but its mesh.
    async fn delete_workload(&self, made: &mut Made, limit: Duration) -> Result<(), KubeError> {
        let cluster = self.cluster();
        // An API server that is away for a while is no reason to leave everything where it is.
        cluster.await_answer(limit).await?;
        let Some(layout) = &made.workload else { return Ok(()) };
        let began = Instant::now();
        delete(cluster, layout, limit).await?;
        made.steps.delete = began.elapsed().as_secs_f64();
        made.workload = None;
        Ok(())
    }

    /// Each step is tried whatever became of the one before; what is not gone in the end comes back.
    async fn take_down(
        &self,
        standing: Option<StandingMesh<'_>>,
        made: &mut Made,
        limit: Duration,
    ) -> Result<(), KubeError> {
        let cluster = self.cluster();
        cluster.await_answer(limit).await?;
        // What it could not remove, the sweep below tries again.
        let _: Result<(), KubeError> = self.delete_workload(made, limit).await;
        let began = Instant::now();
        let installation = standing.as_ref().map(|stands| &stands.installation);
        let mut uninstalled = match installation {
            Some(installation) => installation.uninstall(cluster, limit).await,
            None => Ok(()),
        };
        made.steps.uninstall = began.elapsed().as_secs_f64();
        // What a step was at when it failed.
        let left = remove_all_of(cluster, cluster.campaign()).await.left;
        let may_help = !matches!(uninstalled, Ok(()) | Err(KubeError::LeftBehind(_)));
        if let Some(installation) = installation.filter(|_| may_help) {
            uninstalled = installation.uninstall(cluster, limit).await;
        }
        let released = match &standing {
            Some(stands) => release(cluster, &stands.node).await,
            None => Ok(()),
        };
        uninstalled.and(released)?;
        match installation {
            _ if !left.is_empty() => Err(KubeError::Unfit(left.join("; "))),
            Some(installation) => installation.refuse_what_is_on_nodes(cluster, limit).await,
            None => Ok(()),
        }
    }

    /// Unique among the cluster's runs, and short, for it is part of namespaces' names.
    fn run_name(&self, arm: &ArmRun<'_>) -> String {
        let text = format!("{} {}", self.cluster().campaign(), arm.folder.display());
        let digest = digest(text.as_bytes());
        digest.trim_start_matches("sha256:").chars().take(DIGITS).collect()
    }
}

/// Refuses a generator outside of a mesh that refuses whoever is outside.
fn refuse_a_deaf_mesh(arm: &ArmRun<'_>, mesh: &KubeMesh) -> Result<(), KubeError> {
    let refuses = mesh.proof.as_ref().is_some_and(|proof| proof.plaintext_refused);
    if arm.scenario.kube.generator_meshed || !refuses {
        return Ok(());
    }
    Err(KubeError::Unfit(format!(
        "{} refuses plaintext from outside, and the scenario keeps the load generator there: every request would fail. \
         Write `generator_meshed: true`, or take a mesh that lets plaintext in",
        arm.mesh.name
    )))
}

fn front_ends(layout: &Layout) -> Vec<FrontEnd> {
    let web = |app: u32| FrontEnd {
        name: format!("web-{app}"),
        address: layout.url_of(app, Service::Web).trim_start_matches("http://").to_owned(),
    };
    (0..layout.apps.get()).map(web).collect()
}
