//! One arm of one block, whatever it runs on: what is asked of it, and what it gives.

use std::path::PathBuf;
use std::time::Duration;

use meshbench_core::course::Course;
use meshbench_core::load_plan::{
    DEFAULT_STREAMS, LOAD_PLAN_VERSION, LoadPlan, LoadPlanError, LoadPlanSettings, PlannedRate,
    PlannedRequest, Protocol, ShardOfPlan, Target,
};
use meshbench_core::recording::Recording;
use meshbench_core::report::ClusterPlacement;
use meshbench_core::resources::Sample;
use meshbench_core::run::DataPathProof;
use meshbench_core::scenario::{Scenario, ServicePlacement};
use meshbench_core::schedule::Arrivals;
use meshbench_core::units::{OfferedRate, Span};

use crate::mesh::MeshDefinition;

/// How long unanswered requests are waited for after the window, over the timeout.
pub(crate) const DRAIN_MARGIN: Duration = Duration::from_millis(500);

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
    /// Where the services of an app run, where the scenario has several placements.
    pub services: Option<ServicePlacement>,
    /// Decides the order of requests; the same for every arm of a block.
    pub seed: u64,
    /// Whether its mesh stays installed for the arm that follows, where the provider installs any.
    pub keeps_mesh: bool,
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
    /// Where in a cluster it took place; `None` on one machine.
    pub placement: Option<ClusterPlacement>,
}

/// A front end of the workload, as the load generator reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrontEnd {
    /// Its name in recordings.
    pub name: String,
    /// Host and port.
    pub address: String,
}

/// Which share of an arm's load one generator takes, and from when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    /// Which of how many generators.
    pub shard: ShardOfPlan,
    /// When all begin, in nanoseconds since 1970; soon, where there is nobody to agree with.
    pub start_at_unix_ns: Option<u64>,
}

impl Share {
    /// All of it, by the only generator.
    pub(crate) const WHOLE: Self = Self { shard: ShardOfPlan::WHOLE, start_at_unix_ns: None };
}

impl ArmRun<'_> {
    /// The plan of one of its generators. Connections are divided among them, and each has one to every front end.
    ///
    /// # Errors
    /// [`LoadPlanError`] where the scenario asks for what no generator can do.
    pub(crate) fn load_plan(
        &self,
        front_ends: Vec<FrontEnd>,
        share: Share,
    ) -> Result<LoadPlan, LoadPlanError> {
        let workload = &self.scenario.workload;
        let requests: Vec<_> = workload
            .requests
            .iter()
            .map(|request| PlannedRequest::get(request.path.clone(), request.weight.get()))
            .collect();
        let connections = workload.connections.get().div_ceil(share.shard.count());
        let one_each = u32::try_from(front_ends.len()).unwrap_or(u32::MAX);
        let targets = front_ends.into_iter().map(|FrontEnd { name, address }| Target {
            name,
            address,
            tls: None,
            requests: requests.clone(),
        });
        LoadPlan::try_new(LoadPlanSettings {
            version: LOAD_PLAN_VERSION,
            targets: targets.collect(),
            rate: PlannedRate::Constant(self.rate),
            duration: self.duration.as_duration(),
            warm_up: self.scenario.warm_up.as_duration(),
            timeout: workload.timeout.as_duration(),
            drain: workload.timeout.as_duration() + DRAIN_MARGIN,
            connections: connections.max(one_each),
            max_connections: None,
            protocol: Protocol::Http1,
            streams: DEFAULT_STREAMS,
            threads: 1,
            spin: Duration::ZERO,
            seed: self.seed,
            ramp_to: None,
            arrivals: Arrivals::Constant,
            start_at_unix_ns: share.start_at_unix_ns,
            shard: share.shard,
        })
    }
}
