//! The clusters of one campaign: [`Clusters`], each reached, or made, when the first case asks for it.

use std::cell::RefCell;
use std::path::Path;

use futures_util::future::join_all;
use meshbench_core::event::Event;
use meshbench_core::report::ClusterEnvironment;
use meshbench_core::scenario::{ClusterRecipe, ClusterSource, ProviderKind, Scenario};
use meshbench_lab::error_chain;
use meshbench_lab::kube::{Cluster, KubeProvider, MadeCluster};
use meshbench_lab::mesh::MeshDefinition;
use meshbench_lab::process::LiveCampaign;
use meshbench_report::progress::Progress;
use tokio_util::sync::CancellationToken;

/// Which cluster a case runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClusterChoice {
    /// One that is there, by its kubeconfig context.
    Existing(String),
    /// One that the campaign makes, and removes when it ends.
    Made(ClusterRecipe),
}

/// Those that were asked for; one that cannot be used stays so for the campaign.
#[derive(Debug, Default)]
pub(crate) struct Clusters(Vec<(ClusterChoice, Reached)>);

/// What became of a cluster that was asked for.
#[derive(Debug)]
struct Reached {
    made: Option<MadeCluster>,
    /// Examined, swept, and claimed for the campaign; or why it cannot be used, in words.
    provider: Result<KubeProvider, String>,
}

/// A campaign that is going on, as those who work for it see it.
#[derive(Clone, Copy)]
pub(crate) struct Running<'a> {
    /// The campaign.
    pub(crate) live: &'a LiveCampaign,
    /// Its folder, which takes what the commands that make clusters say.
    pub(crate) folder: &'a Path,
    /// The cores that a cluster on this machine may use.
    pub(crate) cores: &'a [usize],
    /// What ends it.
    pub(crate) cancelled: &'a CancellationToken,
    /// Who is told.
    pub(crate) progress: &'a RefCell<&'a mut Progress>,
}

impl ClusterChoice {
    /// The clusters of a scenario: as named by whoever runs it, or by itself. None where nobody names any: never the
    /// current context, on which nobody may have meant to install a mesh.
    pub(crate) fn of(named: &[String], scenario: &Scenario) -> Vec<Self> {
        let existing = |contexts: &[String]| contexts.iter().cloned().map(Self::Existing).collect();
        match &scenario.kube.clusters {
            _ if scenario.provider != ProviderKind::Kube => Vec::new(),
            _ if !named.is_empty() => existing(named),
            ClusterSource::Contexts(contexts) => existing(contexts),
            ClusterSource::Made(recipe) => vec![Self::Made(recipe.clone())],
        }
    }

    /// The context of one that is there.
    pub(crate) fn context(&self) -> Option<&str> {
        match self {
            Self::Existing(context) => Some(context),
            Self::Made(_) => None,
        }
    }
}

impl Clusters {
    /// Reaches, all at once, those of these that were not asked for before, for a scenario with these meshes.
    pub(crate) async fn reach(
        &mut self,
        choices: &[&ClusterChoice],
        scenario: &Scenario,
        meshes: &[&MeshDefinition],
        running: Running<'_>,
    ) {
        let is_new = |choice: &&ClusterChoice| self.0.iter().all(|(known, _)| known != *choice);
        let new: Vec<&ClusterChoice> = choices.iter().copied().filter(is_new).collect();
        let reached = join_all(new.iter().map(|choice| {
            let told_of = choice.context().filter(|_| choices.len() > 1);
            Reached::reach(choice, told_of, scenario, meshes, running)
        }))
        .await;
        self.0.extend(new.into_iter().cloned().zip(reached));
    }

    /// One that was reached.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    pub(crate) fn provider(&self, choice: &ClusterChoice) -> Result<&KubeProvider, String> {
        let known = self.0.iter().find(|(known, _)| known == choice);
        let (_, reached) = known.ok_or("nobody has asked for this cluster")?;
        reached.provider.as_ref().map_err(Clone::clone)
    }

    /// What one that was reached is, where it can be used.
    pub(crate) fn environment(&self, choice: &ClusterChoice) -> Option<&ClusterEnvironment> {
        self.provider(choice).ok().map(KubeProvider::environment)
    }

    /// What the usable ones are, for the report.
    pub(crate) fn environments(&self) -> Vec<ClusterEnvironment> {
        let usable = self.0.iter().filter_map(|(_, reached)| reached.provider.as_ref().ok());
        usable.map(|provider| provider.environment().clone()).collect()
    }

    /// Removes all that is left of the campaign, gives the clusters free, and removes those that were made; what could not
    /// be removed, in words.
    pub(crate) async fn leave(&mut self, progress: &mut Progress) -> Vec<String> {
        let progress = RefCell::new(progress);
        let left = join_all(self.0.drain(..).map(|(_, reached)| reached.leave(&progress))).await;
        left.into_iter().flatten().collect()
    }
}

impl Reached {
    /// `told_of` is its name, where several are reached and progress has to say of which it is.
    async fn reach(
        choice: &ClusterChoice,
        told_of: Option<&str>,
        scenario: &Scenario,
        meshes: &[&MeshDefinition],
        running: Running<'_>,
    ) -> Self {
        let campaign = running.live.id();
        let (made, cluster) = match choice {
            ClusterChoice::Existing(context) => (None, Cluster::connect(Some(context), campaign).await),
            ClusterChoice::Made(recipe) => match make(recipe, running).await {
                Ok(made) => {
                    let cluster = made.connect(campaign).await;
                    (Some(made), cluster)
                }
                Err(why) => return Self { made: None, provider: Err(why) },
            },
        };
        let begun = match cluster {
            Ok(cluster) => KubeProvider::begin(cluster, scenario, meshes, running.cancelled).await,
            Err(error) => Err(error),
        };
        let provider = begun.map_err(|error| error_chain(&error)).map(|(provider, swept)| {
            let mut progress = running.progress.borrow_mut();
            swept.into_iter().for_each(|what| progress.observe(told_of, &Event::Swept { what }));
            provider
        });
        Self { made, provider }
    }

    async fn leave(self, progress: &RefCell<&mut Progress>) -> Vec<String> {
        let Some(made) = self.made else {
            return match self.provider {
                Ok(provider) => provider.end().await,
                Err(_) => Vec::new(),
            };
        };
        // All that is in it goes with it.
        progress.borrow_mut().observe(None, &Event::RemovingCluster { context: made.context().to_owned() });
        made.remove().await.err().into_iter().collect()
    }
}

async fn make(recipe: &ClusterRecipe, running: Running<'_>) -> Result<MadeCluster, String> {
    let Running { live, folder, cores, cancelled, progress } = running;
    let command = recipe.create.join(" ");
    progress.borrow_mut().observe(None, &Event::MakingCluster { command });
    MadeCluster::make(recipe, live, folder, cores, cancelled).await
}
