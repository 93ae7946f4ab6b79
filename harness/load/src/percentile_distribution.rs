//! HdrHistogram's percentile distribution, a `.hgrm` file that its plotters read: [`write`].

use std::io::{self, Write};

use meshbench_core::histogram::LatencyHistogram;

/// Nanoseconds are shown as milliseconds.
const NANOSECONDS_PER_MILLISECOND: f64 = 1e6;
/// How many lines there are each time the distance to 100% halves, as in HdrHistogram itself.
const LINES_PER_HALVING: u32 = 5;

/// Writes the distribution of `histogram` in milliseconds, as HdrHistogram's `outputPercentileDistribution` does.
pub(crate) fn write(out: &mut dyn Write, histogram: &LatencyHistogram) -> io::Result<()> {
    let buckets = histogram.buckets();
    let milliseconds = |ns: f64| ns / NANOSECONDS_PER_MILLISECOND;
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let mut total = 0;
    for step in buckets.iter_quantiles(LINES_PER_HALVING) {
        total += step.count_since_last_iteration();
        let value = milliseconds(step.value_iterated_to() as f64);
        let quantile = step.quantile_iterated_to();
        write!(out, "{value:12.3} {quantile:2.12} {total:10}")?;
        if quantile < 1.0 {
            write!(out, " {:14.2}", 1.0 / (1.0 - quantile))?;
        }
        writeln!(out)?;
    }
    let (mean, deviation) = (milliseconds(histogram.mean_ns()), milliseconds(buckets.stdev()));
    writeln!(out, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]")?;
    let (max, count) = (milliseconds(histogram.max_ns() as f64), histogram.count());
    writeln!(out, "#[Max     = {max:12.3}, Total count    = {count:12}]")?;
    let (halvings, per_halving) = layout(buckets.high(), buckets.sigfig());
    writeln!(out, "#[Buckets = {halvings:12}, SubBuckets     = {per_halving:12}]")
}

/// How many buckets HdrHistogram lays out for values up to `highest` at this precision, and their sub-buckets.
fn layout(highest: u64, significant_digits: u8) -> (u32, u64) {
    let sub_buckets = (2 * 10_u64.pow(significant_digits.into())).next_power_of_two();
    let doublings = (0..u64::BITS).find(|&doublings| u128::from(sub_buckets) << doublings > highest.into());
    (doublings.unwrap_or(u64::BITS) + 1, sub_buckets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(latencies_ns: &[u64]) -> String {
        let mut histogram = LatencyHistogram::new();
        latencies_ns.iter().for_each(|latency_ns| histogram.record(*latency_ns));
        let mut out = Vec::new();
        write(&mut out, &histogram).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_is_laid_out_as_plotters_expect() {
        let latencies_ns: Vec<u64> = (1..=20).map(|ms| ms * 1_000_000).collect();
        insta::assert_snapshot!(written(&latencies_ns), @"
               Value     Percentile TotalCount 1/(1-Percentile)

               1.000 0.000000000000          1           1.00
               2.001 0.100000000000          2           1.11
               4.002 0.200000000000          4           1.25
               7.000 0.300000000000          7           1.43
               8.004 0.400000000000          8           1.67
              10.002 0.500000000000         10           2.00
              11.002 0.550000000000         11           2.22
              13.001 0.600000000000         13           2.50
              14.000 0.650000000000         14           2.86
              15.008 0.700000000000         15           3.33
              16.007 0.750000000000         16           4.00
              16.007 0.775000000000         16           4.44
              17.007 0.800000000000         17           5.00
              17.007 0.825000000000         17           5.71
              18.006 0.850000000000         18           6.67
              18.006 0.875000000000         18           8.00
              18.006 0.887500000000         18           8.89
              19.005 0.900000000000         19          10.00
              19.005 0.912500000000         19          11.43
              19.005 0.925000000000         19          13.33
              19.005 0.937500000000         19          16.00
              19.005 0.943750000000         19          17.78
              20.005 0.950000000000         20          20.00
              20.005 1.000000000000         20
        #[Mean    =       10.500, StdDeviation   =        5.766]
        #[Max     =       20.000, Total count    =           20]
        #[Buckets =           32, SubBuckets     =         2048]
        ");
        insta::assert_snapshot!(written(&[]), @"
               Value     Percentile TotalCount 1/(1-Percentile)

        #[Mean    =        0.000, StdDeviation   =        0.000]
        #[Max     =        0.000, Total count    =            0]
        #[Buckets =           32, SubBuckets     =         2048]
        ");
    }
}
