//! A cluster's control groups, in every hierarchy the machine has mounted, version 1, 2 or both.
//!
//! ```text
//! meshbench-testcluster-<id>/
//!   system/<component>/   the cluster's own processes, a group each
//!   node-1/               the kubelet's `cgroupRoot`: pods are below
//! ```
//! In version 2 a group with controllers for its children has no processes of its own, which is why the cluster's own are
//! in leaves beside the nodes.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procfs::process::Process;

use crate::error::{Error, Result};
use crate::wait;

/// How long the kernel may take to let go of a group after its last process ended.
const REMOVAL_LIMIT: Duration = Duration::from_secs(60);

/// A mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where it is mounted.
    pub root: PathBuf,
    /// Whether it is version 2.
    pub is_unified: bool,
}

/// All hierarchies that are mounted.
///
/// # Errors
/// [`Error::Unusable`] when the mount table cannot be read or has none.
pub fn hierarchies() -> Result<Vec<Hierarchy>> {
    let mounts = Process::myself()
        .and_then(|process| process.mountinfo())
        .map_err(|error| Error::Unusable(format!("cannot read the table of mounts: {error}")))?;
    let mut found: Vec<Hierarchy> = mounts
        .into_iter()
        .filter(|mount| mount.fs_type == "cgroup" || mount.fs_type == "cgroup2")
        .map(|mount| Hierarchy { is_unified: mount.fs_type == "cgroup2", root: mount.mount_point })
        .collect();
    // What is mounted twice, or over another, is one hierarchy.
    found.sort_by(|one, other| one.root.cmp(&other.root));
    found.dedup_by(|one, other| one.root == other.root);
    if found.is_empty() {
        return Err(Error::Unusable("no control groups are mounted under /sys/fs/cgroup".to_owned()));
    }
    Ok(found)
}

/// Makes the group `path` (as `name/child`) in every hierarchy, usable by processes.
///
/// # Errors
/// [`Error::File`].
pub fn create(path: &str) -> Result<()> {
    for hierarchy in hierarchies()? {
        let mut folder = hierarchy.root.clone();
        for part in Path::new(path) {
            if hierarchy.is_unified {
                delegate_controllers(&folder);
            }
            let parent = folder.clone();
            folder.push(part);
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::file("make the control group", &folder)(error));
                }
                _ => {}
            }
            inherit_cpuset(&parent, &folder)?;
        }
    }
    Ok(())
}

/// Version 2: gives children the controllers that there are. One that cannot be given is not used here.
fn delegate_controllers(folder: &Path) {
    let controllers = fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default();
    for controller in controllers.split_whitespace() {
        let _ = fs::write(folder.join("cgroup.subtree_control"), format!("+{controller}"));
    }
}

/// Version 1: a new group of the controller cpuset has no cores and takes no processes until it is given some.
fn inherit_cpuset(parent: &Path, folder: &Path) -> Result<()> {
    for name in ["cpuset.cpus", "cpuset.mems"] {
        let (from, to) = (parent.join(name), folder.join(name));
        let Ok(ours) = fs::read_to_string(&to) else { continue };
        if ours.trim().is_empty()
            && let Ok(value) = fs::read_to_string(&from)
            && !value.trim().is_empty()
        {
            fs::write(&to, value.trim()).map_err(Error::file("write", &to))?;
        }
    }
    Ok(())
}

/// Puts this process into the group `path` of every hierarchy, making it first.
///
/// # Errors
/// [`Error::File`].
pub fn join(path: &str) -> Result<()> {
    // 0 is whoever writes it, in whatever namespace.
    put(path, 0)
}

/// Puts a process into the group `path` of every hierarchy, making it first.
///
/// # Errors
/// [`Error::File`].
pub fn put(path: &str, process: u32) -> Result<()> {
    create(path)?;
    for hierarchy in hierarchies()? {
        let processes = hierarchy.root.join(path).join("cgroup.procs");
        fs::write(&processes, process.to_string())
            .map_err(Error::file("join the control group", &processes))?;
    }
    Ok(())
}

/// Lets the processes of the group `path`, and all below it, run for at most `quota` in each `period`, together.
///
/// # Errors
/// [`Error::File`]; [`Error::Unusable`] where no hierarchy can do that.
pub fn limit_cpu(path: &str, quota: Duration, period: Duration) -> Result<()> {
    let write = |file: PathBuf, text: String| fs::write(&file, text).map_err(Error::file("write", &file));
    let (quota, period) = (quota.as_micros(), period.as_micros());
    let mut is_limited = false;
    for hierarchy in hierarchies()? {
        let group = hierarchy.root.join(path);
        if group.join("cpu.max").exists() {
            write(group.join("cpu.max"), format!("{quota} {period}"))?;
        } else if group.join("cpu.cfs_quota_us").exists() {
            write(group.join("cpu.cfs_period_us"), period.to_string())?;
            write(group.join("cpu.cfs_quota_us"), quota.to_string())?;
        } else {
            continue;
        }
        is_limited = true;
    }
    match is_limited {
        true => Ok(()),
        false => Err(Error::Unusable(format!("no hierarchy of control groups limits the CPU of {path}"))),
    }
}

/// The processes in the group `path` and below, of any hierarchy.
///
/// # Errors
/// As [`hierarchies`].
pub fn processes(path: &str) -> Result<BTreeSet<i32>> {
    let mut found = BTreeSet::new();
    for hierarchy in hierarchies()? {
        for folder in with_descendants(&hierarchy.root.join(path)) {
            let list = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            // 0 is a process that this namespace cannot see.
            found.extend(list.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|&id| id > 0));
        }
    }
    Ok(found)
}

/// Removes the group `path` with all below it, which must have no processes any more.
///
/// # Errors
/// [`Error::TimedOut`] naming what the kernel keeps.
pub fn remove(path: &str) -> Result<()> {
    let roots: Vec<_> = hierarchies()?.into_iter().map(|hierarchy| hierarchy.root.join(path)).collect();
    wait::until("removing control groups", REMOVAL_LIMIT, || {
        for root in &roots {
            // Deepest first: a group with children cannot be removed.
            for folder in with_descendants(root).into_iter().rev() {
                match fs::remove_dir(&folder) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(format!("{}: {error}", folder.display()));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    })
}

/// A folder and all folders below it, parents first; nothing if there is no such folder.
pub(crate) fn with_descendants(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = vec![folder.to_owned()];
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(with_descendants(&entry.path()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_before_their_children() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        let found = with_descendants(folder.path());
        assert_eq!(found, [folder.path().to_owned(), folder.path().join("a"), folder.path().join("a/b")]);
        assert!(with_descendants(&folder.path().join("none")).is_empty());
    }

    #[test]
    fn a_new_cpuset_has_the_cores_of_its_parent() {
        let folder = tempfile::tempdir().unwrap();
        let child = folder.path().join("child");
        fs::create_dir(&child).unwrap();
        fs::write(folder.path().join("cpuset.cpus"), "0-1\n").unwrap();
        fs::write(child.join("cpuset.cpus"), "\n").unwrap();
        inherit_cpuset(folder.path(), &child).unwrap();
        assert_eq!(fs::read_to_string(child.join("cpuset.cpus")).unwrap(), "0-1");
        assert!(!child.join("cpuset.mems").exists());
    }
}
