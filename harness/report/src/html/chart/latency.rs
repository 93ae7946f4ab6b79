//! Latency by percentile, for each mesh, and against `bare`.

use meshbench_core::metric::Metric;
use meshbench_core::report::{CaseReport, LatencyTable, RunReport};
use meshbench_core::statistics::median;

use super::scene::{Scene, Shown};
use super::{DataTable, Figure};
use crate::format::Number;
use crate::html::HtmlError;
use crate::html::axis::Axis;
use crate::html::canvas::Ink;
use crate::html::plot::draw;

/// Reads a percentile off a table, in nanoseconds.
type Read = fn(&LatencyTable) -> u64;
/// What stands for a mesh at a percentile.
type Value<'a> = dyn Fn(&Shown<'_>, Metric, Read) -> Option<f64> + 'a;

/// The percentiles that a metric is kept of.
const PERCENTILES: [(Metric, Read); 6] = [
    (Metric::P50, |table| table.p50),
    (Metric::P75, |table| table.p75),
    (Metric::P90, |table| table.p90),
    (Metric::P99, |table| table.p99),
    (Metric::P99_9, |table| table.p99_9),
    (Metric::P99_99, |table| table.p99_99),
];
const MAXIMUM: &str = "max";

/// As people write them: `p99.9`.
fn names() -> impl Iterator<Item = String> {
    PERCENTILES.iter().map(|(metric, _)| metric.name().replace('_', "."))
}

/// One mark: what stands for a mesh at a percentile.
struct Mark {
    value: f64,
    bounds: (f64, f64),
    is_doubtful: bool,
}

/// Each mesh at each percentile, with the least and the most of its runs.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(in crate::html) fn by_percentile(scene: &Scene<'_>) -> Result<Option<Figure>, HtmlError> {
    let marks: Vec<Vec<Option<Mark>>> = scene.cases.iter().map(marks).collect();
    let all = || marks.iter().flatten().flatten();
    let values = all().flat_map(|mark| [mark.value, mark.bounds.0, mark.bounds.1]);
    let duration = |value: f64| Number::Duration.show(value);
    let Some(y) = Axis::logarithmic("latency, each factor of ten as wide as the other", values, duration)
    else {
        return Ok(None);
    };
    let names: Vec<String> = names().chain([MAXIMUM.to_owned()]).collect();
    let names = || names.iter().map(String::as_str);
    let x = Axis::of_words("percentile", names());
    let image = draw(&x, &y, |plot| {
        for (index, (shown, marks)) in scene.cases.iter().zip(&marks).enumerate() {
            for (place, mark) in marks.iter().enumerate() {
                let Some(Mark { value, bounds, is_doubtful }) = mark else { continue };
                let x = scene.beside(place, index);
                let ink = if *is_doubtful { Ink::Doubtful(shown.colour) } else { Ink::Mesh(shown.colour) };
                plot.upright(x, *bounds, ink)?;
                plot.dot((x, *value), ink)?;
            }
        }
        Ok(())
    })?;
    let mut table = DataTable::of(std::iter::once("mesh").chain(names()));
    for (shown, marks) in scene.cases.iter().zip(&marks) {
        let cell = |mark: &Option<Mark>| mark.as_ref().map_or_else(|| "–".to_owned(), Mark::told);
        table.rows.push(std::iter::once(shown.case.mesh.clone()).chain(marks.iter().map(cell)).collect());
    }
    Ok(Some(Figure {
        kind: "latency-by-percentile",
        title: "Latency by percentile".to_owned(),
        note: "Dots: median over runs (max: the worst run). Lines: from the least to the most of the runs. \
               Hollow: fewer than 100 requests beyond it in a run, so that it is shown and never gated."
            .to_owned(),
        image,
        x,
        y,
        table,
    }))
}

fn marks(shown: &Shown<'_>) -> Vec<Option<Mark>> {
    let percentile = |metric: Metric| {
        let report = shown.metric(metric)?;
        let bounds = (report.min, report.max);
        Some(Mark { value: report.median, bounds, is_doubtful: !report.gated })
    };
    let maxima: Vec<f64> = shown.runs().map(|run| run.latency_ns.max as f64).collect();
    let (least, most) = maxima
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(least, most), value| (value.min(least), value.max(most)));
    let maximum = (most > 0.0).then_some(Mark { value: most, bounds: (least, most), is_doubtful: true });
    PERCENTILES.iter().map(|(metric, _)| percentile(*metric)).chain([maximum]).collect()
}

impl Mark {
    fn told(&self) -> String {
        let Self { value, bounds: (least, most), is_doubtful } = self;
        let show = |value: f64| Number::Duration.show(value);
        let doubt = if *is_doubtful { "~" } else { "" };
        if least == most {
            return format!("{}{doubt}", show(*value));
        }
        format!("{}{doubt} ({} to {})", show(*value), show(*least), show(*most))
    }
}

/// What each mesh adds to `bare` in the same block, as a difference and as a ratio; none without both.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(in crate::html) fn over_bare(scene: &Scene<'_>) -> Result<Vec<Figure>, HtmlError> {
    let Some(bare) = scene.control() else { return Ok(Vec::new()) };
    let added =
        |shown: &Shown<'_>, metric: Metric, _: Read| shown.metric(metric).and_then(|report| report.over_bare);
    let ratio = |shown: &Shown<'_>, _: Metric, read: Read| median(&ratios(shown.case, bare, read));
    let duration = |value: f64| Number::Duration.show(value);
    let times = |value: f64| format!("×{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned();
    let figures = [
        against(
            scene,
            &Against {
                kind: "latency-over-bare",
                title: "Latency added to bare, by percentile",
                y_title: "median over blocks of what is above bare in the same block",
                neutral: 0.0,
                value: &added,
                show: &duration,
            },
        )?,
        against(
            scene,
            &Against {
                kind: "latency-ratio",
                title: "Latency as a multiple of bare's, by percentile",
                y_title: "median over blocks of the ratio to bare in the same block",
                neutral: 1.0,
                value: &ratio,
                show: &times,
            },
        )?,
    ];
    Ok(figures.into_iter().flatten().collect())
}

/// One way of putting a mesh against `bare`.
struct Against<'a> {
    kind: &'static str,
    title: &'static str,
    y_title: &'static str,
    /// The value of a mesh that costs nothing.
    neutral: f64,
    value: &'a Value<'a>,
    show: &'a dyn Fn(f64) -> String,
}

fn against(scene: &Scene<'_>, how: &Against<'_>) -> Result<Option<Figure>, HtmlError> {
    let meshes: Vec<_> = scene.cases.iter().enumerate().skip(1).collect();
    let values_of = |shown: &Shown<'_>| -> Vec<Option<f64>> {
        PERCENTILES.iter().map(|(metric, read)| (how.value)(shown, *metric, *read)).collect()
    };
    let values: Vec<_> = meshes.iter().map(|(_, shown)| values_of(shown)).collect();
    let numbers: Vec<f64> = values.iter().flatten().flatten().copied().collect();
    if numbers.is_empty() {
        return Ok(None);
    }
    let Some(y) = Axis::around(how.y_title, numbers.into_iter().chain([how.neutral]), how.show) else {
        return Ok(None);
    };
    let names: Vec<String> = names().collect();
    let names = || names.iter().map(String::as_str);
    let x = Axis::of_words("percentile", names());
    let image = draw(&x, &y, |plot| {
        plot.threshold(how.neutral, Ink::Reference)?;
        for ((index, shown), values) in meshes.iter().zip(&values) {
            for (place, value) in values.iter().enumerate() {
                let Some(value) = value else { continue };
                let x = scene.beside(place, *index);
                let gated = shown.metric(PERCENTILES[place].0).is_some_and(|report| report.gated);
                let ink = if gated { Ink::Mesh(shown.colour) } else { Ink::Doubtful(shown.colour) };
                plot.upright(x, (how.neutral.min(*value), how.neutral.max(*value)), ink)?;
                plot.dot((x, *value), ink)?;
            }
        }
        Ok(())
    })?;
    let mut table = DataTable::of(std::iter::once("mesh").chain(names()));
    for ((_, shown), values) in meshes.iter().zip(&values) {
        let cell = |value: &Option<f64>| value.map_or_else(|| "–".to_owned(), how.show);
        table.rows.push(std::iter::once(shown.case.mesh.clone()).chain(values.iter().map(cell)).collect());
    }
    Ok(Some(Figure {
        kind: how.kind,
        title: how.title.to_owned(),
        note: "Paired: each run against bare in its own block. Hollow: too few requests to gate on."
            .to_owned(),
        image,
        x,
        y,
        table,
    }))
}

/// A percentile of each run over that of `bare` in the same block.
fn ratios(case: &CaseReport, bare: &CaseReport, read: Read) -> Vec<f64> {
    let ratio = |run: &RunReport| {
        let control = bare.counted_runs().find(|other| other.block == run.block)?;
        let below = read(&control.latency_ns);
        (below > 0).then(|| read(&run.latency_ns) as f64 / below as f64)
    };
    case.counted_runs().filter_map(ratio).collect()
}
