//! What the formats for people have in common: which facts they show, in which order, in which words.

mod block_group;
mod campaign;
mod data_path;
mod ignored;
mod limits;
mod pooled;
mod sweep;
mod table;
mod tally;
mod versions;

pub(crate) use block_group::{BlockGroup, block_groups};
pub(crate) use campaign::{environment, warnings};
pub(crate) use data_path::data_paths;
pub(crate) use ignored::ignored_together;
pub(crate) use limits::{limit_in_words, limit_table};
pub(crate) use pooled::{how_many_are_pooled, pooled_table};
pub(crate) use sweep::{Sweep, sweeps};
pub(crate) use table::{Cell, Column, Table, Tone, latency_table, resource_table};
pub(crate) use tally::Tally;
pub(crate) use versions::versions;

use meshbench_core::baseline::ComparisonTier;
use meshbench_core::report::CaseReport;

/// The meshes' names, with what a reader needs to know: that nobody asked for the case.
pub(crate) fn meshes_with_roles(cases: &[&CaseReport]) -> String {
    let name = |case: &&CaseReport| match case.selected {
        true => case.mesh.clone(),
        false => format!("{} (control)", case.mesh),
    };
    cases.iter().map(name).collect::<Vec<_>>().join(", ")
}

const TIERS: [(ComparisonTier, &str); 3] = [
    (ComparisonTier::T1, "T1: judged by the older version, which ran in the same blocks"),
    (ComparisonTier::T2, "T2: judged by the campaigns stored since the baseline was accepted"),
    (
        ComparisonTier::T3,
        "T3: compared with the baseline, advisory: too few campaigns are stored to judge by",
    ),
];

/// The words that explain marks in the tables; only those that occur.
pub(crate) fn legend(groups: &[BlockGroup<'_>]) -> Vec<&'static str> {
    let cases = || groups.iter().flat_map(|group| &group.cases);
    let compared = cases().any(|case| case.metrics.iter().any(|metric| metric.over_bare.is_some()));
    let doubtful = cases().any(|case| {
        case.metrics
            .iter()
            .any(|metric| !metric.gated && table::LATENCIES.iter().any(|shown| shown.name() == metric.metric))
    });
    let rough = cases().any(|case| case.metrics.iter().any(|metric| table::rough_error(metric).is_some()));
    let overheads = || cases().flat_map(|case| &case.runs).filter_map(|run| run.node_overhead.as_ref());
    let co_located = overheads().any(|overhead| overhead.without_generator);
    let measured = cases().any(|case| !case.runs.is_empty());
    let rests_on = |tier: ComparisonTier| cases().any(|case| case.tier == Some(tier));
    [
        (compared, "(+…) above bare in the same block; the median over blocks"),
        (doubtful, "~ too few requests for this quantile: shown, never gated"),
        (rough, "± how far CPU can be from the truth, where that is over 10% of it: shown, never gated"),
        (
            overheads().any(|overhead| !overhead.without_generator),
            "nodes minus application: all that the nodes of the workload used, kernel included, but the application",
        ),
        (
            co_located,
            "nodes minus application: all that the node used, kernel included, but application and load generator",
        ),
        (
            measured,
            "medians over runs; max, generator CPU and send lag p99: worst run; rate: achieved of offered",
        ),
    ]
    .into_iter()
    .chain(TIERS.map(|(tier, words)| (rests_on(tier), words)))
    .filter_map(|(applies, words)| applies.then_some(words))
    .collect()
}
