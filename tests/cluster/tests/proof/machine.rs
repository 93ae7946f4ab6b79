//! What is on the machine that a cluster might leave behind: [`Machine`].

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use meshbench_testcluster::cluster::CGROUP_PREFIX;
use meshbench_testcluster::{Cluster, cgroups, members};
use procfs::process::{Process, all_processes};

/// Everything of a kind that clusters make, at one moment, but for what belongs to other test clusters: these may come and
/// go meanwhile.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    mounts: BTreeSet<String>,
    /// Network, mount and process namespaces that some process is in.
    namespaces: BTreeSet<String>,
    links: BTreeSet<String>,
    firewall: BTreeSet<String>,
    cgroups: BTreeSet<String>,
    /// Files where containers' tools keep things, if these are not told otherwise.
    files: BTreeSet<String>,
}

impl Machine {
    /// Looks, for what `cluster` makes.
    pub(crate) fn now(cluster: &Cluster) -> Self {
        Self {
            mounts: mounts(),
            namespaces: namespaces(cluster),
            links: names(Path::new("/sys/class/net")),
            firewall: firewall(),
            cgroups: control_groups(cluster),
            files: files(),
        }
    }

    /// What is there now and was not before, or was and is no more. Others' processes may end with their namespaces.
    pub(crate) fn differences(&self, before: &Self) -> Vec<String> {
        let pairs = [
            ("mount", &before.mounts, &self.mounts),
            ("namespace", &before.namespaces, &self.namespaces),
            ("link", &before.links, &self.links),
            ("firewall rule", &before.firewall, &self.firewall),
            ("control group", &before.cgroups, &self.cgroups),
            ("file", &before.files, &self.files),
        ];
        let differ = |(kind, before, after): (&str, &BTreeSet<String>, &BTreeSet<String>)| {
            let more = after.difference(before).map(move |one| format!("one more {kind}: {one}"));
            let is_told = kind != "namespace";
            let gone = before.difference(after).filter(move |_| is_told);
            let fewer = gone.map(move |one| format!("one {kind} fewer: {one}"));
            more.chain(fewer).collect::<Vec<_>>()
        };
        pairs.into_iter().flat_map(differ).collect()
    }

    /// How much of each was counted, so that a look that sees nothing is noticed.
    pub(crate) fn assert_sees(&self) {
        assert!(!self.mounts.is_empty() && !self.namespaces.is_empty() && !self.links.is_empty(), "{self:?}");
    }
}

fn mounts() -> BTreeSet<String> {
    let mounts = Process::myself().unwrap().mountinfo().unwrap();
    mounts.into_iter().map(|mount| format!("{} on {}", mount.fs_type, mount.mount_point.display())).collect()
}

fn namespaces(cluster: &Cluster) -> BTreeSet<String> {
    let of = |process: Process| {
        // Those of processes that end meanwhile cannot be read, and need not be.
        let namespaces = process.namespaces().map(|all| all.0).unwrap_or_default();
        let kinds = ["mnt", "net", "pid"];
        let wanted = move |(kind, one): (std::ffi::OsString, procfs::process::Namespace)| {
            let kind = kind.to_string_lossy().into_owned();
            kinds.contains(&kind.as_str()).then(|| format!("{kind}:{}", one.identifier))
        };
        namespaces.into_iter().filter_map(wanted).collect::<Vec<_>>()
    };
    let counts = |process: &Process| !is_of_another(process, cluster);
    all_processes().unwrap().flatten().filter(counts).flat_map(of).collect()
}

/// Whether a process belongs to another test cluster.
fn is_of_another(process: &Process, cluster: &Cluster) -> bool {
    let mark = process.environ().unwrap_or_default().remove(OsStr::new(members::MARK_VARIABLE));
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).unwrap_or_default();
    mark.is_some_and(|mark| mark != cluster.id())
        || groups.contains(CGROUP_PREFIX) && !groups.contains(&cluster.cgroup())
}

fn firewall() -> BTreeSet<String> {
    let rules = |program: &str| {
        let output = Command::new(program).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    ["iptables-save", "ip6tables-save"]
        .into_iter()
        .flat_map(|program| rules(program).lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.starts_with('#'))
        // Counters of packets change by themselves.
        .map(|line| line.split(" [").next().unwrap_or_default().to_owned())
        .collect()
}

/// Those of the cluster and of pods; what else there is comes and goes with others' sessions.
fn control_groups(cluster: &Cluster) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for hierarchy in cgroups::hierarchies().unwrap() {
        let ours = |name: &String| name.contains(&cluster.cgroup()) || name.contains("kubepods");
        found.extend(
            names(&hierarchy.root)
                .into_iter()
                .filter(ours)
                .map(|name| format!("{}/{name}", hierarchy.root.display())),
        );
    }
    found
}

fn files() -> BTreeSet<String> {
    let folders = [
        "/run",
        "/run/netns",
        "/run/containerd",
        "/var/lib",
        "/var/lib/cni",
        "/var/lib/kubelet",
        "/var/log/pods",
        "/etc/cni",
        "/opt",
        "/opt/cni",
    ];
    let below = |folder: &str| {
        names(Path::new(folder)).into_iter().map(|name| format!("{folder}/{name}")).collect::<Vec<_>>()
    };
    folders.into_iter().flat_map(below).collect()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
