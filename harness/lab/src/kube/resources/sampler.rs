//! Reading the counters of a run's containers until the window is covered: [`Sampler`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{join_all, try_join};
use hyper::http::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use meshbench_core::edges::Reading;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::incidents::incidents;
use super::owner::Subjects;
use super::summary::{ContainerKey, Counters, readings};
use crate::error::error_chain;
use crate::kube::{Cluster, KubeError};
use crate::wait;

/// How often kubelets are asked. Their counters move every 10 to 20 seconds, measured on Kubernetes 1.34: this often, no
/// reading is missed and the asking costs the nodes little.
const INTERVAL: Duration = Duration::from_secs(5);

/// Reads the counters of a run's containers, on all their nodes at once, until told to finish.
#[derive(Debug)]
pub(crate) struct Sampler {
    cluster: Cluster,
    subjects: Subjects,
    pods: BTreeMap<String, Pod>,
    collected: Arc<Mutex<Collected>>,
    _task: AbortOnDropHandle<()>,
}

/// What a run's containers used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    /// All readings, for [`meshbench_core::edges::at_edges`].
    pub readings: Vec<Reading>,
    /// Restarted containers, and pods that vanished or appeared, each a sentence.
    pub incidents: Vec<String>,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Collected {
    readings: BTreeMap<(ContainerKey, u64), Counters>,
    /// The last round's containers with the moment of their counters, or why some node did not answer.
    last_round: Option<Result<BTreeMap<ContainerKey, u64>, String>>,
    rounds: u64,
}

impl Sampler {
    /// Begins to read. To be called once everything that is measured runs, before the window opens.
    ///
    /// # Errors
    /// [`KubeError::Api`] when pods cannot be listed.
    pub(crate) async fn start(cluster: &Cluster, subjects: Subjects) -> Result<Self, KubeError> {
        let pods = measured_pods(cluster, &subjects).await?;
        let of_pods = |value: fn(&Pod) -> Option<String>| -> BTreeSet<String> {
            pods.values().filter_map(value).collect()
        };
        let nodes = of_pods(|pod| pod.spec.as_ref()?.node_name.clone());
        let namespaces = of_pods(ResourceExt::namespace);
        let collected = Arc::<Mutex<Collected>>::default();
        let task = read_on(cluster.client().clone(), nodes, namespaces, Arc::clone(&collected));
        let _task = AbortOnDropHandle::new(tokio::spawn(task));
        Ok(Self { cluster: cluster.clone(), subjects, pods, collected, _task })
    }

    /// Reads on until every container that is still there has counters from after the window's end, in nanoseconds since
    /// 1970; at most for `limit`, of which kubelets need up to 20 s.
    ///
    /// # Errors
    /// [`KubeError::TimedOut`] naming what is missing; [`KubeError::Api`].
    pub(crate) async fn finish(
        self,
        window_end_unix_ns: u64,
        limit: Duration,
    ) -> Result<Observed, KubeError> {
        let rounds = lock(&self.collected).rounds;
        let covered = wait::until(limit, || async {
            let collected = lock(&self.collected);
            // The round that was on its way when the window ended may have been answered before.
            if collected.rounds < rounds + 2 {
                return Err("no kubelet was asked since".to_owned());
            }
            collected.covers(window_end_unix_ns)
        });
        covered.await.map_err(KubeError::timed_out("the CPU used until the window's end is not known"))?;
        let after = measured_pods(&self.cluster, &self.subjects).await?;
        let incidents = incidents(&self.pods, &after);
        let pods: BTreeMap<_, _> = self.pods.into_iter().chain(after).collect();
        let readings = lock(&self.collected).owned(&self.subjects, &pods);
        Ok(Observed { readings, incidents })
    }
}

impl Collected {
    fn add(&mut self, round: Result<BTreeMap<ContainerKey, Counters>, String>) {
        self.rounds += 1;
        self.last_round = Some(round.map(|all| {
            let moments = all.iter().map(|(key, counters)| (key.clone(), counters.at_unix_ns)).collect();
            let keyed = all.into_iter().map(|(key, counters)| ((key, counters.at_unix_ns), counters));
            self.readings.extend(keyed);
            moments
        }));
    }

    /// Whether the counters of all containers that are there are from `unix_ns` or later; what is missing otherwise.
    fn covers(&self, unix_ns: u64) -> Result<(), String> {
        let moments = match &self.last_round {
            None => return Err("no kubelet has answered".to_owned()),
            Some(Err(why)) => return Err(why.clone()),
            Some(Ok(moments)) => moments,
        };
        let older: Vec<_> = moments.iter().filter(|&(_, &at)| at < unix_ns).map(|(key, _)| key).collect();
        match older.first() {
            None => Ok(()),
            Some(ContainerKey { namespace, pod, container }) => Err(format!(
                "{} of {} containers have no counters from after it, {namespace}/{pod}/{container} for one",
                older.len(),
                moments.len()
            )),
        }
    }

    /// The readings of the pods that are somebody's cost.
    fn owned(&self, subjects: &Subjects, pods: &BTreeMap<String, Pod>) -> Vec<Reading> {
        let owned = |((key, _), counters): (&(ContainerKey, u64), &Counters)| {
            let pod = pods.get(&format!("{}/{}", key.namespace, key.pod))?;
            let owner = subjects.owner_of(pod)?;
            Some(Reading {
                container: format!("{}/{}", owner.name, key.container),
                group: subjects.group_of(&owner, &key.container),
                started_unix_ns: counters.started_unix_ns,
                at_unix_ns: counters.at_unix_ns,
                cpu_ns: counters.cpu_ns,
                working_set_bytes: counters.working_set_bytes,
                rss_bytes: counters.rss_bytes,
            })
        };
        self.readings.iter().filter_map(owned).collect()
    }
}

fn lock(collected: &Mutex<Collected>) -> MutexGuard<'_, Collected> {
    collected.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All pods that are somebody's cost, by `namespace/name`.
async fn measured_pods(cluster: &Cluster, subjects: &Subjects) -> Result<BTreeMap<String, Pod>, KubeError> {
    let pods: Api<Pod> = Api::all(cluster.client().clone());
    let listed = pods.list(&ListParams::default()).await.map_err(KubeError::api("list pods"))?;
    let measured = listed.items.into_iter().filter(|pod| subjects.owner_of(pod).is_some());
    Ok(measured
        .map(|pod| (format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any()), pod))
        .collect())
}

/// Asks all nodes, round after round. A round in which one does not answer is none: an API server that is away for a while
/// costs readings, and no more than the interval if it is back before the window's end.
async fn read_on(
    client: Client,
    nodes: BTreeSet<String>,
    namespaces: BTreeSet<String>,
    collected: Arc<Mutex<Collected>>,
) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let answers = join_all(nodes.iter().map(|node| read_node(&client, node))).await;
        let round = answers.into_iter().collect::<Result<Vec<_>, _>>().map(|nodes| {
            nodes.into_iter().flatten().filter(|(key, _)| namespaces.contains(&key.namespace)).collect()
        });
        lock(&collected).add(round);
    }
}

async fn read_node(client: &Client, node: &str) -> Result<BTreeMap<ContainerKey, Counters>, String> {
    let ask = async |path: &str| {
        let request = Request::get(format!("/api/v1/nodes/{node}/proxy{path}")).body(Vec::new());
        let request = request.map_err(|error| format!("{node}: {error}"))?;
        let answer = client.request_text(request).await;
        answer
            .map_err(|error| format!("the kubelet of {node} does not answer {path}: {}", error_chain(&error)))
    };
    let summary = "/stats/summary?only_cpu_and_memory=true";
    let (resource, summary) = try_join(ask("/metrics/resource"), ask(summary)).await?;
    readings(&resource, &summary).map_err(|why| format!("the kubelet of {node}: {why}"))
}

#[cfg(test)]
mod tests;
