//! One arm of a block from nothing to nothing: start, prove, measure, confirm, stop.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use meshbench_core::course::Course;
use meshbench_core::event::{Event, Step};
use meshbench_core::load_plan::{
    DEFAULT_STREAMS, LOAD_PLAN_VERSION, LoadPlan, LoadPlanSettings, PlannedRate, PlannedRequest, Protocol,
    ShardOfPlan, Target,
};
use meshbench_core::recording::Recording;
use meshbench_core::report::Executable;
use meshbench_core::resources::Sample;
use meshbench_core::run::DataPathProof;
use meshbench_core::scenario::{MeshName, Scenario};
use meshbench_core::schedule::Arrivals;
use meshbench_core::units::{OfferedRate, Span};
use tokio_util::sync::CancellationToken;

use super::data_path::prove;
use super::deployment::{Deployment, Surroundings};
use super::generator::{GeneratorSettings, Measured, measure};
use super::topology::Topology;
use crate::error::LabError;
use crate::mesh::{BuiltIn, LocalMesh, MeshDefinition, Unavailable};
use crate::process::{LiveCampaign, Placement};

/// How long unanswered requests are waited for after the window, over the timeout.
const DRAIN_MARGIN: Duration = Duration::from_millis(500);

/// What the local provider needs to run anything.
#[derive(Debug)]
pub struct LocalProvider {
    /// `meshbench-load`.
    pub load: PathBuf,
    /// `meshbench-emojivoto`.
    pub emojivoto: PathBuf,
    /// `meshbench-sidecar`.
    pub sidecar: PathBuf,
    /// The proxies of the campaign's meshes, or why one is not to be had.
    pub proxies: BTreeMap<MeshName, Result<Executable, Unavailable>>,
    /// Which cores are whose.
    pub placement: Placement,
}

/// One arm of one block.
#[derive(Debug)]
pub(crate) struct ArmRun<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The mesh.
    pub mesh: &'a MeshDefinition,
    /// The offered rate.
    pub rate: OfferedRate,
    /// The measured window.
    pub duration: Span,
    /// Decides the order of requests; the same for every arm of a block.
    pub seed: u64,
    /// Where everything that is kept of the run goes; does not exist yet.
    pub folder: PathBuf,
}

/// What one arm gave.
#[derive(Debug)]
pub(crate) struct ArmResult {
    /// The generator's account.
    pub recording: Recording,
    /// CPU and memory readings.
    pub samples: Vec<Sample>,
    /// What proves the data path.
    pub data_path: DataPathProof,
    /// How long after the window's edges the resource readings there were taken, the later of the two, in nanoseconds.
    pub edge_lateness_ns: u64,
    /// How it went, second by second.
    pub course: Course,
    /// The digest of the recording's file.
    pub recording_digest: String,
}

/// Runs one arm. Whatever happens, nothing of it is left when this returns.
///
/// # Errors
/// [`LabError`]; logs are then kept beside the result, under `logs/`.
pub(crate) async fn measure_arm(
    provider: &LocalProvider,
    campaign: &LiveCampaign,
    arm: &ArmRun<'_>,
    cancelled: &CancellationToken,
    observe: &mut dyn FnMut(Event),
) -> Result<ArmResult, LabError> {
    let mesh = arm.mesh.local.as_ref().ok_or_else(|| LabError::NotLocal(arm.mesh.name.to_string()))?;
    let proxy = provider.proxy(arm.mesh, mesh)?;
    fs::create_dir_all(&arm.folder).map_err(LabError::file("create", &arm.folder))?;
    let scratch = tempfile::Builder::new()
        .prefix("run-")
        .tempdir_in(campaign.scratch())
        .map_err(LabError::file("create a folder in", campaign.scratch()))?;
    let surroundings = Surroundings {
        emojivoto: provider.emojivoto.clone(),
        proxy,
        cores: provider.placement.measured.clone(),
        campaign: campaign.id().to_owned(),
        scratch: scratch.path().to_owned(),
        configuration: arm.folder.join("configuration"),
    };
    let generator = GeneratorSettings {
        program: provider.load.clone(),
        cores: provider.placement.generator.clone(),
        measured_cores: provider.placement.measured.clone(),
        campaign: campaign.id().to_owned(),
        scratch: scratch.path().to_owned(),
        folder: arm.folder.clone(),
        sampling_interval: arm.scenario.resources.interval.as_duration(),
    };
    let mut deployment = Deployment::new(arm.scenario.workload.apps.get(), mesh, surroundings)?;
    let outcome = tokio::select! {
        outcome = carry_out(&mut deployment, mesh, arm, &generator, observe) => outcome,
        () = cancelled.cancelled() => Err(LabError::Interrupted),
    };
    if matches!(&outcome, Err(error) if !matches!(error, LabError::Interrupted)) {
        deployment.keep_logs(&arm.folder.join("logs"));
    }
    observe(Event::Step(Step::Stopping));
    deployment.stop().await;
    outcome
}

async fn carry_out(
    deployment: &mut Deployment,
    mesh: &LocalMesh,
    arm: &ArmRun<'_>,
    generator: &GeneratorSettings,
    observe: &mut dyn FnMut(Event),
) -> Result<ArmResult, LabError> {
    let workload = &arm.scenario.workload;
    observe(Event::Step(Step::Starting));
    deployment.start(&arm.mesh.folder, mesh, workload).await?;

    observe(Event::Step(Step::Verifying));
    let counters = mesh.sidecar().and_then(|sidecar| sidecar.counters.as_ref());
    let paths: BTreeSet<&str> = workload.requests.iter().map(|request| request.path.as_str()).collect();
    let proven = prove(deployment.topology(), counters, deployment.identities(), &paths).await;
    // A process that ended explains more than the answer that failed to come.
    deployment.check_running("while the data path was proven")?;
    let proven = proven?;

    let plan = load_plan(arm, deployment.topology())?;
    let Measured { recording, samples, edge_lateness_ns, course, recording_digest } =
        measure(deployment, &plan, generator, observe).await?;
    deployment.check_running("during the run")?;
    let data_path = proven.confirm(deployment.topology(), counters, &paths, recording.successes).await?;
    Ok(ArmResult { recording, samples, data_path, edge_lateness_ns, course, recording_digest })
}

impl LocalProvider {
    /// The mesh's executable; `None` for a mesh without processes.
    fn proxy(&self, mesh: &MeshDefinition, local: &LocalMesh) -> Result<Option<PathBuf>, LabError> {
        match (&local.built_in, &local.binary) {
            (Some(BuiltIn::Sidecar), _) => Ok(Some(self.sidecar.clone())),
            (None, Some(_)) => match self.proxies.get(&mesh.name) {
                Some(Ok(executable)) => Ok(Some(executable.path.clone())),
                Some(Err(why)) => Err(LabError::Binary { mesh: mesh.name.to_string(), source: why.clone() }),
                None => Err(LabError::NotObtained(mesh.name.to_string())),
            },
            (None, None) => Ok(None),
        }
    }
}

fn load_plan(arm: &ArmRun<'_>, topology: &Topology) -> Result<LoadPlan, LabError> {
    let workload = &arm.scenario.workload;
    let requests: Vec<_> = workload
        .requests
        .iter()
        .map(|request| PlannedRequest::get(request.path.clone(), request.weight.get()))
        .collect();
    let generator = topology.generator();
    let targets =
        generator.into_iter().flat_map(|generator| topology.peers_of(generator)).map(|(web, port)| Target {
            name: web.name.clone(),
            address: format!("127.0.0.1:{port}"),
            tls: None,
            requests: requests.clone(),
        });
    LoadPlan::try_new(LoadPlanSettings {
        version: LOAD_PLAN_VERSION,
        targets: targets.collect(),
        rate: PlannedRate::Constant(arm.rate),
        duration: arm.duration.as_duration(),
        warm_up: arm.scenario.warm_up.as_duration(),
        timeout: workload.timeout.as_duration(),
        drain: workload.timeout.as_duration() + DRAIN_MARGIN,
        connections: workload.connections.get(),
        max_connections: None,
        protocol: Protocol::Http1,
        streams: DEFAULT_STREAMS,
        threads: 1,
        spin: Duration::ZERO,
        seed: arm.seed,
        ramp_to: None,
        arrivals: Arrivals::Constant,
        start_at_unix_ns: None,
        shard: ShardOfPlan::WHOLE,
    })
    .map_err(|error| LabError::Generator(format!("cannot be given this scenario: {error}")))
}
