//! Process 1 of a node: what makes it look like any Kubernetes node, its container runtime, kubelet and kube-proxy.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::components::{Components, note};
use super::{CLUSTER, PROGRAMS, mounts};
use crate::artifacts::Artifacts;
use crate::error::{Error, Result};
use crate::{cgroups, command, config, images, network, requirements, wait};

/// How long containerd may take to answer: a second, on an idle machine.
const CONTAINERD_LIMIT: Duration = Duration::from_secs(60);

/// Brings everything up and stays to reap.
pub(super) fn run(number: u8, cgroup: &str) -> Result<Infallible> {
    let name = network::node_name(number);
    cgroups::join(&format!("{cgroup}/system/{name}"))?;
    furnish(&name)?;
    configure(number)?;

    let mut components = Components::new(cgroup);
    let program = |name: &str| vec!["--config".to_owned(), format!("{CLUSTER}/nodes/{name}/containerd.toml")];
    components.start(&format!("{name}-containerd"), "containerd", &program(&name))?;
    let socket = config::CONTAINERD_SOCKET;
    wait::until("containerd", CONTAINERD_LIMIT, || {
        command::run(Command::new("ctr").args(["--address", socket, "version"]))
            .map_err(|error| error.chain())
    })?;
    for archive in Artifacts::system_images() {
        images::import(socket, &Path::new(PROGRAMS).join(archive))?;
    }
    let kubernetes = format!("{PROGRAMS}/kubernetes");
    let mut arguments = vec!["kubelet".to_owned()];
    arguments.extend(config::kubelet_arguments(number));
    components.start(&format!("{name}-kubelet"), &kubernetes, &arguments)?;
    let arguments = ["kube-proxy".to_owned(), format!("--config={CLUSTER}/nodes/{name}/kube-proxy.json")];
    components.start(&format!("{name}-kube-proxy"), &kubernetes, &arguments)?;
    note("everything is started");
    components.reap()
}

/// Gives the node folders of its own where nodes keep things, so that everything is where meshes expect it.
fn furnish(name: &str) -> Result<()> {
    mounts::cover_run(&[(Path::new(CLUSTER), CLUSTER), (Path::new(PROGRAMS), PROGRAMS)])?;
    mounts::cover_with_memory("/tmp")?;
    let node = Path::new(CLUSTER).join("nodes").join(name);
    for (folder, target) in [("lib", "/var/lib"), ("log", "/var/log"), ("opt", "/opt")] {
        let own = node.join(folder);
        fs::create_dir_all(&own).map_err(Error::file("make", &own))?;
        mounts::bind(&own, target)?;
    }
    mounts::overlay("/etc", &node.join("etc"))?;
    mounts::share_with_pods()?;
    nix::unistd::sethostname(name).map_err(Error::system("name", "the host"))
}

fn configure(number: u8) -> Result<()> {
    let write = |path: &str, text: String| fs::write(path, text).map_err(Error::file("write", path));
    for folder in ["/etc/cni/net.d", "/opt/cni/bin"] {
        fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    }
    write("/etc/hostname", format!("{}\n", network::node_name(number)))?;
    write("/etc/cni/net.d/10-pods.conflist", format!("{:#}\n", config::cni(number)))?;
    let plugins =
        fs::read_dir(requirements::CNI_PLUGINS).map_err(Error::file("read", requirements::CNI_PLUGINS))?;
    for plugin in plugins.flatten() {
        let link = Path::new("/opt/cni/bin").join(plugin.file_name());
        std::os::unix::fs::symlink(plugin.path(), &link).map_err(Error::file("make", &link))?;
    }
    // This network namespace's own; pods' packets are forwarded, and seen by kube-proxy's rules on the bridge.
    write("/proc/sys/net/ipv4/ip_forward", "1".to_owned())?;
    write("/proc/sys/net/bridge/bridge-nf-call-iptables", "1".to_owned())
}
