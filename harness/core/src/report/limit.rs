//! [`LimitReport`]: how much a mesh can carry, and every probe that says so.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CaseReport;
use crate::limit::{Credible, Owner, Purpose};

/// The limit of a case that looked for one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitReport {
    /// What a rate must keep to be held, as in the scenario: `p99`, `errors`, `achieved` and the like.
    pub service_level: BTreeMap<String, String>,
    /// The lowest rate that was looked at, in requests per second.
    pub from_rps: f64,
    /// The highest, in requests per second.
    pub to_rps: f64,
    /// How far apart two rates are that are told apart, as a fraction of the lower one.
    pub precision: f64,
    /// What it came to.
    pub outcome: LimitOutcome,
    /// The highest rate that was held, in requests per second; `None` where none was, or the probes do not tell.
    pub rps: Option<f64>,
    /// Between which rates the limit lies with a probability of 95%, in requests per second. Where something else gave out
    /// first, that is where it did.
    pub interval_rps: Option<Credible>,
    /// The limit as a part of that of `bare`; `None` for `bare`, and where either has none.
    pub of_bare: Option<Credible>,
    /// How many fresh runs held at the limit.
    pub confirmed_by: u32,
    /// Every probe, in order.
    pub probes: Vec<ProbeReport>,
}

/// What the search for a limit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum LimitOutcome {
    /// The limit was found and confirmed.
    Found,
    /// The mesh carries at least as much; something else gave out above it.
    AtLeast {
        /// What that was.
        limit_of: Owner,
    },
    /// The mesh does not hold even the lowest rate.
    BelowRange,
    /// The probes do not agree on a limit, or ended before they could.
    Unsettled,
}

/// One probe: a rate offered to the mesh on a fresh deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeReport {
    /// The block of its run among the case's runs.
    pub block: u32,
    /// What it was to find out.
    pub purpose: Purpose,
    /// The offered rate, in requests per second.
    pub offered_rps: f64,
    /// Whether the rate was held.
    pub held: bool,
    /// What gave out where it was not; another than the mesh says nothing of the mesh.
    pub ended_by: Option<Owner>,
    /// Why it was not held, each in a sentence.
    pub why: Vec<String>,
    /// What was measured; `None` where the mesh ended under the load, so that there is no run.
    pub measured: Option<ProbeFigures>,
}

/// What was measured in a probe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeFigures {
    /// Answers within the window, per second.
    pub achieved_rps: f64,
    /// Median latency of successes, in nanoseconds; `None` without any success.
    pub p50_ns: Option<u64>,
    /// Their 99th percentile, in nanoseconds.
    pub p99_ns: Option<u64>,
    /// Requests that failed, as a fraction.
    pub error_share: f64,
    /// CPU time of mesh and application per answered request, in nanoseconds.
    pub cpu_ns_per_request: Option<f64>,
    /// Peak resident memory of the data plane, in bytes.
    pub data_plane_bytes: u64,
}

impl LimitReport {
    /// The blocks whose runs confirmed the limit: what the case's figures are read from.
    pub fn confirming_blocks(&self) -> impl Iterator<Item = u32> {
        let confirming = self.probes.iter().filter(|probe| {
            probe.purpose == Purpose::Confirm && probe.held && Some(probe.offered_rps) == self.rps
        });
        confirming.map(|probe| probe.block)
    }
}

impl CaseReport {
    /// The same with what it can carry.
    #[must_use]
    pub fn limited(self, limit: LimitReport) -> Self {
        Self { limit: Some(limit), ..self }
    }
}
