//! [`PooledPart`]: what several campaigns come to together.

use meshbench_core::pooling::{PoolMember, Pooled, PooledCase};
use serde::Serialize;

use super::HtmlError;
use super::axis::Axis;
use super::canvas::Ink;
use super::chart::{DataTable, Figure, Palette, cells as cells_of_table};
use super::plot::draw;
use crate::facts;
use crate::format::Number;

const DISTRIBUTION: [&str; 8] = ["least", "p50", "p75", "p90", "p99", "p99.9", "p99.99", "max"];

/// The part of the page that stands above the campaigns.
#[derive(Debug, Serialize)]
pub(super) struct PooledPart {
    sentences: Vec<String>,
    lemons: Vec<String>,
    members: DataTable,
    cases: DataTable,
    figures: Vec<Figure>,
}

/// Puts the part together.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(super) fn part(pooled: &Pooled, palette: &Palette) -> Result<PooledPart, HtmlError> {
    let left_out = pooled.left_out();
    Ok(PooledPart {
        sentences: vec![facts::how_many_are_pooled(pooled)],
        lemons: left_out,
        members: medians(pooled),
        cases: cases(pooled),
        figures: curves(pooled, palette)?,
    })
}

fn duration(ns: u64) -> String {
    Number::Duration.show(ns as f64)
}

/// The median latency of each campaign or cluster, case by case.
fn medians(pooled: &Pooled) -> DataTable {
    let member = |member: &PoolMember| {
        let mark = if member.left_out.is_some() { " (not pooled)" } else { "" };
        format!("p50 of {}{mark}", member.name)
    };
    let columns = std::iter::once("case".to_owned()).chain(pooled.members.iter().map(member));
    let row = |case: &PooledCase| {
        let cells = case.p50_by_member_ns.iter().map(|p50| p50.map_or_else(|| "–".to_owned(), duration));
        std::iter::once(case.name.clone()).chain(cells).collect()
    };
    DataTable { columns: columns.collect(), rows: pooled.cases.iter().map(row).collect() }
}

fn cases(pooled: &Pooled) -> DataTable {
    let columns = ["case, pooled", "pooled", "requests"].into_iter().chain(DISTRIBUTION);
    let row = |case: &PooledCase| {
        let counts = [case.members.to_string(), case.latency_ns.count.to_string()];
        [case.name.clone()].into_iter().chain(counts).chain(cells_of(case)).collect()
    };
    DataTable {
        columns: columns.map(str::to_owned).collect(),
        rows: pooled.cases.iter().filter(|case| case.members > 0).map(row).collect(),
    }
}

/// The numbers behind a chart of these.
fn table(cases: &[&PooledCase]) -> DataTable {
    let row = |case: &&PooledCase| std::iter::once(case.mesh.clone()).chain(cells_of(case)).collect();
    DataTable {
        columns: ["mesh"].into_iter().chain(DISTRIBUTION).map(str::to_owned).collect(),
        rows: cases.iter().map(row).collect(),
    }
}

fn cells_of(case: &PooledCase) -> impl Iterator<Item = String> + use<> {
    cells_of_table(&case.latency_ns)
}

/// A chart of merged distributions for each block group.
fn curves(pooled: &Pooled, palette: &Palette) -> Result<Vec<Figure>, HtmlError> {
    let mut groups: Vec<(&str, Vec<&PooledCase>)> = Vec::new();
    for case in pooled.cases.iter().filter(|case| !case.latency_curve.is_empty()) {
        match groups.iter_mut().find(|(group, _)| *group == case.group) {
            Some((_, cases)) => cases.push(case),
            None => groups.push((&case.group, vec![case])),
        }
    }
    let figures: Result<Vec<_>, _> =
        groups.iter().map(|(group, cases)| curve(group, cases, palette)).collect();
    Ok(figures?.into_iter().flatten().collect())
}

fn curve(group: &str, cases: &[&PooledCase], palette: &Palette) -> Result<Option<Figure>, HtmlError> {
    let points = || cases.iter().flat_map(|case| &case.latency_curve);
    let show = |ns: f64| Number::Duration.show(ns);
    let Some(y) = Axis::logarithmic("latency", points().map(|point| point.latency_ns as f64), show) else {
        return Ok(None);
    };
    let one_in = |one_in: f64| format!("1 in {one_in}");
    let Some(x) = Axis::logarithmic("slowest requests", points().map(|point| point.one_in), one_in) else {
        return Ok(None);
    };
    let image = draw(&x, &y, |plot| {
        for case in cases {
            let points = case.latency_curve.iter().map(|point| (point.one_in, point.latency_ns as f64));
            plot.line(points, Ink::Mesh(palette.place(&case.mesh)))?;
        }
        Ok(())
    })?;
    Ok(Some(Figure {
        kind: "pooled-curves",
        title: format!("Latency of every percentile, {}", group.split("::").collect::<Vec<_>>().join(" · ")),
        note: "All requests of all that is pooled.".to_owned(),
        image,
        x,
        y,
        table: table(cases),
    }))
}
