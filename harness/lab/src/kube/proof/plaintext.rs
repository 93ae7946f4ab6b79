//! What becomes of plaintext that comes from outside the mesh: a pod without it tries every pod of the workload once.
//!
//! By the pods' addresses: a Service's reaches the nodes some moment after its pods are ready, and until then refuses
//! everybody, which would pass for the mesh's refusal.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, LogParams};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kube::labels::RUN;
use crate::kube::workload::{DeployedPod, Layout, REQUEST_PORT, Service};
use crate::kube::{Cluster, KubeError, watch};

/// How long one answer may take.
const TIMEOUT: &str = "5s";
/// How much of a log is quoted, in bytes.
const QUOTED: usize = 300;

/// What became of the requests to the pods of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tried {
    /// The service.
    pub service: Service,
    /// Requests that were answered.
    pub answered: u64,
    /// One for each pod.
    pub sent: u64,
    /// What the generator said, where it could not send any.
    pub said: Option<String>,
}

/// What a generator prints at its end, as far as it is asked for.
#[derive(Debug, Deserialize)]
struct Recording {
    requests: u64,
    successes: u64,
}

/// Sends each pod one request, from a pod in a namespace that is not enrolled and is removed with the run. `probe` is that
/// pod's name, another each time: one that is not gone yet would be taken for the new one, with what it was told before.
///
/// # Errors
/// [`KubeError::TimedOut`] when the pod does not end within the limit; [`KubeError::Api`].
pub(super) async fn try_all(
    cluster: &Cluster,
    layout: &Layout,
    pods: &[DeployedPod],
    probe: &str,
    limit: Duration,
) -> Result<Vec<Tried>, KubeError> {
    let namespace = format!("mb-{}-probe", layout.run);
    let labels = json!({RUN: layout.run});
    let object =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}});
    cluster.apply(&object).await?;
    let addresses = addresses(pods);
    cluster.apply(&pod_of_probe(probe, &layout.image, &namespace, &addresses)).await?;
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), &namespace);
    let selected = ListParams::default().fields(&format!("metadata.name={probe}"));
    let ended = watch::until(&pods, &selected, limit, |pods| exit_codes(pods.values().next()));
    let codes = ended.await.map_err(KubeError::timed_out("the probe from outside the mesh has not ended"))?;
    let mut tried = Vec::new();
    for (service, addresses) in addresses {
        let wanted = LogParams { container: Some(service.name().to_owned()), ..LogParams::default() };
        let log = pods.logs(probe, &wanted).await;
        let log = log.map_err(KubeError::api(format!("read the log of {namespace}/{probe}")))?;
        let code = codes.get(service.name()).copied().unwrap_or_default();
        tried.push(outcome(service, addresses.len() as u64, code, &log)?);
    }
    let deleted = pods.delete(probe, &DeleteParams::default()).await;
    deleted.map_err(KubeError::api(format!("delete {namespace}/{probe}")))?;
    Ok(tried)
}

/// Refuses a mesh that lets plaintext through.
///
/// # Errors
/// [`KubeError::DataPath`] naming the service.
pub(super) fn refused(tried: &[Tried]) -> Result<(), KubeError> {
    match tried.iter().find(|it| it.answered > 0) {
        None => Ok(()),
        Some(Tried { service, answered, sent, .. }) => Err(KubeError::DataPath(format!(
            "{answered} of {sent} requests in plaintext from outside the mesh were answered by {}, where mesh.yaml \
             says `plaintext_refused` (is the mesh's policy strict, and are its proxies in the way?)",
            service.name()
        ))),
    }
}

/// Refuses a workload without a mesh that does not answer: the control of [`refused`].
///
/// # Errors
/// [`KubeError::DataPath`] naming the service.
pub(super) fn answered(tried: &[Tried]) -> Result<(), KubeError> {
    match tried.iter().find(|it| it.answered < it.sent) {
        None => Ok(()),
        Some(Tried { service, answered, sent, said }) => Err(KubeError::DataPath(format!(
            "only {answered} of {sent} requests in plaintext were answered by {}, where there is no mesh{}",
            service.name(),
            said.as_ref().map(|said| format!("; the probe says: {said}")).unwrap_or_default()
        ))),
    }
}

/// Where the pods of each service answer.
fn addresses(pods: &[DeployedPod]) -> BTreeMap<Service, Vec<SocketAddr>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for pod in pods {
        all.entry(pod.service).or_default().push(SocketAddr::new(pod.ip, REQUEST_PORT));
    }
    all
}

/// The pod: a container for each service, with as many requests as that has pods.
fn pod_of_probe(
    name: &str,
    image: &str,
    namespace: &str,
    addresses: &BTreeMap<Service, Vec<SocketAddr>>,
) -> Value {
    let container = |(service, addresses): (&Service, &Vec<SocketAddr>)| {
        json!({
            "name": service.name(),
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": command(*service, addresses),
        })
    };
    let containers: Vec<_> = addresses.iter().map(container).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"restartPolicy": "Never", "enableServiceLinks": false, "containers": containers},
    })
}

fn command(service: Service, addresses: &[SocketAddr]) -> Vec<String> {
    let (protocol, path) = match service {
        Service::Web => ("h1", "/"),
        Service::Emoji => ("grpc", "/emojivoto.v1.EmojiService/ListAll"),
        Service::Voting => ("grpc", "/emojivoto.v1.VotingService/Results"),
    };
    let urls = addresses.iter().flat_map(|address| ["--url".to_owned(), format!("http://{address}{path}")]);
    let count = addresses.len().to_string();
    let load = ["--protocol", protocol, "--rate", &count, "--duration", "1s", "--timeout", TIMEOUT];
    let output = ["--connections", &count, "--events", "--output", "/dev/stdout"];
    let settings = load.into_iter().chain(output).map(str::to_owned);
    ["meshbench-load".to_owned()].into_iter().chain(urls).chain(settings).collect()
}

/// With what each container ended, once all have.
fn exit_codes(pod: Option<&Pod>) -> Result<BTreeMap<String, i32>, String> {
    let status = pod.and_then(|pod| pod.status.as_ref()).ok_or("there is no such pod")?;
    let phase = status.phase.as_deref().unwrap_or("unknown");
    if !matches!(phase, "Succeeded" | "Failed") {
        return Err(format!("its phase is {phase}"));
    }
    let code = |status: &k8s_openapi::api::core::v1::ContainerStatus| {
        let ended = status.state.as_ref()?.terminated.as_ref()?;
        Some((status.name.clone(), ended.exit_code))
    };
    Ok(status.container_statuses.iter().flatten().filter_map(code).collect())
}

/// What a generator's exit code and log say. Code 1 is one that could not send, as when nobody lets it connect.
fn outcome(service: Service, sent: u64, code: i32, log: &str) -> Result<Tried, KubeError> {
    let recording = log.lines().find_map(|line| serde_json::from_str::<Recording>(line).ok());
    let said = log.trim().chars().take(QUOTED).collect::<String>();
    match (recording, code) {
        (Some(recording), 0) => {
            Ok(Tried { service, answered: recording.successes, sent: recording.requests, said: None })
        }
        (_, 1) => Ok(Tried { service, answered: 0, sent, said: Some(said) }),
        _ => Err(KubeError::DataPath(format!(
            "the probe of {} from outside the mesh ended with exit code {code} and says: {said}",
            service.name()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const RECORDED: &str = "{\"event\":\"started\",\"connections\":2,\"threads\":1}\n\
        {\"version\":2,\"plan\":{\"rate\":\"2rps\"},\"requests\":2,\"successes\":1}\n{\"event\":\"finished\"}\n";

    #[rstest]
    #[case::recorded(0, RECORDED, Some((1, 2)))]
    #[case::could_not_connect(1, "error: cannot connect to 10.96.0.7:8080", Some((0, 2)))]
    #[case::wrong_usage(2, "error: unexpected argument", None)]
    #[case::says_nothing(0, "", None)]
    fn an_outcome_is_read_off_the_log(
        #[case] code: i32,
        #[case] log: &str,
        #[case] expected: Option<(u64, u64)>,
    ) {
        let outcome = outcome(Service::Web, 2, code, log);
        assert_eq!(outcome.ok().map(|tried| (tried.answered, tried.sent)), expected);
    }

    #[rstest]
    #[case::none(0, true, false)]
    #[case::some(1, false, false)]
    #[case::all(2, false, true)]
    fn what_is_refused_by_a_mesh_must_be_answered_without(
        #[case] count: u64,
        #[case] is_refused: bool,
        #[case] is_answered: bool,
    ) {
        let tried = [Tried { service: Service::Web, answered: count, sent: 2, said: None }];
        assert_eq!(refused(&tried).is_ok(), is_refused);
        assert_eq!(answered(&tried).is_ok(), is_answered);
    }
}
