//! [`View`]: what was measured of each mesh, over the offered rate.

use super::{DataTable, Figure, MEBIBYTE};
use crate::facts::limit_in_words;
use crate::format::Number;
use crate::html::HtmlError;
use crate::html::axis::Axis;
use crate::html::canvas::Ink;
use crate::html::plot::{Drawn, Plot, draw};
use meshbench_core::report::LimitReport;

/// Rates that are further apart than this factor are shown by their logarithm.
const WIDEST_LINEAR_RANGE: f64 = 20.0;

/// What is shown over the offered rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    /// Median latency, in nanoseconds.
    P50,
    /// 99th percentile of the latency, in nanoseconds.
    P99,
    /// The achieved rate, in requests per second.
    AchievedRate,
    /// CPU time of mesh and application per request, in nanoseconds.
    CpuPerRequest,
    /// Memory of the data plane, in bytes.
    DataPlaneMemory,
}

/// One chart.
pub(super) struct View {
    /// Which chart this is, the same in every report.
    pub(super) kind: &'static str,
    /// What is shown.
    pub(super) quantity: Quantity,
    /// How to read its marks.
    pub(super) marks: &'static str,
}

/// What was measured of one mesh.
pub(super) struct Curve<'a> {
    /// The mesh.
    pub(super) mesh: &'a str,
    /// Its place in the palette.
    pub(super) colour: usize,
    /// In the order of their rates.
    pub(super) points: Vec<Point>,
    /// How much it carries, where the points are probes on the way to that; otherwise they are joined.
    pub(super) limit: Option<&'a LimitReport>,
}

/// A mesh at one rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// The offered rate, in requests per second.
    pub(super) rate: f64,
    /// What stands for the mesh there.
    pub(super) value: f64,
    /// The least and the most of its runs.
    pub(super) bounds: (f64, f64),
    /// How it is marked.
    pub(super) shape: Shape,
}

/// The mark of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Filled.
    Dot,
    /// Hollow: too few requests stand behind it.
    Ring,
    /// A rate that was not held.
    Cross,
}

impl Quantity {
    /// All, in the order of their charts.
    pub(super) const ALL: [Self; 5] =
        [Self::P50, Self::P99, Self::AchievedRate, Self::CpuPerRequest, Self::DataPlaneMemory];

    const fn title(self) -> &'static str {
        match self {
            Self::P50 => "Median latency by offered rate",
            Self::P99 => "99th percentile by offered rate",
            Self::AchievedRate => "Achieved against offered rate",
            Self::CpuPerRequest => "CPU time per request by offered rate",
            Self::DataPlaneMemory => "Memory of the data plane by offered rate",
        }
    }

    const fn axis_title(self) -> &'static str {
        match self {
            Self::P50 | Self::P99 => "latency, each factor of ten as wide as the other",
            Self::AchievedRate => "achieved rate, requests per second",
            Self::CpuPerRequest => "CPU time of mesh and application",
            Self::DataPlaneMemory => "resident memory",
        }
    }

    /// What a curve that bends says.
    const fn knee(self) -> &'static str {
        match self {
            Self::P50 | Self::P99 => "Where a curve turns upwards, the mesh begins to queue.",
            Self::AchievedRate => "Where a mesh leaves the dotted line, it no longer keeps up.",
            Self::CpuPerRequest => {
                "Waking up from idle costs CPU too: it is shared by more requests at higher rates."
            }
            Self::DataPlaneMemory => "What waits at the limit is kept in memory.",
        }
    }

    fn show(self, value: f64) -> String {
        let number = match self {
            Self::P50 | Self::P99 | Self::CpuPerRequest => Number::Duration,
            Self::AchievedRate => Number::Rate,
            Self::DataPlaneMemory => Number::Bytes,
        };
        number.show(value)
    }
}

impl View {
    /// The chart of these curves; `None` where they have fewer than two rates.
    ///
    /// # Errors
    /// [`HtmlError::Chart`].
    pub(super) fn figure(&self, curves: &[Curve<'_>], table: DataTable) -> Result<Option<Figure>, HtmlError> {
        let quantity = self.quantity;
        let points = || curves.iter().flat_map(|curve| &curve.points);
        let rates: Vec<f64> = points().map(|point| point.rate).collect();
        let Some((x, y)) = self.axes(curves).filter(|_| rates.iter().any(|rate| *rate != rates[0])) else {
            return Ok(None);
        };
        let image = draw(&x, &y, |plot| {
            if quantity == Quantity::AchievedRate {
                let (least, most) = ends(&rates);
                plot.line([(least, least), (most, most)], Ink::Reference)?;
            }
            for curve in curves {
                curve.draw_limit(plot)?;
            }
            curves.iter().try_for_each(|curve| curve.draw(plot))
        })?;
        let title = quantity.title().to_owned();
        let note = format!("{} {}{}", self.marks, quantity.knee(), limits_in_words(curves));
        Ok(Some(Figure { kind: self.kind, title, note, image, x, y, table }))
    }

    fn axes(&self, curves: &[Curve<'_>]) -> Option<(Axis, Axis)> {
        let (quantity, title) = (self.quantity, self.quantity.axis_title());
        let show = |value: f64| quantity.show(value);
        let points = || curves.iter().flat_map(|curve| &curve.points);
        let limits = curves.iter().filter_map(|curve| curve.limit?.interval_rps);
        let limits = limits.flat_map(|interval| [interval.low, interval.high]);
        let rates: Vec<f64> = points().map(|point| point.rate).chain(limits).collect();
        let values = points().flat_map(|point| [point.bounds.0, point.bounds.1]);
        let (least, most) = ends(&rates);
        let is_wide = most > WIDEST_LINEAR_RANGE * least;
        let along = |title: &str, values: Vec<f64>, label: &dyn Fn(f64) -> String| match is_wide {
            true => Axis::logarithmic(title, values, label),
            false => Axis::from_zero(title, values, label),
        };
        let y = match quantity {
            Quantity::P50 | Quantity::P99 => Axis::logarithmic(title, values, show),
            Quantity::AchievedRate => {
                along(title, values.chain(rates.clone()).collect(), &|rate| rate.to_string())
            }
            Quantity::CpuPerRequest => Axis::from_zero(title, values, show),
            Quantity::DataPlaneMemory => {
                Axis::from_zero(title, values, show).map(|axis| axis.in_units_of(MEBIBYTE, show))
            }
        };
        Some((along("offered rate, requests per second", rates, &|rate| rate.to_string())?, y?))
    }

    /// A value in the words of this chart.
    pub(super) fn show(&self, value: f64) -> String {
        self.quantity.show(value)
    }
}

impl Curve<'_> {
    fn draw(&self, plot: &Plot<'_, '_>) -> Drawn {
        if self.limit.is_none() {
            plot.band(self.points.iter().map(|point| (point.rate, point.bounds)), Ink::Band(self.colour))?;
            plot.line(self.points.iter().map(|point| (point.rate, point.value)), Ink::Mesh(self.colour))?;
        }
        for Point { rate, value, shape, .. } in &self.points {
            match shape {
                Shape::Dot => plot.dot((*rate, *value), Ink::Mesh(self.colour))?,
                Shape::Ring => plot.dot((*rate, *value), Ink::Doubtful(self.colour))?,
                Shape::Cross => plot.cross((*rate, *value), Ink::Mesh(self.colour))?,
            }
        }
        Ok(())
    }

    fn draw_limit(&self, plot: &Plot<'_, '_>) -> Drawn {
        let Some(limit) = self.limit else { return Ok(()) };
        if let Some(interval) = limit.interval_rps {
            plot.stretch(interval.low, interval.high, Ink::Band(self.colour))?;
        }
        limit.rps.map_or(Ok(()), |rate| plot.moment(rate, Ink::Second(self.colour)))
    }
}

fn limits_in_words(curves: &[Curve<'_>]) -> String {
    let words = |curve: &Curve<'_>| {
        let limit = curve.limit.filter(|limit| limit.rps.is_some())?;
        Some(format!("{} {}", curve.mesh, limit_in_words(limit)))
    };
    let words: Vec<String> = curves.iter().filter_map(words).collect();
    if words.is_empty() {
        return String::new();
    }
    format!(" Upright lines: what a mesh carries at most, with its 95% interval: {}.", words.join("; "))
}

fn ends(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (value.min(least), value.max(most)))
}
