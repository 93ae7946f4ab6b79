//! What was read of a run's containers and nodes so far, and whether that is all of it: [`Collected`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use meshbench_core::edges::Reading;
use meshbench_core::resources::Group;

use super::owner::Subjects;
use super::summary::{ContainerKey, Counters};
use crate::kube::workload::statuses;

/// Who has counters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counted {
    /// A container.
    Container(ContainerKey),
    /// A node with all that runs on it.
    Node(String),
}

impl fmt::Display for Counted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(key) => key.fmt(formatter),
            Self::Node(name) => write!(formatter, "the node {name}"),
        }
    }
}

/// The pods that were there, by `namespace/name`, and what the kubelets of their nodes told then.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// The pods that are somebody's cost.
    pub pods: BTreeMap<String, Pod>,
    /// The counters of their containers and nodes.
    pub counters: BTreeMap<Counted, Counters>,
}

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Every pod that was ever there, as it was last seen.
    pods: BTreeMap<String, Pod>,
    readings: BTreeMap<(Counted, u64), Counters>,
    /// Every container that was ever seen running.
    seen: BTreeSet<ContainerKey>,
    /// For each that must have counters in the last round, the moment of those it has; or why there was no round.
    last_round: Option<Result<BTreeMap<Counted, Option<u64>>, String>>,
    rounds: u64,
}

impl Collected {
    /// Adds what a round found, or why it found nothing.
    pub(super) fn add(&mut self, round: Result<Round, String>) {
        self.rounds += 1;
        self.last_round = Some(round.map(|Round { pods, counters }| {
            let running: Vec<_> = pods.values().flat_map(running_containers).collect();
            self.seen.extend(running.iter().cloned());
            self.pods.extend(pods);
            let nodes = counters.keys().filter(|counted| matches!(counted, Counted::Node(_))).cloned();
            let expected = running.into_iter().map(Counted::Container).chain(nodes);
            let moment = |counted: Counted| {
                let at = counters.get(&counted).map(|counters| counters.at_unix_ns);
                (counted, at)
            };
            let moments = expected.map(moment).collect();
            self.readings.extend(counters.into_iter().map(|(who, told)| ((who, told.at_unix_ns), told)));
            moments
        }));
    }

    /// How many rounds there were.
    pub(super) fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Whether all containers that run, and their nodes, have counters of `unix_ns` or later; what is missing otherwise.
    pub(super) fn covers(&self, unix_ns: u64) -> Result<(), String> {
        let moments = match &self.last_round {
            None => return Err("no kubelet has answered".to_owned()),
            Some(Err(why)) => return Err(why.clone()),
            Some(Ok(moments)) => moments,
        };
        let is_missing = |at: &Option<u64>| at.is_none_or(|at| at < unix_ns);
        let missing: Vec<_> = moments.iter().filter(|(_, at)| is_missing(at)).collect();
        match missing.first() {
            None => Ok(()),
            Some((counted, at)) => Err(format!(
                "{} of {} containers and nodes have no counters from after it: {counted} for one, of which kubelets tell {}",
                missing.len(),
                moments.len(),
                if at.is_some() { "older ones" } else { "nothing" }
            )),
        }
    }

    /// Containers that came and went without a kubelet's telling what they used, each a sentence.
    pub(super) fn never_read(&self) -> Vec<String> {
        let is_read = |key: &ContainerKey| {
            let counted = Counted::Container(key.clone());
            self.readings.range((counted.clone(), 0)..=(counted, u64::MAX)).next().is_some()
        };
        let unread = self.seen.iter().filter(|key| !is_read(key));
        unread.map(|key| format!("{key} ended before its kubelet told what it used")).collect()
    }

    /// The readings of pods that are somebody's cost, and of the nodes of the workload if all of them tell.
    pub(super) fn owned(&self, subjects: &Subjects) -> Vec<Reading> {
        let nodes = self.workload_nodes(subjects);
        let owned = |((counted, _), counters): (&(Counted, u64), &Counters)| {
            let (container, group) = match counted {
                Counted::Container(key) => {
                    let owner =
                        subjects.owner_of(self.pods.get(&format!("{}/{}", key.namespace, key.pod))?)?;
                    (format!("{}/{}", owner.name, key.container), subjects.group_of(&owner, &key.container))
                }
                Counted::Node(name) => (nodes.contains(name.as_str()).then(|| name.clone())?, Group::Node),
            };
            Some(Reading {
                container,
                group,
                started_unix_ns: counters.started_unix_ns,
                at_unix_ns: counters.at_unix_ns,
                cpu_ns: counters.cpu_ns,
                working_set_bytes: counters.working_set_bytes,
                rss_bytes: counters.rss_bytes,
            })
        };
        self.readings.iter().filter_map(owned).collect()
    }

    /// The nodes that carry the workload; none where one of them does not tell of itself: the sum would lack it.
    fn workload_nodes(&self, subjects: &Subjects) -> BTreeSet<&str> {
        let is_workload =
            |pod: &&Pod| subjects.owner_of(pod).is_some_and(|owner| owner.group == Group::Application);
        let nodes: BTreeSet<_> = self.pods.values().filter(is_workload).filter_map(node_of).collect();
        let tell = self.readings.keys().filter_map(|(counted, _)| match counted {
            Counted::Node(name) => Some(name.as_str()),
            Counted::Container(_) => None,
        });
        let tell: BTreeSet<_> = tell.collect();
        if nodes.is_subset(&tell) { nodes } else { BTreeSet::new() }
    }
}

/// The node that a pod is on; `None` before it has one.
pub(super) fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

/// The containers of a pod that run now, native sidecars included.
fn running_containers(pod: &Pod) -> Vec<ContainerKey> {
    let runs =
        statuses(pod).filter(|status| status.state.as_ref().is_some_and(|state| state.running.is_some()));
    let key = |container: &str| ContainerKey {
        namespace: pod.namespace().unwrap_or_default(),
        pod: pod.name_any(),
        container: container.to_owned(),
    };
    runs.map(|status| key(&status.name)).collect()
}

#[cfg(test)]
mod tests;
