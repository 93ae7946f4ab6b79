//! One campaign's hold on a cluster: [`KubeProvider`].

use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use meshbench_core::report::{ClusterEnvironment, ClusterNode};
use meshbench_core::scenario::Scenario;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::access::{
    HeldLease, KnownImages, Swept, Wanted, examine, examine_images, list_nodes, quantity_bytes,
    quantity_cores, remove_all_of, schedulable, sweep,
};
use super::cluster::Cluster;
use super::error::KubeError;
use crate::error::error_chain;
use crate::mesh::{KubeMesh, MeshDefinition};

/// How long an API server that is away is waited for before a campaign ends without cleaning up.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long an API server that answers takes to let the cluster be claimed. A signal that comes meanwhile waits, so that
/// nobody ends without knowing what is claimed.
const CLAIM_LIMIT: Duration = Duration::from_secs(20);
/// Where cloud providers say what kind of machine a node is.
const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";

/// A cluster that was found fit and is claimed for one campaign.
#[derive(Debug)]
pub struct KubeProvider {
    cluster: Cluster,
    lease: HeldLease,
    environment: ClusterEnvironment,
}

impl KubeProvider {
    /// Claims a cluster, removes what dead campaigns left in it, and examines it for a scenario with these meshes; what was
    /// removed comes back in words.
    ///
    /// # Errors
    /// [`KubeError::Unfit`] with everything that keeps the campaign from running; nothing is left claimed then.
    pub async fn begin(
        cluster: Cluster,
        scenario: &Scenario,
        meshes: &[&MeshDefinition],
        cancelled: &CancellationToken,
    ) -> Result<(Self, Vec<String>), KubeError> {
        let interrupted = || KubeError::Unfit("interrupted before it ran".to_owned());
        let version = tokio::select! {
            biased;
            () = cancelled.cancelled() => return Err(interrupted()),
            answered = cluster.version() => answered?.git_version,
        };
        let claimed = timeout(CLAIM_LIMIT, HeldLease::acquire(&cluster)).await;
        let lease = claimed.map_err(|_| {
            let limit = humantime::format_duration(CLAIM_LIMIT);
            KubeError::Unfit(format!(
                "the API server did not say within {limit} whether the cluster is ours to use"
            ))
        })??;
        let prepared = async {
            let Swept { removed, left } = sweep(&cluster).await?;
            if !left.is_empty() {
                return Err(KubeError::Unfit(format!("a dead campaign is not gone: {}", left.join("; "))));
            }
            let on_kubernetes: Vec<&KubeMesh> = meshes.iter().filter_map(|mesh| mesh.kube.as_ref()).collect();
            examine(&cluster, &Wanted::of(scenario, &on_kubernetes)).await.refuse()?;
            // A mesh whose images are not known fails by itself: its installation says why.
            let KnownImages { images, .. } = KnownImages::of(scenario, meshes).await;
            examine_images(&cluster, &images).await.refuse()?;
            Ok::<_, KubeError>((removed, read_environment(&cluster, version).await?))
        };
        let prepared = tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(interrupted()),
            prepared = prepared => prepared,
        };
        match prepared {
            Ok((swept, environment)) => Ok((Self { cluster, lease, environment }, swept)),
            Err(error) => {
                // Why it is unfit says more than what is still there, which the next campaign removes, or that it is still
                // claimed, which it is until this process ends at the latest.
                let _: Swept = remove_all_of(&cluster, cluster.campaign()).await;
                let _: Result<(), KubeError> = lease.release().await;
                Err(error)
            }
        }
    }

    /// The cluster.
    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What the cluster is.
    #[must_use]
    pub fn environment(&self) -> &ClusterEnvironment {
        &self.environment
    }

    /// Whether the claim on the cluster is still ours.
    ///
    /// # Errors
    /// [`KubeError::Unfit`] when somebody else took it, as after a long sleep of this machine.
    pub(super) fn check_held(&self) -> Result<(), KubeError> {
        self.lease.check_held()
    }

    /// Removes all that is left of the campaign, and gives the cluster free; what could not be removed comes back in words.
    pub async fn end(self) -> Vec<String> {
        if let Err(away) = self.cluster.await_answer(PATIENCE).await {
            return vec![format!(
                "{}: meshbench clean --context {} removes what is left",
                error_chain(&away),
                self.cluster.context()
            )];
        }
        let swept = remove_all_of(&self.cluster, self.cluster.campaign()).await;
        let released = self.lease.release().await.err().map(|error| error_chain(&error));
        swept.left.into_iter().chain(released).collect()
    }
}

async fn read_environment(cluster: &Cluster, version: String) -> Result<ClusterEnvironment, KubeError> {
    let nodes = list_nodes(cluster).await?;
    let co_located = schedulable(&nodes).count() < 2;
    let mut nodes: Vec<_> = nodes.into_iter().map(described).collect();
    nodes.sort();
    let context = cluster.context().to_owned();
    Ok(ClusterEnvironment { context, version, nodes, co_located })
}

fn described(node: Node) -> ClusterNode {
    let name = node.name_any();
    let machine = node.labels().get(INSTANCE_TYPE).cloned();
    let status = node.status.unwrap_or_default();
    let info = status.node_info;
    let capacity = status.capacity.unwrap_or_default();
    let said = |field: Option<&str>| field.unwrap_or("unknown").to_owned();
    ClusterNode {
        name,
        machine: machine.unwrap_or_else(|| said(info.as_ref().map(|info| info.architecture.as_str()))),
        cores: capacity.get("cpu").and_then(quantity_cores).unwrap_or(0),
        memory_bytes: capacity.get("memory").and_then(quantity_bytes).unwrap_or(0),
        kernel: said(info.as_ref().map(|info| info.kernel_version.as_str())),
        runtime: said(info.as_ref().map(|info| info.container_runtime_version.as_str())),
    }
}
