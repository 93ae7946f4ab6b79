//! What one campaign says of one case in a few numbers: [`CampaignMeans`], a line of a history.
//!
//! A history is a text file of these, one JSON object a line, in the order the campaigns were made. It only grows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::comparison::{COMPARED, pairs};
use crate::digest::digest;
use crate::fingerprint::Fingerprint;
use crate::metric::{Metric, Unit};
use crate::run::Run;
use crate::scenario::{InstallCycle, KubeSettings, ProviderKind, Scenario, ServicePlacement};

/// The version of a history's lines.
const HISTORY_VERSION: u32 = 1;

/// What was measured, and where: numbers of two campaigns can be compared where all of it but the versions is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// `scenario::mesh::rate::duration`.
    pub case: String,
    /// The mesh's version, as its definition has it.
    pub mesh_version: String,
    /// The line in which the mesh's program said its version, where it is not one of this project's own.
    pub executable: Option<String>,
    /// The digest of what is deployed and asked of it, as [`workload_digest`] makes it.
    pub workload: String,
    /// The machine, the instrument and the load.
    pub fingerprint: Fingerprint,
}

/// One campaign's means of one case. Displayed, and read, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignMeans {
    /// The version of this format.
    pub version: u32,
    /// The campaign's id; ids sort by time.
    pub campaign: String,
    /// What was measured, and where.
    pub subject: Subject,
    /// What the case came to, as reports have it.
    pub verdict: String,
    /// The means, by metric.
    pub means: BTreeMap<String, Mean>,
}

/// A metric over the blocks of one campaign.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean {
    /// The mean over blocks of ln(mesh/bare), or that of the two limits; of memory, which `bare` has none of, of ln(bytes).
    pub log: f64,
    /// The standard deviation of these between blocks; `None` for a single block.
    pub deviation: Option<f64>,
    /// The geometric mean of the mesh's values, in the metric's base unit.
    pub value: f64,
    /// How many blocks have a value.
    pub blocks: u32,
}

/// Why a line is not one of a history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryLineError {
    /// It is no such JSON.
    #[error("it is not a campaign's means: the line was edited or cut short, or another program wrote it")]
    Format(#[source] serde_json::Error),
    /// It is of another version.
    #[error(
        "its version is {0}, and this meshbench reads version {HISTORY_VERSION}: use the release that wrote it"
    )]
    Version(u32),
}

impl CampaignMeans {
    /// The means of a case's `runs`, `bare` being those of the control in the same blocks; `None` where no metric has any.
    #[must_use]
    pub fn of(campaign: &str, subject: Subject, runs: &[&Run], bare: &[&Run]) -> Option<Self> {
        let mean = |metric: Metric| Some((metric.name().to_owned(), Mean::of(metric, runs, bare)?));
        let means: BTreeMap<_, _> = COMPARED.into_iter().filter_map(mean).collect();
        (!means.is_empty()).then(|| Self::of_table(campaign, subject, means))
    }

    /// That of a case that looked for its limit.
    #[must_use]
    pub fn of_limit(campaign: &str, subject: Subject, limit: Mean) -> Self {
        Self::of_table(campaign, subject, BTreeMap::from([(Metric::Limit.name().to_owned(), limit)]))
    }

    /// Means that were kept elsewhere.
    pub(crate) fn of_table(campaign: &str, subject: Subject, means: BTreeMap<String, Mean>) -> Self {
        let (campaign, verdict) = (campaign.to_owned(), String::new());
        Self { version: HISTORY_VERSION, campaign, subject, verdict, means }
    }

    /// One metric.
    #[must_use]
    pub fn mean(&self, metric: Metric) -> Option<&Mean> {
        self.means.get(metric.name())
    }

    /// The line, without a line break.
    ///
    /// # Errors
    /// Where a number is none that JSON has.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a line.
    ///
    /// # Errors
    /// [`HistoryLineError`].
    pub fn from_line(line: &str) -> Result<Self, HistoryLineError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(line).map_err(HistoryLineError::Format)?;
        if version != HISTORY_VERSION {
            return Err(HistoryLineError::Version(version));
        }
        serde_json::from_str(line).map_err(HistoryLineError::Format)
    }
}

impl Mean {
    pub(crate) fn of(metric: Metric, runs: &[&Run], bare: &[&Run]) -> Option<Self> {
        let pairs = over_bare(metric, runs, bare);
        let logs: Vec<f64> = pairs.iter().map(|(bare, mesh)| (mesh / bare).ln()).collect();
        if logs.is_empty() || !logs.iter().all(|log| log.is_finite()) {
            return None;
        }
        let blocks = logs.len() as f64;
        let mean = logs.iter().sum::<f64>() / blocks;
        let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
        Some(Self {
            log: mean,
            deviation: (logs.len() > 1).then(|| (squares / (blocks - 1.0)).sqrt()),
            value: (pairs.iter().map(|(_, mesh)| mesh.ln()).sum::<f64>() / blocks).exp(),
            blocks: u32::try_from(logs.len()).unwrap_or(u32::MAX),
        })
    }
}

/// What campaigns are compared by: what runs are, and the limit.
pub(crate) fn compared_campaigns() -> impl Iterator<Item = Metric> {
    COMPARED.into_iter().chain([Metric::Limit])
}

/// The pairs of (bare, mesh) whose ratios are looked at. `bare` has no memory of a mesh's: a ratio to one byte is its size.
pub(crate) fn over_bare(metric: Metric, runs: &[&Run], bare: &[&Run]) -> Vec<(f64, f64)> {
    match metric.unit() {
        Unit::Memory => runs.iter().filter_map(|run| Some((1.0, run.value(metric)?))).collect(),
        _ => pairs(metric, bare, runs),
    }
}

/// The digest of everything in a scenario that changes what a run of it measures, other than rate and duration. `services`
/// is where those of an app run, where the scenario has several placements.
#[must_use]
pub fn workload_digest(scenario: &Scenario, services: Option<ServicePlacement>) -> String {
    let workload = &scenario.workload;
    let mut text = format!(
        "warm-up {}, {} apps, {} connections, timeout {}",
        scenario.warm_up, workload.apps, workload.connections, workload.timeout
    );
    text.extend(workload.requests.iter().map(|request| format!("\n{} {}", request.weight, request.path)));
    text.extend(workload.votes.iter().map(|(emoji, votes)| format!("\n{votes} {emoji}")));
    if let Some(limit) = &scenario.limit {
        let kept = limit.service_level.as_written();
        text.extend(kept.iter().map(|(key, tolerated)| format!("\nlimit of {key} {tolerated}")));
        text.push_str(&format!("\nto {}, confirmed by {}", limit.precision, limit.confirmations));
    }
    if scenario.provider == ProviderKind::Kube {
        let KubeSettings {
            generators,
            generator_node,
            generator_meshed,
            service_cpu_millicores,
            namespaces,
            ..
        } = &scenario.kube;
        let (services, namespaces) = (scenario.kube.services_at(services), namespaces.name());
        text.push_str(&format!(
            "\n{generators} generators on {generator_node}, meshed {generator_meshed}; services {services} of \
             {service_cpu_millicores}m, namespaces {namespaces}"
        ));
        // A control plane that remembers the run before is another one.
        if scenario.kube.install == InstallCycle::PerBlock {
            text.push_str("\ninstalled once a block");
        }
    }
    digest(text.as_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::fingerprint::tests::fingerprint;
    use crate::judge::tests::run;

    pub(crate) fn subject() -> Subject {
        Subject {
            case: "quick::reference::500rps::10s".to_owned(),
            mesh_version: "0.1.0".to_owned(),
            executable: None,
            workload: digest(b"a workload"),
            fingerprint: fingerprint(),
        }
    }

    /// Runs of `mesh`, one a block, each request taking so many milliseconds.
    pub(crate) fn runs(mesh: &str, latencies_ms: &[u64]) -> Vec<Run> {
        let blocks = (1..).zip(latencies_ms);
        blocks.map(|(block, &latency_ms)| Run { block, ..run(mesh, latency_ms) }).collect()
    }

    pub(crate) fn means(campaign: &str, mesh_ms: &[u64], bare_ms: &[u64]) -> CampaignMeans {
        let (mesh, bare) = (runs("reference", mesh_ms), runs("bare", bare_ms));
        let (mesh, bare): (Vec<_>, Vec<_>) = (mesh.iter().collect(), bare.iter().collect());
        CampaignMeans::of(campaign, subject(), &mesh, &bare).unwrap()
    }

    #[test]
    fn means_are_those_of_log_ratios_within_blocks() {
        let of_campaign = means("c", &[20, 40], &[10, 10]);
        let p50 = of_campaign.mean(Metric::P50).unwrap();
        assert!((p50.log - 8_f64.sqrt().ln()).abs() < 1e-3, "{p50:?}");
        assert!((p50.deviation.unwrap() - 2_f64.ln() / 2_f64.sqrt()).abs() < 1e-3, "{p50:?}");
        assert!((p50.value / 28.284e6 - 1.0).abs() < 1e-3, "{p50:?}");
        assert_eq!(p50.blocks, 2);
        assert_eq!(of_campaign.mean(Metric::P99), None, "5,000 requests are too few for a p99");
    }

    #[test]
    fn a_line_is_read_as_it_was_written_and_a_cut_one_is_refused() {
        let written = means("c", &[20, 41, 30], &[10, 11, 9]);
        let line = written.to_line().unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(CampaignMeans::from_line(&line).unwrap(), written);
        let cut = CampaignMeans::from_line(&line[..line.len() - 2]).unwrap_err();
        assert!(cut.to_string().contains("edited or cut short"), "{cut}");
        let newer = CampaignMeans::from_line(&line.replace("\"version\":1", "\"version\":2")).unwrap_err();
        insta::assert_snapshot!(newer, @"its version is 2, and this meshbench reads version 1: use the release that wrote it");
    }
}
