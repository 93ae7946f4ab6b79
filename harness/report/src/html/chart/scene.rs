//! [`Scene`]: the cases that a chart compares, each with its mesh's place in the [`Palette`].

use meshbench_core::metric::Metric;
use meshbench_core::report::{CaseReport, MetricReport, Report, RunReport};

const CONTROL: &str = "bare";

/// Which mesh has which colour: the same in every chart of a report. The control has the first.
#[derive(Debug, Clone)]
pub(in crate::html) struct Palette(Vec<String>);

impl Palette {
    /// A place for each mesh that any of the reports has.
    pub(in crate::html) fn of<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Self {
        let cases = reports.into_iter().flat_map(|report| &report.cases);
        let mut meshes: Vec<String> = cases.map(|case| case.mesh.clone()).collect();
        meshes.push(CONTROL.to_owned());
        meshes.sort_by_key(|mesh| (mesh != CONTROL, mesh.clone()));
        meshes.dedup();
        Self(meshes)
    }

    /// A mesh's place.
    pub(in crate::html) fn place(&self, mesh: &str) -> usize {
        self.0.iter().position(|known| known == mesh).unwrap_or(0)
    }

    /// All meshes in the order of their places.
    pub(in crate::html) fn meshes(&self) -> &[String] {
        &self.0
    }
}

/// The cases of one block group that have a run, and where their colours are.
pub(in crate::html) struct Scene<'a> {
    /// The cases, the control first.
    pub(in crate::html) cases: Vec<Shown<'a>>,
}

/// A case on a chart.
#[derive(Clone, Copy)]
pub(in crate::html) struct Shown<'a> {
    /// The case.
    pub(in crate::html) case: &'a CaseReport,
    /// Its mesh's place in the palette.
    pub(in crate::html) colour: usize,
}

impl<'a> Scene<'a> {
    /// Those of the cases that have a run.
    pub(in crate::html) fn of(cases: &[&'a CaseReport], palette: &Palette) -> Self {
        let with_runs = cases.iter().filter(|case| !case.runs.is_empty());
        let shown = |case: &&'a CaseReport| Shown { case, colour: palette.place(&case.mesh) };
        Self { cases: with_runs.map(shown).collect() }
    }

    /// Whether there is nothing to show.
    pub(in crate::html) fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// The control.
    pub(super) fn control(&self) -> Option<&'a CaseReport> {
        self.cases.first().map(|shown| shown.case).filter(|case| case.mesh == CONTROL)
    }

    /// Where the `index`-th of the cases stands beside `place`, so that none hides another.
    pub(super) fn beside(&self, place: usize, index: usize) -> f64 {
        const ROOM: f64 = 0.8;
        let share = (index as f64 + 0.5) / self.cases.len().max(1) as f64;
        place as f64 + (share - 0.5) * ROOM
    }

    /// How wide a bar may be, so that all of them stand beside each other.
    pub(super) fn bar_width(&self) -> f64 {
        0.7 / self.cases.len().max(1) as f64
    }
}

impl<'a> Shown<'a> {
    /// The runs that its figures are read from: those of blocks that were not left out.
    pub(super) fn runs(&self) -> impl Iterator<Item = &'a RunReport> + use<'a> {
        self.case.counted_runs()
    }

    /// One of its metrics.
    pub(super) fn metric(&self, metric: Metric) -> Option<&'a MetricReport> {
        self.case.metric(metric)
    }
}
