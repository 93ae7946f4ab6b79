//! The metrics of each case: over its runs, above `bare`, and against what was there before.

use meshbench_core::baseline::AgainstBaseline;
use meshbench_core::metric::Metric;
use meshbench_core::report::{Bounds, CaseReport, LatencyTable, MetricReport, Report, ReportUnit};

use super::campaign::flag;
use super::case::{Figure, of_cases};
use super::gauge::{Gauge, Labels};

/// In base units, as Prometheus has it.
pub(super) fn seconds(nanoseconds: f64) -> f64 {
    nanoseconds / 1e9
}

pub(super) fn gauges(report: &Report) -> Vec<Gauge> {
    let mut gauges = latency(report);
    gauges.extend(load(report));
    gauges.extend(resources(report));
    gauges.extend(judged(report));
    gauges
}

fn latency(report: &Report) -> Vec<Gauge> {
    let pooled = |case: &CaseReport| match case.pooled_latency_ns.count {
        0 => Vec::new(),
        _ => percentiles(&case.pooled_latency_ns),
    };
    let mean = |case: &CaseReport| match case.pooled_latency_ns.count {
        0 => Vec::new(),
        _ => vec![(Labels::new(), seconds(case.pooled_latency_ns.mean))],
    };
    vec![
        Gauge::seconds(
            "latency",
            "From when a request was due to the last byte of its answer, successes of all runs together.",
        )
        .with(of_cases(report, pooled)),
        Gauge::seconds("latency_mean", "Mean latency, successes of all runs together.")
            .with(of_cases(report, mean)),
        Gauge::seconds(
            "latency_over_runs",
            "Latency of each run: median over the runs, extremes, bounds of the median.",
        )
        .with(over_runs(report, percentile)),
        Gauge::seconds(
            "latency_above_bare",
            "Latency above bare in the same block: median over the blocks, bounds of the median.",
        )
        .with(above_bare(report, percentile)),
    ]
}

fn percentiles(table: &LatencyTable) -> Vec<Figure> {
    let LatencyTable { min, p50, p75, p90, p99, p99_9, p99_99, max, .. } = *table;
    [
        ("0", min),
        ("50", p50),
        ("75", p75),
        ("90", p90),
        ("99", p99),
        ("99.9", p99_9),
        ("99.99", p99_99),
        ("100", max),
    ]
    .map(|(percentile, ns)| (vec![("percentile", percentile.to_owned())], seconds(ns as f64)))
    .to_vec()
}

fn load(report: &Report) -> Vec<Gauge> {
    let only = |wanted: Metric| move |metric: Metric| (metric == wanted).then(Labels::new);
    vec![
        Gauge::ratio("failed_requests", "Requests that failed, as a share of all: over the runs.")
            .with(over_runs(report, only(Metric::ErrorShare))),
        Gauge::ratio("failed_requests_above_bare", "Share of failed requests above bare in the same block.")
            .with(above_bare(report, only(Metric::ErrorShare))),
        Gauge::ratio("achieved_rate", "Achieved rate as a share of the offered rate: over the runs.")
            .with(over_runs(report, only(Metric::AchievedShare))),
        Gauge::count(
            "limit_requests_per_second",
            "How much the mesh carries at most, where that was looked for.",
        )
        .with(over_runs(report, only(Metric::Limit))),
    ]
}

fn resources(report: &Report) -> Vec<Gauge> {
    vec![
        Gauge::seconds("cpu_per_request", "CPU time per request, by who took it: over the runs.")
            .with(over_runs(report, cpu)),
        Gauge::seconds("cpu_per_request_above_bare", "CPU time per request above bare in the same block.")
            .with(above_bare(report, cpu)),
        Gauge::bytes(
            "memory",
            "Peak resident memory, summed over the processes of each component: over the runs.",
        )
        .with(over_runs(report, memory)),
        Gauge::bytes("memory_above_bare", "Peak resident memory above bare in the same block.")
            .with(above_bare(report, memory)),
    ]
}

fn judged(report: &Report) -> Vec<Gauge> {
    let gated = |case: &CaseReport| {
        let figure = |metric: &MetricReport| (vec![named(&metric.metric)], flag(metric.gated));
        case.metrics.iter().map(figure).collect()
    };
    vec![
        Gauge::count("metric_gated", "1 where every run has what a gate on the metric takes, otherwise 0.")
            .with(of_cases(report, gated)),
        Gauge::ratio(
            "change",
            "A metric as so many times that of an older version in the same blocks, or of the accepted baseline.",
        )
        .with(of_cases(report, changes)),
    ]
}

/// Against an older version (`against="version"`) and against what was accepted (`against="baseline"`).
fn changes(case: &CaseReport) -> Vec<Figure> {
    let figures = |against: &str, metric: &str, statistics: Vec<(&'static str, f64)>| {
        let labels = vec![("against", against.to_owned()), named(metric)];
        with_statistic(&labels, statistics)
    };
    let versions = case.comparison.iter().flat_map(|comparison| &comparison.metrics).flat_map(|compared| {
        let statistics =
            vec![("estimate", compared.ratio), ("low", compared.ratio_low), ("high", compared.ratio_high)];
        figures("version", &compared.metric, statistics)
    });
    let stored = match &case.against_baseline {
        Some(AgainstBaseline::Compared(baseline)) => baseline.metrics.as_slice(),
        _ => &[],
    };
    let baselines = stored.iter().flat_map(|compared| {
        let bounds = compared.bounds.map(|bounds| [("low", bounds.low), ("high", bounds.high)]);
        let statistics = [("estimate", compared.ratio)].into_iter().chain(bounds.into_iter().flatten());
        figures("baseline", &compared.metric, statistics.collect())
    });
    versions.chain(baselines).collect()
}

fn named(metric: &str) -> (&'static str, String) {
    ("metric", metric.to_owned())
}

/// Linters of metrics keep `quantile` for summaries.
fn percentile(metric: Metric) -> Option<Labels> {
    let percentile = match metric {
        Metric::P50 => "50",
        Metric::P75 => "75",
        Metric::P90 => "90",
        Metric::P99 => "99",
        Metric::P99_9 => "99.9",
        Metric::P99_99 => "99.99",
        _ => return None,
    };
    Some(vec![("percentile", percentile.to_owned())])
}

fn cpu(metric: Metric) -> Option<Labels> {
    component(match metric {
        Metric::CpuPerRequest => "total",
        Metric::ControlPlaneCpuPerRequest => "control_plane",
        Metric::ControlPlaneProxyCpuPerRequest => "control_plane_proxy",
        Metric::DataPlaneCpuPerRequest => "data_plane",
        Metric::ApplicationCpuPerRequest => "application",
        Metric::NodeOverheadCpuPerRequest => "node_overhead",
        _ => return None,
    })
}

fn memory(metric: Metric) -> Option<Labels> {
    component(match metric {
        Metric::ControlPlaneMemory => "control_plane",
        Metric::ControlPlaneProxyMemory => "control_plane_proxy",
        Metric::DataPlaneMemory => "data_plane",
        Metric::ApplicationMemory => "application",
        Metric::NodeOverheadMemory => "node_overhead",
        _ => return None,
    })
}

fn component(name: &str) -> Option<Labels> {
    Some(vec![("component", name.to_owned())])
}

/// The metrics that `labels` has labels for: median over the runs, smallest and largest run, bounds of the median.
fn over_runs(report: &Report, labels: impl Fn(Metric) -> Option<Labels>) -> impl Iterator<Item = Figure> {
    of_metrics(report, labels, |metric| {
        let mut statistics = vec![("median", metric.median), ("min", metric.min), ("max", metric.max)];
        statistics.extend(bounds(metric.median_bounds));
        statistics
    })
}

/// The metrics that `labels` has labels for, above `bare`: median over the blocks, bounds of the median.
fn above_bare(report: &Report, labels: impl Fn(Metric) -> Option<Labels>) -> impl Iterator<Item = Figure> {
    of_metrics(report, labels, |metric| {
        let median = metric.over_bare.map(|median| ("median", median));
        median.into_iter().chain(bounds(metric.over_bare_bounds)).collect()
    })
}

fn bounds(bounds: Option<Bounds>) -> impl Iterator<Item = (&'static str, f64)> {
    bounds.into_iter().flat_map(|Bounds { low, high }| [("low", low), ("high", high)])
}

fn of_metrics(
    report: &Report,
    labels: impl Fn(Metric) -> Option<Labels>,
    statistics: impl Fn(&MetricReport) -> Vec<(&'static str, f64)>,
) -> impl Iterator<Item = Figure> {
    of_cases(report, move |case| {
        // A metric that this version does not know has no place among its families.
        let known =
            case.metrics.iter().filter_map(|report| Some((report, report.metric.parse::<Metric>().ok()?)));
        let placed = known.filter_map(|(report, metric)| Some((report, labels(metric)?)));
        placed
            .flat_map(|(report, labels)| {
                let in_base_unit = |value| match report.unit {
                    ReportUnit::Nanoseconds | ReportUnit::CpuNanosecondsPerRequest => seconds(value),
                    ReportUnit::Fraction | ReportUnit::Bytes | ReportUnit::RequestsPerSecond => value,
                };
                let statistics = statistics(report).into_iter();
                with_statistic(&labels, statistics.map(|(name, value)| (name, in_base_unit(value))).collect())
            })
            .collect()
    })
}

fn with_statistic(labels: &Labels, statistics: Vec<(&'static str, f64)>) -> Vec<Figure> {
    let figure = |(statistic, value): (&str, f64)| {
        let mut labels = labels.clone();
        labels.push(("statistic", statistic.to_owned()));
        (labels, value)
    };
    statistics.into_iter().map(figure).collect()
}
