//! [`RawScenario`]: a scenario file as serde reads it, before anything is known to make sense.
//!
//! Only its shape is certain here. Values stay texts, so that every mistake of a file can be reported at once.
//! The JSON schema comes from these types; their comments are what an editor shows.

mod budgets;
mod cluster;
mod entries;
mod kube;
mod limit;
mod placements;
mod rates;
mod strictness;
mod whole_number;
mod written;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MeshName, MeshVersion, ProviderKind, Tier};
use crate::units::Span;

pub(super) use budgets::{OVERRIDES, RawBudgets, RawLimits};
pub(super) use cluster::RawCluster;
pub(super) use entries::Entries;
pub(super) use kube::{RawKube, RawWorkloadImages};
pub(super) use limit::{RawLimit, RawServiceLevel};
pub(super) use placements::RawPlacements;
pub(super) use rates::{RawRates, RawSweep};
pub(super) use strictness::{RawFloors, RawSmallestChanges, RawStrictness};
pub(super) use whole_number::{Count, Seed};
pub(super) use written::Written;

/// A benchmark: a matrix of meshes × rates × durations, a workload, and what may not be exceeded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
#[schemars(rename = "Scenario")]
pub(super) struct RawScenario {
    /// What the scenario is for, in a sentence or two.
    pub(super) description: String,
    /// When it is run: `quick` by default, `nightly` and `full` when asked for.
    pub(super) tier: Written<Tier>,
    /// Where it runs: `local` for processes on this machine, `kube` for a Kubernetes cluster.
    pub(super) provider: Written<ProviderKind>,
    /// The meshes under test: names of folders under `scenarios/meshes/`. `bare` always runs as the control;
    /// list it to have it judged too.
    #[schemars(length(min = 1))]
    pub(super) meshes: Vec<Written<MeshName>>,
    /// Requests per second, over all apps together: `[500rps, 2.5krps]`, or from one to another.
    #[serde(default)]
    pub(super) rates: Option<RawRates>,
    /// Instead of `rates`: how much each mesh can carry.
    #[serde(default)]
    pub(super) limit: Option<RawLimit>,
    /// How long is measured, without the warm-up: `10s`, `30m`.
    #[schemars(length(min = 1))]
    pub(super) durations: Vec<Written<Span>>,
    /// Load before the measured window.
    #[serde(default = "default_warm_up")]
    pub(super) warm_up: Written<Span>,
    /// Blocks: in each, every mesh runs once, in random order.
    #[serde(default = "default_repeats")]
    pub(super) repeats: Written<Count>,
    /// Decides the random order of meshes and requests.
    #[serde(default = "default_seed")]
    pub(super) seed: Written<Seed>,
    /// What is deployed and what is asked of it.
    #[serde(default)]
    pub(super) workload: RawWorkload,
    /// Two versions of a mesh, of which the new one fails where it became worse.
    #[serde(default)]
    pub(super) compare: Option<RawCompare>,
    /// How strictly changes are judged.
    #[serde(default)]
    pub(super) judge: RawStrictness,
    /// How CPU and memory are watched.
    #[serde(default)]
    pub(super) resources: RawResources,
    /// How a cluster is used, where `provider` is `kube`.
    #[serde(default)]
    pub(super) kube: Option<RawKube>,
    /// What may not be exceeded.
    #[serde(default)]
    pub(super) budgets: RawBudgets,
}

/// Emojivoto × N and the requests sent to it.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a mapping")]
#[schemars(rename = "Workload")]
pub(super) struct RawWorkload {
    /// How many copies of the application, each with an identity of its own.
    pub(super) apps: Written<Count>,
    /// Connections of the load generator, over all apps together.
    pub(super) connections: Written<Count>,
    /// After which a request counts as an error.
    pub(super) timeout: Written<Span>,
    /// Votes that every app starts with, by shortcode. A leaderboard costs a call for every emoji ever voted for,
    /// so the mix may vote for these only: otherwise the cost of a request would drift during the run.
    pub(super) votes: Entries<Written<Count>>,
    /// The request mix, drawn by weight and spread evenly over the apps.
    #[schemars(length(min = 1))]
    pub(super) requests: Vec<RawRequest>,
}

/// One kind of request of the mix.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping such as {path: \"/api/list\", weight: 1}")]
#[schemars(rename = "Request")]
pub(super) struct RawRequest {
    /// Path and query, with the leading slash.
    #[schemars(regex(pattern = r"^/\S*$"))]
    pub(super) path: String,
    /// How often, against the sum of all weights.
    #[serde(default = "default_weight")]
    pub(super) weight: Written<Count>,
}

/// Two versions of a mesh that run in the same blocks: two meshes, `{old: envoy-1-39, new: envoy-1-40}`, or one mesh at two
/// versions, `{mesh: istio-stock, version: {old: 1.30.2, new: 1.31.0}}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping such as {old: envoy-1-39, new: envoy-1-40}")]
#[schemars(rename = "Compare", extend("oneOf" = [{"required": ["old", "new"]}, {"required": ["mesh", "version"]}]))]
pub(super) struct RawCompare {
    /// The mesh that the new one is compared with: one of `meshes`.
    #[serde(default)]
    pub(super) old: Option<Written<MeshName>>,
    /// The mesh whose cases are judged: one of `meshes`.
    #[serde(default)]
    pub(super) new: Option<Written<MeshName>>,
    /// The mesh of which two versions are compared: one of `meshes`, in whose files `{version}` stands for the version.
    #[serde(default)]
    pub(super) mesh: Option<Written<MeshName>>,
    /// Its versions, which run one directly after the other. On Kubernetes only.
    #[serde(default)]
    pub(super) version: Option<RawVersions>,
}

/// Two versions of one mesh.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping such as {old: 1.30.2, new: 1.31.0}")]
#[schemars(rename = "Versions")]
pub(super) struct RawVersions {
    /// The version that the new one is compared with.
    pub(super) old: Written<MeshVersion>,
    /// The version whose cases are judged.
    pub(super) new: Written<MeshVersion>,
}

/// How CPU and memory are watched.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a mapping such as {interval: 1s}")]
#[schemars(rename = "Resources")]
pub(super) struct RawResources {
    /// The time between two samples. On Kubernetes 5s at least, for kubelets have new readings every 10 to 20 seconds.
    pub(super) interval: Written<Span>,
}

/// The shortest warm-up after which latency can be expected to be steady.
fn default_warm_up() -> Written<Span> {
    Written::new("5s")
}

fn default_repeats() -> Written<Count> {
    Written::new("1")
}

/// The year of the study: any fixed number does.
fn default_seed() -> Written<Seed> {
    Written::new("2019")
}

fn default_weight() -> Written<Count> {
    Written::new("1")
}

impl Default for RawResources {
    fn default() -> Self {
        Self { interval: Written::new("1s") }
    }
}

/// One app under the request mix of the study, with a vote for each emoji that the mix votes for.
impl Default for RawWorkload {
    fn default() -> Self {
        let paths =
            ["/api/list", "/api/vote?choice=:flushed:", "/api/vote?choice=:policeman:", "/api/leaderboard"];
        let requests = paths.map(|path| RawRequest { path: path.to_owned(), weight: default_weight() });
        let votes = [":flushed:", ":policeman:"].map(|emoji| (emoji.to_owned(), Written::new("1")));
        Self {
            apps: Written::new("1"),
            connections: Written::new("16"),
            timeout: Written::new("5s"),
            votes: Entries::from_iter(votes),
            requests: requests.into(),
        }
    }
}
