//! What the mesh's own counters say of the traffic, through the API server's pod proxy.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::http::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use meshbench_core::run::DataPathProof;
use prometheus_parse::Scrape;
use tokio::time::timeout;

use super::answered::Answered;
use crate::kube::workload::{DeployedPod, Layout, Service};
use crate::kube::{Cluster, KubeError};
use crate::mesh::{Crossing, KubeCounters, KubeProof, MetricSelector, SharedCounters, parse_scrape};

/// How long a proxy may take to tell its counters.
const ANSWER: Duration = Duration::from_secs(20);
/// How many proxies are asked at once.
const CONCURRENCY: usize = 16;

/// What the mesh's proxies have counted until a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Crossings {
    /// Of each sidecar, by its pod as `namespace/name`; empty for a mesh without any.
    sidecars: BTreeMap<String, Counts>,
    /// Of all shared proxies together; `None` for a mesh without any.
    shared: Option<SharedCount>,
}

/// What all shared proxies counted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SharedCount {
    counts: Crossing,
    sum: f64,
}

/// One sidecar's counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    inbound: u64,
    outbound: u64,
    /// `None` where the mesh does not count them.
    handshakes: Option<u64>,
}

/// Reads the counters that a mesh's proof names; nothing for a mesh without.
///
/// # Errors
/// [`KubeError::DataPath`] with the pod whose counters cannot be read; [`KubeError::ProxySilent`] with one that does not
/// answer; [`KubeError::Api`].
pub(super) async fn read(
    cluster: &Cluster,
    proof: Option<&KubeProof>,
    layout: &Layout,
    pods: &[DeployedPod],
) -> Result<Crossings, KubeError> {
    let Some(proof) = proof else { return Ok(Crossings::default()) };
    let mut crossings = Crossings::default();
    if let Some(counters) = &proof.sidecar {
        let read = stream::iter(pods).map(|pod| async move {
            let address = (pod.namespace.as_str(), pod.name.as_str());
            let scrape = scrape(cluster, address, counters.port, &counters.path).await?;
            Ok((key(pod), counts(counters, &scrape)))
        });
        crossings.sidecars = read.buffer_unordered(CONCURRENCY).try_collect().await?;
    }
    if let Some(shared) = &proof.shared {
        let sum = read_shared(cluster, shared, layout).await?;
        crossings.shared = Some(SharedCount { counts: shared.counts, sum });
    }
    Ok(crossings)
}

async fn read_shared(cluster: &Cluster, shared: &SharedCounters, layout: &Layout) -> Result<f64, KubeError> {
    let labels: Vec<_> = shared.pods.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let selector = ListParams::default().labels(&labels.join(","));
    let namespaces =
        shared.pods.namespace.clone().map_or_else(|| layout.namespace_names(), |name| vec![name]);
    let (mut sum, mut proxies) = (0.0, 0);
    for namespace in &namespaces {
        let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
        let listed = pods.list(&selector).await;
        for pod in listed.map_err(KubeError::api(format!("list pods of {namespace}")))?.items {
            let address = (namespace.as_str(), pod.name_any());
            let scrape = scrape(cluster, (address.0, &address.1), shared.port, &shared.path).await?;
            sum += shared.crossings.sum(&scrape).unwrap_or(0.0);
            proxies += 1;
        }
    }
    if proxies == 0 {
        let why = format!("no pod with the labels {} is in {}", labels.join(","), namespaces.join(", "));
        return Err(KubeError::DataPath(format!(
            "{why} (does `proof.shared.pods` name the mesh's proxies?)"
        )));
    }
    Ok(sum)
}

async fn scrape(
    cluster: &Cluster,
    (namespace, pod): (&str, &str),
    port: u16,
    path: &str,
) -> Result<Scrape, KubeError> {
    let unread = |why: String| {
        KubeError::DataPath(format!(
            "the counters of {namespace}/{pod} at :{port}{path} cannot be read: {why}"
        ))
    };
    let url = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}");
    let request = Request::get(url).body(Vec::new()).map_err(|error| unread(error.to_string()))?;
    let doing = format!("read the counters of {namespace}/{pod} at :{port}{path}");
    let Ok(answered) = timeout(ANSWER, cluster.client().request_text(request)).await else {
        // Whoever says nothing may be the one who was to pass the question on.
        cluster.await_answer(ANSWER).await?;
        return Err(KubeError::ProxySilent { pod: format!("{namespace}/{pod}"), doing, waited: ANSWER });
    };
    let text = answered.map_err(KubeError::api(doing))?;
    parse_scrape(&text).map_err(|error| unread(error.to_string()))
}

/// A counter that nothing has moved yet may be absent: that is zero.
fn counts(counters: &KubeCounters, scrape: &Scrape) -> Counts {
    let value = |selector: &MetricSelector| selector.sum(scrape).unwrap_or(0.0) as u64;
    Counts {
        inbound: value(&counters.inbound_requests),
        outbound: value(&counters.outbound_requests),
        handshakes: counters.inbound_tls_handshakes.as_ref().map(value),
    }
}

fn key(pod: &DeployedPod) -> String {
    format!("{}/{}", pod.namespace, pod.name)
}

/// Whether what was counted between two moments covers what the generator got answered in between, and the calls behind
/// the answers; what it comes to.
///
/// # Errors
/// The first hop that counts too little, in words.
pub(super) fn covers(
    start: &Crossings,
    end: &Crossings,
    pods: &[DeployedPod],
    answered: &Answered<'_>,
) -> Result<DataPathProof, String> {
    if let (Some(start), Some(end)) = (start.shared, end.shared) {
        check_shared(end.counts, end.sum - start.sum, answered)?;
    }
    if end.sidecars.is_empty() {
        return Ok(DataPathProof::default());
    }
    let moved: Vec<_> = pods.iter().map(|pod| (pod, moved(start, end, pod))).collect();
    check_hops(&moved, answered)?;
    check_each(&moved, answered)?;
    let crossed = moved.iter().filter(|(_, counts)| counts.inbound > 0 || counts.outbound > 0);
    Ok(DataPathProof {
        sidecars: u32::try_from(crossed.count()).unwrap_or(u32::MAX),
        outbound_requests: moved.iter().map(|(_, counts)| counts.outbound).sum(),
        inbound_requests: moved.iter().map(|(_, counts)| counts.inbound).sum(),
        ..DataPathProof::default()
    })
}

/// All shared proxies together must have counted at least what surely crossed them, and something in any case. Which of them
/// a request crosses depends on where pods are, so none is looked at alone.
fn check_shared(counts: Crossing, moved: f64, answered: &Answered<'_>) -> Result<(), String> {
    let (least, what) = match counts {
        Crossing::Requests => (answered.least_requests(), "requests"),
        Crossing::Connections => (answered.least_connections(), "connections"),
    };
    let requests = answered.requests;
    match requests == 0 || (moved > 0.0 && moved >= least as f64) {
        true => Ok(()),
        false if moved <= 0.0 => {
            Err(format!("{requests} requests were answered and the mesh's shared proxies counted nothing"))
        }
        false => Err(format!(
            "{requests} requests were answered, for which {least} {what} or more must have crossed the mesh's shared \
             proxies, and they counted {moved} (does `proof.shared.counts` say what `crossings` grows with?)"
        )),
    }
}

/// What one sidecar counted between two moments; of handshakes all there ever were, for connections stay open.
fn moved(start: &Crossings, end: &Crossings, pod: &DeployedPod) -> Counts {
    let of = |crossings: &Crossings| crossings.sidecars.get(&key(pod)).copied().unwrap_or_default();
    let (start, end) = (of(start), of(end));
    Counts {
        inbound: end.inbound.saturating_sub(start.inbound),
        outbound: end.outbound.saturating_sub(start.outbound),
        handshakes: end.handshakes,
    }
}

/// All sidecars of a hop together must have counted at least what was answered.
fn check_hops(moved: &[(&DeployedPod, Counts)], answered: &Answered<'_>) -> Result<(), String> {
    let sum = |is_of_hop: fn(Service) -> bool, value: fn(&Counts) -> u64| -> u64 {
        moved.iter().filter(|(pod, _)| is_of_hop(pod.service)).map(|(_, counts)| value(counts)).sum()
    };
    let is_web = |service| service == Service::Web;
    let mut hops = vec![("the web sidecars inbound", sum(is_web, |counts| counts.inbound))];
    if answered.all_call() {
        hops.push(("the web sidecars outbound", sum(is_web, |counts| counts.outbound)));
        let behind = sum(|service| service != Service::Web, |counts| counts.inbound);
        hops.push(("the emoji and voting sidecars", behind));
    }
    let answered = answered.requests;
    match hops.into_iter().find(|(_, crossed)| *crossed < answered) {
        None => Ok(()),
        Some((hop, crossed)) => {
            Err(format!("{answered} requests were answered but only {crossed} crossed {hop}"))
        }
    }
}

/// Every sidecar whose service the paths reach must have counted some, and handshakes where the mesh counts them: not
/// beside web, whose client need not be in the mesh.
fn check_each(moved: &[(&DeployedPod, Counts)], answered: &Answered<'_>) -> Result<(), String> {
    let reached = answered.services();
    for (pod, counts) in moved.iter().filter(|(pod, _)| reached.contains(&pod.service)) {
        if counts.inbound == 0 {
            return Err(format!(
                "the sidecar of {} counted no request that arrived (does `proof.sidecar.inbound_requests` name a \
                 series it has?)",
                key(pod)
            ));
        }
        if pod.service != Service::Web && counts.handshakes == Some(0) {
            return Err(format!(
                "the sidecar of {} took requests from web and counted no TLS handshake for them",
                key(pod)
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
