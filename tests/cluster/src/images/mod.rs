//! Container images without a registry and without Docker: [`Image`] is written as one archive that `docker load`,
//! `kind load image-archive`, `ctr images import` and this cluster's `load-image` all read.

mod archive;
mod libraries;
mod programs;

use std::path::Path;
use std::process::Command;

use crate::cluster::Cluster;
use crate::command;
use crate::error::{Error, Result};
use crate::members;
use crate::network;

pub use archive::{Entry, Image};
pub use libraries::Libraries;
pub use programs::{PROGRAMS, write_programs_image};

/// Holds a pod's namespaces.
pub const PAUSE: &str = "localhost/meshbench-pause:1";
/// Cluster DNS.
pub const COREDNS: &str = "localhost/meshbench-coredns:1";
/// The tests' admission webhook.
pub const WEBHOOK: &str = "localhost/meshbench-webhook:1";
/// The load generator, the workload and the reference sidecar.
pub const MESHBENCH: &str = "localhost/meshbench:dev";

/// The user of images that need no rights: nobody on the machine.
const NOBODY: &str = "65532:65532";

/// Packs the programs in `folder` into the images that clusters and their tests start with, beside them.
///
/// # Errors
/// [`Error::File`].
pub fn write_system_images(folder: &Path) -> Result<()> {
    // CoreDNS listens on port 53 and is held to that by its manifest, as in other clusters.
    for (program, name, user) in
        [("pause", PAUSE, NOBODY), ("coredns", COREDNS, "0:0"), ("webhook", WEBHOOK, NOBODY)]
    {
        let mut image = Image::new(name, user);
        image.entrypoint = vec![format!("/{program}")];
        image.entries.push(Entry::file(program, folder.join(program), 0o755));
        image.write(&folder.join(format!("{program}.tar")))?;
    }
    Ok(())
}

/// Imports archives into every node of a running cluster.
///
/// # Errors
/// [`Error::Unusable`] when it does not run, [`Error::Failed`] with what containerd's client said.
pub fn load(cluster: &Cluster, archives: &[std::path::PathBuf]) -> Result<()> {
    let nodes = cluster.nodes().ok_or_else(|| not_running(cluster))?;
    for number in 1..=nodes {
        let node = network::node_name(number);
        let containerd = members::component(cluster, &format!("{node}-containerd"), "containerd")?
            .ok_or_else(|| not_running(cluster))?;
        for archive in archives {
            // Seen from outside, a process's files begin under its root; the client stays outside.
            let socket = format!("/proc/{containerd}/root{}", crate::config::CONTAINERD_SOCKET);
            import(&socket, archive)?;
        }
    }
    Ok(())
}

/// Imports an archive for Kubernetes, through a container runtime's socket.
///
/// # Errors
/// [`Error::Failed`] with what its client said.
pub fn import(socket: &str, archive: &Path) -> Result<()> {
    let mut client = Command::new("ctr");
    client.args(["--address", socket, "--namespace", "k8s.io", "images", "import"]).arg(archive);
    command::run(&mut client).map(drop)
}

fn not_running(cluster: &Cluster) -> Error {
    Error::Unusable(format!("no cluster runs in {}: start it with `up`", cluster.folder().display()))
}
