//! The addresses inside a cluster.
//!
//! Every cluster has its own network namespaces without a route to the outside, so all of them use the same addresses and
//! none can collide with the machine's.

/// Names of the nodes, one for each.
pub fn node_names(nodes: u8) -> impl Iterator<Item = String> {
    (1..=nodes).map(node_name)
}

/// The name of node `number`, counted from 1.
#[must_use]
pub fn node_name(number: u8) -> String {
    format!("node-{number}")
}

/// The control plane's address on the network between nodes.
pub const CONTROL_PLANE: &str = "10.88.0.1";
/// How long the prefix of the network between nodes is.
pub const NODES_PREFIX_BITS: u8 = 24;
/// Where the API server listens.
pub const API_SERVER_PORT: u16 = 6443;
/// All pods of all nodes.
pub const PODS: &str = "10.244.0.0/16";
/// All Services.
pub const SERVICES: &str = "10.96.0.0/16";
/// The Service `kubernetes.default`: the first address of [`SERVICES`], as the API server chooses it.
pub const API_SERVICE: &str = "10.96.0.1";
/// The Service of cluster DNS.
pub const DNS_SERVICE: &str = "10.96.0.10";
/// The zone that cluster DNS answers for.
pub const DOMAIN: &str = "cluster.local";
/// How many nodes the addresses are enough for.
pub const MOST_NODES: u8 = 16;

/// The address of a node.
#[must_use]
pub fn node_address(number: u8) -> String {
    format!("10.88.0.{}", 10 + u16::from(number))
}

/// The pods of a node.
#[must_use]
pub fn node_pods(number: u8) -> String {
    format!("10.244.{number}.0/24")
}
