//! Interval logs of several generators as the seconds of one run: [`stretches`].

use std::collections::BTreeMap;

use crate::course::Stretch;
use crate::histogram::{Exact, HistogramError, LatencyHistogram};

/// Why a text is no interval log of ours.
#[derive(Debug, thiserror::Error)]
pub enum IntervalLogError {
    /// A line is not `Tag=…,from,length,max,histogram`.
    #[error("line {line} is no interval: {text:?}")]
    Line {
        /// Counted from one.
        line: usize,
        /// Its beginning.
        text: String,
    },
    /// A line's histogram is damaged.
    #[error("line {line} holds no histogram")]
    Histogram {
        /// Counted from one.
        line: usize,
        /// What is wrong with it.
        source: HistogramError,
    },
}

/// What ended in one second, over all generators.
#[derive(Default)]
struct Second {
    until: f64,
    successes: LatencyHistogram,
    errors: u64,
}

/// The seconds of a window of `window_seconds`, from the interval logs of its generators: histograms of the same second are
/// merged, percentiles never. What ended after the window is left out.
///
/// # Errors
/// [`IntervalLogError`] where a log is damaged.
pub fn stretches<'a>(
    logs: impl IntoIterator<Item = &'a str>,
    window_seconds: f64,
) -> Result<Vec<Stretch>, IntervalLogError> {
    let mut seconds: BTreeMap<u64, Second> = BTreeMap::new();
    for log in logs {
        for (index, text) in log.lines().enumerate() {
            if text.starts_with(['#', '"']) || text.is_empty() {
                continue;
            }
            let (tag, from, length, histogram) = interval(index + 1, text)?;
            let second = seconds.entry(from.round() as u64).or_default();
            second.until = second.until.max(from + length);
            match tag {
                "success" => second.successes.merge(&histogram),
                _ => second.errors += histogram.count(),
            }
        }
    }
    let stretch = |second: &Second| Stretch {
        until_seconds: second.until,
        requests: second.successes.count() + second.errors,
        errors: second.errors,
        p50_ns: second.successes.value_at_quantile(0.5),
        p99_ns: second.successes.value_at_quantile(0.99),
    };
    Ok(seconds.values().filter(|second| second.until <= window_seconds).map(stretch).collect())
}

fn interval(line: usize, text: &str) -> Result<(&str, f64, f64, LatencyHistogram), IntervalLogError> {
    let fields = || {
        let mut fields = text.split(',');
        let tag = fields.next()?.strip_prefix("Tag=")?;
        let from: f64 = fields.next()?.parse().ok()?;
        let length: f64 = fields.next()?.parse().ok()?;
        let max_ms: f64 = fields.next()?.parse().ok()?;
        Some((tag, from, length, max_ms, fields.next()?))
    };
    let beginning = || text.chars().take(80).collect();
    let (tag, from, length, max_ms, encoded) =
        fields().ok_or_else(|| IntervalLogError::Line { line, text: beginning() })?;
    // Buckets keep edges; of the extremes, the log has the largest, to a microsecond.
    let exact = Exact { min_ns: 0, max_ns: (max_ms * 1e6).ceil() as u64, sum_ns: 0, beyond_range: 0 };
    let histogram = LatencyHistogram::from_base64(encoded, exact)
        .map_err(|source| IntervalLogError::Histogram { line, source })?;
    Ok((tag, from, length, histogram))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[(&str, u32, &[u64])]) -> String {
        let line = |&(tag, from, latencies): &(&str, u32, &[u64])| {
            let mut histogram = LatencyHistogram::new();
            latencies.iter().for_each(|&ns| histogram.record(ns));
            let max_ms = histogram.max_ns() as f64 / 1e6;
            format!("Tag={tag},{from}.000,1.000,{max_ms:.3},{}\n", histogram.to_base64())
        };
        lines
            .iter()
            .map(line)
            .fold("#[Histogram log format version 1.3]\n\"Start\"\n".to_owned(), |a, b| a + &b)
    }

    #[test]
    fn seconds_of_several_generators_are_merged_and_not_averaged() {
        let slow = log(&[("success", 0, &[9_000_000; 3]), ("error", 0, &[1]), ("success", 1, &[1_000])]);
        let fast = log(&[("success", 0, &[1_000_000; 97])]);
        let found = stretches([slow.as_str(), fast.as_str()], 1.0).unwrap();
        // What ended after the window is not among them.
        assert_eq!(found.len(), 1);
        let Stretch { until_seconds, requests, errors, p50_ns, p99_ns } = found[0];
        assert_eq!((until_seconds, requests, errors), (1.0, 101, 1));
        assert!(p50_ns.abs_diff(1_000_000) < 1_000 && p99_ns.abs_diff(9_000_000) < 9_000, "{found:?}");
    }

    #[test]
    fn a_damaged_line_is_named() {
        let error = stretches(["Tag=success,0.000,1.000\n"], 1.0).unwrap_err();
        assert_eq!(error.to_string(), "line 1 is no interval: \"Tag=success,0.000,1.000\"");
    }
}
