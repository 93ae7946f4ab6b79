//! What containers use, by the kernel's own counters: [`of_containers`]. For tests of whoever else says what they use.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cgroups::{hierarchies, with_descendants};
use crate::error::{Error, Result};

/// A container runtime names a container's control group after its id, which has so many hexadecimal digits.
const ID_DIGITS: usize = 64;
/// What the control groups of test clusters begin with.
const CLUSTERS: &str = "meshbench-testcluster-";

/// The control groups of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerGroup {
    cpu: PathBuf,
    memory: PathBuf,
}

/// What a container has used and uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerUsage {
    /// CPU time since it started, in nanoseconds.
    pub cpu_ns: u64,
    /// Its memory but for the files in it that nobody looked at lately, in bytes, as kubelets count a working set.
    pub working_set_bytes: u64,
}

/// The control groups of all containers of all test clusters on this machine, by the containers' ids.
///
/// # Errors
/// As [`hierarchies`].
pub fn of_containers() -> Result<BTreeMap<String, ContainerGroup>> {
    let (mut cpu, mut memory) = (BTreeMap::new(), BTreeMap::new());
    let mut hierarchies = hierarchies()?;
    // On a machine with both versions, the controllers are in the first: what it has counts.
    hierarchies.sort_by_key(|hierarchy| hierarchy.is_unified);
    for hierarchy in hierarchies {
        for (id, folder) in container_folders(&hierarchy.root) {
            let has = |files: [&str; 2]| files.iter().any(|file| folder.join(file).exists());
            if has(["cpuacct.usage", "cpu.stat"]) && !is_quota_only(&folder) {
                cpu.entry(id.clone()).or_insert_with(|| folder.clone());
            }
            if has(["memory.usage_in_bytes", "memory.current"]) {
                memory.entry(id).or_insert(folder);
            }
        }
    }
    let both = cpu.into_iter().filter_map(|(id, cpu)| {
        let memory = memory.remove(&id)?;
        Some((id, ContainerGroup { cpu, memory }))
    });
    Ok(both.collect())
}

/// The controller `cpu` of version 1 counts quotas alone in its `cpu.stat`.
fn is_quota_only(folder: &Path) -> bool {
    !folder.join("cpuacct.usage").exists() && folder.join("cpu.shares").exists()
}

fn container_folders(root: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let clusters = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(CLUSTERS));
    let folders = clusters.flat_map(|cluster| with_descendants(&cluster.path()));
    let named = folders.filter_map(|folder| {
        let name = folder.file_name()?.to_str()?.to_owned();
        let is_id = name.len() == ID_DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then_some((name, folder))
    });
    named.collect()
}

impl ContainerGroup {
    /// Reads the counters now.
    ///
    /// # Errors
    /// [`Error::File`] when the container has ended, [`Error::Unusable`] for what is no number.
    pub fn read(&self) -> Result<ContainerUsage> {
        let cpu_ns = match self.cpu.join("cpuacct.usage") {
            version_1 if version_1.exists() => number(&version_1)?,
            _ => field(&self.cpu.join("cpu.stat"), "usage_usec")? * 1_000,
        };
        let statistics = self.memory.join("memory.stat");
        let (used, unused_files) = match self.memory.join("memory.usage_in_bytes") {
            version_1 if version_1.exists() => {
                (number(&version_1)?, field(&statistics, "total_inactive_file")?)
            }
            _ => (number(&self.memory.join("memory.current"))?, field(&statistics, "inactive_file")?),
        };
        Ok(ContainerUsage { cpu_ns, working_set_bytes: used.saturating_sub(unused_files) })
    }
}

fn number(path: &Path) -> Result<u64> {
    let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
    parse(path, &text)
}

fn field(path: &Path, name: &str) -> Result<u64> {
    let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    parse(path, value.unwrap_or_default())
}

fn parse(path: &Path, text: &str) -> Result<u64> {
    text.trim().parse().map_err(|_| Error::Unusable(format!("{} has {text:?} for a number", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(folder).unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
    }

    #[test]
    fn both_versions_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("1"), folder.path().join("2"));
        write(&first, &[("cpuacct.usage", "7000\n"), ("memory.usage_in_bytes", "500\n")]);
        write(&first, &[("memory.stat", "inactive_file 1\ntotal_inactive_file 100\n")]);
        write(&second, &[("cpu.stat", "usage_usec 7\n"), ("memory.current", "500\n")]);
        write(&second, &[("memory.stat", "anon 1\ninactive_file 100\n")]);
        for group in [first, second] {
            let read = ContainerGroup { cpu: group.clone(), memory: group }.read().unwrap();
            assert_eq!(read, ContainerUsage { cpu_ns: 7_000, working_set_bytes: 400 });
        }
    }

    #[test]
    fn containers_are_found_by_their_ids() {
        let folder = tempfile::tempdir().unwrap();
        let id = "a".repeat(ID_DIGITS);
        let pod = folder.path().join("meshbench-testcluster-1/node-1/kubepods/pod1");
        write(&pod.join(&id), &[]);
        write(&folder.path().join("docker").join(&id), &[]);
        assert_eq!(container_folders(folder.path()), [(id.clone(), pod.join(&id))]);
    }
}
