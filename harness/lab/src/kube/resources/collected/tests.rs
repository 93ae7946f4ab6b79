use meshbench_core::edges::at_edges;
use meshbench_core::resources::ResourceUse;
use serde_json::json;

use super::*;
use crate::kube::labels::{APP, RUN, SERVICE};

fn key(pod: &str) -> ContainerKey {
    ContainerKey { namespace: "n".to_owned(), pod: pod.to_owned(), container: "c".to_owned() }
}

/// A pod of the workload on `node-1`, with one container that runs or has ended.
fn pod(name: &str, runs: bool) -> (String, Pod) {
    let state = if runs { json!({"running": {}}) } else { json!({"terminated": {"exitCode": 137}}) };
    let container =
        json!({"name": "c", "image": "", "imageID": "", "ready": runs, "restartCount": 0, "state": state});
    let pod = json!({
        "metadata": {"name": name, "namespace": "n", "labels": {RUN: "r", SERVICE: name, APP: "0"}},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c"}]},
        "status": {"containerStatuses": [container]},
    });
    (format!("n/{name}"), serde_json::from_value(pod).unwrap())
}

fn counters(at_unix_ns: u64) -> Counters {
    Counters { started_unix_ns: 0, at_unix_ns, cpu_ns: at_unix_ns, working_set_bytes: 1, rss_bytes: 1 }
}

/// Pods that run, and containers with the moments of their counters.
fn round(running: &[&str], moments: &[(&str, u64)]) -> Result<Round, String> {
    let told = |&(pod, at): &(&str, u64)| (Counted::Container(key(pod)), counters(at));
    Ok(Round {
        pods: running.iter().map(|name| pod(name, true)).collect(),
        counters: moments.iter().map(told).collect(),
    })
}

#[test]
fn the_window_is_covered_when_every_container_that_runs_was_read_after_it() {
    let mut collected = Collected::default();
    assert_eq!(collected.covers(100).unwrap_err(), "no kubelet has answered");
    collected.add(round(&["a", "b"], &[("a", 90), ("b", 101)]));
    insta::assert_snapshot!(
        collected.covers(100).unwrap_err(),
        @"1 of 2 containers and nodes have no counters from after it: n/a/c for one, of which kubelets tell older ones"
    );
    collected.add(Err("node-1 is away".to_owned()));
    assert_eq!(collected.covers(100).unwrap_err(), "node-1 is away");
    // One that has vanished will have none.
    collected.add(round(&["b"], &[("b", 101)]));
    collected.covers(100).unwrap();
    assert_eq!(collected.readings.len(), 2);
}

#[test]
fn a_container_that_was_never_read_is_missed_while_it_runs_and_told_of_afterwards() {
    let mut collected = Collected::default();
    collected.add(round(&["a", "new"], &[("a", 101)]));
    insta::assert_snapshot!(
        collected.covers(100).unwrap_err(),
        @"1 of 2 containers and nodes have no counters from after it: n/new/c for one, of which kubelets tell nothing"
    );
    collected.add(round(&["a"], &[("a", 101)]));
    collected.covers(100).unwrap();
    assert_eq!(collected.never_read(), ["n/new/c ended before its kubelet told what it used"]);
}

#[test]
fn a_node_that_tells_of_itself_is_read_to_the_end_too() {
    let with_node = |at: u64| {
        let mut round = round(&["a"], &[("a", 101)]).unwrap();
        round.counters.insert(Counted::Node("node-1".to_owned()), counters(at));
        Ok(round)
    };
    let mut collected = Collected::default();
    collected.add(with_node(95));
    assert!(collected.covers(100).unwrap_err().contains("the node node-1"), "{:?}", collected.covers(100));
    collected.add(with_node(105));
    collected.covers(100).unwrap();
}

#[test]
fn counters_that_have_not_moved_are_one_reading() {
    let mut collected = Collected::default();
    collected.add(round(&["a"], &[("a", 90)]));
    collected.add(round(&["a"], &[("a", 90)]));
    assert_eq!(collected.readings.len(), 1);
}

#[test]
fn what_was_killed_or_vanished_keeps_what_it_had_used() {
    let mut collected = Collected::default();
    collected.add(round(&["gone", "killed", "calm"], &[("gone", 10), ("killed", 10), ("calm", 10)]));
    collected.add(round(&["gone", "killed", "calm"], &[("gone", 50), ("killed", 60), ("calm", 60)]));
    let mut last = round(&["calm"], &[("calm", 110)]).unwrap();
    last.pods.extend([pod("killed", false)]);
    collected.add(Ok(last));
    collected.covers(100).unwrap();
    let readings = collected.owned(&Subjects::of_run("r"));
    let used = ResourceUse::of_window(&at_edges(&readings, 20, 100)).containers;
    let told: Vec<_> = used.iter().map(|it| (it.container.as_str(), it.cpu_ns, it.vanished)).collect();
    assert_eq!(told, [("calm-0/c", 80, false), ("gone-0/c", 30, true), ("killed-0/c", 40, true)]);
}

#[test]
fn nodes_of_the_workload_are_read_if_all_of_them_tell() {
    let mut collected = Collected::default();
    let mut first = round(&["a", "b"], &[]).unwrap();
    if let Some(spec) = first.pods.get_mut("n/b").and_then(|pod| pod.spec.as_mut()) {
        spec.node_name = Some("node-2".to_owned());
    }
    let pods = first.pods.clone();
    first.counters.insert(Counted::Node("node-1".to_owned()), counters(10));
    collected.add(Ok(first));
    let subjects = Subjects::of_run("r");
    assert_eq!(collected.owned(&subjects), Vec::new());
    let counters = BTreeMap::from([
        (Counted::Node("node-2".to_owned()), counters(10)),
        // No pod of the workload is there.
        (Counted::Node("node-3".to_owned()), counters(10)),
    ]);
    collected.add(Ok(Round { pods, counters }));
    let owned: Vec<_> = collected.owned(&subjects).into_iter().map(|it| (it.container, it.group)).collect();
    assert_eq!(owned, ["node-1", "node-2"].map(|node| (node.to_owned(), Group::Node)));
}
