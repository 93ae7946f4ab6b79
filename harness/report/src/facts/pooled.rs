//! What several campaigns, or the clusters of one, come to together.

use meshbench_core::pooling::{Pooled, PooledCase};

use super::table::{Cell, Column, Table, Tone};
use crate::format::Number;

/// How many are pooled, and how, in a sentence.
pub(crate) fn how_many_are_pooled(pooled: &Pooled) -> String {
    let all = pooled.members.len();
    let kept = pooled.members.iter().filter(|member| member.left_out.is_none()).count();
    format!("{kept} of {all} pooled: latencies from merged histograms, each case over all of its requests.")
}

/// The merged latencies of each case.
pub(crate) fn pooled_table(pooled: &Pooled) -> Table {
    let columns = ["case", "pooled", "requests", "p50", "p90", "p99", "max"].map(Column::plain).to_vec();
    let row = |case: &PooledCase| {
        let latency = &case.latency_ns;
        let counts = [case.members.to_string(), latency.count.to_string()];
        let durations = [latency.p50, latency.p90, latency.p99, latency.max];
        let durations = durations.map(|ns| Number::Duration.show(ns as f64));
        let texts = [case.name.clone()].into_iter().chain(counts).chain(durations);
        texts.map(|text| Cell::new(text, Tone::Plain)).collect()
    };
    let rows = pooled.cases.iter().filter(|case| case.members > 0).map(row).collect();
    Table { columns, rows }
}
