//! What a case cost when somebody accepted it: [`Baseline`], kept in two files that are reviewed like code.
//!
//! `<case>.toml` is a table to be read, at most 3 KB; `<case>.hlog` holds the latencies of every run, whole. The first
//! names the digest of the second, and of its own table: what was edited, cut short or mixed up is refused.

mod file;
pub mod recordings;
mod standing;
mod wording;

use crate::campaign_means::{CampaignMeans, Mean, Subject, compared_campaigns, over_bare};
use crate::comparison::{COMPARED, LEAST_DEVIATION, POWER};
use crate::digest::digest;
use crate::histogram::LatencyHistogram;
use crate::judge::median_over_runs;
use crate::metric::{Metric, Unit};
use crate::run::Run;
use crate::statistics::Estimate;

pub use file::BaselineError;
pub use standing::{
    AgainstBaseline, BaselineComparison, ComparisonTier, FEWEST_STORED, MetricAgainstBaseline, RatioBounds,
    Stored,
};

/// What a case cost when it was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// What was measured, and where.
    pub subject: Subject,
    /// The campaign that measured it.
    pub campaign: String,
    /// How many valid runs it rests on.
    pub runs: u32,
    /// The digest of the log of these runs.
    pub recordings: String,
    /// The table, in the order people read it.
    pub rows: Vec<Row>,
}

/// One metric of a baseline, at three significant digits.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The metric's name, or `max`.
    pub name: String,
    /// The median over the runs, counted in [`Row::unit`]; of `max`, the largest.
    pub value: f64,
    /// What the value is counted in.
    pub unit: RowUnit,
    /// The geometric mean of mesh/bare over blocks, where runs have the requests for it.
    pub over_bare: Option<f64>,
    /// The standard deviation between blocks of ln(mesh/bare), or of ln(bytes) of memory.
    pub pair_sd: Option<f64>,
    /// The smallest ratio of a change that as many blocks find in nine campaigns of ten.
    pub detectable: Option<f64>,
}

/// What the values of a row are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowUnit {
    /// Milliseconds of latency.
    Milliseconds,
    /// Percent of requests.
    Percent,
    /// Microseconds of CPU time per answered request.
    CpuMicroseconds,
    /// Mebibytes.
    Mebibytes,
    /// Requests per second.
    RequestsPerSecond,
}

/// The chance of a false alarm that `detectable` is reckoned with, whatever a scenario tolerates: tables are compared.
const ALPHA: f64 = 0.025;
/// The name of the row that is no metric: the exact largest latency, which is never gated.
const MAX: &str = "max";

/// The metrics that a table can have: not those that only clusters have, which nothing is compared by.
fn tabled_metrics() -> impl Iterator<Item = Metric> {
    let is_of_clusters = |metric: &Metric| {
        matches!(
            metric,
            Metric::ControlPlaneProxyCpuPerRequest
                | Metric::ControlPlaneProxyMemory
                | Metric::NodeOverheadCpuPerRequest
                | Metric::NodeOverheadMemory
        )
    };
    Metric::ALL.into_iter().filter(move |metric| !is_of_clusters(metric))
}

impl Baseline {
    /// What to accept of the valid `runs` of a case, `bare` being those of the control in the same blocks, with the text
    /// of the log beside it; `None` without any run.
    #[must_use]
    pub fn of(campaign: &str, subject: Subject, runs: &[&Run], bare: &[&Run]) -> Option<(Self, String)> {
        if runs.is_empty() {
            return None;
        }
        let log = recordings::write(runs);
        let mut rows: Vec<_> = tabled_metrics().filter_map(|metric| Row::of(metric, runs, bare)).collect();
        let mut pooled = LatencyHistogram::new();
        runs.iter().for_each(|run| pooled.merge(&run.recording.latency_ns));
        let after_quantiles = rows.iter().take_while(|row| row.unit == RowUnit::Milliseconds).count();
        rows.insert(after_quantiles, Row::plain(MAX, RowUnit::Milliseconds, pooled.max_ns() as f64));
        let baseline = Self {
            subject,
            campaign: campaign.to_owned(),
            runs: u32::try_from(runs.len()).unwrap_or(u32::MAX),
            recordings: digest(log.as_bytes()),
            rows,
        };
        Some((baseline, log))
    }

    /// What to accept of the limit of a case, `confirming` being the runs that held there, with the text of their log.
    #[must_use]
    pub fn of_limit(campaign: &str, subject: Subject, limit: Mean, confirming: &[&Run]) -> (Self, String) {
        let log = recordings::write(confirming);
        let row = Row::plain(Metric::Limit.name(), RowUnit::RequestsPerSecond, limit.value);
        let baseline = Self {
            subject,
            campaign: campaign.to_owned(),
            runs: u32::try_from(confirming.len()).unwrap_or(u32::MAX),
            recordings: digest(log.as_bytes()),
            rows: vec![Row { over_bare: Some(three_digits(limit.log.exp())), ..row }],
        };
        (baseline, log)
    }

    /// One metric's row.
    #[must_use]
    pub fn row(&self, metric: Metric) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == metric.name())
    }

    /// What a history has of the campaign that this is of, at the table's three digits.
    #[must_use]
    pub fn means(&self) -> CampaignMeans {
        let mean = |metric: Metric| {
            let (row, log) = (self.row(metric)?, self.mean_log(metric)?);
            let value = row.value * row.unit.scale();
            let mean = Mean { log, deviation: row.pair_sd, value, blocks: self.runs };
            Some((metric.name().to_owned(), mean))
        };
        let means = compared_campaigns().filter_map(mean).collect();
        CampaignMeans::of_table(&self.campaign, self.subject.clone(), means)
    }

    /// The mean that a campaign of this baseline's would have in a history: its own, at three digits.
    #[must_use]
    pub fn mean_log(&self, metric: Metric) -> Option<f64> {
        let row = self.row(metric)?;
        let ratio = match row.unit {
            RowUnit::Mebibytes => Some(row.value * row.unit.scale()),
            _ => row.over_bare,
        };
        ratio.map(f64::ln).filter(|log| log.is_finite())
    }
}

impl Row {
    /// `None` where no run has a value, or where there is no such plane.
    fn of(metric: Metric, runs: &[&Run], bare: &[&Run]) -> Option<Self> {
        let median = median_over_runs(metric, runs)?;
        let plain = Self::plain(metric.name(), RowUnit::of(metric.unit()), median);
        if median == 0.0 && metric.unit() != Unit::Share {
            return None;
        }
        let mean = COMPARED.contains(&metric).then(|| Mean::of(metric, runs, bare)).flatten();
        let estimate =
            mean.and_then(|_| Estimate::of_log_ratios(&over_bare(metric, runs, bare), LEAST_DEVIATION));
        Some(Self {
            over_bare: mean
                .filter(|_| metric.unit() != Unit::Memory)
                .map(|mean| three_digits(mean.log.exp())),
            pair_sd: mean.and_then(|mean| mean.deviation).map(three_digits),
            detectable: estimate
                .map(|estimate| three_digits(estimate.smallest_detectable(ALPHA, POWER).exp())),
            ..plain
        })
    }

    fn plain(name: &str, unit: RowUnit, value: f64) -> Self {
        let value = three_digits(value / unit.scale());
        Self { name: name.to_owned(), value, unit, over_bare: None, pair_sd: None, detectable: None }
    }
}

impl RowUnit {
    const ALL: [Self; 5] =
        [Self::Milliseconds, Self::Percent, Self::CpuMicroseconds, Self::Mebibytes, Self::RequestsPerSecond];

    fn of(unit: Unit) -> Self {
        match unit {
            Unit::Latency => Self::Milliseconds,
            Unit::Share => Self::Percent,
            Unit::CpuPerRequest => Self::CpuMicroseconds,
            Unit::Memory => Self::Mebibytes,
            Unit::Rate => Self::RequestsPerSecond,
        }
    }

    /// The symbol in the table.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Percent => "%",
            Self::CpuMicroseconds => "µs",
            Self::Mebibytes => "MiB",
            Self::RequestsPerSecond => "rps",
        }
    }

    /// How many of a metric's base unit it is worth.
    fn scale(self) -> f64 {
        match self {
            Self::Milliseconds => 1e6,
            Self::Percent => 0.01,
            Self::CpuMicroseconds => 1e3,
            Self::Mebibytes => 1_048_576.0,
            Self::RequestsPerSecond => 1.0,
        }
    }
}

/// The value that is written with three significant digits.
fn three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests;
