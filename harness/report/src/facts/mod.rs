//! What the formats for people have in common: which facts they show, in which order, in which words.

mod block_group;
mod campaign;
mod data_path;
mod ignored;
mod table;
mod tally;
mod versions;

pub(crate) use block_group::{BlockGroup, block_groups};
pub(crate) use campaign::{environment, warnings};
pub(crate) use data_path::data_paths;
pub(crate) use ignored::ignored_together;
pub(crate) use table::{Cell, Column, Table, Tone, latency_table, resource_table};
pub(crate) use tally::Tally;
pub(crate) use versions::versions;

use meshbench_core::report::CaseReport;

/// The mesh's name where a reader needs to know that nobody asked for the case.
pub(crate) fn mesh_with_role(case: &CaseReport) -> String {
    if case.selected { case.mesh.clone() } else { format!("{} (control)", case.mesh) }
}

/// The words that explain marks in the tables; only those that occur.
pub(crate) fn legend(groups: &[BlockGroup<'_>]) -> Vec<&'static str> {
    let cases = || groups.iter().flat_map(|group| &group.cases);
    let compared = cases().any(|case| case.metrics.iter().any(|metric| metric.over_bare.is_some()));
    let doubtful = cases().any(|case| {
        case.metrics
            .iter()
            .any(|metric| !metric.gated && table::LATENCIES.iter().any(|shown| shown.name() == metric.metric))
    });
    let measured = cases().any(|case| !case.runs.is_empty());
    [
        (compared, "(+…) above bare in the same block; the median over blocks"),
        (doubtful, "~ too few requests for this quantile: shown, never gated"),
        (
            measured,
            "medians over runs; max, generator CPU and send lag p99: worst run; rate: achieved of offered",
        ),
    ]
    .into_iter()
    .filter_map(|(applies, words)| applies.then_some(words))
    .collect()
}
