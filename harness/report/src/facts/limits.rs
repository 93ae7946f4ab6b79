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
        Column::fixed("", "carries", "carries at most"),
        Column::fixed("", "95% interval", "95% interval, rps"),
        Column::fixed("", "of bare", "as a part of bare's"),
        Column::fixed("", "gave out", "gave out first"),
        Column::fixed("", "confirmed", "confirming runs"),
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
        or_absent(limit.interval_rps.map(rates_between)),
        or_absent(part_of_bare(limit)),
        or_absent(gave_out(case, limit.outcome).map(str::to_owned)),
        plain(limit.confirmed_by.to_string()),
        plain(limit.probes.len().to_string()),
    ]
}

/// What a mesh carries, with what it may well be: `1950 rps (1900 to 2010)`.
pub(crate) fn limit_in_words(limit: &LimitReport) -> String {
    let carried = carried(limit);
    match limit.interval_rps {
        Some(interval) => format!("{carried} ({})", rates_between(interval)),
        None => carried,
    }
}

fn carried(limit: &LimitReport) -> String {
    let rate = Number::Rate.show(limit.rps.unwrap_or(limit.from_rps));
    match limit.outcome {
        LimitOutcome::Found => rate,
        LimitOutcome::AtLeast { .. } => format!("≥ {rate}"),
        LimitOutcome::BelowRange { .. } => format!("< {rate}"),
        LimitOutcome::Unsettled => "unsettled".to_owned(),
        LimitOutcome::Unfinished => "unfinished".to_owned(),
    }
}

fn rates_between(interval: Credible) -> String {
    let [low, high] = [interval.low, interval.high].map(|rate| Number::Rate.show(rate).replace(" rps", ""));
    format!("{low} to {high}")
}

fn part_of_bare(limit: &LimitReport) -> Option<String> {
    let Credible { low, median, high } = limit.of_bare?;
    let most = if limit.bare_carries_more { "≤ " } else { "" };
    Some(format!("{most}{median:.2} ({low:.2} to {high:.2})"))
}

/// Whose limit it is.
fn gave_out(case: &CaseReport, outcome: LimitOutcome) -> Option<&str> {
    match outcome {
        LimitOutcome::Found => Some(&case.mesh),
        LimitOutcome::AtLeast { limit_of } | LimitOutcome::BelowRange { limit_of } => Some(match limit_of {
            Owner::Mesh => &case.mesh,
            Owner::Generator => "generator",
            Owner::Machine => "machine",
            Owner::Range => "nothing",
        }),
        LimitOutcome::Unsettled | LimitOutcome::Unfinished => None,
    }
}
