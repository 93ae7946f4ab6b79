//! [`Table`]: the figures of a block group, one row per mesh, ready to be laid out in any format.

use std::borrow::Cow;

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
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// What it and its neighbours of the same section count; empty when the name says it all.
    pub(crate) section: &'static str,
    /// Its name where space is short.
    pub(crate) short: Cow<'static, str>,
    /// Its name in full.
    pub(crate) full: Cow<'static, str>,
}

/// One figure or word.
#[derive(Debug, Clone)]
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
    columns.push(Column::fixed("", "rate", "achieved / offered rate"));
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
    columns.extend(metrics.iter().map(|(_, column, _)| column.clone()));
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
const GENERATOR: [Column; 2] =
    [Column::fixed("generator", "CPU", "CPU share"), Column::fixed("generator", "lag p99", "send lag p99")];

type ShownResource = (Metric, Column, Number);

/// The resources to show: those of a control plane, of its proxies and of nodes only where there are any.
fn shown_resources(cases: &[&CaseReport]) -> Vec<ShownResource> {
    let cpu = |metric, short, full| (metric, Column::fixed(CPU, short, full), Number::Microseconds);
    let memory = |metric, short, full| (metric, Column::fixed(MEMORY, short, full), Number::Mebibytes);
    let any = |metrics: [Metric; 2]| {
        let used = |metric| cases.iter().filter_map(|case| median(case, metric)).any(|used| used > 0.0);
        metrics.into_iter().any(used)
    };
    let is_shown = |metric: Metric| match metric {
        Metric::ControlPlaneCpuPerRequest | Metric::ControlPlaneMemory => {
            any([Metric::ControlPlaneCpuPerRequest, Metric::ControlPlaneMemory])
        }
        Metric::ControlPlaneProxyCpuPerRequest | Metric::ControlPlaneProxyMemory => {
            any([Metric::ControlPlaneProxyCpuPerRequest, Metric::ControlPlaneProxyMemory])
        }
        Metric::NodeOverheadCpuPerRequest | Metric::NodeOverheadMemory => {
            any([Metric::NodeOverheadCpuPerRequest, Metric::NodeOverheadMemory])
        }
        _ => true,
    };
    [
        cpu(Metric::DataPlaneCpuPerRequest, "data", "data plane"),
        cpu(Metric::ApplicationCpuPerRequest, "app", "application"),
        cpu(Metric::ControlPlaneCpuPerRequest, "control", "control plane"),
        cpu(Metric::ControlPlaneProxyCpuPerRequest, "ctl proxy", "control-plane proxies"),
        cpu(Metric::CpuPerRequest, "total", "total"),
        cpu(Metric::NodeOverheadCpuPerRequest, "nodes−app", "nodes minus application"),
        memory(Metric::DataPlaneMemory, "data", "data plane"),
        memory(Metric::ApplicationMemory, "app", "application"),
        memory(Metric::ControlPlaneMemory, "control", "control plane"),
        memory(Metric::ControlPlaneProxyMemory, "ctl proxy", "control-plane proxies"),
        memory(Metric::NodeOverheadMemory, "nodes−app", "nodes minus application"),
    ]
    .into_iter()
    .filter(|(metric, ..)| is_shown(*metric))
    .collect()
}

/// `bare` has no planes, so a difference over it repeats the value; their memory is read side by side. Of nodes it is the
/// difference that says what a mesh costs.
const fn is_compared(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::ApplicationCpuPerRequest
            | Metric::CpuPerRequest
            | Metric::NodeOverheadCpuPerRequest
            | Metric::NodeOverheadMemory
    )
}

/// How far CPU time can be from the truth, where that is too far to be gated.
pub(super) fn rough_error(report: &MetricReport) -> Option<f64> {
    report.cpu_error.filter(|_| !report.gated)
}

fn median(case: &CaseReport, metric: Metric) -> Option<f64> {
    case.metric(metric).map(|report| report.median)
}

fn worst(case: &CaseReport, figure: fn(&RunReport) -> f64) -> Option<f64> {
    case.runs.iter().map(figure).max_by(f64::total_cmp)
}

impl Column {
    pub(super) const fn plain(name: &'static str) -> Self {
        Self::fixed("", name, name)
    }

    pub(super) const fn fixed(section: &'static str, short: &'static str, full: &'static str) -> Self {
        Self { section, short: Cow::Borrowed(short), full: Cow::Borrowed(full) }
    }

    /// With a name that others chose.
    pub(super) fn named(section: &'static str, short: &str, full: &str) -> Self {
        Self { section, short: short.to_owned().into(), full: full.to_owned().into() }
    }
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), difference: String::new(), tone }
    }

    pub(super) fn absent() -> Self {
        Self::new(ABSENT, Tone::Faint)
    }

    fn number(value: Option<f64>, number: Number) -> Self {
        value.map_or_else(Self::absent, |value| Self::new(number.show(value), Tone::Plain))
    }

    pub(super) fn metric(report: Option<&MetricReport>, number: Number) -> Self {
        let Some(report) = report else { return Self::number(None, number) };
        let MetricReport { median, gated, over_bare, .. } = report;
        let (error, mark, tone) = match (gated, rough_error(report)) {
            (true, _) => (String::new(), "", Tone::Plain),
            (false, Some(error)) => (format!(" ±{}", number.beside(*median, error)), "", Tone::Faint),
            (false, None) => (String::new(), "~", Tone::Faint),
        };
        let difference =
            over_bare.map(|over_bare| format!("({}){mark}", number.difference(*median, over_bare)));
        // The mark ends the cell, wherever that is.
        let own_mark = if difference.is_some() { "" } else { mark };
        Self {
            text: format!("{}{error}{own_mark}", number.show(*median)),
            difference: difference.unwrap_or_default(),
            tone,
        }
    }

    pub(super) fn verdict(case: &CaseReport) -> Self {
        let tone = match (&case.verdict, case.selected) {
            (Verdict::Pass | Verdict::NoChange | Verdict::Improved { .. }, true) => Tone::Good,
            (Verdict::Pass | Verdict::NoChange | Verdict::Improved { .. }, false) => Tone::Faint,
            (Verdict::Fail { .. } | Verdict::Regressed { .. } | Verdict::Error { .. }, _) => Tone::Bad,
            (
                Verdict::Invalid { .. }
                | Verdict::Inconclusive { .. }
                | Verdict::NewBaseline { .. }
                | Verdict::NotRun { .. },
                _,
            ) => Tone::Doubtful,
        };
        let tier = case.tier.map_or_else(String::new, |tier| format!(" {tier}"));
        let words = if case.selected { format!("{}{tier}", case.verdict.word()) } else { "control".into() };
        Self::new(words, tone)
    }
}
