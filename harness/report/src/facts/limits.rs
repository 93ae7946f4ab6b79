//! How much each mesh can carry, in words and in a table.

use meshbench_core::limit::{Credible, Owner};
use meshbench_core::report::{CaseReport, LimitOutcome, LimitReport};

use super::table::{Cell, Column, Table, Tone};
use crate::format::Number;

/// The limit of each case that looked for one; `None` where none did.
pub(crate) fn limit_table(cases: &[&CaseReport]) -> Option<Table> {
    let rows: Vec<_> = cases.iter().filter_map(|case| Some(row(case, case.limit.as_ref()?))).collect();
    let mut columns = ["mesh", "verdict"].map(Column::plain).to_vec();
    columns.extend([
        Column::named("", "carries", "carries at most"),
        Column::named("", "95% interval", "with a probability of 95% between"),
        Column::named("", "of bare", "as a part of bare's"),
        Column::named("", "gave out", "gave out first"),
        Column::named("", "confirmed", "confirming runs"),
        Column::plain("probes"),
    ]);
    (!rows.is_empty()).then_some(Table { columns, rows })
}

fn row(case: &CaseReport, limit: &LimitReport) -> Vec<Cell> {
    let plain = |text: String| Cell::new(text, Tone::Plain);
    let or_absent = |text: Option<String>| text.map_or_else(Cell::absent, plain);
    vec![
        Cell::new(&case.mesh, Tone::Plain),
        Cell::verdict(case),
        plain(carried(limit)),
        or_absent(limit.interval_rps.map(|interval| between(interval, |rate| Number::Rate.show(rate)))),
        or_absent(
            limit
                .of_bare
                .map(|part| format!("{:.2} ({})", part.median, between(part, |part| format!("{part:.2}")))),
        ),
        or_absent(gave_out(case, limit.outcome).map(str::to_owned)),
        plain(limit.confirmed_by.to_string()),
        plain(limit.probes.len().to_string()),
    ]
}

/// What a mesh carries, with what it may well be: `1950 rps (1900 to 2010)`.
pub(crate) fn limit_in_words(limit: &LimitReport) -> String {
    let carried = carried(limit);
    match limit.interval_rps {
        Some(interval) => format!("{carried} ({})", between(interval, |rate| Number::Rate.show(rate))),
        None => carried,
    }
}

fn carried(limit: &LimitReport) -> String {
    let rate =
        |rate: Option<f64>| rate.map_or_else(|| "unsettled".to_owned(), |rate| Number::Rate.show(rate));
    match limit.outcome {
        LimitOutcome::Found => rate(limit.rps),
        LimitOutcome::AtLeast { .. } => format!("≥ {}", rate(limit.rps)),
        LimitOutcome::BelowRange => format!("< {}", rate(Some(limit.from_rps))),
        LimitOutcome::Unsettled => rate(None),
    }
}

fn between(interval: Credible, show: impl Fn(f64) -> String) -> String {
    let (low, high) = (show(interval.low), show(interval.high));
    format!("{} to {high}", low.trim_end_matches(" rps"))
}

/// Whose limit it is.
fn gave_out(case: &CaseReport, outcome: LimitOutcome) -> Option<&str> {
    match outcome {
        LimitOutcome::Found | LimitOutcome::BelowRange => Some(&case.mesh),
        LimitOutcome::AtLeast { limit_of } => Some(match limit_of {
            Owner::Mesh => &case.mesh,
            Owner::Generator => "load generator",
            Owner::Machine => "machine or application",
            Owner::Range => "nothing that was offered",
        }),
        LimitOutcome::Unsettled => None,
    }
}
