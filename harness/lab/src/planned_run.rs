//! [`PlannedRun`]: one run of one mesh on a fresh deployment, whatever it is for.

use meshbench_core::event::Event;
use meshbench_core::resources::{ResourceUse, Sample};
use meshbench_core::run::Run;
use tokio_util::sync::CancellationToken;

use crate::arm::ArmRun;
use crate::error::LabError;
use crate::group::Provider;
use crate::kube::StandingMesh;

/// One run of one mesh.
#[derive(Debug)]
pub(crate) struct PlannedRun<'a> {
    /// What is to be measured.
    pub arm: ArmRun<'a>,
    /// Its block, counted from one.
    pub block: u32,
    /// Its place in the block's random order, counted from one.
    pub position: u32,
    /// Its folder within the campaign's.
    pub folder: String,
}

impl<'a> PlannedRun<'a> {
    /// Brings the mesh up unless it is `standing`, measures, and takes it down unless it is kept.
    ///
    /// # Errors
    /// [`LabError`].
    pub(crate) async fn carry_out(
        self,
        provider: Provider<'_>,
        standing: &mut Option<StandingMesh<'a>>,
        cancelled: &CancellationToken,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(Run, Vec<Sample>), LabError> {
        let result = provider.measure_arm(&self.arm, standing, cancelled, observe).await?;
        let run = Run {
            mesh: self.arm.mesh.name.clone(),
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
