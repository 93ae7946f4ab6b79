//! How a mesh takes more load: the rates of a matrix side by side.

use meshbench_core::metric::Metric;
use meshbench_core::report::{CaseReport, MetricReport, Report};

use super::scene::Palette;
use super::{DataTable, Figure};
use crate::format::Number;
use crate::html::HtmlError;
use crate::html::axis::Axis;
use crate::html::canvas::Ink;
use crate::html::plot::draw;

/// A chart of one metric over the offered rate.
struct View {
    kind: &'static str,
    metric: Metric,
    what: &'static str,
    is_logarithmic: bool,
    /// What a curve that bends says.
    knee: &'static str,
    show: fn(f64) -> String,
}

const VIEWS: [View; 4] = [
    View {
        kind: "p50-by-rate",
        metric: Metric::P50,
        what: "Median latency by offered rate",
        is_logarithmic: true,
        knee: "Where a curve turns upwards, the mesh begins to queue.",
        show: |ns| Number::Duration.show(ns),
    },
    View {
        kind: "p99-by-rate",
        metric: Metric::P99,
        what: "99th percentile by offered rate",
        is_logarithmic: true,
        knee: "Where a curve turns upwards, the mesh begins to queue.",
        show: |ns| Number::Duration.show(ns),
    },
    View {
        kind: "achieved-by-rate",
        metric: Metric::AchievedShare,
        what: "Achieved share of the offered rate",
        is_logarithmic: false,
        knee: "Where a curve turns downwards, the mesh is at its limit.",
        show: |share| Number::Percent.show(share),
    },
    View {
        kind: "cpu-by-rate",
        metric: Metric::CpuPerRequest,
        what: "CPU time per request by offered rate",
        is_logarithmic: false,
        knee: "Waking up from idle costs CPU too: it is shared by more requests at higher rates.",
        show: |ns| Number::Duration.show(ns),
    },
];

/// A mesh at one rate.
struct Point<'a> {
    rate: f64,
    metric: &'a MetricReport,
}

/// The charts of every scenario and duration that has more than one rate.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(in crate::html) fn rates(
    report: &Report,
    palette: &Palette,
) -> Result<Vec<(String, Vec<Figure>)>, HtmlError> {
    let mut sweeps: Vec<(String, Vec<&CaseReport>)> = Vec::new();
    for case in report.cases.iter().filter(|case| !case.runs.is_empty()) {
        let name = without_rate(&case.group);
        match sweeps.iter_mut().find(|(known, _)| *known == name) {
            Some((_, cases)) => cases.push(case),
            None => sweeps.push((name, vec![case])),
        }
    }
    let mut shown = Vec::new();
    for (name, cases) in sweeps {
        let figures: Result<Vec<_>, _> = VIEWS.iter().map(|view| figure(&cases, view, palette)).collect();
        let figures: Vec<_> = figures?.into_iter().flatten().collect();
        if !figures.is_empty() {
            shown.push((name, figures));
        }
    }
    Ok(shown)
}

/// `scenario · duration` of a group `scenario::rate::duration`.
fn without_rate(group: &str) -> String {
    let mut parts: Vec<_> = group.split("::").collect();
    if parts.len() > 2 {
        parts.remove(1);
    }
    parts.join(" · ")
}

fn figure(cases: &[&CaseReport], view: &View, palette: &Palette) -> Result<Option<Figure>, HtmlError> {
    let mut meshes: Vec<(usize, &str, Vec<Point<'_>>)> = Vec::new();
    for case in cases {
        let offered = case.runs.iter().find_map(|run| run.offered_rate);
        let (Some(rate), Some(metric)) = (offered, case.metric(view.metric)) else { continue };
        let point = Point { rate, metric };
        match meshes.iter_mut().find(|(_, mesh, _)| *mesh == case.mesh) {
            Some((_, _, points)) => points.push(point),
            None => meshes.push((palette.place(&case.mesh), &case.mesh, vec![point])),
        }
    }
    meshes.sort_by_key(|(colour, _, _)| *colour);
    for (_, _, points) in &mut meshes {
        points.sort_by(|left, right| left.rate.total_cmp(&right.rate));
    }
    let mut offered: Vec<f64> =
        meshes.iter().flat_map(|(_, _, points)| points).map(|point| point.rate).collect();
    offered.sort_by(f64::total_cmp);
    offered.dedup();
    if offered.len() < 2 {
        return Ok(None);
    }
    let points = || meshes.iter().flat_map(|(_, _, points)| points);
    let values = || points().flat_map(|point| [point.metric.min, point.metric.max]);
    let y = match view.is_logarithmic {
        true => Axis::logarithmic(view.what, values(), view.show),
        false => Axis::from_zero(view.what, values(), view.show),
    };
    let rate = |rate: f64| format!("{rate}");
    let (Some(y), Some(x)) = (y, Axis::from_zero("offered rate, requests per second", offered.clone(), rate))
    else {
        return Ok(None);
    };
    let image = draw(&x, &y, |plot| {
        for (colour, _, points) in &meshes {
            plot.line(points.iter().map(|point| (point.rate, point.metric.median)), Ink::Mesh(*colour))?;
            for Point { rate, metric } in points {
                let ink = if metric.gated { Ink::Mesh(*colour) } else { Ink::Doubtful(*colour) };
                plot.upright(*rate, (metric.min, metric.max), ink)?;
                plot.dot((*rate, metric.median), ink)?;
            }
        }
        Ok(())
    })?;
    Ok(Some(Figure {
        kind: view.kind,
        title: view.what.to_owned(),
        note: format!("Dots: median over runs. Lines: from the least to the most of the runs. {}", view.knee),
        image,
        x,
        y,
        table: table(&meshes, &offered, view.show),
    }))
}

fn table(meshes: &[(usize, &str, Vec<Point<'_>>)], offered: &[f64], show: fn(f64) -> String) -> DataTable {
    let columns: Vec<String> = offered.iter().map(|rate| Number::Rate.show(*rate)).collect();
    let mut table = DataTable::of(std::iter::once("mesh").chain(columns.iter().map(String::as_str)));
    for (_, mesh, points) in meshes {
        let cell = |rate: &f64| {
            let point = points.iter().find(|point| point.rate == *rate);
            point.map_or_else(|| "–".to_owned(), |point| show(point.metric.median))
        };
        table.rows.push(std::iter::once((*mesh).to_owned()).chain(offered.iter().map(cell)).collect());
    }
    table
}
