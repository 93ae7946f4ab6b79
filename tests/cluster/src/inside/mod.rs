//! What runs inside a cluster's namespaces.
//!
//! ```text
//! up ──► unshare (mounts, network, processes, …) ──► control: process 1 of the cluster
//!                                                     ├─ forward       loopback outside ──► API server
//!                                                     ├─ etcd, API server, controller manager, scheduler
//!                                                     └─ nsenter, unshare ──► node: process 1 of a node
//!                                                                             ├─ containerd ──► pods
//!                                                                             └─ kubelet, kube-proxy
//! ```
//! The kernel ends all processes of a namespace with its process 1, and removes mounts and networks with the last process
//! that is in them. So whatever is killed, and by whom, nothing of a cluster outlives its processes.

mod components;
mod control;
mod forward;
mod mounts;
mod node;

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::cgroups;
use crate::error::{Error, Result};

/// The cluster's folder, as everything inside knows it: short enough for sockets, and the same for every cluster.
pub const CLUSTER: &str = "/run/cluster";
/// The programs that were built, likewise.
pub const PROGRAMS: &str = "/run/programs";
/// This program, likewise.
pub const OWN_PROGRAM: &str = "/run/meshbench-testcluster";

/// What a process inside is for.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Role {
    /// Process 1 of the cluster.
    Control {
        /// The cluster's folder, outside.
        #[arg(long)]
        folder: PathBuf,
        /// The programs, outside.
        #[arg(long)]
        programs: PathBuf,
        /// The cluster's control group.
        #[arg(long)]
        cgroup: String,
        /// How many nodes there are.
        #[arg(long)]
        nodes: u8,
    },
    /// Process 1 of a node.
    Node {
        /// Which one.
        #[arg(long)]
        number: u8,
        /// The cluster's control group.
        #[arg(long)]
        cgroup: String,
    },
    /// Carries connections to the listener on standard input to an address inside.
    Forward {
        /// The address.
        #[arg(long)]
        to: String,
    },
    /// Becomes another program, in a control group of its own.
    Run {
        /// The group.
        #[arg(long)]
        cgroup: String,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

/// Plays a role; comes back only with an error.
///
/// # Errors
/// Whatever keeps it from going on.
pub fn play(role: Role) -> Result<Infallible> {
    match role {
        Role::Control { folder, programs, cgroup, nodes } => control::run(&folder, &programs, &cgroup, nodes),
        Role::Node { number, cgroup } => node::run(number, &cgroup),
        Role::Forward { to } => forward::run(&to),
        Role::Run { cgroup, command } => {
            cgroups::join(&cgroup)?;
            let program = command[0].clone();
            Err(Error::Start { source: Command::new(&program).args(&command[1..]).exec(), program })
        }
    }
}
