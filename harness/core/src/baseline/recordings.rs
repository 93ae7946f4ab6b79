//! The latencies behind a baseline, whole: one line a run, in the interval log format that HDR tools read.
//!
//! A line's tag says which run it is, its length how long the window was; its timestamp counts from the first window. A
//! comment above it keeps the exact extremes and sum, which the encoding of HDR histograms does not.

use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use crate::histogram::{Exact, HistogramError, LatencyHistogram};
use crate::run::Run;

const HEAD: &str = "#[Histogram log format version 1.3]
#[Latencies of successes in nanoseconds from when each request was due, a line a run]
#[MaxValueDivisor: 1000000.000]
\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"
";
const EXACT: &str = "#[Exact: ";
const NANOSECONDS_PER_MILLISECOND: f64 = 1e6;

/// Why a text is no log of runs.
#[derive(Debug, thiserror::Error)]
pub enum RecordingsError {
    /// A line is not what it should be.
    #[error("line {line} {what}")]
    Line {
        /// Its number, counted from one.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A histogram cannot be read.
    #[error("line {line} holds no histogram of this program")]
    Histogram {
        /// The line's number, counted from one.
        line: usize,
        /// Why.
        source: HistogramError,
    },
}

/// The latencies of successes of these runs as a log.
#[must_use]
pub fn write(runs: &[&Run]) -> String {
    let mut log = HEAD.to_owned();
    let mut from_seconds = 0.0;
    for run in runs {
        let latency = &run.recording.latency_ns;
        let Exact { min_ns, max_ns, sum_ns, beyond_range } = latency.exact();
        let seconds = run.recording.window_ns as f64 / 1e9;
        let (block, max_ms) = (run.block, max_ns as f64 / NANOSECONDS_PER_MILLISECOND);
        let line = format!(
            "{EXACT}{min_ns} {max_ns} {sum_ns} {beyond_range} (min max sum in nanoseconds, beyond an hour)]\n\
             Tag=block-{block},{from_seconds:.3},{seconds:.3},{max_ms:.3},{}\n",
            latency.to_base64()
        );
        log.push_str(&line);
        from_seconds += seconds;
    }
    log
}

/// The latencies that a log holds, run by run.
///
/// # Errors
/// [`RecordingsError`] at the first line that is not as [`write()`] makes it.
pub fn read(log: &str) -> Result<Vec<LatencyHistogram>, RecordingsError> {
    let mut histograms = Vec::new();
    let mut exact = None;
    for (number, line) in (1..).zip(log.lines()) {
        let wrong = |what| RecordingsError::Line { line: number, what };
        if let Some(figures) = line.strip_prefix(EXACT) {
            exact =
                Some(read_exact(figures).ok_or(wrong("should hold a run's exact extremes and does not"))?);
        } else if !line.starts_with(['#', '"']) {
            let encoded = read_interval(line).ok_or(wrong("is no interval: it was edited or cut short"))?;
            let exact = exact.take().ok_or(wrong("has no exact extremes above it: a line is missing"))?;
            let histogram = LatencyHistogram::from_base64(&encoded, exact)
                .map_err(|source| RecordingsError::Histogram { line: number, source })?;
            histograms.push(histogram);
        }
    }
    Ok(histograms)
}

fn read_exact(figures: &str) -> Option<Exact> {
    let mut numbers = figures.split(' ').map_while(|word| word.parse::<u64>().ok());
    Some(Exact {
        min_ns: numbers.next()?,
        max_ns: numbers.next()?,
        sum_ns: numbers.next()?,
        beyond_range: numbers.next()?,
    })
}

fn read_interval(line: &str) -> Option<String> {
    let ended = format!("{line}\n");
    let entry = IntervalLogIterator::new(ended.as_bytes()).next()?.ok()?;
    match entry {
        LogEntry::Interval(interval) => Some(interval.encoded_histogram().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campaign_means::tests::runs;

    #[test]
    fn other_hdr_tools_read_it() {
        let runs = runs("reference", &[2, 3]);
        let log = write(&runs.iter().collect::<Vec<_>>());
        let entries: Vec<_> = IntervalLogIterator::new(log.as_bytes()).map(Result::unwrap).collect();
        let tags: Vec<_> = entries
            .iter()
            .filter_map(|entry| match entry {
                LogEntry::Interval(interval) => Some(interval.tag()?.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(tags, ["block-1", "block-2"]);
    }

    #[test]
    fn a_run_takes_about_two_kilobytes() {
        let mut runs = runs("reference", &[2]);
        let latency = &mut runs[0].recording.latency_ns;
        *latency = LatencyHistogram::new();
        // A right-skewed distribution from 1 to 20 ms, as services have it.
        (1..=10_000_u64).for_each(|n| latency.record(1_000_000 + 19_000_000 * n.pow(4) / 10_000_u64.pow(4)));
        let log = write(&[&runs[0]]);
        assert!(log.len() < 4_000, "{} bytes", log.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn nothing_is_lost(latencies in prop::collection::vec(prop::collection::vec(0_u64..10_000_000_000_000, 0..50), 0..4)) {
            let mut runs = runs("reference", &vec![1; latencies.len()]);
            for (run, latencies_ns) in runs.iter_mut().zip(&latencies) {
                run.recording.latency_ns = LatencyHistogram::new();
                latencies_ns.iter().for_each(|latency_ns| run.recording.latency_ns.record(*latency_ns));
            }
            let log = write(&runs.iter().collect::<Vec<_>>());
            let written: Vec<_> = runs.iter().map(|run| run.recording.latency_ns.clone()).collect();
            prop_assert_eq!(read(&log).unwrap(), written);
        }
    }
}
