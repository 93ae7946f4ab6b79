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
    remove(cluster)?;
    lock.remove()
}

/// As [`down`], for who holds the lock.
pub(crate) fn remove(cluster: &Cluster) -> Result<()> {
    members::kill_all(cluster)?;
    cgroups::remove(&cluster.cgroup())?;
    refuse_mounts(cluster)?;
    match fs::remove_dir_all(cluster.folder()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file("remove", cluster.folder())(error))
        }
        _ => Ok(()),
    }
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
