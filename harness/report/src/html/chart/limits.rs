//! How much each mesh carries: the probes of a search, and the answer.

use meshbench_core::limit::Purpose;
use meshbench_core::report::{LimitReport, ProbeFigures, ProbeReport};

use super::by_rate::{Curve, Point, Quantity, Shape, View};
use super::scene::{Scene, Shown};
use super::{DataTable, Figure};
use crate::format::Number;
use crate::html::HtmlError;

const MARKS: &str = "A mark is a probe, a run on a fresh deployment. Dots: the service level was held. Crosses: it was not. A probe whose \
     mesh ended under the load has no figures, and stands in the table only.";

/// The charts of the probes of a block group; none where no limit was looked for.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(in crate::html) fn limits(scene: &Scene<'_>) -> Result<Vec<Figure>, HtmlError> {
    let figures: Result<Vec<_>, _> =
        Quantity::ALL.into_iter().map(|quantity| figure(scene, quantity)).collect();
    Ok(figures?.into_iter().flatten().collect())
}

fn figure(scene: &Scene<'_>, quantity: Quantity) -> Result<Option<Figure>, HtmlError> {
    let kind = match quantity {
        Quantity::P50 => "p50-by-probe",
        Quantity::P99 => "p99-by-probe",
        Quantity::AchievedRate => "achieved-by-probe",
        Quantity::CpuPerRequest => "cpu-by-probe",
        Quantity::DataPlaneMemory => "memory-by-probe",
    };
    let view = View { kind, quantity, marks: MARKS };
    let curves: Vec<_> = scene.cases.iter().filter_map(|shown| curve(shown, quantity)).collect();
    let mut table = DataTable::of(["mesh", "probe", "offered", "measured", "held", "for"]);
    for (curve, limit) in curves.iter().filter_map(|curve| Some((curve, curve.limit?))) {
        let rows = (1..).zip(&limit.probes).map(|(number, probe)| row(curve.mesh, number, probe, &view));
        table.rows.extend(rows);
    }
    view.figure(&curves, table)
}

fn curve<'a>(shown: &Shown<'a>, quantity: Quantity) -> Option<Curve<'a>> {
    let limit: &LimitReport = shown.case.limit.as_ref()?;
    let mut points: Vec<_> = limit.probes.iter().filter_map(|probe| point(probe, quantity)).collect();
    points.sort_by(|left, right| left.rate.total_cmp(&right.rate));
    let (mesh, colour) = (shown.case.mesh.as_str(), shown.colour);
    Some(Curve { mesh, colour, points, limit: Some(limit) })
}

fn point(probe: &ProbeReport, quantity: Quantity) -> Option<Point> {
    let value = value(probe.measured.as_ref()?, quantity)?;
    let shape = if probe.held { Shape::Dot } else { Shape::Cross };
    Some(Point { rate: probe.offered_rps, value, bounds: (value, value), shape })
}

fn value(measured: &ProbeFigures, quantity: Quantity) -> Option<f64> {
    match quantity {
        Quantity::P50 => measured.p50_ns.map(|ns| ns as f64),
        Quantity::P99 => measured.p99_ns.map(|ns| ns as f64),
        Quantity::AchievedRate => Some(measured.achieved_rps),
        Quantity::CpuPerRequest => measured.cpu_ns_per_request,
        Quantity::DataPlaneMemory => Some(measured.data_plane_bytes as f64),
    }
}

fn row(mesh: &str, number: u32, probe: &ProbeReport, view: &View) -> Vec<String> {
    let value = probe.measured.as_ref().and_then(|measured| value(measured, view.quantity));
    let purpose = match probe.purpose {
        Purpose::Locate => "finding it",
        Purpose::Confirm => "confirming it",
        Purpose::Exceed => "a step above it",
    };
    let held = match (probe.held, probe.why.first()) {
        (true, _) => "yes".to_owned(),
        (false, Some(why)) => format!("no: {why}"),
        (false, None) => "no".to_owned(),
    };
    vec![
        mesh.to_owned(),
        number.to_string(),
        Number::Rate.show(probe.offered_rps),
        value.map_or_else(|| "–".to_owned(), |value| view.show(value)),
        held,
        purpose.to_owned(),
    ]
}
