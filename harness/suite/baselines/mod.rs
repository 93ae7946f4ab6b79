//! What a campaign is compared with, and what it leaves to be accepted: [`Baselines`].

pub(crate) mod history_file;
mod policy;
pub(crate) mod store;

use std::path::{Path, PathBuf};

use meshbench_core::baseline::{AgainstBaseline, Baseline, Stored};
use meshbench_core::campaign_means::{CampaignMeans, Subject, workload_digest};
use meshbench_core::comparison::Strictness;
use meshbench_core::fingerprint::Fingerprint;
use meshbench_core::judge::Verdict;
use meshbench_core::report::{CaseHeading, ClusterEnvironment, Environment, LimitReport};
use meshbench_core::run::Run;
use meshbench_core::scenario::{Conditions, Scenario};
use meshbench_lab::{GroupPlan, LimitGroup, error_chain};

use self::history_file::HistoryError;
use self::policy::{Policy, UnknownUpdate, Update};
use self::store::{BaselineStore, Key, StoreError};

/// Under this name a campaign keeps in its folder what could be accepted of it.
pub(crate) const CAMPAIGN_BASELINES: &str = "baselines";

/// The baselines and histories beside the scenarios, for one campaign.
#[derive(Debug)]
pub(crate) struct Baselines {
    snapshots: PathBuf,
    accepted: BaselineStore,
    of_campaign: BaselineStore,
    policy: Policy,
    campaign: String,
    environment: Environment,
}

/// What a campaign has to say of a case, before it is judged.
#[derive(Debug)]
pub(crate) struct Measured {
    means: CampaignMeans,
    baseline: Baseline,
    log: String,
}

/// A baseline or a history that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BaselinesError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Update(#[from] UnknownUpdate),
}

impl Measured {
    /// What the machine, the instrument and the load were.
    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        &self.baseline.subject.fingerprint
    }
}

impl Baselines {
    /// The baselines under `snapshots` for the campaign with this folder.
    ///
    /// # Errors
    /// [`BaselinesError`] where the environment asks for what nobody knows, or what was accepted cannot be settled.
    pub(crate) fn open(
        snapshots: PathBuf,
        campaign: &str,
        folder: &Path,
        environment: Environment,
    ) -> Result<Self, BaselinesError> {
        let policy = Policy::from_environment()?;
        let accepted = BaselineStore::new(snapshots.clone());
        if policy.update != Update::Never {
            accepted.settle()?;
        }
        let of_campaign = BaselineStore::new(folder.join(CAMPAIGN_BASELINES));
        Ok(Self { snapshots, accepted, of_campaign, policy, campaign: campaign.to_owned(), environment })
    }

    /// What the runs behind a case's figures come to; `None` where there are none, and of the control, which others are compared
    /// with and nothing is measured over.
    pub(crate) fn measure(
        &self,
        plan: &GroupPlan<'_>,
        heading: &CaseHeading,
        runs: &[&Run],
        bare: &[&Run],
        cluster: Option<&ClusterEnvironment>,
    ) -> Option<Measured> {
        if runs.first()?.mesh.is_bare() {
            return None;
        }
        // Blocks that confirm a change were run for what looked bad, and would weigh it twice.
        let is_first = |run: &&Run| plan.blocks.contains(&run.block);
        let [runs, bare] = [runs, bare].map(|runs| runs.iter().copied().filter(is_first).collect::<Vec<_>>());
        let subject = self.subject(plan.scenario, heading, plan.conditions(), cluster);
        let means = CampaignMeans::of(&self.campaign, subject.clone(), &runs, &bare)?;
        let (baseline, log) = Baseline::of(&self.campaign, subject, &runs, &bare)?;
        Some(Measured { means, baseline, log })
    }

    /// What a limit comes to, `confirming` being the runs that held there; `None` where it is not known what part of the
    /// limit of `bare` it is.
    pub(crate) fn measure_limit(
        &self,
        group: &LimitGroup<'_>,
        heading: &CaseHeading,
        limit: &LimitReport,
        confirming: &[&Run],
        cluster: Option<&ClusterEnvironment>,
    ) -> Option<Measured> {
        let mean = limit.mean()?;
        let subject = self.subject(group.scenario, heading, group.conditions(), cluster);
        let means = CampaignMeans::of_limit(&self.campaign, subject.clone(), mean);
        let (baseline, log) = Baseline::of_limit(&self.campaign, subject, mean, confirming);
        Some(Measured { means, baseline, log })
    }

    fn subject(
        &self,
        scenario: &Scenario,
        heading: &CaseHeading,
        conditions: Conditions,
        cluster: Option<&ClusterEnvironment>,
    ) -> Subject {
        let Conditions { load, duration, services } = conditions;
        Subject {
            case: heading.name.clone(),
            mesh_version: heading.mesh_version.clone(),
            executable: heading.executable.as_ref().map(|executable| executable.version.clone()),
            workload: workload_digest(scenario, services),
            fingerprint: Fingerprint::of(&self.environment, cluster, load, duration),
        }
    }

    /// How a case stands to its baseline; `share_of_alpha` is its share of the tolerated false alarms.
    pub(crate) fn compare(
        &self,
        measured: &Measured,
        strictness: &Strictness,
        share_of_alpha: f64,
    ) -> AgainstBaseline {
        let key = Key::of(&measured.baseline);
        let baseline = self.accepted.read(&key).map_err(|error| error_chain(&error)).transpose();
        let history = history_file::read(&self.snapshots.join(&key.class));
        let stored = match history {
            Ok(campaigns) => Stored { baseline, campaigns },
            Err(error) => Stored {
                baseline: baseline.map(|baseline| baseline.and(Err(error_chain(&error)))),
                campaigns: Vec::new(),
            },
        };
        stored.compare(&measured.means, strictness, share_of_alpha)
    }

    /// Keeps what a judged case leaves: in the campaign's folder always; beside the scenarios what the policy allows.
    ///
    /// # Errors
    /// [`BaselinesError`] at the first file that cannot be written.
    pub(crate) fn keep(
        &self,
        measured: &Measured,
        standing: &AgainstBaseline,
        verdict: &Verdict,
    ) -> Result<(), BaselinesError> {
        if matches!(verdict, Verdict::Invalid { .. } | Verdict::Error { .. }) {
            return Ok(());
        }
        let Measured { means, baseline, log } = measured;
        self.of_campaign.put(baseline, log)?;
        self.propose(measured, standing, verdict)?;
        if self.policy.record {
            let means = CampaignMeans { verdict: verdict.word().to_owned(), ..means.clone() };
            let class = baseline.subject.fingerprint.environment_class();
            history_file::append(&self.snapshots.join(class), &[means])?;
        }
        Ok(())
    }

    fn propose(
        &self,
        Measured { baseline, log, .. }: &Measured,
        standing: &AgainstBaseline,
        verdict: &Verdict,
    ) -> Result<(), StoreError> {
        let is_new = matches!(standing, AgainstBaseline::NoBaseline | AgainstBaseline::Refused { .. });
        let is_another = match standing {
            AgainstBaseline::Compared(comparison) => comparison.mesh_version != baseline.subject.mesh_version,
            _ => is_new,
        };
        let why = verdict.sentences().join("\n");
        match (self.policy.update, verdict) {
            // A case that breaks a budget is no measure for others.
            (Update::Never, _) | (_, Verdict::Fail { .. } | Verdict::Inconclusive { .. }) => Ok(()),
            (Update::Accept, _) => self.accepted.put(baseline, log),
            (Update::AcceptNew, _) if is_new => self.accepted.put(baseline, log),
            (_, Verdict::Regressed { .. } | Verdict::Improved { .. }) => {
                self.accepted.propose(baseline, log, &why)
            }
            _ if is_another => self.accepted.propose(baseline, log, &why),
            // Nothing is to be reviewed any more.
            _ => self.accepted.reject(&Key::of(baseline)),
        }
    }
}
