//! What judges would say that know nothing of blocks: each looks at the planned runs of both versions, bad ones included.

use super::{ALPHA, Finding};
use crate::histogram::LatencyHistogram;
use crate::metric::Metric;
use crate::statistics::{kolmogorov_smirnov_p, mann_whitney_p_above, median};

/// A median over runs that is above the old one by a larger share is called worse.
const THRESHOLD: f64 = 0.05;

/// The quantiles that are judged where the runs have the requests for them.
const QUANTILES: [Metric; 3] = [Metric::P50, Metric::P90, Metric::P99];

/// What naive judges see of a run.
#[derive(Debug, Clone)]
pub struct ObservedRun {
    /// The latency of successes.
    pub latency: LatencyHistogram,
    /// CPU time per answered request, in nanoseconds; `None` where nothing was answered.
    pub cpu_ns_per_request: Option<f64>,
}

impl ObservedRun {
    fn quantile(&self, metric: Metric) -> Option<f64> {
        let has_enough = self.latency.count() >= metric.minimum_requests();
        has_enough.then(|| Some(self.latency.value_at_quantile(metric.quantile()?) as f64))?
    }
}

/// Whether the median over the new runs of any quantile, or of the CPU time per request, is more than 5% above that
/// over the old ones.
#[must_use]
pub fn threshold(old: &[ObservedRun], new: &[ObservedRun]) -> Finding {
    any(old, new, |old, new| Some(median(new)? > median(old)? * (1.0 + THRESHOLD)))
}

/// Whether the Mann–Whitney test over runs finds any quantile, or the CPU time per request, larger, at 2.5%.
#[must_use]
pub fn mann_whitney(old: &[ObservedRun], new: &[ObservedRun]) -> Finding {
    any(old, new, |old, new| Some(mann_whitney_p_above(old, new)? < ALPHA))
}

/// Whether the Kolmogorov–Smirnov test of all latencies of all runs finds them different, at 2 × 2.5%, with the larger
/// median on the new side. It sees latencies only.
#[must_use]
pub fn kolmogorov_smirnov(old: &[ObservedRun], new: &[ObservedRun]) -> Finding {
    let (old, new) = (latencies(old), latencies(new));
    let is_worse = || {
        let differs = kolmogorov_smirnov_p(&old, &new)? < 2.0 * ALPHA;
        Some(differs && median(&new)? > median(&old)?)
    };
    finding(is_worse())
}

/// What a test of the values over runs says of any metric that both sides have.
fn any(
    old: &[ObservedRun],
    new: &[ObservedRun],
    is_worse: impl Fn(&[f64], &[f64]) -> Option<bool>,
) -> Finding {
    let judged = |value: &dyn Fn(&ObservedRun) -> Option<f64>| {
        let values = |runs: &[ObservedRun]| runs.iter().map(value).collect::<Option<Vec<f64>>>();
        is_worse(&values(old)?, &values(new)?)
    };
    let quantiles = QUANTILES.into_iter().filter_map(|metric| judged(&|run| run.quantile(metric)));
    let all: Vec<bool> = quantiles.chain(judged(&|run| run.cpu_ns_per_request)).collect();
    finding((!all.is_empty()).then(|| all.contains(&true)))
}

fn latencies(runs: &[ObservedRun]) -> Vec<f64> {
    let of_run = |run: &ObservedRun| -> Vec<f64> {
        let recorded = run.latency.buckets().iter_recorded();
        let times = |count| usize::try_from(count).unwrap_or(usize::MAX);
        recorded
            .flat_map(|value| {
                std::iter::repeat_n(value.value_iterated_to() as f64, times(value.count_at_value()))
            })
            .collect()
    };
    runs.iter().flat_map(of_run).collect()
}

fn finding(is_worse: Option<bool>) -> Finding {
    match is_worse {
        Some(true) => Finding::Worse,
        Some(false) => Finding::NotWorse,
        None => Finding::Undecided,
    }
}
