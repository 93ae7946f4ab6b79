//! The clusters of one campaign: [`Clusters`], each reached when the first case asks for it.

use std::collections::BTreeMap;

use meshbench_core::event::Event;
use meshbench_core::report::ClusterEnvironment;
use meshbench_core::scenario::Scenario;
use meshbench_lab::error_chain;
use meshbench_lab::kube::KubeProvider;
use meshbench_lab::mesh::MeshDefinition;
use meshbench_report::progress::Progress;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// By context; one that cannot be used stays so for the campaign.
#[derive(Debug, Default)]
pub(crate) struct Clusters {
    /// The context that whoever runs the campaign named, whatever scenarios say.
    named: Option<String>,
    known: BTreeMap<String, Result<KubeProvider, String>>,
}

impl Clusters {
    /// None yet.
    pub(crate) fn new(named: Option<String>) -> Self {
        Self { named, known: BTreeMap::new() }
    }

    /// The cluster of a scenario: examined, swept, and claimed for this campaign at the first call.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    pub(crate) fn of(
        &mut self,
        scenario: &Scenario,
        arms: &[&MeshDefinition],
        campaign: &str,
        cancelled: &CancellationToken,
        runtime: &Runtime,
        progress: &mut Progress,
    ) -> Result<&KubeProvider, String> {
        let context = context_of(self.named.as_deref(), scenario).ok_or("no cluster is named")?.to_owned();
        let begin = || {
            let begun = runtime.block_on(KubeProvider::begin(&context, campaign, scenario, arms, cancelled));
            let (provider, swept) = begun.map_err(|error| error_chain(&error))?;
            swept.into_iter().for_each(|what| progress.observe(&Event::Swept { what }));
            Ok(provider)
        };
        let provider = self.known.entry(context.clone()).or_insert_with(begin);
        provider.as_ref().map_err(Clone::clone)
    }

    /// What the first usable cluster is, for the report.
    pub(crate) fn environment(&self) -> Option<&ClusterEnvironment> {
        self.known.values().flatten().map(KubeProvider::environment).next()
    }

    /// Removes all that is left of the campaign and gives the clusters free; what could not be removed, in words.
    pub(crate) fn leave(&mut self, runtime: &Runtime) -> Vec<String> {
        let known = std::mem::take(&mut self.known);
        let providers = known.into_values().flatten();
        providers.flat_map(|provider| runtime.block_on(provider.end())).collect()
    }
}

/// The context of a scenario's cluster: as named by whoever runs it, or by itself. Never the current one, on which nobody
/// may have meant to install a mesh.
pub(crate) fn context_of<'a>(named: Option<&'a str>, scenario: &'a Scenario) -> Option<&'a str> {
    named.or(scenario.kube.context.as_deref())
}
