//! Process 1 of a cluster: its network, the control plane, and the nodes.

use std::convert::Infallible;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use super::components::{Components, note};
use super::{CLUSTER, OWN_PROGRAM, PROGRAMS, mounts};
use crate::error::{Error, Result};
use crate::{api, cgroups, command, config, network};

/// Brings everything up and stays to reap.
pub(super) fn run(folder: &Path, programs: &Path, cgroup: &str, nodes: u8) -> Result<Infallible> {
    // Whoever started the cluster may go, with its terminal.
    nix::unistd::setsid().map_err(Error::system("leave the session of", "the caller"))?;
    cgroups::join(&format!("{cgroup}/system/control"))?;
    mounts::cover_run(&[(folder, CLUSTER), (programs, PROGRAMS)])?;
    nix::unistd::sethostname("control-plane").map_err(Error::system("name", "the host"))?;
    lay_network(nodes)?;

    let mut components = Components::new(cgroup);
    components.start("etcd", "etcd", &config::etcd_arguments())?;
    start_kubernetes(&mut components, "kube-apiserver", config::api_server_arguments())?;
    start_forwarder(&mut components)?;
    for number in 1..=nodes {
        start_node(&mut components, number, cgroup)?;
    }
    await_api_server()?;
    // Those two end when they find the API server without its first roles.
    start_kubernetes(&mut components, "kube-controller-manager", config::controller_manager_arguments())?;
    start_kubernetes(&mut components, "kube-scheduler", config::scheduler_arguments())?;
    note("everything is started");
    components.reap()
}

fn start_kubernetes(components: &mut Components, name: &str, arguments: Vec<String>) -> Result<()> {
    let arguments: Vec<_> = std::iter::once(name.to_owned()).chain(arguments).collect();
    components.start(name, &format!("{PROGRAMS}/kubernetes"), &arguments)
}

/// The listener on standard input was made outside, where its connections still arrive.
fn start_forwarder(components: &mut Components) -> Result<()> {
    let listener =
        std::io::stdin().as_fd().try_clone_to_owned().map_err(Error::file("keep", "the listener"))?;
    let target = format!("{}:{}", network::CONTROL_PLANE, network::API_SERVER_PORT);
    let arguments = ["inside", "forward", "--to", &target].map(str::to_owned);
    components.start_with_input("forward", OWN_PROGRAM, &arguments, listener)
}

fn start_node(components: &mut Components, number: u8, cgroup: &str) -> Result<()> {
    let name = network::node_name(number);
    // Not `ip netns exec`, which mounts another /sys without control groups.
    let namespaces = format!(
        "--net=/run/netns/{name} -- unshare --mount --uts --ipc --pid --fork --kill-child=KILL --mount-proc \
         --propagation private -- {OWN_PROGRAM} inside node --number {number} --cgroup {cgroup}"
    );
    let arguments: Vec<_> = namespaces.split_whitespace().map(str::to_owned).collect();
    components.start(&name, "nsenter", &arguments)
}

/// A switch that connects the control plane with the nodes, routes to all pods, and none to anywhere else.
fn lay_network(nodes: u8) -> Result<()> {
    let here = network::CONTROL_PLANE;
    let prefix = network::NODES_PREFIX_BITS;
    ip(
        &["-batch", "-"],
        &format!(
            "link set lo up\nlink add nodes type bridge\naddr add {here}/{prefix} dev nodes\nlink set nodes up\n"
        ),
    )?;
    for number in 1..=nodes {
        let (name, address) = (network::node_name(number), network::node_address(number));
        ip(&["netns", "add", &name], "")?;
        ip(
            &["-batch", "-"],
            &format!(
                "link add {name} type veth peer name eth0 netns {name}\nlink set {name} master nodes up\n\
             route add {pods} via {address}\n",
                pods = network::node_pods(number),
            ),
        )?;
        let mut batch = format!(
            "link set lo up\naddr add {address}/{prefix} dev eth0\nlink set eth0 up\n\
             route add {services} via {here}\nroute add unreachable default\n",
            services = network::SERVICES,
        );
        for other in (1..=nodes).filter(|&other| other != number) {
            let (pods, via) = (network::node_pods(other), network::node_address(other));
            batch.push_str(&format!("route add {pods} via {via}\n"));
        }
        ip(&["-n", &name, "-batch", "-"], &batch)?;
    }
    Ok(())
}

fn ip(arguments: &[&str], batch: &str) -> Result<()> {
    command::run_with_input(Command::new("ip").args(arguments), batch).map(drop)
}

fn await_api_server() -> Result<()> {
    let kubeconfig = Path::new(CLUSTER).join("controller-manager.kubeconfig");
    api::block_on(async {
        let client = api::client(&kubeconfig).await?;
        api::await_ready(&client).await
    })
}
