//! How a mesh takes more load: the rates of a matrix side by side.

use meshbench_core::metric::Metric;
use meshbench_core::report::CaseReport;

use super::by_rate::{Curve, Point, Quantity, Shape, View};
use super::scene::Palette;
use super::{DataTable, Figure};
use crate::facts::Sweep;
use crate::format::Number;
use crate::html::HtmlError;

const MARKS: &str = "Dots: median over runs; hollow: too few requests to gate on. Shaded: from the least to the most of the runs.";

/// The charts of a sweep.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(in crate::html) fn rates(sweep: &Sweep<'_>, palette: &Palette) -> Result<Vec<Figure>, HtmlError> {
    let figures: Result<Vec<_>, _> =
        Quantity::ALL.into_iter().map(|quantity| figure(sweep, palette, quantity)).collect();
    Ok(figures?.into_iter().flatten().collect())
}

fn figure(sweep: &Sweep<'_>, palette: &Palette, quantity: Quantity) -> Result<Option<Figure>, HtmlError> {
    let kind = match quantity {
        Quantity::P50 => "p50-by-rate",
        Quantity::P99 => "p99-by-rate",
        Quantity::AchievedRate => "achieved-by-rate",
        Quantity::CpuPerRequest => "cpu-by-rate",
        Quantity::DataPlaneMemory => "memory-by-rate",
    };
    let view = View { kind, quantity, marks: MARKS };
    let curve = |mesh: &'_ str| {
        let of_mesh = sweep.cases.iter().filter(|swept| swept.case.mesh == mesh);
        of_mesh.filter_map(|swept| point(swept.rate, swept.case, quantity)).collect::<Vec<_>>()
    };
    let curves: Vec<_> = sweep
        .meshes()
        .into_iter()
        .map(|mesh| Curve { mesh, colour: palette.place(mesh), points: curve(mesh), limit: None })
        .filter(|curve| !curve.points.is_empty())
        .collect();
    let table = table(&sweep.rates(), &curves, &view);
    view.figure(&curves, table)
}

fn point(rate: f64, case: &CaseReport, quantity: Quantity) -> Option<Point> {
    let (metric, scale) = match quantity {
        Quantity::P50 => (Metric::P50, 1.0),
        Quantity::P99 => (Metric::P99, 1.0),
        Quantity::AchievedRate => (Metric::AchievedShare, rate),
        Quantity::CpuPerRequest => (Metric::CpuPerRequest, 1.0),
        Quantity::DataPlaneMemory => (Metric::DataPlaneMemory, 1.0),
    };
    let metric = case.metric(metric)?;
    let [value, least, most] = [metric.median, metric.min, metric.max].map(|value| value * scale);
    let shape = if metric.gated { Shape::Dot } else { Shape::Ring };
    Some(Point { rate, value, bounds: (least, most), shape })
}

/// A row for each rate.
fn table(rates: &[f64], curves: &[Curve<'_>], view: &View) -> DataTable {
    let mut table = DataTable::of(std::iter::once("offered").chain(curves.iter().map(|curve| curve.mesh)));
    for rate in rates {
        let cell = |curve: &Curve<'_>| {
            let point = curve.points.iter().find(|point| point.rate == *rate);
            point.map_or_else(|| "–".to_owned(), |point| view.show(point.value))
        };
        let cells = curves.iter().map(cell);
        table.rows.push(std::iter::once(Number::Rate.show(*rate)).chain(cells).collect());
    }
    table
}
