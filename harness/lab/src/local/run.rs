//! One arm of a block from nothing to nothing: start, prove, measure, confirm, stop.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use meshbench_core::event::{Event, Step};
use meshbench_core::report::Executable;
use meshbench_core::scenario::MeshName;
use tokio_util::sync::CancellationToken;

use super::data_path::prove;
use super::deployment::{Deployment, Surroundings};
use super::generator::{GeneratorSettings, Measured, measure};
use super::topology::Topology;
use crate::arm::{ArmResult, ArmRun, FrontEnd, Share};
use crate::error::LabError;
use crate::mesh::{BuiltIn, LocalMesh, MeshDefinition, Unavailable};
use crate::process::{LiveCampaign, Placement};

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

    let plan = arm
        .load_plan(front_ends(deployment.topology()), Share::WHOLE)
        .map_err(|error| LabError::Generator(format!("cannot be given this scenario: {error}")))?;
    let Measured { recording, samples, edge_lateness_ns, course, recording_digest } =
        measure(deployment, &plan, generator, observe).await?;
    deployment.check_running("during the run").map_err(LabError::under_load)?;
    let data_path =
        proven.confirm(deployment.topology(), counters, &paths, recording.all_successes()).await?;
    Ok(ArmResult {
        recording,
        samples,
        data_path,
        edge_lateness_ns,
        course,
        recording_digest,
        placement: None,
    })
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

/// The front ends, at the ports where the generator's own sidecar has them.
fn front_ends(topology: &Topology) -> Vec<FrontEnd> {
    let reached = topology.generator().into_iter().flat_map(|generator| topology.peers_of(generator));
    reached
        .map(|(web, port)| FrontEnd { name: web.name.clone(), address: format!("127.0.0.1:{port}") })
        .collect()
}
