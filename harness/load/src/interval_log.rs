//! One line a second and outcome, in the interval log format that HDR tools read: [`IntervalLog`].

use std::io::{self, Write};

use meshbench_core::histogram::LatencyHistogram;

use crate::tally::Tally;

/// The format shows each line's maximum divided by this: nanoseconds as milliseconds.
const NANOSECONDS_PER_MILLISECOND: f64 = 1e6;

/// A log that is being written. Timestamps count from the opening of the window.
#[derive(Debug)]
pub(crate) struct IntervalLog<W> {
    out: W,
}

impl<W: Write> IntervalLog<W> {
    /// Writes the head of a log of a window that opens at `window_start_unix_ns`.
    pub(crate) fn begin(mut out: W, window_start_unix_ns: u64) -> io::Result<Self> {
        let window_start_seconds = window_start_unix_ns as f64 / 1e9;
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[Latencies in nanoseconds from when each request was due, tagged by outcome]")?;
        writeln!(out, "#[StartTime: {window_start_seconds:.3} (seconds since epoch)]")?;
        writeln!(out, "#[BaseTime: {window_start_seconds:.3} (seconds since epoch)]")?;
        writeln!(out, "#[MaxValueDivisor: {NANOSECONDS_PER_MILLISECOND:.3}]")?;
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
        )?;
        Ok(Self { out })
    }

    /// Writes what ended in `seconds` seconds from `from_seconds` on: successes always, errors where there were any.
    pub(crate) fn write(&mut self, tally: &Tally, from_seconds: u64, seconds: u64) -> io::Result<()> {
        self.write_line("success", &tally.latency, from_seconds, seconds)?;
        if !tally.error_latency.is_empty() {
            self.write_line("error", &tally.error_latency, from_seconds, seconds)?;
        }
        self.out.flush()
    }

    fn write_line(
        &mut self,
        tag: &str,
        histogram: &LatencyHistogram,
        from: u64,
        seconds: u64,
    ) -> io::Result<()> {
        let max_ms = histogram.max_ns() as f64 / NANOSECONDS_PER_MILLISECOND;
        writeln!(self.out, "Tag={tag},{from}.000,{seconds}.000,{max_ms:.3},{}", histogram.to_base64())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use meshbench_core::recording::ErrorKind;

    use super::*;
    use crate::tally::Outcome;

    #[test]
    fn other_hdr_tools_read_it() {
        let mut tally = Tally::new(1);
        tally.record(0, Outcome::Success, 2_000_000);
        let mut bytes = Vec::new();
        let mut log = IntervalLog::begin(&mut bytes, 1_700_000_000_500_000_000).unwrap();
        log.write(&tally, 0, 1).unwrap();
        tally.record(0, Outcome::Failure(ErrorKind::Reset), 7);
        log.write(&tally, 1, 2).unwrap();

        let mut intervals = Vec::new();
        for entry in IntervalLogIterator::new(&bytes) {
            match entry.unwrap() {
                LogEntry::StartTime(time) | LogEntry::BaseTime(time) => {
                    assert_eq!(time, Duration::from_millis(1_700_000_000_500));
                }
                LogEntry::Interval(interval) => {
                    let histogram: Histogram<u64> = decode(interval.encoded_histogram());
                    let tag = interval.tag().unwrap().as_str().to_owned();
                    intervals.push((
                        tag,
                        interval.start_timestamp().as_secs(),
                        interval.duration().as_secs(),
                        histogram.len(),
                    ));
                }
            }
        }
        let expected = [("success", 0, 1, 1), ("success", 1, 2, 1), ("error", 1, 2, 1)];
        assert_eq!(
            intervals,
            expected.map(|(tag, from, length, count)| (tag.to_owned(), from, length, count))
        );
    }

    fn decode(base64: &str) -> Histogram<u64> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
        Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap()
    }
}
