//! [`Sweep`]: the block groups of a scenario that differ by their rate, side by side.

use meshbench_core::judge::Verdict;
use meshbench_core::metric::Metric;
use meshbench_core::report::{CaseReport, MetricReport, Report};
use meshbench_core::units::OfferedRate;

use super::table::{Cell, Column, Table, Tone};
use crate::format::Number;

/// Meshes that a console has room for beside each other, with names of so many letters.
const MOST_MESHES_ABREAST: usize = 4;
const LONGEST_NAME: usize = 16;
/// Where less than this share of the offered requests was answered well, latency is not all there is to say.
const LEAST_ANSWERED_WELL: f64 = 0.99;

const LEGEND: &str = "(…%) answered well and in time, of the offered requests, where that is below 99%";

/// The cases of one scenario at several rates, under the same conditions otherwise.
pub(crate) struct Sweep<'a> {
    /// `scenario · duration`, the placement where there are several, and the cluster where it ran on several.
    pub(crate) title: String,
    /// Its cases, the control's first, in the order of their rates.
    pub(crate) cases: Vec<SweptCase<'a>>,
}

/// A case and the rate of its name.
#[derive(Clone, Copy)]
pub(crate) struct SweptCase<'a> {
    /// Requests per second.
    pub(crate) rate: f64,
    /// The case.
    pub(crate) case: &'a CaseReport,
}

/// Every scenario and its other conditions of which there are cases at two rates or more, in the order of their first case.
pub(crate) fn sweeps(report: &Report) -> Vec<Sweep<'_>> {
    let mut sweeps: Vec<Sweep<'_>> = Vec::new();
    for case in &report.cases {
        let Some((title, rate)) = place(case) else { continue };
        let swept = SweptCase { rate, case };
        match sweeps.iter_mut().find(|sweep| sweep.title == title) {
            Some(sweep) => sweep.cases.push(swept),
            None => sweeps.push(Sweep { title, cases: vec![swept] }),
        }
    }
    sweeps.retain(|sweep| {
        sweep.rates().len() > 1 && sweep.cases.iter().any(|swept| !swept.case.runs.is_empty())
    });
    for sweep in &mut sweeps {
        let key = |swept: &SweptCase<'_>| swept.case.mesh != "bare";
        sweep.cases.sort_by(|left, right| key(left).cmp(&key(right)).then(left.rate.total_cmp(&right.rate)));
    }
    sweeps
}

/// What the group of a case is called without its rate, and that; `None` where it has none.
fn place(case: &CaseReport) -> Option<(String, f64)> {
    let mut parts = case.group_anywhere().split("::");
    let (scenario, rate) = (parts.next()?, parts.next()?);
    let rate: OfferedRate = rate.parse().ok()?;
    let others = parts.collect::<Vec<_>>().join(" · ");
    let cluster =
        case.cluster_of_several().map_or_else(String::new, |cluster| format!(" · cluster {cluster}"));
    Some((format!("{scenario} · {others}{cluster}"), rate.requests_per_second()))
}

impl<'a> Sweep<'a> {
    /// Its rates, each once, in ascending order.
    pub(crate) fn rates(&self) -> Vec<f64> {
        let mut rates: Vec<f64> = self.cases.iter().map(|swept| swept.rate).collect();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        rates
    }

    /// Its meshes, each once, the control first.
    pub(crate) fn meshes(&self) -> Vec<&'a str> {
        let mut meshes: Vec<&str> = Vec::new();
        for swept in &self.cases {
            if !meshes.contains(&swept.case.mesh.as_str()) {
                meshes.push(&swept.case.mesh);
            }
        }
        meshes
    }

    /// The 99th percentile of each mesh at each rate, in one table.
    pub(crate) fn table(&self) -> Table {
        self.table_of(&self.meshes())
    }

    /// The same in as many tables as a console needs for them.
    pub(crate) fn narrow_tables(&self) -> Vec<Table> {
        self.meshes().chunks(MOST_MESHES_ABREAST).map(|meshes| self.table_of(meshes)).collect()
    }

    /// The words that explain the marks in these tables; `None` where there are none.
    pub(crate) fn legend(&self) -> Option<&'static str> {
        let mut shares = self.cases.iter().filter_map(|swept| answered_well(swept.case));
        shares.any(|share| share < LEAST_ANSWERED_WELL).then_some(LEGEND)
    }

    fn table_of(&self, meshes: &[&str]) -> Table {
        let mut columns = vec![Column::plain("offered")];
        columns.extend(meshes.iter().map(|mesh| Column::named("p99", &shortened(mesh), mesh)));
        let row = |rate: &f64| {
            let mut row = vec![Cell::new(Number::Rate.show(*rate), Tone::Plain)];
            row.extend(meshes.iter().map(|mesh| self.cell(*rate, mesh)));
            row
        };
        Table { columns, rows: self.rates().iter().map(row).collect() }
    }

    fn cell(&self, rate: f64, mesh: &str) -> Cell {
        let found = self.cases.iter().find(|swept| swept.rate == rate && swept.case.mesh == mesh);
        let Some(SweptCase { case, .. }) = found else { return Cell::absent() };
        if matches!(case.verdict, Verdict::NotRun { .. }) {
            return Cell::new("not run", Tone::Doubtful);
        }
        // The difference to bare is in the tables of each rate; here its place is for what was answered.
        let alone = |report: &MetricReport| MetricReport { over_bare: None, ..report.clone() };
        let mut cell = Cell::metric(case.metric(Metric::P99).map(alone).as_ref(), Number::Duration);
        if let Some(share) = answered_well(case).filter(|share| *share < LEAST_ANSWERED_WELL) {
            cell.difference = format!("({})", Number::Percent.show(share));
        }
        if Cell::verdict(case).tone == Tone::Bad {
            cell.tone = Tone::Bad;
        }
        cell
    }
}

/// Successes within the window as a share of what was offered, the median over runs of either factor.
fn answered_well(case: &CaseReport) -> Option<f64> {
    let median = |metric| case.metric(metric).map(|metric| metric.median);
    Some(median(Metric::AchievedShare)? * (1.0 - median(Metric::ErrorShare)?))
}

fn shortened(mesh: &str) -> String {
    if mesh.chars().count() <= LONGEST_NAME {
        return mesh.to_owned();
    }
    mesh.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}
