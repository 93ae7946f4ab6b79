//! The one latency histogram of meshbench: [`LatencyHistogram`], same configuration everywhere so that merging is exact.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// The smallest latency told apart, in nanoseconds.
const LOWEST_NS: u64 = 1;
/// The largest latency that can be recorded: one hour, in nanoseconds.
pub const HIGHEST_LATENCY_NS: u64 = 3_600_000_000_000;
/// Quantiles are exact to this many significant decimal digits.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Latencies in nanoseconds: HDR buckets, with exact count, minimum, maximum and sum beside them.
///
/// The exact figures are kept apart because the V2 encoding of HDR histograms keeps bucket edges only.
#[must_use]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EncodedHistogram", into = "EncodedHistogram")]
pub struct LatencyHistogram {
    buckets: Histogram<u64>,
    min_ns: u64,
    max_ns: u64,
    sum_ns: u64,
    beyond_range: u64,
}

/// What a histogram's buckets do not keep, for keeping it beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact {
    /// The smallest latency, in nanoseconds.
    pub min_ns: u64,
    /// The largest latency, in nanoseconds.
    pub max_ns: u64,
    /// The sum of all latencies, in nanoseconds.
    pub sum_ns: u64,
    /// How many latencies were longer than an hour.
    pub beyond_range: u64,
}

/// Why an encoded histogram cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistogramError {
    /// The text is not base64.
    #[error("the field `hdr` is not base64: the recording is damaged, or was not written by meshbench-load")]
    Base64(#[source] base64::DecodeError),
    /// The bytes are not a V2-deflate histogram.
    #[error("the field `hdr` is not a V2-deflate HDR histogram: {reason}")]
    Encoding {
        /// What the decoder said; text, because its error type keeps no source.
        reason: String,
    },
    /// The histogram has other bounds or another precision, so that merging would not be exact.
    #[error(
        "the histogram is configured {found}, expected {expected}: only recordings of one configuration can be compared"
    )]
    Configuration {
        /// Lowest, highest and digits found.
        found: String,
        /// Lowest, highest and digits expected.
        expected: String,
    },
    /// The counts beside the histogram are not its own.
    #[error("`count` says {stated} but the histogram holds {held}: the recording was edited or damaged")]
    Count {
        /// What the field `count` says.
        stated: u64,
        /// What the decoded histogram holds.
        held: u64,
    },
}

/// Quantiles of a [`LatencyHistogram`] in nanoseconds, for showing; all zero where nothing was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    /// Median.
    pub p50: u64,
    /// 75th percentile.
    pub p75: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p99_9: u64,
    /// 99.99th percentile.
    pub p99_99: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl LatencyHistogram {
    /// An empty histogram.
    #[expect(
        clippy::expect_used,
        reason = "the bounds are constants that the library accepts; a test makes one"
    )]
    pub fn new() -> Self {
        let buckets = Histogram::new_with_bounds(LOWEST_NS, HIGHEST_LATENCY_NS, SIGNIFICANT_DIGITS)
            .expect("constant bounds are valid");
        Self { buckets, min_ns: u64::MAX, max_ns: 0, sum_ns: 0, beyond_range: 0 }
    }

    /// Records one latency. One beyond an hour is counted in [`Self::beyond_range`] and kept out of the quantiles.
    pub fn record(&mut self, latency_ns: u64) {
        if self.buckets.record(latency_ns).is_err() {
            self.beyond_range += 1;
            return;
        }
        self.min_ns = self.min_ns.min(latency_ns);
        self.max_ns = self.max_ns.max(latency_ns);
        // Full only after 584 years of summed latency.
        self.sum_ns = self.sum_ns.saturating_add(latency_ns);
    }

    /// Adds everything `other` holds, losslessly.
    pub fn merge(&mut self, other: &Self) {
        // Every histogram is made with the same bounds, so this cannot fail; should it ever, the counts say so.
        if self.buckets.add(&other.buckets).is_err() {
            self.beyond_range += other.count();
        }
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.beyond_range += other.beyond_range;
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.buckets.reset();
        (self.min_ns, self.max_ns, self.sum_ns, self.beyond_range) = (u64::MAX, 0, 0, 0);
    }

    /// How many latencies were recorded, without those beyond the range.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.len()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The exact smallest latency in nanoseconds; 0 where nothing was recorded.
    #[must_use]
    pub fn min_ns(&self) -> u64 {
        if self.is_empty() { 0 } else { self.min_ns }
    }

    /// The exact largest latency in nanoseconds; 0 where nothing was recorded.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The exact sum of all latencies in nanoseconds.
    #[must_use]
    pub fn sum_ns(&self) -> u64 {
        self.sum_ns
    }

    /// The exact mean in nanoseconds; 0 where nothing was recorded.
    #[must_use]
    pub fn mean_ns(&self) -> f64 {
        if self.is_empty() { 0.0 } else { self.sum_ns as f64 / self.count() as f64 }
    }

    /// How many latencies were longer than an hour. Anything but 0 means that the quantiles are too low.
    #[must_use]
    pub fn beyond_range(&self) -> u64 {
        self.beyond_range
    }

    /// What [`Self::to_base64`] leaves out.
    #[must_use]
    pub fn exact(&self) -> Exact {
        let (min_ns, max_ns) = (self.min_ns(), self.max_ns);
        Exact { min_ns, max_ns, sum_ns: self.sum_ns, beyond_range: self.beyond_range }
    }

    /// The configuration of every histogram here, for [`crate::fingerprint::Fingerprint`].
    #[must_use]
    pub fn configuration() -> String {
        show_configuration((LOWEST_NS, HIGHEST_LATENCY_NS, SIGNIFICANT_DIGITS))
    }

    /// Puts together again what [`Self::to_base64`] and [`Self::exact`] gave.
    ///
    /// # Errors
    /// [`HistogramError`] when the text is none that [`Self::to_base64`] gives.
    pub fn from_base64(text: &str, exact: Exact) -> Result<Self, HistogramError> {
        let buckets = buckets_from_base64(text)?;
        let min_ns = if buckets.is_empty() { u64::MAX } else { exact.min_ns };
        Ok(Self {
            buckets,
            min_ns,
            max_ns: exact.max_ns,
            sum_ns: exact.sum_ns,
            beyond_range: exact.beyond_range,
        })
    }

    /// The latency in nanoseconds that a share `quantile` (0 to 1) of all recorded ones does not exceed.
    ///
    /// Precise to three significant digits and never outside the exact minimum and maximum; 0 where nothing was recorded.
    #[must_use]
    pub fn value_at_quantile(&self, quantile: f64) -> u64 {
        self.buckets.value_at_quantile(quantile).clamp(self.min_ns(), self.max_ns)
    }

    /// The quantiles that every report shows.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        Quantiles {
            p50: self.value_at_quantile(0.5),
            p75: self.value_at_quantile(0.75),
            p90: self.value_at_quantile(0.9),
            p99: self.value_at_quantile(0.99),
            p99_9: self.value_at_quantile(0.999),
            p99_99: self.value_at_quantile(0.9999),
        }
    }

    /// The buckets, for writing interval logs that other HDR tools read.
    #[must_use]
    pub fn buckets(&self) -> &Histogram<u64> {
        &self.buckets
    }

    /// The buckets as base64 of the V2-deflate encoding that every HDR library reads.
    ///
    /// The exact minimum, maximum and sum are not in it: serialise the whole value to keep them.
    #[must_use]
    #[expect(clippy::expect_used, reason = "writing a fixed-size histogram into memory has no way to fail")]
    pub fn to_base64(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.buckets, &mut bytes).expect("memory accepts every write");
        BASE64.encode(bytes)
    }
}

fn buckets_from_base64(text: &str) -> Result<Histogram<u64>, HistogramError> {
    let bytes = BASE64.decode(text).map_err(HistogramError::Base64)?;
    let buckets: Histogram<u64> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| HistogramError::Encoding { reason: error.to_string() })?;
    let expected = (LOWEST_NS, HIGHEST_LATENCY_NS, SIGNIFICANT_DIGITS);
    let found = (buckets.low(), buckets.high(), buckets.sigfig());
    if found != expected {
        let (found, expected) = (show_configuration(found), show_configuration(expected));
        return Err(HistogramError::Configuration { found, expected });
    }
    Ok(buckets)
}

fn show_configuration((low, high, digits): (u64, u64, u8)) -> String {
    format!("{low}..{high} ns with {digits} digits")
}

/// A histogram in JSON: figures for people and scripts, and the lossless buckets under `hdr`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EncodedHistogram {
    count: u64,
    p50: u64,
    p75: u64,
    p90: u64,
    p99: u64,
    p99_9: u64,
    p99_99: u64,
    max: u64,
    min: u64,
    mean: f64,
    sum: u64,
    beyond_range: u64,
    hdr: String,
}

impl From<LatencyHistogram> for EncodedHistogram {
    fn from(histogram: LatencyHistogram) -> Self {
        let Quantiles { p50, p75, p90, p99, p99_9, p99_99 } = histogram.quantiles();
        Self {
            count: histogram.count(),
            p50,
            p75,
            p90,
            p99,
            p99_9,
            p99_99,
            max: histogram.max_ns(),
            min: histogram.min_ns(),
            mean: histogram.mean_ns(),
            sum: histogram.sum_ns(),
            beyond_range: histogram.beyond_range(),
            hdr: histogram.to_base64(),
        }
    }
}

impl TryFrom<EncodedHistogram> for LatencyHistogram {
    type Error = HistogramError;

    /// Quantiles and mean are computed anew: `hdr`, `count`, `min`, `max` and `sum` are what counts.
    fn try_from(encoded: EncodedHistogram) -> Result<Self, Self::Error> {
        let buckets = buckets_from_base64(&encoded.hdr)?;
        if buckets.len() != encoded.count {
            return Err(HistogramError::Count { stated: encoded.count, held: buckets.len() });
        }
        let min_ns = if buckets.is_empty() { u64::MAX } else { encoded.min };
        let EncodedHistogram { max: max_ns, sum: sum_ns, beyond_range, .. } = encoded;
        Ok(Self { buckets, min_ns, max_ns, sum_ns, beyond_range })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(latencies_ns: &[u64]) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for latency_ns in latencies_ns {
            histogram.record(*latency_ns);
        }
        histogram
    }

    fn figures(histogram: &LatencyHistogram) -> (u64, u64, u64, u64, u64, Quantiles) {
        let (count, beyond_range) = (histogram.count(), histogram.beyond_range());
        (
            count,
            histogram.min_ns(),
            histogram.max_ns(),
            histogram.sum_ns(),
            beyond_range,
            histogram.quantiles(),
        )
    }

    fn latencies() -> impl Strategy<Value = Vec<u64>> {
        let skewed = prop_oneof![0_u64..100_000, 0_u64..1_000_000_000, 0_u64..=2 * HIGHEST_LATENCY_NS];
        prop::collection::vec(skewed, 0..200)
    }

    #[test]
    fn an_empty_histogram_is_all_zeros() {
        let empty = LatencyHistogram::new();
        let quantiles = Quantiles { p50: 0, p75: 0, p90: 0, p99: 0, p99_9: 0, p99_99: 0 };
        assert_eq!(figures(&empty), (0, 0, 0, 0, 0, quantiles));
        assert!(empty.mean_ns().abs() < f64::EPSILON);
    }

    #[test]
    fn more_than_an_hour_is_counted_and_not_hidden() {
        let histogram = of(&[1_000, HIGHEST_LATENCY_NS * 2]);
        assert_eq!((histogram.count(), histogram.beyond_range(), histogram.max_ns()), (1, 1, 1_000));
    }

    #[test]
    fn quantiles_never_leave_the_exact_extremes() {
        let histogram = of(&[1_000_003]);
        assert_eq!(histogram.value_at_quantile(0.0), 1_000_003);
        assert_eq!(histogram.value_at_quantile(1.0), 1_000_003);
    }

    #[test]
    fn a_foreign_configuration_is_refused() {
        let mut foreign = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 2).unwrap();
        foreign.record(5).unwrap();
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&foreign, &mut bytes).unwrap();
        let error = buckets_from_base64(&BASE64.encode(bytes)).unwrap_err();
        insta::assert_snapshot!(error, @"the histogram is configured 1..60000000000 ns with 2 digits, expected 1..3600000000000 ns with 3 digits: only recordings of one configuration can be compared");
    }

    #[test]
    fn an_edited_count_is_refused() {
        let text = serde_json::to_string(&of(&[5, 6])).unwrap().replace("\"count\":2", "\"count\":3");
        let error = serde_json::from_str::<LatencyHistogram>(&text).unwrap_err();
        assert!(error.to_string().contains("`count` says 3 but the histogram holds 2"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn merged_parts_equal_the_whole(first in latencies(), second in latencies(), third in latencies()) {
            let mut merged = of(&first);
            merged.merge(&of(&second));
            merged.merge(&of(&third));
            let whole = of(&[first, second, third].concat());
            prop_assert_eq!(figures(&merged), figures(&whole));
            prop_assert_eq!(merged.to_base64(), whole.to_base64());
        }

        #[test]
        fn json_loses_nothing(recorded in latencies()) {
            let histogram = of(&recorded);
            let back: LatencyHistogram = serde_json::from_str(&serde_json::to_string(&histogram).unwrap()).unwrap();
            prop_assert_eq!(figures(&back), figures(&histogram));
            prop_assert_eq!(back.to_base64(), histogram.to_base64());
        }

        #[test]
        fn a_cleared_histogram_is_as_new(recorded in latencies()) {
            let mut histogram = of(&recorded);
            histogram.clear();
            prop_assert_eq!(figures(&histogram), figures(&LatencyHistogram::new()));
        }
    }
}
