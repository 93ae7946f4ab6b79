//! [`MadeCluster`]: a cluster whose life is that of a campaign.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use meshbench_core::digest::digest;
use meshbench_core::scenario::ClusterRecipe;
use tokio_util::sync::CancellationToken;

use super::cluster::Cluster;
use super::error::KubeError;
use crate::error::error_chain;
use crate::process::{Errand, LiveCampaign, Pledge};

/// How long making a cluster may take: some fetch an image for every node.
const LIMIT: Duration = Duration::from_secs(1_200);
/// In a campaign's folder, what its clusters' commands say.
const LOG: &str = "cluster.log";

/// A cluster that was made for a campaign. It is removed with it, by the next start where the campaign was killed.
#[derive(Debug)]
pub struct MadeCluster {
    context: String,
    kubeconfig: PathBuf,
    pledge: Pledge,
}

/// The name that a campaign gives to the cluster of a recipe.
fn cluster_name(recipe: &ClusterRecipe, campaign: &str) -> String {
    let ClusterRecipe { create, delete, context } = recipe;
    let told = format!("{campaign} {create:?} {delete:?} {context}");
    let digest = digest(told.as_bytes());
    let hexadecimal = digest.trim_start_matches("sha256:");
    format!("meshbench-{}", hexadecimal.chars().take(10).collect::<String>())
}

impl MadeCluster {
    /// Makes the cluster of a recipe; what its commands say goes to a log in `folder`, the campaign's. Where it cannot be
    /// made, what there is of it is removed again.
    ///
    /// # Errors
    /// What failed, in words.
    pub async fn make(
        recipe: &ClusterRecipe,
        campaign: &LiveCampaign,
        folder: &Path,
        cores: &[usize],
        cancelled: &CancellationToken,
    ) -> Result<Self, String> {
        let name = cluster_name(recipe, campaign.id());
        let kubeconfig = campaign.scratch().join(format!("{name}.kubeconfig"));
        let ClusterRecipe { create, delete, context } = recipe.named(&name);
        let directory =
            std::env::current_dir().map_err(|error| format!("cannot find this folder: {error}"))?;
        let errand = |command| Errand {
            subject: name.clone(),
            command,
            directory: directory.clone(),
            environment: vec![("KUBECONFIG".to_owned(), kubeconfig.display().to_string())],
            log: folder.join(LOG),
            cores: cores.to_vec(),
        };
        let pledge = Pledge::give(campaign, errand(delete));
        let pledge = pledge.map_err(|error| format!("cannot note how {name} is removed: {error}"))?;
        let made = errand(create).run(LIMIT, cancelled).await.map_err(|error| error_chain(&error));
        let wrote = made.and_then(|()| match fs::exists(&kubeconfig) {
            Ok(true) => Ok(()),
            _ => Err(format!(
                "it wrote no kubeconfig: `kube.cluster.create` must leave the context {context} in the file that \
                 KUBECONFIG names"
            )),
        });
        match wrote {
            Ok(()) => Ok(Self { context, kubeconfig, pledge }),
            Err(why) => {
                let left = pledge
                    .keep()
                    .await
                    .err()
                    .map_or_else(String::new, |left| format!("; nor removed: {left}"));
                Err(format!("the cluster {name} could not be made: {why}{left}"))
            }
        }
    }

    /// The context by which it is reached.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The cluster as its campaign sees it.
    ///
    /// # Errors
    /// As [`Cluster::connect_with`].
    pub async fn connect(&self, campaign: &str) -> Result<Cluster, KubeError> {
        Cluster::connect_with(&self.kubeconfig, &self.context, campaign).await
    }

    /// Removes it.
    ///
    /// # Errors
    /// What failed, in words: the next start tries again.
    pub async fn remove(self) -> Result<(), String> {
        let context = self.context;
        self.pledge.keep().await.map_err(|why| format!("the cluster of {context} is not removed: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Placement, sweep};

    /// A recipe whose cluster is a file in `folder`.
    fn recipe(create: &str, folder: &Path) -> ClusterRecipe {
        let file = folder.join("made-{name}").display().to_string();
        ClusterRecipe {
            create: ["sh", "-c", &create.replace("FILE", &file)].map(str::to_owned).to_vec(),
            delete: vec!["rm".to_owned(), file],
            context: "kind-{name}".to_owned(),
        }
    }

    async fn make(create: &str, folder: &Path, campaign: &LiveCampaign) -> Result<MadeCluster, String> {
        let cores = Placement::of_this_machine().unwrap().all();
        let recipe = recipe(create, folder);
        MadeCluster::make(&recipe, campaign, folder, &cores, &CancellationToken::new()).await
    }

    fn made(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("made-"))
            .count()
    }

    #[tokio::test]
    async fn a_cluster_is_made_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let campaign = LiveCampaign::claim(folder.path(), "made-cluster").unwrap();
        let cluster = make("touch FILE; echo > $KUBECONFIG", folder.path(), &campaign).await.unwrap();
        assert_eq!(made(folder.path()), 1);
        assert!(cluster.context().starts_with("kind-meshbench-"), "{}", cluster.context());
        cluster.remove().await.unwrap();
        assert_eq!(made(folder.path()), 0);
        drop(campaign);
        let swept = sweep(folder.path(), &CancellationToken::new(), &mut |_| {}).await.unwrap();
        assert_eq!(swept.undone, Vec::<String>::new());
    }

    #[tokio::test]
    async fn one_that_could_not_be_made_is_removed_again() {
        let folder = tempfile::tempdir().unwrap();
        let campaign = LiveCampaign::claim(folder.path(), "made-cluster-fails").unwrap();
        let why = make("touch FILE; echo no room; exit 1", folder.path(), &campaign).await.unwrap_err();
        assert!(why.contains("no room"), "{why}");
        assert_eq!(made(folder.path()), 0);
        let why = make("touch FILE", folder.path(), &campaign).await.unwrap_err();
        assert!(why.contains("KUBECONFIG"), "{why}");
        assert_eq!(made(folder.path()), 0);
    }

    #[test]
    fn campaigns_and_recipes_have_names_of_their_own() {
        let names = [("monday", "up"), ("tuesday", "up"), ("monday", "start")];
        let names = names.map(|(campaign, create)| cluster_name(&recipe(create, Path::new("/")), campaign));
        insta::assert_snapshot!(names.join(" "), @"meshbench-a529256bb7 meshbench-bd5b87f085 meshbench-afbe121cbd");
    }
}
