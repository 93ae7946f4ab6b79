//! What each mesh costs: CPU time per request, CPU and memory, by group and of the nodes without the application.

use meshbench_core::report::RunReport;
use meshbench_core::resources::Group;
use meshbench_core::statistics::median;

use super::scene::{Scene, Shown};
use super::{DataTable, Figure, MEBIBYTE};
use crate::format::Number;
use crate::html::HtmlError;
use crate::html::axis::Axis;
use crate::html::canvas::Ink;
use crate::html::plot::draw;

/// What a bar is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Group(Group),
    NodesWithoutApplication,
}

/// What somebody used in a run.
struct Used {
    cpu_ns: u64,
    memory_bytes: u64,
}

/// One way of looking at it.
struct View {
    kind: &'static str,
    title: &'static str,
    y_title: &'static str,
    of_run: fn(&RunReport, &Used) -> Option<f64>,
    show: fn(f64) -> String,
}

const MEMORY: &str = "memory";
const VIEWS: [View; 3] = [
    View {
        kind: "cpu-per-request",
        title: "CPU time per answered request",
        y_title: "CPU time per request",
        of_run: |run, used| Some(used.cpu_ns as f64 / run.answered()?),
        show: |ns| Number::Duration.show(ns),
    },
    View {
        kind: "cpu",
        title: "CPU in use",
        y_title: "cores: 1 is one core busy throughout",
        of_run: |run, used| Some(used.cpu_ns as f64 / 1e9 / run.window_seconds),
        show: cores,
    },
    View {
        kind: MEMORY,
        title: "Memory, the largest resident set in the window",
        y_title: "resident memory",
        of_run: |_, used| Some(used.memory_bytes as f64),
        show: |bytes| Number::Bytes.show(bytes),
    },
];

impl Whose {
    /// All of whom a chart can have a bar, in order.
    fn all() -> impl Iterator<Item = Self> {
        Group::ALL.into_iter().map(Self::Group).chain([Self::NodesWithoutApplication])
    }

    fn name(self) -> &'static str {
        match self {
            Self::Group(group) => group.name(),
            Self::NodesWithoutApplication => "nodes minus application",
        }
    }

    /// `None` where a run has nothing of it.
    fn used_in(self, run: &RunReport) -> Option<Used> {
        match self {
            Self::Group(group) => {
                let used = run.groups.get(&group).filter(|used| used.containers > 0)?;
                Some(Used { cpu_ns: used.cpu_ns, memory_bytes: used.resident_bytes })
            }
            Self::NodesWithoutApplication => {
                let used = run.node_overhead.as_ref()?;
                Some(Used { cpu_ns: used.cpu_ns, memory_bytes: used.working_set_bytes })
            }
        }
    }
}

/// Cores with three significant digits.
pub(super) fn cores(cores: f64) -> String {
    if cores == 0.0 { "0".to_owned() } else { format!("{cores:.3}") }
}

/// A chart for each view; none where no run has any group.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(in crate::html) fn resources(scene: &Scene<'_>) -> Result<Vec<Figure>, HtmlError> {
    let figures: Result<Vec<_>, _> = VIEWS.iter().map(|view| figure(scene, view)).collect();
    Ok(figures?.into_iter().flatten().collect())
}

/// The median over runs, the least and the most.
type Bar = (f64, f64, f64);

fn figure(scene: &Scene<'_>, view: &View) -> Result<Option<Figure>, HtmlError> {
    let has_any = |whose: &Whose| {
        let mut runs = scene.cases.iter().flat_map(Shown::runs);
        runs.any(|run| whose.used_in(run).is_some())
    };
    let bars_of: Vec<Whose> = Whose::all().filter(has_any).collect();
    let bars: Vec<Vec<Option<Bar>>> = scene
        .cases
        .iter()
        .map(|shown| bars_of.iter().map(|whose| bar(shown, *whose, view)).collect())
        .collect();
    let tops = bars.iter().flatten().flatten().map(|(_, _, most)| *most);
    let Some(y) = Axis::from_zero(view.y_title, tops, view.show) else { return Ok(None) };
    let y = if view.kind == MEMORY { y.in_units_of(MEBIBYTE, view.show) } else { y };
    let names = || bars_of.iter().map(|whose| whose.name());
    let x = Axis::of_words("whose", names());
    let half = scene.bar_width() / 2.0;
    let image = draw(&x, &y, |plot| {
        for (index, (shown, bars)) in scene.cases.iter().zip(&bars).enumerate() {
            for (place, bar) in bars.iter().enumerate() {
                let Some((value, least, most)) = bar else { continue };
                let x = scene.beside(place, index);
                plot.rectangle((x - half, 0.0), (x + half, *value), Ink::Mesh(shown.colour))?;
                plot.upright(x, (*least, *most), Ink::Text)?;
            }
        }
        Ok(())
    })?;
    let mut table = DataTable::of(std::iter::once("mesh").chain(names()));
    for (shown, bars) in scene.cases.iter().zip(&bars) {
        let cell = |bar: &Option<Bar>| bar.map_or_else(|| "–".to_owned(), |bar| told(bar, view.show));
        table.rows.push(std::iter::once(shown.case.mesh.clone()).chain(bars.iter().map(cell)).collect());
    }
    Ok(Some(Figure {
        kind: view.kind,
        title: view.title.to_owned(),
        note: "Bars: median over runs. Lines: from the least to the most of the runs.".to_owned(),
        image,
        x,
        y,
        table,
    }))
}

fn bar(shown: &Shown<'_>, whose: Whose, view: &View) -> Option<Bar> {
    let value = |run: &RunReport| (view.of_run)(run, &whose.used_in(run)?);
    let values: Vec<f64> = shown.runs().filter_map(value).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some((median(&values)?, least, most))
}

fn told((value, least, most): Bar, show: fn(f64) -> String) -> String {
    if least == most {
        return show(value);
    }
    format!("{} ({} to {})", show(value), show(least), show(most))
}
