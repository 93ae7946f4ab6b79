//! The cluster that trials share, and waiting for what is asked of it.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;
use meshbench_testcluster::{Cluster, api, artifacts, cache, images, requirements};
use serde_json::{Value, json};

/// How long something in a running cluster may take; most take a second or two.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_meshbench-testcluster");

/// Set while the shared cluster is up.
static SHARED: Mutex<Option<Cluster>> = Mutex::new(None);
/// All clusters of this process, whether or not they are up: a trial that failed has not removed its own.
static BROUGHT_UP: Mutex<Vec<Cluster>> = Mutex::new(Vec::new());

/// Why the trials cannot run here, with the cure of each; empty if they can.
pub(crate) fn lacking() -> Vec<String> {
    let mut lacking = requirements::lacking();
    if !matches!(artifacts::built(), Ok(Some(_))) {
        lacking.push(
            "Kubernetes is not built, which takes minutes once: cargo run -p meshbench-testcluster -- build"
                .to_owned(),
        );
    }
    let programs = programs_folder();
    if !images::PROGRAMS.iter().all(|name| programs.join(name).exists()) {
        lacking.push("our own programs are not built: cargo build -p meshbench --bins".to_owned());
    }
    lacking
}

/// A cluster of this process, in a folder of its own, which is removed with the last trial at the latest.
pub(crate) fn cluster(name: &str) -> Cluster {
    let folder = cache::target_folder().unwrap().join(format!("tests-{}-{name}", std::process::id()));
    let cluster = Cluster::in_folder(&folder).unwrap();
    lock(&BROUGHT_UP).push(cluster.clone());
    cluster
}

/// What a trial that failed held, others may still use.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `meshbench-testcluster` for a cluster, as a user calls it.
pub(crate) fn testcluster(cluster: &Cluster, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--folder").arg(cluster.folder()).args(arguments).stdin(Stdio::null());
    command
}

/// Runs a command that must succeed, and gives back what it printed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn text_of(output: &Output) -> String {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{}\n{out}{error}", output.status)
}

/// Removes clusters of test processes that were killed.
pub(crate) fn sweep() {
    let Ok(entries) = fs::read_dir(cache::target_folder().unwrap()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix("tests-").and_then(|rest| rest.split('-').next());
        if entry.path().is_dir() && process.is_some_and(|process| !Path::new("/proc").join(process).exists())
        {
            succeed(&mut testcluster(&Cluster::in_folder(&entry.path()).unwrap(), &["down"]));
        }
    }
}

/// Runs a trial's questions against the cluster that trials share; the first brings it up, with our images in it.
pub(crate) fn with_shared<Asked, Answer>(questions: Asked)
where
    Asked: FnOnce(Cluster, Client) -> Answer,
    Answer: Future<Output = ()>,
{
    let cluster = shared();
    let asked = api::block_on(async {
        let client = api::client(&cluster.kubeconfig()).await?;
        questions(cluster.clone(), client).await;
        Ok(())
    });
    asked.unwrap();
}

/// The shared cluster; brought up if it is not.
pub(crate) fn shared() -> Cluster {
    let mut shared = lock(&SHARED);
    if let Some(cluster) = &*shared {
        return cluster.clone();
    }
    let cluster = bring_up("shared");
    load_images(&cluster);
    shared.insert(cluster).clone()
}

/// Brings up a cluster of this process.
pub(crate) fn bring_up(name: &str) -> Cluster {
    sweep();
    let cluster = cluster(name);
    succeed(&mut testcluster(&cluster, &["up"]));
    cluster
}

/// Removes a cluster.
pub(crate) fn take_down(cluster: &Cluster) {
    succeed(&mut testcluster(cluster, &["down"]));
}

/// Keeps the shared cluster's logs, for whoever looks into a failure.
pub(crate) fn keep_logs() {
    if let Some(cluster) = &*lock(&SHARED) {
        let kept = cluster.keep_logs("cluster").unwrap();
        eprintln!("the logs of the failed trials' cluster are kept in {}", kept.display());
    }
}

/// Removes every cluster of this process.
pub(crate) fn end_all() {
    for cluster in std::mem::take(&mut *lock(&BROUGHT_UP)) {
        take_down(&cluster);
    }
}

fn load_images(cluster: &Cluster) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("meshbench.tar");
    let programs = programs_folder();
    succeed(testcluster(cluster, &["image", "--output"]).arg(&archive).arg("--programs").arg(programs));
    let webhook = artifacts::built().unwrap().unwrap().webhook_image();
    succeed(testcluster(cluster, &["load-image"]).arg(archive).arg(webhook));
}

fn programs_folder() -> PathBuf {
    Path::new(PROGRAM).parent().unwrap().to_owned()
}

/// Looks until `look` answers `Ok`, at most for a while, and says what was last seen.
pub(crate) async fn eventually<T, Look, Seen>(what: &str, limit: Duration, look: Look) -> T
where
    Look: FnMut() -> Seen,
    Seen: Future<Output = Result<T, String>>,
{
    meshbench_testcluster::wait::until_async(what, limit, look).await.unwrap()
}

/// As [`eventually`], for looks at the machine.
pub(crate) fn eventually_here(what: &str, mut look: impl FnMut() -> Result<(), String>) {
    let deadline = Instant::now() + LIMIT;
    while let Err(seen) = look() {
        assert!(Instant::now() < deadline, "waited in vain for {what}; last seen: {seen}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A namespace of a trial's own.
pub(crate) async fn namespace(client: &Client, name: &str) {
    let labels = json!({"trial": name});
    let object =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    api::apply(client, object).await.unwrap();
}

/// A pod of one of our programs, on whatever node it is sent to.
pub(crate) fn pod(namespace: &str, name: &str, command: &[&str]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": pod_spec(command),
    })
}

/// A pod's specification with one container of our image.
pub(crate) fn pod_spec(command: &[&str]) -> Value {
    json!({
        "terminationGracePeriodSeconds": 5,
        "containers": [{
            "name": "main", "image": images::MESHBENCH, "imagePullPolicy": "Never", "command": command,
        }],
    })
}

/// A program that runs until it is told to end.
pub(crate) const EMOJI: [&str; 3] = ["meshbench-emojivoto", "emoji", "--grpc-port=8080"];
