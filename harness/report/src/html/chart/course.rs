//! How the runs went, second by second.

use std::ops::Range;

use meshbench_core::course::{Stretch, UseUntil};
use meshbench_core::report::RunReport;
use meshbench_core::resources::Group;

use super::resources::cores;
use super::scene::{Scene, Shown};
use super::{DataTable, Figure, MEBIBYTE};
use crate::format::Number;
use crate::html::HtmlError;
use crate::html::axis::Axis;
use crate::html::canvas::Ink;
use crate::html::plot::{Plot, draw};

/// About how many points all lines of one chart have at most: more make a page heavy, and no line clearer.
const MOST_POINTS: usize = 4_000;

const MEMORY: &str = "memory-over-time";

/// One line: a run's values over time.
struct Line {
    ink: Ink,
    points: Vec<(f64, f64)>,
}

/// What a chart over time shows.
struct View {
    kind: &'static str,
    title: &'static str,
    y_title: &'static str,
    note: &'static str,
    is_logarithmic: bool,
    show: fn(f64) -> String,
}

/// Charts of latency, rate, CPU and memory over time; none where no run has a course.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(in crate::html) fn courses(scene: &Scene<'_>) -> Result<Vec<Figure>, HtmlError> {
    let latency = lines(scene, |shown, run| {
        let median =
            Line { ink: Ink::Mesh(shown.colour), points: places(run, |second| second.p50_ns as f64) };
        let tail =
            Line { ink: Ink::Second(shown.colour), points: places(run, |second| second.p99_ns as f64) };
        vec![median, tail]
    });
    let rate = lines(scene, |shown, run| vec![Line { ink: Ink::Run(shown.colour), points: rates(run) }]);
    let cpu = lines(scene, |shown, run| {
        vec![Line { ink: Ink::Run(shown.colour), points: summed(run, |point| point.cpu_cores) }]
    });
    let memory = lines(scene, |shown, run| {
        vec![Line { ink: Ink::Run(shown.colour), points: summed(run, |point| point.resident_bytes as f64) }]
    });
    let offered: Vec<f64> = runs(scene).filter_map(|run| run.offered_rate).collect();
    let figures = [
        figure(
            scene,
            &latency,
            &[],
            &View {
                kind: "latency-over-time",
                title: "Latency over time",
                y_title: "latency, second by second",
                note: "Whole lines: the median of each second. Dashed: its 99th percentile. In windows above 100 s, of several \
                   seconds together: the median of the medians, the largest 99th percentile.",
                is_logarithmic: true,
                show: |ns| Number::Duration.show(ns),
            },
        )?,
        figure(
            scene,
            &rate,
            &offered,
            &View {
                kind: "rate-over-time",
                title: "Achieved rate over time",
                y_title: "answers and failures per second",
                note: "Level line: the offered rate.",
                is_logarithmic: false,
                show: |rate| Number::Rate.show(rate),
            },
        )?,
        figure(
            scene,
            &cpu,
            &[],
            &View {
                kind: "cpu-over-time",
                title: "CPU over time, mesh and application",
                y_title: "cores, the load generator apart",
                note: "From cumulative counters, so that no burst is missed.",
                is_logarithmic: false,
                show: cores,
            },
        )?,
        figure(
            scene,
            &memory,
            &[],
            &View {
                kind: MEMORY,
                title: "Memory over time, mesh and application",
                y_title: "resident memory, the load generator apart",
                note: "Summed over all containers.",
                is_logarithmic: false,
                show: |bytes| Number::Bytes.show(bytes),
            },
        )?,
    ];
    Ok(figures.into_iter().flatten().collect())
}

fn runs<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a RunReport> {
    scene.cases.iter().flat_map(Shown::runs)
}

/// The lines of all runs.
fn lines<'a>(scene: &Scene<'a>, of_run: impl Fn(&Shown<'a>, &RunReport) -> Vec<Line>) -> Vec<Line> {
    let of_mesh = |shown: &Shown<'a>| shown.runs().flat_map(|run| of_run(shown, run)).collect::<Vec<_>>();
    scene.cases.iter().flat_map(of_mesh).collect()
}

/// As many of the points as a chart can show: of neighbours the one in the middle by value, or the largest where the line
/// is one of the worst.
fn thinned(lines: &[Line]) -> Vec<Line> {
    let points: usize = lines.iter().map(|line| line.points.len()).sum();
    let neighbours = points.div_ceil(MOST_POINTS).max(1);
    let thin = |line: &Line| {
        let shown = |chunk: &[(f64, f64)]| {
            let mut by_value = chunk.to_vec();
            by_value.sort_by(|left, right| left.1.total_cmp(&right.1));
            let place =
                if matches!(line.ink, Ink::Second(_)) { by_value.len() - 1 } else { by_value.len() / 2 };
            by_value.get(place).copied()
        };
        Line { ink: line.ink, points: line.points.chunks(neighbours).filter_map(shown).collect() }
    };
    lines.iter().map(thin).collect()
}

fn places(run: &RunReport, value: fn(&Stretch) -> f64) -> Vec<(f64, f64)> {
    let stretches = run.course.stretches.iter().map(|second| (second.until_seconds, value(second)));
    stretches.filter(|(_, value)| *value > 0.0).collect()
}

fn rates(run: &RunReport) -> Vec<(f64, f64)> {
    let mut from = 0.0;
    let rate = |second: &Stretch| {
        let lasted = second.until_seconds - std::mem::replace(&mut from, second.until_seconds);
        (lasted > 0.0).then(|| (second.until_seconds, second.requests as f64 / lasted))
    };
    run.course.stretches.iter().filter_map(rate).collect()
}

/// A value of all measured groups together at each reading.
fn summed(run: &RunReport, value: fn(&UseUntil) -> f64) -> Vec<(f64, f64)> {
    let mut groups = Group::MEASURED.iter().filter_map(|group| run.course.groups.get(group));
    let Some(first) = groups.next() else { return Vec::new() };
    let mut sum: Vec<_> = first.iter().map(|point| (point.at_seconds, value(point))).collect();
    for group in groups {
        for ((_, sum), point) in sum.iter_mut().zip(group) {
            *sum += value(point);
        }
    }
    sum
}

fn figure(
    scene: &Scene<'_>,
    lines: &[Line],
    thresholds: &[f64],
    view: &View,
) -> Result<Option<Figure>, HtmlError> {
    let values = || lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
    let with_thresholds = values().chain(thresholds.iter().copied());
    let y = match view.is_logarithmic {
        true => Axis::logarithmic(view.y_title, with_thresholds, view.show),
        false => Axis::from_zero(view.y_title, with_thresholds, view.show),
    };
    let y = if view.kind == MEMORY { y.map(|y| y.in_units_of(MEBIBYTE, view.show)) } else { y };
    let (Some(y), Some(seconds)) = (y, seconds(scene)) else { return Ok(None) };
    if values().next().is_none() {
        return Ok(None);
    }
    let label = |seconds: f64| format!("{seconds}s");
    let x = Axis::between("seconds since the window opened", seconds.start, seconds.end, label);
    let image = draw(&x, &y, |plot| {
        if seconds.start < 0.0 {
            plot.stretch(seconds.start, 0.0, Ink::Shade)?;
        }
        for threshold in thresholds {
            plot.threshold(*threshold, Ink::Reference)?;
        }
        draw_lines(plot, &thinned(lines))?;
        for happening in runs(scene).flat_map(|run| &run.course.happenings) {
            plot.moment(happening.at_seconds, Ink::Happening)?;
        }
        Ok(())
    })?;
    let shaded = if seconds.start < 0.0 { " Shaded: warm-up, under load and not recorded." } else { "" };
    Ok(Some(Figure {
        kind: view.kind,
        title: view.title.to_owned(),
        note: format!("{}{shaded}{}", view.note, happenings(scene)),
        image,
        x,
        y,
        table: table(scene, lines, view.show),
    }))
}

fn draw_lines(
    plot: &Plot<'_, '_>,
    lines: &[Line],
) -> Result<(), plotters::drawing::DrawingAreaErrorKind<std::convert::Infallible>> {
    for line in lines {
        match line.points.as_slice() {
            [point] => plot.small_dot(*point, line.ink)?,
            points => plot.line(points.iter().copied(), line.ink)?,
        }
    }
    Ok(())
}

/// From the start of the longest warm-up to the end of the longest window.
fn seconds(scene: &Scene<'_>) -> Option<Range<f64>> {
    let warm_up = runs(scene).map(|run| run.course.warm_up_seconds).fold(0.0, f64::max);
    let window = runs(scene).map(|run| run.window_seconds).fold(0.0, f64::max);
    (window > 0.0).then_some(-warm_up..window)
}

/// What happened to containers, with whose.
fn happenings(scene: &Scene<'_>) -> String {
    const SHOWN: usize = 4;
    let of_mesh = |shown: &Shown<'_>| {
        let mesh = shown.case.mesh.clone();
        let told = |run: &RunReport| {
            let told = run.course.happenings.iter().map(|happening| {
                format!("{mesh}, block {}: {} ({:.1}s)", run.block, happening.what, happening.at_seconds)
            });
            told.collect::<Vec<_>>()
        };
        shown.runs().flat_map(told).collect::<Vec<_>>()
    };
    let all: Vec<String> = scene.cases.iter().flat_map(of_mesh).collect();
    if all.is_empty() {
        return String::new();
    }
    let more = all.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!(" Upright lines: {}{more}.", all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; "))
}

/// The least, the middle and the most of each mesh's lines.
fn table(scene: &Scene<'_>, lines: &[Line], show: fn(f64) -> String) -> DataTable {
    let mut table = DataTable::of(["mesh", "line", "least", "median", "most"]);
    for shown in &scene.cases {
        let inks = [
            ("each point", Ink::Run(shown.colour)),
            ("median", Ink::Mesh(shown.colour)),
            ("99th percentile", Ink::Second(shown.colour)),
        ];
        for (name, ink) in inks {
            let of_mesh = lines.iter().filter(|line| line.ink == ink);
            let mut values: Vec<f64> =
                of_mesh.flat_map(|line| &line.points).map(|(_, value)| *value).collect();
            values.sort_by(f64::total_cmp);
            let [Some(least), Some(middle), Some(most)] =
                [values.first(), values.get(values.len() / 2), values.last()]
            else {
                continue;
            };
            let numbers = [*least, *middle, *most].map(show);
            table.rows.push([shown.case.mesh.clone(), name.to_owned()].into_iter().chain(numbers).collect());
        }
    }
    table
}
