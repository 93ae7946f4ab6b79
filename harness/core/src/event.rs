//! What happens while a campaign runs, for whoever shows it.

use std::time::Duration;

use crate::scenario::MeshName;
use crate::units::OfferedRate;

/// Something a person who waits would like to know. Reporters decide how to show it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something that should not have been there any more was ended or removed.
    Swept {
        /// What, in words.
        what: String,
    },
    /// A mesh's executable is being found or downloaded.
    Provisioning {
        /// Which mesh.
        mesh: MeshName,
    },
    /// A cluster is being made for the campaign.
    MakingCluster {
        /// The command that makes it.
        command: String,
    },
    /// A cluster that was made for the campaign is being removed.
    RemovingCluster {
        /// Its context.
        context: String,
    },
    /// A block group begins: all runs of one scenario at one rate and duration, or of several that share their blocks.
    GroupStarted {
        /// `scenario::rate::duration`, and `@context` where it runs on several clusters; of several, how many more there are.
        group: String,
        /// How many runs it will take.
        runs: u32,
        /// How long they take at least: warm-ups and windows.
        at_least: Duration,
    },
    /// The limits of some meshes are looked for: all probes of one scenario at one duration.
    SearchStarted {
        /// `scenario::limit::duration`, and `@context` where it runs on several clusters.
        group: String,
        /// How many probes it takes at most.
        most_probes: u32,
        /// How long they take at most.
        at_most: Duration,
    },
    /// A probe begins.
    ProbeStarted {
        /// Which mesh.
        mesh: MeshName,
        /// What is offered to it.
        rate: OfferedRate,
    },
    /// A probe has been answered, or failed.
    ProbeDone {
        /// Which mesh.
        mesh: MeshName,
        /// What was offered to it.
        rate: OfferedRate,
        /// What came of it, in words.
        what: String,
        /// How many probes of all meshes are left at most.
        most_left: u32,
        /// How long these take at most.
        at_most_left: Duration,
    },
    /// A run begins.
    RunStarted {
        /// The mesh, with what it is measured under where a group has more than that.
        run: String,
        /// Its block, counted from one.
        block: u32,
        /// How many blocks there are.
        blocks: u32,
    },
    /// The run has come to this step.
    Step(Step),
    /// About each second of the measured window.
    Progress {
        /// Since the window opened.
        elapsed: Duration,
        /// Requests answered or failed so far.
        requests: u64,
        /// Failed ones among them.
        errors: u64,
        /// Median latency of the last second, in nanoseconds.
        p50_ns: u64,
        /// 99th percentile of the last second, in nanoseconds.
        p99_ns: u64,
        /// Requests per second since the last progress.
        requests_per_second: f64,
        /// Median latency of the window until now, in nanoseconds.
        p50_so_far_ns: u64,
        /// 99th percentile of the window until now, in nanoseconds.
        p99_so_far_ns: u64,
    },
    /// A run is measured and taken down.
    RunDone {
        /// The mesh, with what it is measured under where a group has more than that.
        run: String,
        /// Median latency of the window, in nanoseconds; none without a success.
        p50_ns: Option<u64>,
        /// 99th percentile of the window, in nanoseconds; none without a success.
        p99_ns: Option<u64>,
        /// Share of requests that failed.
        error_share: f64,
    },
    /// A run ended without a result.
    RunFailed {
        /// The mesh, with what it is measured under where a group has more than that.
        run: String,
        /// Why.
        why: String,
    },
    /// A block group has ended, one way or another.
    GroupDone,
}

/// The steps of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Processes are started and awaited.
    Starting,
    /// The data path is proven.
    Verifying,
    /// Load flows and is not recorded.
    WarmingUp(Duration),
    /// Load flows and is recorded.
    Measuring(Duration),
    /// Processes are ended.
    Stopping,
}
