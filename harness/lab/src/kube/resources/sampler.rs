//! Reading the counters of a run's containers and nodes until the window is covered: [`Sampler`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{join_all, try_join};
use hyper::http::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use meshbench_core::edges::Reading;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::collected::{Collected, Counted, Round, node_of};
use super::incidents::{Incident, incidents};
use super::owner::Subjects;
use super::summary::{ContainerKey, NodeReadings, readings};
use crate::error::error_chain;
use crate::kube::step_limit::StepLimit;
use crate::kube::{Cluster, KubeError};
use crate::wait;

/// How often kubelets are asked at most. Their counters move every 10 to 20 seconds, measured on Kubernetes 1.34: this
/// often, no reading is missed and the asking costs the nodes little.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);
/// How often once the load is over and the next reading of each is all that is waited for.
const FINISHING_INTERVAL: Duration = Duration::from_secs(1);

/// Reads the counters of a run's containers, on all their nodes at once, until told to finish.
#[derive(Debug)]
pub(crate) struct Sampler {
    cluster: Cluster,
    subjects: Subjects,
    /// Those that were there when it began, by `namespace/name`.
    pods: BTreeMap<String, Pod>,
    collected: Arc<Mutex<Collected>>,
    finishing: Arc<Notify>,
    _task: AbortOnDropHandle<()>,
}

/// What a run's containers used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    /// All readings, for [`meshbench_core::edges::at_edges`].
    pub readings: Vec<Reading>,
    /// Restarted and unread containers, and pods that vanished or appeared, each a sentence.
    pub incidents: Vec<String>,
    /// Those of them that are restarts of the mesh's proxies in the way of requests.
    pub restarted_proxies: Vec<String>,
}

impl Sampler {
    /// Begins to read, at this interval or the shortest at which there is anything new. To be called once everything that is
    /// measured runs, before the window opens.
    ///
    /// # Errors
    /// [`KubeError::Api`] when pods cannot be listed.
    pub(crate) async fn start(
        cluster: &Cluster,
        subjects: Subjects,
        interval: Duration,
    ) -> Result<Self, KubeError> {
        let pods = measured_pods(cluster.client(), &subjects).await?;
        let collected = Arc::<Mutex<Collected>>::default();
        let finishing = Arc::<Notify>::default();
        let task = read_on(
            cluster.client().clone(),
            subjects.clone(),
            interval.max(SHORTEST_INTERVAL),
            Arc::clone(&collected),
            Arc::clone(&finishing),
        );
        let _task = AbortOnDropHandle::new(tokio::spawn(task));
        Ok(Self { cluster: cluster.clone(), subjects, pods, collected, finishing, _task })
    }

    /// Reads on until every container that runs has counters from after the window's end, in nanoseconds since 1970; at most
    /// for `limit`, of which kubelets need up to 20 s.
    ///
    /// # Errors
    /// [`KubeError::TimedOut`] naming what is missing; [`KubeError::Api`].
    pub(crate) async fn finish(
        self,
        window_end_unix_ns: u64,
        limit: Duration,
    ) -> Result<Observed, KubeError> {
        self.finishing.notify_one();
        let rounds = lock(&self.collected).rounds();
        let covered = wait::until(limit, || async {
            let collected = lock(&self.collected);
            // The round that was on its way when the window ended may have been answered before.
            if collected.rounds() < rounds + 2 {
                return Err("no kubelet was asked since".to_owned());
            }
            collected.covers(window_end_unix_ns)
        });
        covered.await.map_err(KubeError::timed_out("the CPU used until the window's end is not known"))?;
        let pods = measured_pods(self.cluster.client(), &self.subjects);
        let pods = StepLimit::begin(limit).keep("what became of the containers cannot be seen", pods).await?;
        let incidents = incidents(&self.pods, &pods);
        let is_proxy = |incident: &&Incident<'_>| {
            incident.restarted.is_some_and(|(pod, container)| self.subjects.is_in_the_way(pod, container))
        };
        let restarted_proxies = incidents.iter().filter(is_proxy).map(|it| it.what.clone()).collect();
        let collected = lock(&self.collected);
        let incidents = incidents.into_iter().map(|it| it.what).chain(collected.never_read()).collect();
        Ok(Observed { readings: collected.owned(&self.subjects), incidents, restarted_proxies })
    }
}

fn lock(collected: &Mutex<Collected>) -> MutexGuard<'_, Collected> {
    collected.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All pods that are somebody's cost, by `namespace/name`, as the API server has them at hand.
async fn measured_pods(client: &Client, subjects: &Subjects) -> Result<BTreeMap<String, Pod>, KubeError> {
    let pods: Api<Pod> = Api::all(client.clone());
    // Not the newest of the store's but its cache's: this is asked every few seconds, of clusters of any size.
    let listed = pods.list(&ListParams::default().match_any()).await;
    let listed = listed.map_err(KubeError::api("list pods"))?;
    let measured = listed.items.into_iter().filter(|pod| subjects.owner_of(pod).is_some());
    Ok(measured
        .map(|pod| (format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any()), pod))
        .collect())
}

/// Reads round after round, `every` so often, and more often once `finishing`. One in which somebody does not answer is none: an API server that is away for a while costs
/// readings, and no more than the interval if it is back before the window's end.
async fn read_on(
    client: Client,
    subjects: Subjects,
    mut every: Duration,
    collected: Arc<Mutex<Collected>>,
    finishing: Arc<Notify>,
) {
    loop {
        let next = Instant::now() + every;
        let round = read_once(&client, &subjects).await;
        lock(&collected).add(round);
        tokio::select! {
            () = sleep_until(next) => {}
            () = finishing.notified() => every = FINISHING_INTERVAL,
        }
    }
}

/// Looks which pods there are, wherever they are by now, and asks the kubelets of their nodes.
async fn read_once(client: &Client, subjects: &Subjects) -> Result<Round, String> {
    let pods = measured_pods(client, subjects).await.map_err(|error| error_chain(&error))?;
    let nodes: BTreeSet<_> = pods.values().filter_map(node_of).collect();
    let answers = join_all(nodes.iter().map(|node| read_node(client, node))).await;
    let mut counters = BTreeMap::new();
    for (node, answer) in nodes.iter().zip(answers) {
        let NodeReadings { node: whole, containers } = answer?;
        counters.extend(whole.map(|whole| (Counted::Node((*node).to_owned()), whole)));
        let is_measured = |key: &ContainerKey| pods.contains_key(&format!("{}/{}", key.namespace, key.pod));
        let measured = containers.into_iter().filter(|(key, _)| is_measured(key));
        counters.extend(measured.map(|(key, told)| (Counted::Container(key), told)));
    }
    Ok(Round { pods, counters })
}

async fn read_node(client: &Client, node: &str) -> Result<NodeReadings, String> {
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
