//! Which cluster: [`Cluster`], a folder and the name that follows from it.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::{cache, command};

/// Prefix of the control groups of all test clusters.
pub const CGROUP_PREFIX: &str = "meshbench-testcluster-";

/// A cluster, running or not.
///
/// Its folder is all there is to it: the name of its control groups follows from the folder's path, so `down` finds what
/// runs even where the folder's content was lost.
#[derive(Debug, Clone)]
pub struct Cluster {
    folder: PathBuf,
    id: String,
}

impl Cluster {
    /// The cluster of this folder, which need not exist.
    ///
    /// # Errors
    /// [`Error::File`] when the current folder is gone.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let absolute = std::path::absolute(folder).map_err(Error::file("find", folder))?;
        // However it is written, links and all, a folder is one cluster.
        let folder = match (absolute.parent().map(fs::canonicalize), absolute.file_name()) {
            (Some(Ok(parent)), Some(name)) => parent.join(name),
            _ => absolute,
        };
        let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
        let id = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { folder, id })
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What tells its processes from those of other clusters.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of its control group in each hierarchy.
    #[must_use]
    pub fn cgroup(&self) -> String {
        format!("{CGROUP_PREFIX}{}", self.id)
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// What the components wrote.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Copies them to where they stay, for whoever looks into a failure: `failed-logs/NAME` beside the clusters of tests,
    /// in place of those of an earlier failure.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Failed`] with what `cp` said.
    pub fn keep_logs(&self, name: &str) -> Result<PathBuf> {
        let kept = cache::target_folder()?.join("failed-logs").join(name);
        match fs::remove_dir_all(&kept) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::file("remove", &kept)(error));
            }
            _ => {}
        }
        fs::create_dir_all(&kept).map_err(Error::file("make", &kept))?;
        command::run(Command::new("cp").arg("-r").arg(self.logs()).arg(&kept))?;
        Ok(kept)
    }

    /// Certificates and keys.
    #[must_use]
    pub fn pki(&self) -> PathBuf {
        self.folder.join("pki")
    }

    /// What a node keeps on disk, and its configuration.
    #[must_use]
    pub fn node(&self, name: &str) -> PathBuf {
        self.folder.join("nodes").join(name)
    }

    /// How many nodes it was made with, if there is one.
    #[must_use]
    pub fn nodes(&self) -> Option<u8> {
        fs::read_to_string(self.nodes_file()).ok()?.trim().parse().ok()
    }

    /// Beside the folder, which comes and goes.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        let mut name = self.folder.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        self.folder.with_file_name(name)
    }

    /// Says how many nodes there are, and that the folder is a cluster's: the first file there, and the last to go.
    pub(crate) fn nodes_file(&self) -> PathBuf {
        self.folder.join("testcluster.nodes")
    }

    /// Waits until nobody else brings it up or down. [`FolderLock::remove`] removes the lock's file.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn lock(&self) -> Result<FolderLock> {
        let path = self.lock_file();
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::file("make", parent))?;
        }
        loop {
            let file = File::create(&path).map_err(Error::file("make", &path))?;
            let lock = Flock::lock(file, FlockArg::LockExclusive)
                .map_err(|(_, source)| Error::system("lock", &path)(source))?;
            // Whoever held it may have removed the file: then this lock is one on nothing.
            if is_same_file(&lock, &path) {
                return Ok(FolderLock { path, _lock: lock });
            }
        }
    }
}

/// Held while a cluster is brought up or down.
#[derive(Debug)]
pub struct FolderLock {
    path: PathBuf,
    _lock: Flock<File>,
}

impl FolderLock {
    /// Releases it and removes its file.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn remove(self) -> Result<()> {
        fs::remove_file(&self.path).map_err(Error::file("remove", &self.path))
    }
}

fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_cluster_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("link")).unwrap();
        let direct = Cluster::in_folder(&folder.path().join("c")).unwrap();
        let by_link = Cluster::in_folder(&folder.path().join("link/c")).unwrap();
        assert_eq!(direct.id(), by_link.id());
        let other = Cluster::in_folder(&folder.path().join("d")).unwrap();
        assert_ne!(direct.id(), other.id());
    }

    #[test]
    fn a_lock_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Cluster::in_folder(&folder.path().join("c")).unwrap();
        cluster.lock().unwrap().remove().unwrap();
        cluster.lock().unwrap().remove().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
