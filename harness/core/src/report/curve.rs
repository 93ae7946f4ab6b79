//! [`CurvePoint`]: a latency distribution as a line that a chart can draw.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::histogram::LatencyHistogram;

/// How many points stand between one request in one and one in ten, one in ten and one in a hundred, and so on.
const POINTS_PER_DECADE: f64 = 10.0;

/// One point of a distribution on the axis that HDR plots have: 1/(1 − quantile), so that each further nine takes as much
/// room as the one before (<https://hdrhistogram.github.io/HdrHistogram/plotFiles.html>).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// One request in so many took as long or longer: 1 for the fastest, 100 for the 99th percentile.
    pub one_in: f64,
    /// How long that is, in nanoseconds.
    pub latency_ns: u64,
}

impl CurvePoint {
    /// A distribution from its smallest to its largest latency; empty where nothing was recorded.
    #[must_use]
    pub fn curve(histogram: &LatencyHistogram) -> Vec<Self> {
        if histogram.is_empty() {
            return Vec::new();
        }
        let requests = histogram.count() as f64;
        let levels = (0..).map(|step| 10_f64.powf(f64::from(step) / POINTS_PER_DECADE));
        let point =
            |one_in: f64| Self { one_in, latency_ns: histogram.value_at_quantile(1.0 - 1.0 / one_in) };
        let mut points: Vec<_> = levels.take_while(|&one_in| one_in < requests).map(point).collect();
        points.push(Self { one_in: requests, latency_ns: histogram.max_ns() });
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(latencies_ns: impl IntoIterator<Item = u64>) -> Vec<CurvePoint> {
        let mut histogram = LatencyHistogram::new();
        latencies_ns.into_iter().for_each(|latency| histogram.record(latency));
        CurvePoint::curve(&histogram)
    }

    #[test]
    fn nothing_is_no_curve_and_one_request_a_point() {
        assert_eq!(of([]), []);
        assert_eq!(of([7]), [CurvePoint { one_in: 1.0, latency_ns: 7 }]);
    }

    #[test]
    fn it_passes_through_the_percentiles() {
        let curve = of(1..=1_000);
        let at = |one_in: f64| curve.iter().find(|point| (point.one_in - one_in).abs() < 1e-9).unwrap();
        assert_eq!((at(10.0).latency_ns, at(100.0).latency_ns, at(1_000.0).latency_ns), (900, 990, 1_000));
    }

    proptest! {
        #[test]
        fn it_never_falls(latencies in prop::collection::vec(1u64..10_000_000_000, 1..500)) {
            let curve = of(latencies.clone());
            prop_assert!(curve.is_sorted_by(|one, next| one.one_in < next.one_in && one.latency_ns <= next.latency_ns));
            prop_assert_eq!(curve.last().unwrap().latency_ns, latencies.into_iter().max().unwrap());
        }
    }
}
