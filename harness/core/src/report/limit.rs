//! [`LimitReport`]: how much a mesh can carry, and every probe that says so.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, CaseReport, MetricReport, ReportUnit, RunReport};
use crate::campaign_means::Mean;
use crate::limit::{Answer, Conclusion, Credible, LimitPlan, Owner, Probed, Purpose, Search};
use crate::metric::{Metric, Unit};
use crate::resources::Group;
use crate::run::Run;
use crate::units::OfferedRate;

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
    /// The limit as a part of that of `bare`, the median being the one rate over the other; `None` for `bare`, and where
    /// either has none.
    pub of_bare: Option<Credible>,
    /// Whether something else gave out before `bare` did, so that the limit is at most that part of its.
    pub bare_carries_more: bool,
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
    /// Not even the lowest rate is held.
    BelowRange {
        /// What gave out there; the machine, where `bare` does not hold it either.
        #[serde(default = "mesh")]
        limit_of: Owner,
    },
    /// The probes do not agree on a limit.
    Unsettled,
    /// Time ran out, or a signal came, before the probes could agree on one.
    Unfinished,
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
    /// What a search and its probes came to, `bare` being the search for the control's limit where that is another, and
    /// `runs` those of the probes.
    #[must_use]
    pub fn new(
        plan: &LimitPlan,
        search: &Search,
        probes: &[Probed],
        bare: Option<&Search>,
        runs: &[&Run],
    ) -> Self {
        let conclusion = search.conclusion();
        let bare = bare.filter(|bare| !matches!(bare.conclusion(), Conclusion::Unsettled));
        let is_found = matches!(conclusion, Conclusion::Found { .. });
        let of_bare = bare.filter(|_| is_found).and_then(|bare| search.share_of(bare));
        let bare_carries_more =
            bare.is_some_and(|bare| matches!(bare.conclusion(), Conclusion::AtLeast { .. }));
        let (outcome, rate) = match conclusion {
            // No mesh is in the way where it carries as much as without one.
            Conclusion::Found { rate }
                if of_bare.is_some_and(|part| part.contains(1.0)) && !bare_carries_more =>
            {
                (LimitOutcome::AtLeast { limit_of: Owner::Machine }, Some(rate))
            }
            Conclusion::Found { rate } => (LimitOutcome::Found, Some(rate)),
            Conclusion::AtLeast { rate, owner } => (LimitOutcome::AtLeast { limit_of: owner }, Some(rate)),
            Conclusion::BelowRange { owner } => {
                let limit_of = match bare.map(Search::conclusion) {
                    // What nothing holds without the mesh says nothing of it.
                    Some(Conclusion::BelowRange { owner: Owner::Mesh }) => Owner::Machine,
                    Some(Conclusion::BelowRange { owner }) => owner,
                    _ => owner,
                };
                (LimitOutcome::BelowRange { limit_of }, None)
            }
            Conclusion::Unsettled if search.next().is_some() => (LimitOutcome::Unfinished, None),
            Conclusion::Unsettled => (LimitOutcome::Unsettled, None),
        };
        let report = Self {
            service_level: plan.service_level.as_written(),
            from_rps: plan.from.requests_per_second(),
            to_rps: plan.to.requests_per_second(),
            precision: plan.precision.fraction(),
            outcome,
            rps: rate.map(OfferedRate::requests_per_second),
            interval_rps: (!probes.is_empty()).then(|| search.interval()),
            of_bare,
            bare_carries_more,
            confirmed_by: 0,
            probes: probes.iter().map(|probed| ProbeReport::new(probed, runs)).collect(),
        };
        let confirmed_by = u32::try_from(report.confirming_blocks().count()).unwrap_or(u32::MAX);
        Self { confirmed_by, ..report }
    }

    /// What the mesh can carry, in a sentence.
    #[must_use]
    pub fn summary(&self, mesh: &str) -> String {
        let rate = |rps: f64| Unit::Rate.show(rps, 4);
        let interval = self.interval_rps.map_or_else(String::new, |Credible { low, high, .. }| {
            format!(" ({} to {})", rate(low), rate(high))
        });
        let of_bare = self.of_bare.map_or_else(String::new, |Credible { low, median, high }| {
            let most = if self.bare_carries_more { "at most " } else { "" };
            format!(", {most}{median:.2} of bare ({low:.2} to {high:.2})")
        });
        let end = self.probes.iter().rev().find(|probe| !probe.held);
        let end = end.map_or_else(String::new, |probe| {
            format!("; at {}: {}", rate(probe.offered_rps), probe.why.join(", "))
        });
        let rps = rate(self.rps.unwrap_or(self.from_rps));
        match self.outcome {
            LimitOutcome::Found => format!("{mesh} carries {rps}{interval}{of_bare}{end}"),
            LimitOutcome::AtLeast { limit_of: Owner::Range } => {
                format!("{mesh} carries at least {rps}: it held the highest rate that was asked for")
            }
            LimitOutcome::AtLeast { limit_of: Owner::Generator } => {
                format!("{mesh} carries at least {rps}: there the load generator gave out first{end}")
            }
            LimitOutcome::AtLeast { .. } if self.of_bare.is_some() => format!(
                "{mesh} carries at least {rps}{interval}: there the machine or the application gives out, with bare no less{end}"
            ),
            LimitOutcome::AtLeast { .. } => {
                format!("{mesh} carries at least {rps}: there the machine or the application gave out{end}")
            }
            LimitOutcome::BelowRange { limit_of } => {
                let whose = match limit_of {
                    Owner::Mesh | Owner::Range => "",
                    Owner::Generator => ", where the load generator gave out first",
                    Owner::Machine => ", where the machine or the application gave out first",
                };
                format!("{mesh} does not hold even {rps}, the lowest rate that was asked for{whose}{end}")
            }
            LimitOutcome::Unsettled => {
                format!("{mesh}: {} probes do not agree on a limit{interval}{end}", self.probes.len())
            }
            LimitOutcome::Unfinished => {
                format!(
                    "{mesh}: the search ended after {} probes, before they could agree{interval}{end}",
                    self.probes.len()
                )
            }
        }
    }

    /// The limit as the metric that it is; `None` where there is none.
    #[must_use]
    pub fn metric(&self) -> Option<MetricReport> {
        let rps = self.rps?;
        Some(MetricReport {
            metric: Metric::Limit.name().to_owned(),
            unit: ReportUnit::RequestsPerSecond,
            median: rps,
            min: rps,
            max: rps,
            gated: true,
            cpu_error: None,
            median_bounds: self.interval_rps.map(|Credible { low, high, .. }| Bounds { low, high }),
            over_bare: None,
            over_bare_bounds: None,
        })
    }

    /// What a campaign's history keeps of it; `None` where it is not known what part of `bare` it is.
    #[must_use]
    pub fn mean(&self) -> Option<Mean> {
        let part = self.of_bare.filter(|_| !self.bare_carries_more)?;
        let (log, value) = (part.median.ln(), self.rps?);
        Some(Mean { log, deviation: None, value, blocks: self.confirmed_by })
    }

    /// The blocks whose runs confirmed the limit: what the case's figures are read from.
    pub fn confirming_blocks(&self) -> impl Iterator<Item = u32> {
        let confirming = self.probes.iter().filter(|probe| {
            // One that was to exceed a lower rate, and held, speaks for its own.
            probe.purpose != Purpose::Locate && probe.held && Some(probe.offered_rps) == self.rps
        });
        confirming.map(|probe| probe.block)
    }
}

fn mesh() -> Owner {
    Owner::Mesh
}

impl ProbeReport {
    fn new(Probed { probe, block, examined }: &Probed, runs: &[&Run]) -> Self {
        let run = runs.iter().find(|run| run.block == *block);
        Self {
            block: *block,
            purpose: probe.purpose,
            offered_rps: probe.rate.requests_per_second(),
            held: examined.answer == Answer::Held,
            ended_by: match examined.answer {
                Answer::Held => None,
                Answer::NotHeld(owner) => Some(owner),
            },
            why: examined.why.clone(),
            measured: run.map(|run| ProbeFigures::from(*run)),
        }
    }
}

impl From<&Run> for ProbeFigures {
    fn from(run: &Run) -> Self {
        let latency = &run.recording.latency_ns;
        let quantile = |quantile| (!latency.is_empty()).then(|| latency.value_at_quantile(quantile));
        Self {
            achieved_rps: run.recording.achieved_rate,
            p50_ns: quantile(0.5),
            p99_ns: quantile(0.99),
            error_share: run.recording.error_share(),
            cpu_ns_per_request: run.value(Metric::CpuPerRequest),
            data_plane_bytes: run.resources.group(Group::DataPlane).resident_bytes,
        }
    }
}

impl CaseReport {
    /// The same with what it can carry, listing the runs of all probes.
    #[must_use]
    pub fn limited(mut self, limit: LimitReport, runs: &[&Run]) -> Self {
        self.metrics.extend(limit.metric());
        Self { limit: Some(limit), runs: runs.iter().map(|run| RunReport::from(*run)).collect(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::{Examined, ServiceLevel};

    fn plan() -> LimitPlan {
        LimitPlan {
            service_level: ServiceLevel {
                latencies: [(Metric::P99, "50ms".parse().unwrap())].into(),
                errors: "0.1%".parse().unwrap(),
                achieved: "99%".parse().unwrap(),
            },
            from: "100rps".parse().unwrap(),
            to: "10krps".parse().unwrap(),
            precision: "3%".parse().unwrap(),
            confirmations: 3.try_into().unwrap(),
        }
    }

    /// A search where rates up to this one are held, and this gives out above it.
    fn search(limit_rps: f64, owner: Owner) -> (Search, Vec<Probed>) {
        let (mut search, mut probes) = (Search::new(&plan()), Vec::new());
        while let Some(probe) = search.next() {
            let examined = match probe.rate.requests_per_second() <= limit_rps {
                true => Examined { answer: Answer::Held, why: Vec::new() },
                false => Examined { answer: Answer::NotHeld(owner), why: vec!["p99 was 2s".to_owned()] },
            };
            search.learn(probe, examined.answer);
            let block = 1 + u32::try_from(probes.len()).unwrap();
            probes.push(Probed { probe, block, examined });
        }
        (search, probes)
    }

    fn report(limit_rps: f64, owner: Owner, bare: &Search) -> LimitReport {
        let (search, probes) = search(limit_rps, owner);
        LimitReport::new(&plan(), &search, &probes, Some(bare), &[])
    }

    #[test]
    fn a_limit_is_told_with_whose_it_is() {
        let (bare, _) = search(3_000.0, Owner::Mesh);
        let (pushed, _) = search(3_000.0, Owner::Generator);
        let told = [
            report(1_800.0, Owner::Mesh, &bare).summary("haproxy"),
            report(1_800.0, Owner::Mesh, &pushed).summary("haproxy"),
            report(3_000.0, Owner::Mesh, &bare).summary("haproxy"),
            report(2_000.0, Owner::Generator, &bare).summary("haproxy"),
            report(1e9, Owner::Mesh, &bare).summary("haproxy"),
            report(0.0, Owner::Mesh, &bare).summary("haproxy"),
        ];
        let expected = [
            ["haproxy carries 1", " of bare (0.", "; at 1", "p99 was 2s"],
            ["haproxy carries 1", ", at most 0.", " of bare (0.", "p99 was 2s"],
            [
                "haproxy carries at least ",
                "the machine or the application gives out",
                "bare no less",
                "p99 was 2s",
            ],
            ["haproxy carries at least ", "there the load generator gave out first", "; at 2", "p99 was 2s"],
            ["haproxy carries at least 10000rps", "it held the highest rate", "that was", "asked for"],
            [
                "haproxy does not hold even 100rps",
                "the lowest rate that was asked for",
                "; at 100rps",
                "p99 was 2s",
            ],
        ];
        for (told, words) in told.iter().zip(expected) {
            assert!(words.iter().all(|word| told.contains(word)), "{told}\nhas not all of {words:?}");
        }
    }

    #[test]
    fn its_figures_rest_on_the_runs_that_confirmed_it() {
        let (bare, _) = search(3_000.0, Owner::Mesh);
        let report = report(1_800.0, Owner::Mesh, &bare);
        assert_eq!(report.confirmed_by, 3);
        let rates = report.confirming_blocks().map(|block| {
            report.probes.iter().find(|probe| probe.block == block).map(|probe| probe.offered_rps)
        });
        assert!(rates.into_iter().all(|rate| rate == report.rps));
        assert!(report.mean().is_some_and(|mean| (mean.log - 0.6_f64.ln()).abs() < 0.03), "{report:?}");
    }
}
