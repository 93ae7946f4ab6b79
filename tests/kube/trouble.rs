//! Things that go wrong in a cluster while something is measured: each ends in a cause that is named, and a clean cluster.

use std::process::{Child, Command, Output};
use std::time::Duration;

use meshbench_core::judge::Verdict;
use meshbench_testcluster::status::Status;
use meshbench_testcluster::{istio, network};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::additions::{MESH, add};
use super::breakage::add_deaf_mesh;
use super::campaigns::{assert_good, small_scenario};
use crate::support::{eventually_within, start, text_of};
use crate::world::World;

/// How long the API server is away.
const AWAY: Duration = Duration::from_secs(30);
/// How long it takes at most until the load begins.
const DEPLOYMENT: Duration = Duration::from_secs(180);

/// An API server that is away for half a minute while the load runs costs nothing but time.
pub(crate) fn an_api_server_that_is_away_is_waited_for() {
    let world = World::new();
    let mut campaign = Campaign::begin(&world, "bare", "60s");
    campaign.await_load();
    {
        let _away = world.freeze("kube-apiserver");
        std::thread::park_timeout(AWAY);
    }
    let (_, text) = campaign.end();
    // What all nodes share, the API server's coming back keeps busy.
    assert_good(&world.workshop.report().cases[0], &text);
    assert_eq!(campaign_requests(&world), 6_000, "{text}");
}

/// A generator that is evicted in the middle of its load is named, and by what it was ended.
pub(crate) fn an_evicted_generator_is_named() {
    let world = World::new();
    let mut campaign = Campaign::begin(&world, "bare", "60s");
    let (namespace, pod) = campaign.await_load();
    let eviction = serde_json::json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"namespace": namespace, "name": pod}});
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/eviction");
    world.kubectl_with(&["create", "--raw", &path, "-f", "-"], &eviction.to_string());
    let (verdict, text) = campaign.end();
    let Verdict::Invalid { reasons } = verdict else { panic!("{text}") };
    assert!(reasons.iter().any(|reason| reason.contains(&pod) && reason.contains("evicted")), "{reasons:?}");
}

/// A node whose kubelet falls silent while the load runs is named, though it is back in the end.
pub(crate) fn a_node_that_is_not_ready_is_named() {
    let world = World::new();
    let mut campaign = Campaign::begin(&world, "bare", "60s");
    let (namespace, _) = campaign.await_load();
    let app = namespace.replace("-load", "-app-0");
    let node = world.kubectl(&["get", "pods", "-n", &app, "-o", "jsonpath={.items[0].spec.nodeName}"]);
    {
        let _silent = world.freeze(&format!("{node}-kubelet"));
        world.kubectl(&["wait", &format!("node/{node}"), "--for=condition=Ready=Unknown", "--timeout=120s"]);
    }
    let (verdict, text) = campaign.end();
    let Verdict::Invalid { reasons } = verdict else { panic!("{text}") };
    let is_named = |reason: &String| reason.contains(&node) && reason.contains("not ready all the time");
    assert!(reasons.iter().any(is_named), "{reasons:?}");
    world.kubectl(&["wait", "node", "--all", "--for=condition=Ready", "--timeout=60s"]);
}

/// A webhook that lets no pod in is quoted, with what it was that it refused, and all the pods that are missing are named.
pub(crate) fn a_webhook_that_refuses_is_named() {
    let world = World::new();
    add_deaf_mesh(&world, "refusing", |injector| {
        injector.replace("failurePolicy: Ignore", "failurePolicy: Fail")
    });
    let scenario = small_scenario("refusing", "1s", "").replace("step_limit: 3m", "step_limit: 60s");
    let campaign = Campaign::begin_with(&world, "refusing", &scenario);
    let (verdict, text) = campaign.end();
    let Verdict::Invalid { reasons } = verdict else { panic!("{text}") };
    let is_named = |reason: &String| {
        let pods = ["web", "emoji", "voting"].iter().all(|pod| reason.contains(&format!("app-0/{pod}")));
        pods && reason.contains("inject.down.test") && reason.contains("ReplicaSet")
    };
    assert!(reasons.iter().any(is_named), "{reasons:?}");
}

/// Mutual TLS that is switched off while the load runs is seen by a probe from outside the mesh.
pub(crate) fn mutual_tls_that_is_switched_off_is_caught() {
    let world = World::new();
    let mut campaign = Campaign::begin(&world, "istio-tuned", "15s");
    let app = campaign.await_load_through("istio-proxy");
    let permissive = r#"{"spec": {"mtls": {"mode": "PERMISSIVE"}}}"#;
    world.kubectl(&["patch", "peerauthentication", "strict", "-n", &app, "--type=merge", "-p", permissive]);
    let (verdict, text) = campaign.end();
    let Verdict::Invalid { reasons } = verdict else { panic!("{text}") };
    let is_named = |reason: &String| reason.contains("after the load") && reason.contains("in plaintext");
    assert!(reasons.iter().any(is_named), "{reasons:?}");
}

/// Proxies that hang under the load, as some do above what they can carry: the first that says nothing is named, in time.
pub(crate) fn a_proxy_that_hangs_is_named() {
    let world = World::new();
    add(&world, |text| text);
    let mut campaign = Campaign::begin(&world, MESH, "15s");
    let app = campaign.await_load_through("envoy");
    let uids = world.kubectl(&["get", "pods", "-n", &app, "-o", "jsonpath={.items[*].metadata.uid}"]);
    let uids: Vec<_> = uids.split_whitespace().map(|uid| format!("pod{uid}")).collect();
    let proxies = procfs::process::all_processes().unwrap().flatten().filter(|process| {
        let groups = std::fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).unwrap_or_default();
        process.stat().is_ok_and(|stat| stat.comm == "envoy") && uids.iter().any(|uid| groups.contains(uid))
    });
    let proxies: Vec<_> = proxies.map(|process| Pid::from_raw(process.pid)).collect();
    assert_eq!(proxies.len(), 3, "{proxies:?}");
    proxies.into_iter().for_each(|proxy| kill(proxy, Signal::SIGSTOP).unwrap());
    let (verdict, text) = campaign.end();
    let Verdict::Invalid { reasons } = verdict else { panic!("{text}") };
    let is_named = |reason: &String| reason.contains(&app) && reason.contains("has not answered for 20s");
    assert!(reasons.iter().any(is_named), "{reasons:?}");
}

/// What comes to the cluster while a mesh is there, and stays, is named: whatever is measured next would be measured with it.
pub(crate) fn what_stays_behind_is_named() {
    let world = World::new();
    let mut campaign = Campaign::begin(&world, "bare", "10s");
    campaign.await_load();
    let role = format!("left-behind-{}", std::process::id());
    world.kubectl(&["create", "clusterrole", &role, "--verb=get", "--resource=pods"]);
    let output = campaign.process.take().unwrap().wait_with_output().unwrap();
    world.kubectl(&["delete", "clusterrole", &role]);
    let (verdict, text) = campaign.ended_with(&output);
    let Verdict::Error { causes } = verdict else { panic!("{text}") };
    assert!(
        causes.iter().any(|cause| cause.contains(&format!("ClusterRole {role} came while"))),
        "{causes:?}"
    );
}

/// A namespace that does not go away is named with the finalizer that holds it and the cure, and goes once that is taken.
pub(crate) fn a_namespace_that_hangs_is_named() {
    let world = World::new();
    let scenario = small_scenario("bare", "15s", "").replace("step_limit: 3m", "step_limit: 60s");
    let mut campaign = Campaign::begin_with(&world, "bare", &scenario);
    let app = campaign.await_load().0.replace("-load", "-app-0");
    let held = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": app, "finalizers": [FINALIZER]}});
    world.kubectl_with(&["create", "-f", "-"], &held.to_string());
    let output = campaign.process.take().unwrap().wait_with_output().unwrap();
    let taken = r#"{"metadata": {"finalizers": null}}"#;
    world.kubectl(&["patch", "configmap", "held", "-n", &app, "--type=merge", "-p", taken]);
    world.kubectl(&["wait", &format!("namespace/{app}"), "--for=delete", "--timeout=60s"]);
    let (verdict, text) = campaign.ended_with(&output);
    let Verdict::Error { causes } = verdict else { panic!("{text}") };
    let edit = format!("kubectl edit KIND --namespace {app}");
    assert!(causes.iter().any(|cause| cause.contains(FINALIZER) && cause.contains(&edit)), "{causes:?}");
}

/// Nobody takes it off.
const FINALIZER: &str = "trial.meshbench.dev/hold";

/// What a mesh's agents leave in the iptables of nodes is named, with the node: no object of Kubernetes tells of it.
pub(crate) fn what_stays_on_nodes_is_named() {
    let world = World::new();
    add(&world, |text| {
        let is_manifest = text.contains("MutatingAdmissionPolicy");
        let agent = AGENT_THAT_LEAVES_A_CHAIN.replace("IMAGE", istio::PROXY).replace("CHAIN", CHAIN);
        let ready = "ready:\n    - daemon_set: agent-that-leaves/agent";
        let own = format!(
            "kube:\n  namespaces: [{{name: agent-that-leaves}}]\n  on_nodes: {{iptables_chains: [{CHAIN}]}}"
        );
        if is_manifest { text + &agent } else { text.replace("ready:", ready).replace("kube:", &own) }
    });
    let campaign = Campaign::begin(&world, MESH, "5s");
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| campaign.end()));
    let removed: Vec<_> = network::node_names(2).map(|node| remove_chain(&world, &node)).collect();
    let (verdict, text) = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let Verdict::Error { causes } = verdict else { panic!("{text}") };
    for node in network::node_names(2) {
        let is_named =
            |cause: &String| cause.contains(&format!("on {node} the chain {CHAIN} of the table filter"));
        assert!(causes.iter().any(is_named), "{node}: {causes:?}");
    }
    assert!(removed.iter().all(|is_removed| *is_removed), "{removed:?}: {text}");
}

/// A chain that nothing jumps to: it changes nothing.
const CHAIN: &str = "MESHBENCH_TEST_LEFT";

/// It is on each node, also on that of the load generator, and cleans nothing up.
const AGENT_THAT_LEAVES_A_CHAIN: &str = r#"---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
  namespace: agent-that-leaves
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      hostNetwork: true
      tolerations: [{operator: Exists}]
      terminationGracePeriodSeconds: 1
      initContainers:
        - name: chain
          image: IMAGE
          command: [iptables, --new-chain, CHAIN]
          securityContext:
            runAsUser: 0
            capabilities: {add: [NET_ADMIN, NET_RAW]}
      containers:
        - name: agent
          image: localhost/meshbench:dev
          command: [meshbench-emojivoto, emoji, --grpc-port=0]
"#;

/// Whether there was one on the node.
fn remove_chain(world: &World, node: &str) -> bool {
    let kubelet = Status::of(world.cluster()).unwrap().process(&format!("{node}-kubelet")).unwrap();
    let mut nsenter = Command::new("nsenter");
    nsenter.args(["--target", &kubelet.to_string(), "--net", "iptables", "--delete-chain", CHAIN]);
    nsenter.status().unwrap().success()
}

/// A campaign in the background, and what was in the cluster before it.
struct Campaign<'world> {
    world: &'world World,
    mesh: &'static str,
    before: Vec<String>,
    process: Option<Child>,
}

/// A trial that failed must not leave its campaign to the next one.
impl Drop for Campaign<'_> {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGTERM).unwrap();
            process.wait().unwrap();
        }
    }
}

impl<'world> Campaign<'world> {
    fn begin(world: &'world World, mesh: &'static str, duration: &str) -> Self {
        Self::begin_with(world, mesh, &small_scenario(mesh, duration, ""))
    }

    fn begin_with(world: &'world World, mesh: &'static str, scenario: &str) -> Self {
        world.workshop.scenario("troubled", scenario);
        let before = world.everything();
        let process = start(&mut world.meshbench(&["run", "troubled"]));
        Self { world, mesh, before, process: Some(process) }
    }

    /// Waits until the load generator is at its load; its namespace and pod.
    fn await_load(&mut self) -> (String, String) {
        eventually_within(DEPLOYMENT, "the load to begin", || {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none(),
                "{}",
                text_of(&self.process.take().unwrap().wait_with_output().unwrap())
            );
            let listed = self.world.kubectl(&[
                "get",
                "pods",
                "-A",
                "-l",
                "meshbench.dev/role=generator",
                "-o",
                "json",
            ]);
            let listed: Value = serde_json::from_str(&listed).unwrap();
            let metadata = &listed["items"][0]["metadata"];
            let (Some(namespace), Some(pod)) = (metadata["namespace"].as_str(), metadata["name"].as_str())
            else {
                return Err("no generator".to_owned());
            };
            match self.world.try_kubectl(&["logs", "-n", namespace, pod, "-c", "load"]) {
                Ok(log) if log.contains("window_opened") => Ok((namespace.to_owned(), pod.to_owned())),
                Ok(log) | Err(log) => Err(log),
            }
        })
    }

    /// Waits until the load goes through sidecars of this name, for `bare` has its turn too; the first app's namespace.
    fn await_load_through(&mut self, sidecar: &str) -> String {
        loop {
            let app = self.await_load().0.replace("-load", "-app-0");
            if self
                .world
                .kubectl(&["get", "pods", "-n", &app, "-o", "json"])
                .contains(&format!("\"{sidecar}\""))
            {
                return app;
            }
            self.world.kubectl(&["wait", &format!("namespace/{app}"), "--for=delete", "--timeout=180s"]);
        }
    }

    /// Waits for its end; the mesh's verdict, and all that was said.
    fn end(mut self) -> (Verdict, String) {
        let output = self.process.take().unwrap().wait_with_output().unwrap();
        self.ended_with(&output)
    }

    fn ended_with(self, output: &Output) -> (Verdict, String) {
        let text = text_of(output);
        assert_eq!(self.world.everything(), self.before, "{text}");
        let report = self.world.workshop.report();
        // `bare` may be there as a control.
        let case = report.cases.iter().find(|case| case.mesh == self.mesh).unwrap();
        (case.verdict.clone(), text)
    }
}

fn campaign_requests(world: &World) -> u64 {
    world.workshop.report().cases[0].runs[0].requests
}
