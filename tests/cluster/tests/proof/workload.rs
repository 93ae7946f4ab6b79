//! Our programs in pods: the workload across nodes, a load generator that finishes, and the end of both.

use std::collections::BTreeSet;
use std::fs;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, LogParams};
use meshbench_testcluster::api;
use serde_json::{Value, json};

use super::support::{EMOJI, LIMIT, eventually, eventually_here, namespace, pod, pod_spec, with_shared};

/// The workload's namespace.
pub(crate) const EMOJIVOTO: &str = "emojivoto";

/// Emojivoto spread over both nodes answers a Job by its DNS name, and the Job's logs say so.
pub(crate) fn emojivoto_answers_across_nodes() {
    with_shared(|_, client| async move {
        deploy_emojivoto(&client).await;
        await_web(&client).await;
        let said = run_load(&client, "load", "3s").await;
        // 100 requests a second for three seconds.
        assert!(said.contains("300 succeeded, 0 failed"), "{said}");
        let pods: Api<Pod> = Api::namespaced(client.clone(), EMOJIVOTO);
        let listed = pods.list(&ListParams::default()).await.unwrap().items;
        let nodes: BTreeSet<_> = listed.into_iter().filter_map(|pod| pod.spec?.node_name).collect();
        assert_eq!(nodes.len(), 2, "the workload is on {nodes:?}");
    });
}

/// Deleting a namespace ends the processes of its pods, on the nodes and not only on paper.
pub(crate) fn a_deleted_namespace_ends_its_pods() {
    with_shared(|_, client| async move {
        namespace(&client, "doomed").await;
        api::apply(&client, pod("doomed", "doomed", &EMOJI)).await.unwrap();
        let pods: Api<Pod> = Api::namespaced(client.clone(), "doomed");
        let id = eventually("the pod to run", LIMIT, || async {
            let pod = pods.get("doomed").await.map_err(|error| error.to_string())?;
            let status = pod.status.unwrap_or_default();
            match status.phase.as_deref() {
                Some("Running") => Ok(pod.metadata.uid.unwrap_or_default()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        assert!(!groups_of_pod(&id).is_empty(), "the pod {id} has no control group");
        let namespaces: Api<Namespace> = Api::all(client);
        namespaces.delete("doomed", &DeleteParams::default()).await.unwrap();
        eventually("the namespace to be gone", LIMIT, || async {
            match namespaces.get_opt("doomed").await {
                Ok(None) => Ok(()),
                Ok(Some(there)) => Err(format!("{:?}", there.status)),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
        eventually_here("the pod's control groups to be gone", || {
            let left = groups_of_pod(&id);
            if left.is_empty() { Ok(()) } else { Err(left.join(", ")) }
        });
    });
}

fn groups_of_pod(id: &str) -> Vec<String> {
    let tables = procfs::process::all_processes().unwrap().flatten();
    let groups =
        tables.filter_map(|process| fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).ok());
    groups.filter(|groups| groups.contains(&format!("pod{id}"))).collect()
}

/// Web on one node, what it asks on the other; nothing if that is there.
pub(crate) async fn deploy_emojivoto(client: &Client) {
    namespace(client, EMOJIVOTO).await;
    let (emoji, voting) = ("emoji-svc:8080", "voting-svc:8080");
    let roles = [
        (
            "web",
            "node-1",
            vec!["web", "--web-port=8080", "--emojisvc-host", emoji, "--votingsvc-host", voting],
        ),
        ("emoji", "node-2", vec!["emoji", "--grpc-port=8080"]),
        ("voting", "node-2", vec!["voting", "--grpc-port=8080"]),
    ];
    for (role, node, arguments) in &roles {
        let command: Vec<_> = ["meshbench-emojivoto"].into_iter().chain(arguments.iter().copied()).collect();
        let mut spec = pod_spec(&command);
        spec["nodeSelector"] = json!({"kubernetes.io/hostname": node});
        spec["containers"][0]["ports"] = json!([{"containerPort": 8080}]);
        spec["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 8080}, "periodSeconds": 1});
        for object in deployment_and_service(role, &spec) {
            api::apply(client, object).await.unwrap();
        }
    }
    for (role, ..) in roles {
        api::await_deployment(client, EMOJIVOTO, role).await.unwrap();
    }
}

/// Waits until web answers, and so what it asks on the other node: a Service reaches each node's kube-proxy a moment after its
/// pods are Ready.
async fn await_web(client: &Client) {
    let path = format!("/api/v1/namespaces/{EMOJIVOTO}/services/web-svc:http/proxy/api/list");
    eventually("an answer of web", LIMIT, || async {
        let request = hyper::http::Request::get(&path).body(Vec::new()).map_err(|error| error.to_string())?;
        client.request_text(request).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

fn deployment_and_service(role: &str, spec: &Value) -> [Value; 2] {
    let labels = json!({"app": role});
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": role, "namespace": EMOJIVOTO},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    });
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": format!("{role}-svc"), "namespace": EMOJIVOTO},
        "spec": {
            "selector": labels,
            "ports": [{"name": if role == "web" { "http" } else { "grpc" }, "port": 8080}],
        },
    });
    [deployment, service]
}

/// Sends requests to the workload by its DNS name, from a Job beside `emoji`, and gives back the Job's logs.
pub(crate) async fn run_load(client: &Client, name: &str, duration: &str) -> String {
    start_load(client, name, duration).await;
    let jobs: Api<Job> = Api::namespaced(client.clone(), EMOJIVOTO);
    let pods: Api<Pod> = Api::namespaced(client.clone(), EMOJIVOTO);
    let pod = eventually("the Job's pod", LIMIT, || async {
        let selected = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={name}"));
        let found = pods.list(&selected).await.map_err(|error| error.to_string())?.items;
        found.into_iter().find_map(|pod| pod.metadata.name).ok_or_else(|| "none".to_owned())
    })
    .await;
    eventually("the Job's end", LIMIT, || async {
        let job = jobs.get(name).await.map_err(|error| error.to_string())?;
        let status = job.status.unwrap_or_default();
        if status.succeeded == Some(1) {
            return Ok(());
        }
        let said = pods.logs(&pod, &LogParams::default()).await.unwrap_or_default();
        Err(format!("{} active, {} failed; {said}", status.active.unwrap_or(0), status.failed.unwrap_or(0)))
    })
    .await;
    pods.logs(&pod, &LogParams::default()).await.unwrap()
}

/// Starts the Job.
pub(crate) async fn start_load(client: &Client, name: &str, duration: &str) {
    let url = format!("http://web-svc.{EMOJIVOTO}.svc.cluster.local:8080/api/list");
    let command = ["meshbench-load", "--url", &url, "--rate", "100", "--duration", duration];
    let mut spec = pod_spec(&command);
    spec["nodeSelector"] = json!({"kubernetes.io/hostname": "node-2"});
    // A Service reaches each node's kube-proxy a moment after its pods are Ready: a first try may find nobody.
    spec["restartPolicy"] = json!("OnFailure");
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": EMOJIVOTO},
        "spec": {"backoffLimit": 5, "template": {"spec": spec}},
    });
    api::apply(client, job).await.unwrap();
}
