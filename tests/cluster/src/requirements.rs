//! What a machine must have, and how to get it: one table, which the messages, `.ci/run` and the README follow.

use std::path::{Path, PathBuf};

use procfs::process::Process;

use crate::error::{Error, Result};

/// A program that is needed, and the package it comes in.
#[derive(Debug, Clone, Copy)]
pub struct Requirement {
    /// Its name, looked for where programs are.
    pub program: &'static str,
    /// The package, in Debian and Ubuntu.
    pub package: &'static str,
    /// A version that the tests have run with: older ones may do as well.
    pub tried: &'static str,
}

/// Everything that is not built here.
pub const PROGRAMS: [Requirement; 8] = [
    Requirement { program: "etcd", package: "etcd-server", tried: "3.4.23" },
    Requirement { program: "containerd", package: "containerd", tried: "1.6.20" },
    Requirement { program: "ctr", package: "containerd", tried: "1.6.20" },
    Requirement { program: "runc", package: "runc", tried: "1.1.5" },
    Requirement { program: "iptables", package: "iptables", tried: "1.8.9" },
    Requirement { program: "ip", package: "iproute2", tried: "6.1.0" },
    Requirement { program: "nsenter", package: "util-linux", tried: "2.38.1" },
    Requirement { program: "unshare", package: "util-linux", tried: "2.38.1" },
];

/// Where Debian and Ubuntu put the network plugins of `containernetworking-plugins` (tried: 1.1.1).
pub const CNI_PLUGINS: &str = "/usr/lib/cni";
const NEEDED_PLUGINS: [&str; 4] = ["bridge", "host-local", "loopback", "portmap"];

/// Bridged pods reach Services only if the kernel shows their packets to iptables.
const BRIDGE_FILTER: &str = "/proc/sys/net/bridge/bridge-nf-call-iptables";

/// Where programs are looked for besides `PATH`, which for some users leaves out those of the administrator.
const SYSTEM_FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// What this machine lacks to run a cluster, each with its cure; empty if it can.
#[must_use]
pub fn lacking() -> Vec<String> {
    let mut lacking = Vec::new();
    if !nix::unistd::geteuid().is_root() {
        lacking.push("it must run as root, to make namespaces and control groups: use sudo".to_owned());
    }
    let mut packages: Vec<_> =
        PROGRAMS.iter().filter(|one| find(one.program).is_none()).map(|one| one.package).collect();
    if !NEEDED_PLUGINS.iter().all(|name| Path::new(CNI_PLUGINS).join(name).exists()) {
        packages.push("containernetworking-plugins");
    }
    packages.dedup();
    if !packages.is_empty() {
        let list = packages.join(" ");
        lacking.push(format!("missing packages: apt-get install --no-install-recommends {list}"));
    }
    if !Path::new(BRIDGE_FILTER).exists() {
        lacking.push("the kernel module br_netfilter is not loaded: modprobe br_netfilter".to_owned());
    }
    lacking
}

/// Fails with everything that is lacking.
///
/// # Errors
/// [`Error::Missing`].
pub fn check() -> Result<()> {
    let lacking = lacking();
    if lacking.is_empty() { Ok(()) } else { Err(Error::Missing(lacking)) }
}

/// Fails where containers could not be stored: their file systems are overlays, which cannot lie on another.
///
/// # Errors
/// [`Error::Missing`] with the cure.
pub fn check_folder(folder: &Path) -> Result<()> {
    let mounts = Process::myself().and_then(|process| process.mountinfo()).map(|mounts| mounts.0);
    let on = mounts
        .unwrap_or_default()
        .into_iter()
        .filter(|mount| folder.starts_with(&mount.mount_point))
        .max_by_key(|mount| mount.mount_point.as_os_str().len());
    match on {
        Some(mount) if mount.fs_type == "overlay" => Err(Error::Missing(vec![format!(
            "{} lies on an overlay file system (is this a container?): give --folder on a disk, a volume or a tmpfs",
            folder.display()
        )])),
        _ => Ok(()),
    }
}

/// The search path of everything that is started.
#[must_use]
pub fn search_path() -> String {
    SYSTEM_FOLDERS.join(":")
}

/// Where a program is.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    SYSTEM_FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_wherever_the_administrator_has_them() {
        assert!(find("sh").is_some());
        assert!(find("no-such-program-of-anybody").is_none());
    }
}
