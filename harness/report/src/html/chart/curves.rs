//! The whole distribution of each mesh, as HDR plots show it.

use meshbench_core::report::{CurvePoint, LatencyTable};

use super::scene::{Scene, Shown};
use super::{DataTable, Figure};
use crate::format::Number;
use crate::html::HtmlError;
use crate::html::axis::Axis;
use crate::html::canvas::Ink;
use crate::html::plot::draw;

/// So many requests beyond a quantile are enough to gate on it.
const ENOUGH_BEYOND: f64 = 100.0;
/// More runs than this are not told apart, and make a page heavy.
const MOST_THIN_LINES: usize = 8;
/// The places that people know by name.
const KNOWN: [(f64, &str); 8] = [
    (1.0, "0%"),
    (2.0, "50%"),
    (10.0, "90%"),
    (100.0, "99%"),
    (1e3, "99.9%"),
    (1e4, "99.99%"),
    (1e5, "99.999%"),
    (1e6, "99.9999%"),
];

/// Latency over 1/(1 − quantile): runs thin, all of a mesh's runs together thick.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(in crate::html) fn curves(scene: &Scene<'_>) -> Result<Option<Figure>, HtmlError> {
    let points = || scene.cases.iter().flat_map(|shown| lines(shown)).flatten();
    let duration = |value: f64| Number::Duration.show(value);
    let latencies = points().map(|point| point.latency_ns as f64);
    let Some(y) = Axis::logarithmic("latency", latencies, duration) else { return Ok(None) };
    let Some(x) =
        Axis::logarithmic("percentile", points().map(|point| point.one_in), |one_in| one_in.to_string())
    else {
        return Ok(None);
    };
    let x = x.marked(KNOWN.map(|(one_in, name)| (one_in, name.to_owned())));
    let image = draw(&x, &y, |plot| {
        for shown in &scene.cases {
            for run in shown.runs().take(MOST_THIN_LINES) {
                plot.line(places(&run.latency_curve), Ink::Run(shown.colour))?;
            }
        }
        for shown in &scene.cases {
            let curve = &shown.case.pooled_latency_curve;
            let trusted = shown.case.pooled_latency_ns.count as f64 / ENOUGH_BEYOND;
            let last_trusted = curve.iter().rposition(|point| point.one_in <= trusted).unwrap_or(0);
            plot.line(places(&curve[last_trusted.min(curve.len())..]), Ink::Doubtful(shown.colour))?;
            plot.line(places(curve.get(..=last_trusted).unwrap_or_default()), Ink::Mesh(shown.colour))?;
        }
        Ok(())
    })?;
    Ok(Some(Figure {
        kind: "latency-curves",
        title: "Latency of every percentile".to_owned(),
        note: "Thick: all runs of a mesh, merged. Thin: its runs. Pale: fewer than 100 requests beyond. \
               Each further nine takes as much room as the one before."
            .to_owned(),
        image,
        x,
        y,
        table: table(scene),
    }))
}

/// A mesh's merged curve, then those of its runs.
fn lines<'a>(shown: &Shown<'a>) -> impl Iterator<Item = &'a Vec<CurvePoint>> + use<'a> {
    let runs = shown.runs().take(MOST_THIN_LINES).map(|run| &run.latency_curve);
    std::iter::once(&shown.case.pooled_latency_curve).chain(runs)
}

fn places(curve: &[CurvePoint]) -> impl Iterator<Item = (f64, f64)> {
    curve.iter().map(|point| (point.one_in, point.latency_ns as f64))
}

fn table(scene: &Scene<'_>) -> DataTable {
    let columns =
        ["mesh, all runs", "requests", "least", "50%", "75%", "90%", "99%", "99.9%", "99.99%", "most"];
    let mut table = DataTable::of(columns);
    for shown in &scene.cases {
        let pooled = &shown.case.pooled_latency_ns;
        table.rows.push(
            [shown.case.mesh.clone(), pooled.count.to_string()].into_iter().chain(cells(pooled)).collect(),
        );
    }
    table
}

/// A distribution in numbers, from the least to the most.
pub(in crate::html) fn cells(table: &LatencyTable) -> impl Iterator<Item = String> + use<> {
    let LatencyTable { min, p50, p75, p90, p99, p99_9, p99_99, max, .. } = *table;
    [min, p50, p75, p90, p99, p99_9, p99_99, max].into_iter().map(|ns| Number::Duration.show(ns as f64))
}
