//! [`ServiceLevel`]: what must be kept at a rate for it to be held.

use std::collections::BTreeMap;

use crate::metric::Metric;
use crate::run::Run;
use crate::units::{Share, Span};

/// How many successes must be slower than a quantile for a probe to read it. A gate asks for ten times as many; a probe is
/// one of several, and no answer rests on it alone.
const SUCCESSES_BEYOND_A_QUANTILE: f64 = 10.0;

/// What must be kept at a rate for it to be held.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceLevel {
    /// Latencies that quantiles of successes may not exceed.
    pub latencies: BTreeMap<Metric, Span>,
    /// The most requests that may fail.
    pub errors: Share,
    /// The least of the offered rate that must be answered within the window.
    pub achieved: Share,
}

impl ServiceLevel {
    /// How it is written: a text by key, as in scenarios.
    #[must_use]
    pub fn as_written(&self) -> BTreeMap<String, String> {
        let latencies = self.latencies.iter().map(|(metric, most)| (metric.name(), most.to_string()));
        let shares = [("errors", self.errors.to_string()), ("achieved", self.achieved.to_string())];
        latencies.chain(shares).map(|(key, text)| (key.to_owned(), text)).collect()
    }

    /// The requests that a probe needs for every latency to be read.
    #[must_use]
    pub fn fewest_requests(&self) -> u64 {
        let beyond = |metric: &Metric| Some(SUCCESSES_BEYOND_A_QUANTILE / (1.0 - metric.quantile()?));
        self.latencies.keys().filter_map(beyond).map(|requests| requests.round() as u64).max().unwrap_or(1)
    }

    /// Everything that a run does not keep, each in a sentence.
    #[must_use]
    pub fn missed_by(&self, run: &Run) -> Vec<String> {
        let errors = run.recording.error_share();
        let too_many = errors > self.errors.fraction();
        let errors = too_many.then(|| {
            format!("{} of requests failed, where {} may", shown(Metric::ErrorShare, errors), self.errors)
        });
        let achieved = run.recording.achieved_share().filter(|share| *share < self.achieved.fraction());
        let achieved = achieved.map(|share| {
            let share = shown(Metric::AchievedShare, share);
            format!("{share} of the rate was achieved, where {} must be", self.achieved)
        });
        let latencies = self.latencies.iter().filter_map(|(metric, most)| {
            let most_ns = most.as_duration().as_nanos() as f64;
            match run.value(*metric) {
                None => Some("not one request succeeded".to_owned()),
                Some(value) => (value > most_ns)
                    .then(|| format!("{metric} was {}, where {most} is tolerated", shown(*metric, value))),
            }
        });
        latencies.chain(errors).chain(achieved).collect()
    }
}

fn shown(metric: Metric, value: f64) -> String {
    metric.unit().show(value, 3)
}
