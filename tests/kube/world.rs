//! The cluster that trials share, and `meshbench` on it under its own role.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use meshbench_testcluster::status::Status;
use meshbench_testcluster::{Cluster, artifacts, cache, istio, requirements};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Workshop, text_of};

/// The context of the kubeconfig that `meshbench` gets.
pub(crate) const CONTEXT: &str = "least-privilege";

static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

/// The cluster that trials share.
struct Shared {
    cluster: Cluster,
    /// Whether it has come up, with all that trials need in it.
    is_up: bool,
}

/// Why the trials cannot run here, with the cure of each; empty if they can.
pub(crate) fn lacking() -> Vec<String> {
    let mut lacking = requirements::lacking();
    if !matches!(artifacts::built(), Ok(Some(_))) {
        lacking.push("Kubernetes is not built: cargo run -p meshbench-testcluster -- build".to_owned());
    }
    if !matches!(istio::built(), Ok(Some(_))) {
        lacking.push("Istio is not built: cargo run -p meshbench-testcluster -- istio".to_owned());
    }
    if !program().exists() {
        lacking.push("the test cluster is not built: cargo build -p meshbench-testcluster".to_owned());
    }
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        lacking.push("there is no kubectl (Debian: apt-get install kubernetes-client)".to_owned());
    }
    lacking
}

/// `meshbench-testcluster`, which cargo builds beside `meshbench`.
pub(crate) fn program() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_meshbench")).with_file_name("meshbench-testcluster")
}

/// A workshop on the shared cluster, which is brought up with our images, Istio's, and our role in it.
pub(crate) struct World {
    /// Scenarios and results.
    pub workshop: Workshop,
    cluster: Cluster,
}

impl World {
    /// With the meshes that ship, Istio's in the edition for the test cluster.
    pub(crate) fn new() -> Self {
        let cluster = shared();
        let world = Self { workshop: Workshop::new(), cluster };
        add_istio(&world.workshop);
        // What a trial that failed has left is not the next one's.
        let _ = world.meshbench(&["clean"]).output();
        world
    }

    /// Puts a mesh's folder in place, with its files as `change` has them.
    pub(crate) fn add_mesh(&self, from: &Path, name: &str, change: impl Fn(String) -> String) {
        add_mesh(&self.workshop, from, name, change);
    }

    /// Puts a scenario that ships in place, with a change.
    pub(crate) fn add_shipped_scenario(&self, name: &str, change: impl Fn(&str) -> String) {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.yaml"));
        let text = fs::read_to_string(shipped).unwrap();
        self.workshop.scenario(name, &change(&text));
    }

    /// `meshbench` on the cluster, under the role that it prints.
    pub(crate) fn meshbench(&self, arguments: &[&str]) -> Command {
        let mut command = self.workshop.meshbench(arguments);
        command
            .env("KUBECONFIG", self.cluster.folder().join("least-privilege.kubeconfig"))
            .env("MESHBENCH_CONTEXT", CONTEXT)
            .env("MESHBENCH_HELM", helm());
        command
    }

    /// What `kubectl` prints, as the administrator.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        kubectl(&self.cluster, arguments, None)
    }

    /// The cluster.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The same with something on its standard input.
    pub(crate) fn kubectl_with(&self, arguments: &[&str], input: &str) -> String {
        kubectl(&self.cluster, arguments, Some(input))
    }

    /// What `kubectl` prints, or why it failed.
    pub(crate) fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        try_kubectl(&self.cluster, arguments)
    }

    /// Stops a component of the cluster, as `meshbench-testcluster status` calls it, until what comes back is dropped.
    pub(crate) fn freeze(&self, component: &str) -> Frozen {
        let process = Status::of(&self.cluster).unwrap().process(component);
        let process = Pid::from_raw(process.unwrap_or_else(|| panic!("no {component} runs")));
        kill(process, Signal::SIGSTOP).unwrap();
        Frozen(process)
    }

    /// What is in the cluster, object by object, besides events and what changes by itself.
    pub(crate) fn everything(&self) -> Vec<String> {
        everything(&self.cluster)
    }
}

/// Puts Istio's meshes in place, in the edition for the test cluster.
pub(crate) fn add_istio(workshop: &Workshop) {
    let charts = istio::built().unwrap().unwrap().charts().display().to_string();
    for mesh in ["istio-stock", "istio-tuned"] {
        add_mesh(workshop, &istio::meshes().join(mesh), mesh, |text| text.replace("CHARTS", &charts));
    }
}

fn add_mesh(workshop: &Workshop, from: &Path, name: &str, change: impl Fn(String) -> String) {
    let to = workshop.scenarios().join("meshes").join(name);
    let _ = fs::remove_dir_all(&to);
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        fs::write(to.join(entry.file_name()), change(text)).unwrap();
    }
}

/// The program that installs Istio.
pub(crate) fn helm() -> PathBuf {
    istio::built().unwrap().unwrap().helm()
}

/// Istio's images, as `meshbench-testcluster load-image` takes them.
pub(crate) fn istio_images() -> [String; 2] {
    istio::built().unwrap().unwrap().images().map(|path| path.display().to_string())
}

/// A component that does nothing while this is there.
pub(crate) struct Frozen(Pid);

impl Drop for Frozen {
    fn drop(&mut self) {
        // One that is gone needs it no more.
        let _: nix::Result<()> = kill(self.0, Signal::SIGCONT);
    }
}

/// What is in a cluster, object by object, besides events and what changes by itself.
pub(crate) fn everything(cluster: &Cluster) -> Vec<String> {
    let kinds = "namespaces,pods,services,deployments,daemonsets,replicasets,jobs,configmaps,secrets,serviceaccounts,\
                 roles,rolebindings,clusterroles,clusterrolebindings,customresourcedefinitions,\
                 mutatingwebhookconfigurations,validatingwebhookconfigurations,horizontalpodautoscalers,\
                 poddisruptionbudgets,leases,mutatingadmissionpolicies,mutatingadmissionpolicybindings,\
                 validatingadmissionpolicies,validatingadmissionpolicybindings,apiservices,statefulsets,cronjobs,\
                 networkpolicies,priorityclasses";
    let listed = kubectl(cluster, &["get", kinds, "-A", "-o", "json"], None);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let objects = listed["items"].as_array().unwrap().iter().map(|object| {
        let metadata = &object["metadata"];
        [&object["kind"], &metadata["namespace"], &metadata["name"]].map(text).join(" ")
    });
    let nodes: Value =
        serde_json::from_str(&kubectl(cluster, &["get", "nodes", "-o", "json"], None)).unwrap();
    let nodes = nodes["items"].as_array().unwrap().iter().map(|node| {
        let ours = |key: &String| key.contains("meshbench");
        let labels: Vec<_> =
            node["metadata"]["labels"].as_object().unwrap().keys().filter(|key| ours(key)).collect();
        format!("node {} taints {} labels {labels:?}", node["metadata"]["name"], node["spec"]["taints"])
    });
    let mut all: Vec<_> = objects.chain(nodes).collect();
    all.sort();
    all
}

fn shared() -> Cluster {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*shared {
        Some(Shared { cluster, is_up: true }) => return cluster.clone(),
        // One trial's misfortune is not all others'.
        Some(Shared { cluster, is_up: false }) => testcluster(cluster, &["down"]),
        None => {}
    }
    let cluster = Cluster::in_folder(&folder_for("kube")).unwrap();
    // Before anything else may fail, so that it is taken down.
    *shared = Some(Shared { cluster: cluster.clone(), is_up: false });
    testcluster(&cluster, &["up"]);
    let ours = cluster.folder().join("meshbench.tar").display().to_string();
    write_image(&ours);
    let [pilot, proxy] = istio_images();
    testcluster(&cluster, &["load-image", &ours, &pilot, &proxy]);
    write_kubeconfig(&cluster);
    *shared = Some(Shared { cluster: cluster.clone(), is_up: true });
    cluster
}

/// A folder for what a trial makes, under which no other process of tests makes anything.
pub(crate) fn folder_for(what: &str) -> PathBuf {
    cache::target_folder().unwrap().join(format!("tests-{}-{what}", std::process::id()))
}

/// Writes the image of our programs.
pub(crate) fn write_image(archive: &str) {
    let beside = Path::new(env!("CARGO_BIN_EXE_meshbench")).parent().unwrap();
    let mut image = Command::new(program());
    let output = image.args(["image", "--output", archive, "--programs"]).arg(beside).output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
}

/// Grants our role to an account, and writes a kubeconfig of that account.
pub(crate) fn write_kubeconfig(cluster: &Cluster) {
    let workshop = Workshop::new();
    let role = workshop.meshbench(&["rbac"]).output().unwrap();
    assert!(role.status.success(), "{}", text_of(&role));
    kubectl(cluster, &["apply", "-f", "-"], Some(&String::from_utf8(role.stdout).unwrap()));
    let token = kubectl(cluster, &["create", "token", "meshbench", "-n", "default", "--duration=6h"], None);
    let mut config: Value = serde_json::from_str(&fs::read_to_string(cluster.kubeconfig()).unwrap()).unwrap();
    config["users"][0]["user"] = serde_json::json!({"token": token.trim()});
    config["contexts"][0]["name"] = CONTEXT.into();
    config["current-context"] = CONTEXT.into();
    fs::write(cluster.folder().join("least-privilege.kubeconfig"), config.to_string()).unwrap();
}

pub(crate) fn testcluster(cluster: &Cluster, arguments: &[&str]) {
    let output = Command::new(program())
        .arg("--folder")
        .arg(cluster.folder())
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if std::thread::panicking() {
        // A second panic would end the process, and leave everything.
        eprintln!("{arguments:?}: {}", text_of(&output));
    } else {
        assert!(output.status.success(), "{arguments:?}: {}", text_of(&output));
    }
}

/// What `kubectl` prints as the administrator of a cluster, or why it failed.
pub(crate) fn try_kubectl(cluster: &Cluster, arguments: &[&str]) -> Result<String, String> {
    let output = kubectl_output(cluster, arguments, None);
    if output.status.success() { Ok(text_of(&output)) } else { Err(text_of(&output)) }
}

fn kubectl(cluster: &Cluster, arguments: &[&str], input: Option<&str>) -> String {
    let output = kubectl_output(cluster, arguments, input);
    assert!(output.status.success(), "kubectl {arguments:?}: {}", text_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn kubectl_output(cluster: &Cluster, arguments: &[&str], input: Option<&str>) -> Output {
    let mut command = Command::new("kubectl");
    command.arg("--kubeconfig").arg(cluster.kubeconfig()).args(arguments);
    let stdin = match input {
        None => Stdio::null(),
        Some(text) => {
            let file = cluster.folder().join("kubectl-input");
            fs::write(&file, text).unwrap();
            Stdio::from(fs::File::open(file).unwrap())
        }
    };
    command.stdin(stdin).output().unwrap()
}

/// Takes the shared cluster down; its logs are kept where a trial failed.
pub(crate) fn end(has_failed: bool) {
    let shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Shared { cluster, .. }) = shared {
        if has_failed {
            let kept = cluster.keep_logs("kube").map(|kept| kept.display().to_string());
            eprintln!(
                "the logs of the failed trials' cluster: {}",
                kept.unwrap_or_else(|error| error.to_string())
            );
        }
        testcluster(&cluster, &["down"]);
    }
}
