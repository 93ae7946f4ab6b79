//! What runs of a cluster: [`Status`].

use std::fmt;

use procfs::process::Process;

use crate::cluster::Cluster;
use crate::error::Result;
use crate::{members, network};

/// A component and its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name, such as `node-1-kubelet`.
    pub name: String,
    /// Its process, unless it has ended.
    pub process: Option<i32>,
}

/// All components of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Each of them; none where there is no cluster.
    pub components: Vec<Component>,
    /// Resident memory of all the cluster's processes, pods included, in bytes.
    pub resident_bytes: u64,
}

impl Status {
    /// Looks at what runs.
    ///
    /// # Errors
    /// As [`members::of`].
    pub fn of(cluster: &Cluster) -> Result<Self> {
        let mut components = Vec::new();
        for (name, program) in expected(cluster.nodes().unwrap_or(0)) {
            let process = members::component(cluster, &name, program)?;
            components.push(Component { name, process });
        }
        let resident = |id: i32| {
            let process = Process::new(id).ok()?;
            Some(process.stat().ok()?.rss * procfs::page_size())
        };
        let resident_bytes = members::of(cluster)?.into_iter().filter_map(resident).sum();
        Ok(Self { components, resident_bytes })
    }

    /// Whether there is a cluster and every component of it runs.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.components.is_empty() && self.components.iter().all(|component| component.process.is_some())
    }

    /// The process of a component, if it runs.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<i32> {
        self.components.iter().find(|component| component.name == name)?.process
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.components.is_empty() {
            return formatter.write_str("no cluster");
        }
        for component in &self.components {
            match component.process {
                Some(process) => writeln!(formatter, "{:<26} process {process}", component.name)?,
                None => writeln!(formatter, "{:<26} ENDED", component.name)?,
            }
        }
        write!(formatter, "resident memory of all processes: {} MiB", self.resident_bytes >> 20)
    }
}

/// Components and the names of their processes.
fn expected(nodes: u8) -> Vec<(String, &'static str)> {
    if nodes == 0 {
        return Vec::new();
    }
    let mut all = vec![("etcd".to_owned(), "etcd")];
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        all.push((name.to_owned(), "kubernetes"));
    }
    for node in network::node_names(nodes) {
        all.push((format!("{node}-containerd"), "containerd"));
        all.push((format!("{node}-kubelet"), "kubernetes"));
        all.push((format!("{node}-kube-proxy"), "kubernetes"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_whole_when_nothing_of_it_has_ended() {
        let component = |process| Component { name: "etcd".to_owned(), process };
        let status = |components| Status { components, resident_bytes: 0 };
        assert!(status(vec![component(Some(7))]).is_whole());
        assert!(!status(vec![component(Some(7)), component(None)]).is_whole());
        assert!(!status(Vec::new()).is_whole());
        assert_eq!(expected(2).len(), 10);
    }
}
