//! [`Table`]: the figures of a block group, one row per mesh, ready to be laid out in any format.

use meshbench_core::judge::Verdict;
use meshbench_core::metric::Metric;
use meshbench_core::report::{CaseReport, MetricReport, RunReport};

use crate::format::Number;

/// The latency metrics that tables show.
pub(super) const LATENCIES: [Metric; 3] = [Metric::P50, Metric::P90, Metric::P99];
const ABSENT: &str = "–";

/// Figures in rows and columns.
pub(crate) struct Table {
    /// The columns; the first names the rows.
    pub(crate) columns: Vec<Column>,
    /// The rows, each with a cell for every column.
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// What it and its neighbours of the same section count; empty when the name says it all.
    pub(crate) section: &'static str,
    /// Its name where space is short.
    pub(crate) short: &'static str,
    /// Its name in full.
    pub(crate) full: &'static str,
}

/// One figure or word.
pub(crate) struct Cell {
    /// What is to be read.
    pub(crate) text: String,
    /// The difference over `bare`, for example `(+1.90)`; empty when there is none.
    pub(crate) difference: String,
    /// How it should look where looks are possible.
    pub(crate) tone: Tone,
}

/// What a text means for the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing special.
    Plain,
    /// A title.
    Heading,
    /// Good news.
    Good,
    /// Bad news.
    Bad,
    /// To be taken with care.
    Doubtful,
    /// Of less weight than what is around it.
    Faint,
}

/// Verdict, latency, errors and achieved rate of each case.
pub(crate) fn latency_table(cases: &[&CaseReport]) -> Table {
    let mut columns = ["mesh", "verdict", "p50", "p90", "p99", "max", "errors"].map(Column::plain).to_vec();
    columns.push(Column { section: "", short: "rate", full: "achieved / offered rate" });
    let row = |case: &&CaseReport| {
        let max = case.pooled_latency_ns.max as f64;
        let max = Some(max).filter(|_| case.pooled_latency_ns.count > 0);
        let mut row = vec![Cell::new(&case.mesh, Tone::Plain), Cell::verdict(case)];
        row.extend(LATENCIES.map(|metric| Cell::metric(case.metric(metric), Number::Duration)));
        row.extend([
            Cell::number(max, Number::Duration),
            Cell::number(median(case, Metric::ErrorShare), Number::Percent),
            Cell::number(median(case, Metric::AchievedShare), Number::Percent),
        ]);
        row
    };
    Table { columns, rows: cases.iter().map(row).collect() }
}

/// CPU, memory and the state of the instrument in each case.
pub(crate) fn resource_table(cases: &[&CaseReport]) -> Table {
    let metrics = shown_resources(cases);
    let mut columns = vec![Column::plain("mesh")];
    columns.extend(metrics.iter().map(|(_, column, _)| *column));
    columns.extend(GENERATOR);
    let row = |case: &&CaseReport| {
        let mut row = vec![Cell::new(&case.mesh, Tone::Plain)];
        row.extend(metrics.iter().map(|(metric, _, number)| {
            let mut cell = Cell::metric(case.metric(*metric), *number);
            if !is_compared(*metric) {
                cell.difference.clear();
            }
            cell
        }));
        row.push(Cell::number(worst(case, |run| run.generator_cpu_share), Number::Percent));
        row.push(Cell::number(worst(case, |run| run.send_lag_ns.p99 as f64), Number::Duration));
        row
    };
    Table { columns, rows: cases.iter().map(row).collect() }
}

const CPU: &str = "CPU-µs per request";
const MEMORY: &str = "memory MiB";
const GENERATOR: [Column; 2] = [
    Column { section: "generator", short: "CPU", full: "CPU share" },
    Column { section: "generator", short: "lag p99", full: "send lag p99" },
];

type ShownResource = (Metric, Column, Number);

/// The resources to show: those of a control plane only where there is one.
fn shown_resources(cases: &[&CaseReport]) -> Vec<ShownResource> {
    let cpu = |metric, short, full| (metric, Column { section: CPU, short, full }, Number::Microseconds);
    let memory = |metric, short, full| (metric, Column { section: MEMORY, short, full }, Number::Mebibytes);
    let is_control_plane =
        |metric| matches!(metric, Metric::ControlPlaneCpuPerRequest | Metric::ControlPlaneMemory);
    let has_control_plane = cases.iter().any(|case| {
        let used = |metric| median(case, metric).is_some_and(|used| used > 0.0);
        used(Metric::ControlPlaneCpuPerRequest) || used(Metric::ControlPlaneMemory)
    });
    [
        cpu(Metric::DataPlaneCpuPerRequest, "data", "data plane"),
        cpu(Metric::ApplicationCpuPerRequest, "app", "application"),
        cpu(Metric::ControlPlaneCpuPerRequest, "control", "control plane"),
        cpu(Metric::CpuPerRequest, "total", "total"),
        memory(Metric::DataPlaneMemory, "data", "data plane"),
        memory(Metric::ApplicationMemory, "app", "application"),
        memory(Metric::ControlPlaneMemory, "control", "control plane"),
    ]
    .into_iter()
    .filter(|(metric, ..)| has_control_plane || !is_control_plane(*metric))
    .collect()
}

/// `bare` has no planes, so a difference over it repeats the value; memory is read side by side.
const fn is_compared(metric: Metric) -> bool {
    matches!(metric, Metric::ApplicationCpuPerRequest | Metric::CpuPerRequest)
}

fn median(case: &CaseReport, metric: Metric) -> Option<f64> {
    case.metric(metric).map(|report| report.median)
}

fn worst(case: &CaseReport, figure: fn(&RunReport) -> f64) -> Option<f64> {
    case.runs.iter().map(figure).max_by(f64::total_cmp)
}

impl Column {
    pub(super) const fn plain(name: &'static str) -> Self {
        Self { section: "", short: name, full: name }
    }
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), difference: String::new(), tone }
    }

    fn number(value: Option<f64>, number: Number) -> Self {
        match value {
            Some(value) => Self::new(number.show(value), Tone::Plain),
            None => Self::new(ABSENT, Tone::Faint),
        }
    }

    fn metric(report: Option<&MetricReport>, number: Number) -> Self {
        let Some(MetricReport { median, gated, over_bare, .. }) = report else {
            return Self::number(None, number);
        };
        let (mark, tone) = if *gated { ("", Tone::Plain) } else { ("~", Tone::Faint) };
        let difference =
            over_bare.map(|over_bare| format!("({}){mark}", number.difference(*median, over_bare)));
        // The mark ends the cell, wherever that is.
        let own_mark = if difference.is_some() { "" } else { mark };
        Self {
            text: format!("{}{own_mark}", number.show(*median)),
            difference: difference.unwrap_or_default(),
            tone,
        }
    }

    fn verdict(case: &CaseReport) -> Self {
        let tone = match (&case.verdict, case.selected) {
            (Verdict::Pass | Verdict::NoChange | Verdict::Improved { .. }, true) => Tone::Good,
            (Verdict::Pass | Verdict::NoChange | Verdict::Improved { .. }, false) => Tone::Faint,
            (Verdict::Fail { .. } | Verdict::Regressed { .. } | Verdict::Error { .. }, _) => Tone::Bad,
            (Verdict::Invalid { .. } | Verdict::Inconclusive { .. } | Verdict::NewBaseline { .. }, _) => {
                Tone::Doubtful
            }
        };
        let tier = case.tier.map_or_else(String::new, |tier| format!(" {tier}"));
        let words = if case.selected { format!("{}{tier}", case.verdict.word()) } else { "control".into() };
        Self::new(words, tone)
    }
}
