//! What `meshbench doctor`, `clean` and `rbac` do about clusters.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use meshbench_core::scenario::{ProviderKind, Scenario};
use meshbench_lab::error_chain;
use meshbench_lab::kube::{
    Cluster, Finding, Grade, KnownImages, ROOM, TriedImages, Wanted, examine, role_yaml, rules, sweep,
    try_images,
};
use meshbench_lab::mesh::KubeMesh;
use tokio::runtime::Runtime;

use super::doctor::verdict;
use crate::discovery::Discovery;
use crate::settings::{CONTEXT_VARIABLE, distinct};

/// Whoever cleans a cluster is no campaign.
const NO_CAMPAIGN: &str = "none";

/// Which clusters, where scenarios run on any.
#[derive(Debug, clap::Args)]
pub(super) struct ClusterArguments {
    /// The kubeconfig context of the cluster, for scenarios with `provider: kube`; several for several clusters at once,
    /// with commas between them or one by one.
    #[arg(long, value_name = "CONTEXT", value_delimiter = ',', env = CONTEXT_VARIABLE)]
    context: Vec<String>,
}

impl ClusterArguments {
    /// The contexts, each once. A variable that is set and empty names none.
    pub(super) fn contexts(&self) -> Vec<String> {
        distinct(self.context.iter().cloned())
    }
}

/// Prints whether the cluster of a context will do for each scenario that runs on one; whether it does for any.
///
/// # Errors
/// The writer's, or why there is no runtime.
pub(super) fn examine_cluster(
    standard: &mut dyn Write,
    discovery: &Discovery,
    context: &str,
) -> io::Result<bool> {
    writeln!(standard, "\ncluster {context}")?;
    let runtime = runtime()?;
    let meshes = meshes(discovery);
    let cluster = match runtime.block_on(Cluster::connect(Some(context), &doctor_id())) {
        Ok(cluster) => cluster,
        Err(error) => {
            verdict(standard, false, "kubeconfig", &error_chain(&error))?;
            return Ok(false);
        }
    };
    let scenarios = discovery.scenarios.iter().filter(|scenario| scenario.provider == ProviderKind::Kube);
    let mut fit = Vec::new();
    let mut said = Vec::new();
    for scenario in scenarios {
        let preflight = runtime.block_on(examine(&cluster, &Wanted::of(scenario, &meshes)));
        for Finding { grade, subject, text } in &preflight.findings {
            // Scenarios differ in what room they want, and in nothing else that is looked at.
            let line = match *subject {
                ROOM => format!("for {}: {text}", scenario.name),
                _ => text.clone(),
            };
            if !said.contains(&(*subject, line.clone())) {
                verdict(standard, *grade == Grade::Good, subject, &line)?;
                said.push((*subject, line));
            }
        }
        if preflight.refuse().is_ok() {
            fit.push((scenario, runtime.block_on(known_images(discovery, scenario))));
        }
    }
    if said.is_empty() {
        verdict(standard, false, "scenarios", "none runs on a cluster")?;
    }
    // Only where nobody measures, whom it would disturb.
    if fit.is_empty() {
        return Ok(false);
    }
    let all = fit.iter().flat_map(|(_, known)| known.images.iter().cloned()).collect();
    let tried = runtime.block_on(try_images(&cluster, &all));
    for (good, scenarios, text) in in_groups(&fit, &tried) {
        verdict(standard, good, "images", &format!("for {}: {text}", scenarios.join(", ")))?;
    }
    Ok(fit.iter().any(|(_, KnownImages { images, unknown })| {
        unknown.is_empty() && tried.judge(images).refuse().is_ok()
    }))
}

/// The images that a campaign of the scenario tries before it begins.
async fn known_images(discovery: &Discovery, scenario: &Scenario) -> KnownImages {
    let arms = scenario.arms();
    let meshes = arms.iter().filter_map(|mesh| discovery.catalog.get(mesh)?.as_ref().ok());
    KnownImages::of(scenario, &meshes.collect::<Vec<_>>()).await
}

/// What is found about the images of scenarios: each once, whether it is good and for which scenarios it holds.
fn in_groups<'scenario>(
    fit: &[(&'scenario Arc<Scenario>, KnownImages)],
    tried: &TriedImages,
) -> Vec<(bool, Vec<&'scenario str>, String)> {
    let mut groups: Vec<(bool, Vec<&str>, String)> = Vec::new();
    for (scenario, KnownImages { images, unknown }) in fit {
        let findings = tried.judge(images).findings.into_iter();
        let found = findings.map(|Finding { grade, text, .. }| (grade == Grade::Good, text));
        for (good, text) in found.chain(unknown.iter().map(|why| (false, why.clone()))) {
            match groups.iter_mut().find(|(_, _, known)| *known == text) {
                Some((_, scenarios, _)) => scenarios.push(&scenario.name),
                None => groups.push((good, vec![&scenario.name], text)),
            }
        }
    }
    groups
}

/// Removes what dead campaigns left in each of these clusters, whatever becomes of the others.
///
/// # Errors
/// As for one of them, which is the first that failed.
pub(super) fn clean_clusters(standard: &mut dyn Write, contexts: &[String]) -> io::Result<()> {
    let cleaned: Vec<_> = contexts.iter().map(|context| clean_cluster(standard, context)).collect();
    cleaned.into_iter().collect()
}

/// Removes what dead campaigns left in a cluster.
///
/// # Errors
/// The writer's; what could not be asked or removed, as an error of its own.
fn clean_cluster(standard: &mut dyn Write, context: &str) -> io::Result<()> {
    let swept = runtime()?.block_on(async {
        let cluster = Cluster::connect(Some(context), NO_CAMPAIGN).await?;
        sweep(&cluster).await
    });
    let swept = swept.map_err(|error| io::Error::other(error_chain(&error)))?;
    for removed in &swept.removed {
        writeln!(standard, "{context}: {removed}")?;
    }
    if swept.removed.is_empty() && swept.left.is_empty() {
        writeln!(standard, "{context}: nothing to clean")?;
    }
    match swept.left.as_slice() {
        [] => Ok(()),
        left => Err(io::Error::other(format!("still in {context}: {}", left.join("; ")))),
    }
}

/// Prints the role that campaigns of all meshes need.
///
/// # Errors
/// The writer's.
pub(super) fn print_role(standard: &mut dyn Write, discovery: &Discovery) -> io::Result<()> {
    write!(standard, "{}", role_yaml(&rules(&meshes(discovery))))
}

fn meshes(discovery: &Discovery) -> Vec<&KubeMesh> {
    let definitions = discovery.catalog.iter().filter_map(|(_, definition)| definition.as_ref().ok());
    definitions.filter_map(|mesh| mesh.kube.as_ref()).collect()
}

/// Whoever examines a cluster is no campaign either, but what it makes there for a moment is found by such a mark if it is
/// killed: one that nobody else has, so that no two remove each other's.
fn doctor_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("doctor-{}-{}", since.as_millis(), std::process::id())
}

pub(super) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
