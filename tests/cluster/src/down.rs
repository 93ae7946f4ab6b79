//! Removing a cluster, whatever state it is in.

use std::fs;
use std::io;

use procfs::process::Process;

use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::{cgroups, members};

/// Ends and removes everything of a cluster; does nothing where there is none. It needs nothing but the folder's path.
///
/// # Errors
/// [`Error::TimedOut`] naming what could not be ended or removed.
pub fn down(cluster: &Cluster) -> Result<()> {
    if !cluster.folder().parent().is_some_and(std::path::Path::exists) {
        return Ok(());
    }
    let lock = cluster.lock()?;
    let removed = remove(cluster);
    lock.remove()?;
    removed
}

/// As [`down`], for who holds the lock.
pub(crate) fn remove(cluster: &Cluster) -> Result<()> {
    members::kill_all(cluster)?;
    cgroups::remove(&cluster.cgroup())?;
    refuse_mounts(cluster)?;
    remove_folder(cluster)
}

/// Removes the folder, if it is a cluster's. What says so goes last, so that an interrupted removal can be taken up.
fn remove_folder(cluster: &Cluster) -> Result<()> {
    let (folder, marker) = (cluster.folder(), cluster.nodes_file());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(Error::file("read", folder))?,
    };
    let others: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| *path != marker).collect();
    if !others.is_empty() && !marker.exists() {
        let folder = folder.display();
        return Err(Error::Unusable(format!(
            "{folder} is not the folder of a test cluster: give one that is empty or not there"
        )));
    }
    for path in &others {
        let removed = if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        };
        removed.map_err(Error::file("remove", path))?;
    }
    if marker.exists() {
        fs::remove_file(&marker).map_err(Error::file("remove", &marker))?;
    }
    fs::remove_dir(folder).map_err(Error::file("remove", folder))
}

/// A cluster mounts nothing out here. If somebody did below its folder, removing that is not ours to do.
fn refuse_mounts(cluster: &Cluster) -> Result<()> {
    let mounts = Process::myself()
        .and_then(|process| process.mountinfo())
        .map_err(|error| Error::Unusable(format!("cannot read the table of mounts: {error}")))?;
    match mounts.into_iter().find(|mount| mount.mount_point.starts_with(cluster.folder())) {
        None => Ok(()),
        Some(mount) => {
            let place = mount.mount_point.display();
            Err(Error::Unusable(format!(
                "something is mounted on {place}, not by this cluster: umount {place}"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_somebody_elses_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "ten years").unwrap();
        let cluster = Cluster::in_folder(folder.path()).unwrap();
        let error = remove_folder(&cluster).unwrap_err();
        assert!(error.to_string().contains("is not the folder of a test cluster"), "{error}");
        assert!(folder.path().join("thesis.txt").exists());
    }

    #[test]
    fn a_clusters_folder_goes_with_everything_in_it() {
        let parent = tempfile::tempdir().unwrap();
        let cluster = Cluster::in_folder(&parent.path().join("c")).unwrap();
        remove_folder(&cluster).unwrap();
        fs::create_dir_all(cluster.folder().join("etcd/member")).unwrap();
        fs::write(cluster.nodes_file(), "2").unwrap();
        remove_folder(&cluster).unwrap();
        assert!(!cluster.folder().exists());
    }
}
