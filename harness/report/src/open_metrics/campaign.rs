//! What is said once for a whole campaign.

use std::time::UNIX_EPOCH;

use meshbench_core::report::{Environment, Report};

use super::gauge::{Gauge, Labels};
use crate::facts::Tally;

pub(super) fn gauges(report: &Report) -> Vec<Gauge> {
    vec![
        Gauge::count("campaign_info", "The campaign and where it ran, in the labels; always 1.")
            .with([(about(report), 1.0)]),
        Gauge::seconds("campaign_start_timestamp", "When the campaign began, since the epoch.")
            .with(started_at_seconds(report).map(|seconds| (Labels::new(), seconds))),
        Gauge::seconds("campaign_duration", "How long the campaign took.")
            .with([(Labels::new(), report.took_seconds)]),
        Gauge::count("campaign_interrupted", "1 where a signal ended the campaign early, otherwise 0.")
            .with([(Labels::new(), flag(report.interrupted))]),
        Gauge::count(
            "cluster_generator_co_located",
            "1 where the load generator shares a node of the cluster with what it measures, otherwise 0.",
        )
        .with(co_located(report)),
        Gauge::bytes("machine_memory", "The memory of the machine.")
            .with([(Labels::new(), report.environment.memory_bytes as f64)]),
        Gauge::count("cases", "The cases that were asked for, by what became of them.")
            .with(outcomes(report)),
    ]
}

pub(super) fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}

fn about(report: &Report) -> Labels {
    let Environment { meshbench_version, optimised, cpu_model, kernel, virtualisation, .. } =
        &report.environment;
    let cores = |cores: &[usize]| cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let contexts: Vec<_> =
        report.environment.clusters.iter().map(|cluster| cluster.context.as_str()).collect();
    vec![
        ("campaign", report.campaign.clone()),
        ("cluster", contexts.join(",")),
        ("cpu_model", cpu_model.clone()),
        ("generator_cores", cores(&report.environment.generator_cores)),
        ("kernel", kernel.clone()),
        ("measured_cores", cores(&report.environment.measured_cores)),
        ("meshbench_version", meshbench_version.clone()),
        ("optimised", optimised.to_string()),
        ("virtualisation", virtualisation.clone()),
    ]
}

fn co_located(report: &Report) -> impl Iterator<Item = (Labels, f64)> {
    let clusters = report.environment.clusters.iter();
    clusters.map(|cluster| (vec![("cluster", cluster.context.clone())], flag(cluster.co_located)))
}

fn started_at_seconds(report: &Report) -> Option<f64> {
    let started_at = humantime::parse_rfc3339(&report.started_at).ok()?;
    Some(started_at.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

/// Every outcome, so that one that no case came to is a zero that an alert can read.
fn outcomes(report: &Report) -> [(Labels, f64); 7] {
    let Tally { passed, failed, invalid, inconclusive, errors, not_run, ignored, .. } = Tally::of(report);
    [
        ("passed", passed),
        ("failed", failed),
        ("invalid", invalid),
        ("inconclusive", inconclusive),
        ("error", errors),
        ("not_run", not_run),
        ("ignored", ignored),
    ]
    .map(|(outcome, cases)| (vec![("outcome", outcome.to_owned())], cases as f64))
}
