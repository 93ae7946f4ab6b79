//! [`PlannedRun`]: one run of one mesh on a fresh deployment, whatever it is for.

use std::path::Path;

use meshbench_core::event::Event;
use meshbench_core::resources::{ResourceUse, Sample};
use meshbench_core::run::Run;
use meshbench_core::scenario::Scenario;
use meshbench_core::units::{OfferedRate, Span};
use tokio_util::sync::CancellationToken;

use crate::arm::ArmRun;
use crate::error::LabError;
use crate::group::Provider;
use crate::mesh::MeshDefinition;

/// One run of one mesh.
#[derive(Debug)]
pub(crate) struct PlannedRun<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The mesh.
    pub mesh: &'a MeshDefinition,
    /// The offered rate.
    pub rate: OfferedRate,
    /// The measured window.
    pub duration: Span,
    /// Its block, counted from one.
    pub block: u32,
    /// Its place in the block's random order, counted from one.
    pub position: u32,
    /// Decides the order of requests; the same for every mesh of a block.
    pub seed: u64,
    /// Its folder within the campaign's.
    pub folder: String,
}

impl PlannedRun<'_> {
    /// Brings the mesh up, measures, and takes it down. `campaign` is the campaign's folder.
    ///
    /// # Errors
    /// [`LabError`].
    pub(crate) async fn carry_out(
        self,
        provider: Provider<'_>,
        campaign: &Path,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(Run, Vec<Sample>), LabError> {
        let arm = ArmRun {
            scenario: self.scenario,
            mesh: self.mesh,
            rate: self.rate,
            duration: self.duration,
            seed: self.seed,
            folder: campaign.join(&self.folder),
        };
        let result = provider.measure_arm(&arm, cancelled, observe).await?;
        let run = Run {
            mesh: self.mesh.name.clone(),
            block: self.block,
            position: self.position,
            resources: ResourceUse::of_window(&result.samples),
            recording: result.recording,
            data_path: result.data_path,
            edge_lateness_ns: result.edge_lateness_ns,
            course: result.course,
            recording_digest: result.recording_digest,
            placement: result.placement,
            folder: self.folder,
        };
        Ok((run, result.samples))
    }
}
