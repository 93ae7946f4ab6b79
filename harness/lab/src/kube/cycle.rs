//! One arm of one block on a cluster, from nothing to nothing: reserve, install, deploy, prove, measure, confirm, delete,
//! uninstall.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use meshbench_core::course::{Course, Happening};
use meshbench_core::digest::digest;
use meshbench_core::edges::{at_edges, in_step};
use meshbench_core::event::{Event, Step};
use meshbench_core::interval_log::stretches;
use meshbench_core::load_plan::ShardOfPlan;
use meshbench_core::recording::{Merge, Recording};
use meshbench_core::report::ClusterPlacement;
use tokio_util::sync::CancellationToken;

use super::access::{ReservedNode, release, remove_all_of, reserve};
use super::error::KubeError;
use super::install::MeshInstallation;
use super::layouts::{generator_layout, workload_layout};
use super::load::{Generators, LoadOutcome, PodRecording};
use super::proof::prove;
use super::provider::KubeProvider;
use super::resources::{Sampler, Subjects};
use super::workload::{Layout, Service, delete, deploy};
use crate::arm::{ArmResult, ArmRun, FrontEnd, Share};
use crate::error::{LabError, error_chain};
use crate::mesh::KubeMesh;

/// How many digits of a digest tell runs apart: namespaces of a cluster are few.
const DIGITS: usize = 8;

/// What recordings of this version call their generator.
const GENERATOR: &str = concat!("meshbench-load ", env!("CARGO_PKG_VERSION"));

/// Between points of the course of CPU and memory, in nanoseconds: kubelets have new readings about this often.
const STEP_NS: u64 = 10_000_000_000;

/// What an arm has made so far, to be taken down whatever happens. Each is noted before it is begun.
#[derive(Default)]
struct Made<'arm> {
    node: Option<ReservedNode>,
    mesh: Option<MeshInstallation<'arm>>,
    workload: Option<Layout>,
}

impl KubeProvider {
    /// Runs one arm. Whatever happens, nothing of it is left in the cluster when this returns, or the error says what.
    ///
    /// # Errors
    /// [`LabError`].
    pub(crate) async fn measure_arm(
        &self,
        arm: &ArmRun<'_>,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ArmResult, LabError> {
        let mesh = arm.mesh.kube.as_ref().ok_or_else(|| LabError::NotKube(arm.mesh.name.to_string()))?;
        self.check_held()?;
        refuse_a_deaf_mesh(arm, mesh)?;
        // What another arm could not take down would be measured with this one.
        let left = remove_all_of(self.cluster(), self.cluster().campaign()).await.left;
        if !left.is_empty() {
            return Err(KubeError::Unfit(format!("an earlier run is not gone: {}", left.join("; "))).into());
        }
        fs::create_dir_all(&arm.folder).map_err(LabError::file("create", &arm.folder))?;
        let mut made = Made::default();
        let outcome = tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(LabError::Interrupted),
            outcome = self.carry_out(arm, mesh, &mut made, observe) => outcome,
        };
        observe(Event::Step(Step::Stopping));
        let taken_down = self.take_down(made, arm.scenario.kube.step_limit.as_duration()).await;
        match (outcome, taken_down) {
            (Ok(result), Ok(())) => Ok(result),
            (Ok(_), Err(left)) => Err(left.into()),
            // Why it failed says more; what is left is tried again, and named, at the campaign's end.
            (Err(error), _) => Err(error),
        }
    }

    async fn carry_out<'arm>(
        &self,
        arm: &'arm ArmRun<'_>,
        mesh: &'arm KubeMesh,
        made: &mut Made<'arm>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ArmResult, LabError> {
        let (cluster, settings) = (self.cluster(), &arm.scenario.kube);
        let limit = settings.step_limit.as_duration();
        let run = self.run_name(arm);
        observe(Event::Step(Step::Starting));
        let installation =
            MeshInstallation::render(arm.mesh, mesh, &arm.folder.join("configuration")).await?;
        let node = &*made.node.insert(reserve(cluster, &settings.generator_node, arm.seed).await?);
        let installation = made.mesh.insert(installation);
        installation.install(cluster, limit).await?;
        let layout = &*made.workload.insert(workload_layout(arm.scenario, installation, &run, node)?);
        let pods = deploy(cluster, layout, mesh, limit).await?;
        let generator = generator_layout(cluster, arm.scenario, mesh, &run, node);
        let generators = Generators::start(cluster, &generator, limit).await?;

        observe(Event::Step(Step::Verifying));
        let paths: BTreeSet<&str> =
            arm.scenario.workload.requests.iter().map(|request| request.path.as_str()).collect();
        let proven = prove(cluster, layout, mesh, &pods, limit).await?;
        let sampler = Sampler::start(cluster, Subjects::new(layout, mesh)).await?;
        let plan_of = |index: u32, start: u64| {
            let shard = ShardOfPlan::try_new(index + 1, generator.pods).unwrap_or(ShardOfPlan::WHOLE);
            let share = Share { shard, start_at_unix_ns: Some(start) };
            arm.load_plan(front_ends(layout), share)
                .map_err(|error| KubeError::Unfit(format!("this scenario cannot be sent: {error}")))
        };
        let load = generators.carry_out(plan_of, observe).await?;
        let (opened, closed) = (load.window.opens_unix_ns, load.window.closes_unix_ns);
        let observed = sampler.finish(closed, limit).await?;
        let (recording, recording_digest) = keep(&arm.folder, &load)?;
        let data_path = proven.confirm(cluster, layout, &paths, recording.successes).await?;
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
            }),
        })
    }

    /// Each step is tried whatever became of the one before; what is not gone in the end comes back.
    async fn take_down(&self, made: Made<'_>, limit: Duration) -> Result<(), KubeError> {
        let cluster = self.cluster();
        // An API server that is away for a while is no reason to leave everything where it is.
        cluster.await_answer(limit).await?;
        if let Some(layout) = &made.workload {
            // What it could not remove, the sweep below tries again.
            let _: Result<(), KubeError> = delete(cluster, layout, limit).await;
        }
        let mut uninstalled = match &made.mesh {
            Some(installation) => installation.uninstall(cluster, limit).await,
            None => Ok(()),
        };
        // What a step was at when it failed.
        let left = remove_all_of(cluster, cluster.campaign()).await.left;
        if let (Err(_), Some(installation)) = (&uninstalled, &made.mesh) {
            uninstalled = installation.uninstall(cluster, limit).await;
        }
        let released = match &made.node {
            Some(node) => release(cluster, node).await,
            None => Ok(()),
        };
        uninstalled.and(released)?;
        if left.is_empty() { Ok(()) } else { Err(KubeError::Unfit(left.join("; "))) }
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

/// The seconds of all generators together, and what happened to containers meanwhile.
fn course_of(load: &LoadOutcome, incidents: Vec<String>) -> Result<Course, LabError> {
    let logs = load.recordings.iter().map(|pod| pod.interval_log.as_str());
    let window_seconds = load.window.duration().as_secs_f64();
    let stretches = stretches(logs, window_seconds)
        .map_err(|error| LabError::Generator(format!("left a damaged log: {}", error_chain(&error))))?;
    let noticed = |what: String| Happening { at_seconds: window_seconds, what };
    Ok(Course {
        warm_up_seconds: load.window.warm_up.as_secs_f64(),
        stretches,
        happenings: incidents.into_iter().map(noticed).collect(),
        ..Course::default()
    })
}

/// Writes what the generators recorded, each and together, and gives back the whole with its digest.
fn keep(folder: &Path, load: &LoadOutcome) -> Result<(Recording, String), LabError> {
    let write = |name: String, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(LabError::file("write", &path))
    };
    let is_alone = load.recordings.len() == 1;
    let suffix = |index: usize| if is_alone { String::new() } else { format!("-{}", index + 1) };
    for (index, pod) in load.recordings.iter().enumerate() {
        write(format!("run{}.hlog", suffix(index)), &pod.interval_log)?;
        if !is_alone {
            write(format!("recording{}.json", suffix(index)), &pod.recording)?;
        }
    }
    let recording = merged(&load.recordings)?;
    let text = match load.recordings.as_slice() {
        [alone] => alone.recording.clone(),
        _ => serde_json::to_string(&recording).map_err(|error| LabError::Generator(error.to_string()))?,
    };
    write("recording.json".to_owned(), &text)?;
    Ok((recording, digest(text.as_bytes())))
}

fn merged(pods: &[PodRecording]) -> Result<Recording, LabError> {
    let wrong = |why: &dyn std::error::Error| {
        LabError::Generator(format!("recorded nothing usable: {}", error_chain(why)))
    };
    let mut merge: Option<Merge> = None;
    for PodRecording { pod, recording, .. } in pods {
        let recording = Recording::from_json(recording).map_err(|error| wrong(&error))?;
        let refused = |why: &str| Err(KubeError::generator(pod, why).into());
        if recording.interrupted {
            return refused(
                "was told to end before its load was done (was it evicted, or its node drained?)",
            );
        }
        if recording.generator != GENERATOR {
            let theirs = &recording.generator;
            return refused(&format!("is {theirs} and not {GENERATOR}: build the image anew"));
        }
        match &mut merge {
            None => merge = Some(Merge::begin(pod, recording)),
            Some(merge) => merge.add(pod, &recording).map_err(|error| wrong(&error))?,
        }
    }
    let merge = merge.ok_or_else(|| LabError::Generator("has no pod".to_owned()))?;
    merge.finish().map_err(|error| wrong(&error))
}
