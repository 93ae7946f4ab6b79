//! Whether the judge is right: what it finds of changes that are known, beside what naive judges find: [`Calibration`].
//!
//! A *gate* is one campaign that compares the reference mesh with itself, unchanged or with a known change injected.

mod naive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::Verdict;
use crate::report::Environment;
use crate::statistics::share_bounds;

pub use naive::{ObservedRun, kolmogorov_smirnov, mann_whitney, threshold};

/// The version of `calibration.json`.
pub const CALIBRATION_VERSION: u32 = 1;

/// The chance with which each bound of a share is missed.
const ALPHA: f64 = 0.025;

/// What the new version of a gate differs by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnownChange {
    /// By its name only: whatever is found is a false alarm.
    NoChange,
    /// Each request waits for a millisecond.
    Delay,
    /// One request in fifty waits for a millisecond.
    DelayOfFew,
    /// Each request waits for a tenth of the median latency.
    Latency,
    /// Each request takes a twentieth more CPU time.
    Cpu,
    /// One request in two hundred fails.
    Errors,
    /// No more than 98% of the offered rate is carried.
    Rate,
}

impl KnownChange {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 7] =
        [Self::NoChange, Self::Delay, Self::DelayOfFew, Self::Latency, Self::Cpu, Self::Errors, Self::Rate];

    /// Its name in folders and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoChange => "no-change",
            Self::Delay => "delay",
            Self::DelayOfFew => "delay-of-few",
            Self::Latency => "latency",
            Self::Cpu => "cpu",
            Self::Errors => "errors",
            Self::Rate => "rate",
        }
    }

    /// What is injected, for people.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::NoChange => "no change",
            Self::Delay => "+1 ms on every request",
            Self::DelayOfFew => "+1 ms on 2% of the requests",
            Self::Latency => "+10% of the median latency on every request",
            Self::Cpu => "+5% CPU per request",
            Self::Errors => "+0.5 points of errors",
            Self::Rate => "2% less than the offered rate",
        }
    }
}

/// What a judge says of a gate's new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// That it is worse.
    Worse,
    /// That it is not worse.
    NotWorse,
    /// Neither: inconclusive, invalid, or nothing to judge by.
    Undecided,
}

impl From<&Verdict> for Finding {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Regressed { .. } | Verdict::Fail { .. } => Self::Worse,
            Verdict::Inconclusive { .. }
            | Verdict::Invalid { .. }
            | Verdict::Error { .. }
            | Verdict::NotRun { .. } => Self::Undecided,
            Verdict::Pass | Verdict::NoChange | Verdict::Improved { .. } | Verdict::NewBaseline { .. } => {
                Self::NotWorse
            }
        }
    }
}

/// What all judges say of one gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateOutcome {
    /// What was injected.
    pub change: KnownChange,
    /// Which of the gates with that change it is, counted from one.
    pub number: u32,
    /// The seed of its campaign.
    pub seed: u64,
    /// The word of its verdict.
    pub verdict: String,
    /// The verdict of meshbench.
    pub meshbench: Finding,
    /// Whether a median over runs is more than 5% above the old one.
    pub threshold: Finding,
    /// The Kolmogorov–Smirnov test of all latencies.
    pub kolmogorov_smirnov: Finding,
    /// The Mann–Whitney test over runs.
    pub mann_whitney: Finding,
}

/// How many of a change's gates a judge finds worse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Gates found worse.
    pub worse: u64,
    /// Gates of which the judge says nothing; they count as not found.
    pub undecided: u64,
    /// The lower bound of the chance of being found worse, missed with a chance of 2.5% at most.
    pub low: f64,
    /// Its upper bound, missed with a chance of 2.5% at most.
    pub high: f64,
}

/// All gates of one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeScore {
    /// What was injected.
    pub change: KnownChange,
    /// How many gates there are.
    pub gates: u64,
    /// The verdicts of meshbench.
    pub meshbench: Tally,
    /// See [`GateOutcome::threshold`].
    pub threshold: Tally,
    /// See [`GateOutcome::kolmogorov_smirnov`].
    pub kolmogorov_smirnov: Tally,
    /// See [`GateOutcome::mann_whitney`].
    pub mann_whitney: Tally,
}

/// How the gates of a calibration are run: the same for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateSettings {
    /// Requests per second, as scenarios write it.
    pub rate: String,
    /// The measured window, as scenarios write it.
    pub duration: String,
    /// Load before the window, as scenarios write it.
    pub warm_up: String,
    /// Blocks of the first stage, and as many fresh ones for what it flags.
    pub blocks: u32,
    /// What the seed of every gate comes from.
    pub seed: u64,
}

/// What the reference mesh costs where nothing is injected: changes in proportion are in proportion to this.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pilot {
    /// The median over runs of the median latency, in nanoseconds.
    pub p50_ns: f64,
    /// The median over runs of the CPU time per request, in nanoseconds.
    pub cpu_ns_per_request: f64,
}

/// Everything that is known of the judge: `calibration.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// [`CALIBRATION_VERSION`].
    pub version: u32,
    /// When the first and the last gate began, RFC 3339 in UTC.
    pub began_at: [String; 2],
    /// Where it ran; more than one where the machine changed meanwhile.
    pub environments: Vec<Environment>,
    /// How the gates were run.
    pub settings: GateSettings,
    /// What changes in proportion are in proportion to; `None` where there is none among the gates.
    pub pilot: Option<Pilot>,
    /// How many recordings there are.
    pub recordings: u64,
    /// The SHA-256 of all recordings, one after the other in the order of their paths, in hexadecimal.
    pub recordings_sha256: String,
    /// A score for each change that has a gate.
    pub scores: Vec<ChangeScore>,
    /// Every gate.
    pub gates: Vec<GateOutcome>,
}

/// A score for each change that has a gate, in the order of [`KnownChange::ALL`].
#[must_use]
pub fn scores(gates: &[GateOutcome]) -> Vec<ChangeScore> {
    let score = |change: KnownChange| {
        let gates: Vec<_> = gates.iter().filter(|gate| gate.change == change).collect();
        let tally = |finding: fn(&GateOutcome) -> Finding| {
            Tally::of(&gates.iter().map(|gate| finding(gate)).collect::<Vec<_>>())
        };
        (!gates.is_empty()).then(|| ChangeScore {
            change,
            gates: gates.len() as u64,
            meshbench: tally(|gate| gate.meshbench),
            threshold: tally(|gate| gate.threshold),
            kolmogorov_smirnov: tally(|gate| gate.kolmogorov_smirnov),
            mann_whitney: tally(|gate| gate.mann_whitney),
        })
    };
    KnownChange::ALL.into_iter().filter_map(score).collect()
}

impl Tally {
    fn of(findings: &[Finding]) -> Self {
        let count = |wanted| findings.iter().filter(|finding| **finding == wanted).count() as u64;
        let (worse, undecided) = (count(Finding::Worse), count(Finding::Undecided));
        let (low, high) = share_bounds(worse, findings.len() as u64, ALPHA);
        Self { worse, undecided, low, high }
    }
}

#[cfg(test)]
mod tests;
