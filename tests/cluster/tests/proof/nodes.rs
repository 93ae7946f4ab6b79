//! Nodes, and the cluster as a whole.

use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, ListParams, Patch, PatchParams};
use meshbench_testcluster::status::Status;
use meshbench_testcluster::{api, artifacts, requirements};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::support::{
    EMOJI, LIMIT, bring_up, eventually, namespace, pod, shared, succeed, take_down, testcluster, with_shared,
};

/// Kubernetes believes in a node for 50 s after its kubelet's last word, and looks every 5.
const NOT_READY_LIMIT: Duration = Duration::from_secs(120);

/// Two nodes of the pinned version, each with pods of its own; a second `up` changes nothing.
pub(crate) fn nodes_are_ready() {
    with_shared(|cluster, client| async move {
        let nodes = Api::<Node>::all(client).list(&ListParams::default()).await.unwrap().items;
        assert_eq!(nodes.len(), 2);
        for node in &nodes {
            api::readiness(node).unwrap();
            let version = &node.status.as_ref().unwrap().node_info.as_ref().unwrap().kubelet_version;
            assert_eq!(*version, artifacts::version_of("k8s.io/kubernetes").unwrap());
        }
        let pods = |node: &Node| node.spec.as_ref().unwrap().pod_cidr.clone().unwrap();
        assert_ne!(pods(&nodes[0]), pods(&nodes[1]));

        let before = Status::of(&cluster).unwrap();
        assert!(before.is_whole(), "{before}");
        succeed(&mut testcluster(&cluster, &["up"]));
        assert_eq!(Status::of(&cluster).unwrap().components, before.components);
    });
}

const NO_KUBECTL: &str =
    "kubectl is not installed: apt-get install --no-install-recommends kubernetes-client";

/// Why the trial of `kubectl` cannot run here, if it cannot.
pub(crate) fn why_no_kubectl() -> Option<&'static str> {
    requirements::find("kubectl").is_none().then_some(NO_KUBECTL)
}

/// Debian's `kubectl`, or whichever there is, with the kubeconfig we print.
pub(crate) fn kubectl_works() {
    let cluster = shared();
    let kubeconfig = succeed(&mut testcluster(&cluster, &["kubeconfig"]));
    let kubectl = |arguments: &[&str]| {
        let program = requirements::find("kubectl")
            .expect("kubectl is not installed: apt-get install --no-install-recommends kubernetes-client");
        succeed(Command::new(program).args(arguments).env("KUBECONFIG", kubeconfig.trim()))
    };
    let nodes = kubectl(&["get", "nodes", "--no-headers"]);
    assert_eq!(nodes.lines().filter(|line| line.contains(" Ready ")).count(), 2, "{nodes}");
    let said = kubectl(&["logs", "--namespace", "kube-system", "deployment/coredns"]);
    assert!(said.contains("CoreDNS-"), "{said}");
    // Roles are enforced: a user without one may do nothing.
    let allowed = kubectl(&["auth", "can-i", "--list", "--as=nobody", "--no-headers"]);
    assert!(!allowed.contains("pods"), "{allowed}");
}

/// The scheduler keeps pods off a tainted node, says so, and lets those on that tolerate it.
pub(crate) fn a_taint_keeps_pods_away() {
    with_shared(|_, client| async move {
        namespace(&client, "taint").await;
        let nodes: Api<Node> = Api::all(client.clone());
        let taints = |taints| Patch::Merge(json!({"spec": {"taints": taints}}));
        let taint = json!([{"key": "reserved", "value": "yes", "effect": "NoSchedule"}]);
        nodes.patch("node-2", &PatchParams::default(), &taints(taint)).await.unwrap();

        let on_it = json!({"kubernetes.io/hostname": "node-2"});
        let mut kept_away = pod("taint", "kept-away", &EMOJI);
        kept_away["spec"]["nodeSelector"] = on_it.clone();
        api::apply(&client, kept_away).await.unwrap();
        let mut tolerant = pod("taint", "tolerant", &EMOJI);
        tolerant["spec"]["nodeSelector"] = on_it;
        tolerant["spec"]["tolerations"] = json!([{"key": "reserved", "operator": "Exists"}]);
        api::apply(&client, tolerant).await.unwrap();
        api::apply(&client, pod("taint", "elsewhere", &EMOJI)).await.unwrap();

        let pods: Api<Pod> = Api::namespaced(client.clone(), "taint");
        for (name, node) in [("tolerant", "node-2"), ("elsewhere", "node-1")] {
            eventually(&format!("the pod {name} on {node}"), LIMIT, || async {
                let pod = pods.get(name).await.map_err(|error| error.to_string())?;
                let phase = pod.status.and_then(|status| status.phase).unwrap_or_default();
                let on = pod.spec.and_then(|spec| spec.node_name).unwrap_or_default();
                if phase == "Running" && on == node { Ok(()) } else { Err(format!("{phase} on {on}")) }
            })
            .await;
        }
        eventually("the scheduler's word on the other", LIMIT, || async {
            let status = pods.get("kept-away").await.map_err(|error| error.to_string())?.status;
            let conditions = status.and_then(|status| status.conditions).unwrap_or_default();
            let said: Vec<_> = conditions.into_iter().filter_map(|one| one.message).collect();
            let refused = said.iter().any(|said| said.contains("untolerated taint"));
            if refused { Ok(()) } else { Err(said.join("; ")) }
        })
        .await;
        nodes.patch("node-2", &PatchParams::default(), &taints(json!(null))).await.unwrap();
    });
}

/// Another cluster, while the first goes on.
pub(crate) fn a_second_cluster_fits_beside() {
    let first = shared();
    let before = Status::of(&first).unwrap();
    assert!(before.is_whole(), "{before}");
    let second = bring_up("second");
    assert!(Status::of(&second).unwrap().is_whole());
    let kubeconfig = |cluster| succeed(&mut testcluster(cluster, &["kubeconfig"]));
    assert_ne!(kubeconfig(&first), kubeconfig(&second));
    take_down(&second);
    assert_eq!(Status::of(&first).unwrap().components, before.components);
}

/// A node whose kubelet is killed is found out; the cluster is not whole after this.
pub(crate) fn a_killed_kubelet_is_noticed() {
    with_shared(|cluster, client| async move {
        let kubelet = Status::of(&cluster).unwrap().process("node-2-kubelet").expect("its kubelet runs");
        kill(Pid::from_raw(kubelet), Signal::SIGKILL).unwrap();
        let nodes: Api<Node> = Api::all(client);
        eventually("node-2 being NotReady", NOT_READY_LIMIT, || async {
            let node = nodes.get("node-2").await.map_err(|error| error.to_string())?;
            match api::readiness(&node) {
                Ok(()) => Err("it is Ready".to_owned()),
                Err(why) if why.starts_with("Ready is Unknown") => Ok(()),
                Err(other) => Err(other),
            }
        })
        .await;
        api::readiness(&nodes.get("node-1").await.unwrap()).unwrap();
        assert!(!testcluster(&cluster, &["status"]).output().unwrap().status.success());
    });
}
