//! A real Kubernetes of several nodes on one machine, from packages, for meshbench's own tests.
//!
//! [`up::up`] brings a [`Cluster`] up and [`down::down`] removes it; both take a folder and nothing else. The way:
//!
//! 1. [`requirements`] says what the machine lacks; [`artifacts`] builds Kubernetes' programs, once.
//! 2. [`up`] writes certificates ([`pki`]) and configurations ([`config`]), makes the control groups ([`cgroups`]), and
//!    starts one process in namespaces of its own, with a listener on loopback as its only tie to the outside.
//! 3. [`inside`] is what runs there: the control plane's first process, and one first process for each node.
//! 4. [`api`] waits for Kubernetes to say that it is ready, and adds cluster DNS.
//! 5. [`down`] kills what is in the control groups and removes them. Mounts, network namespaces, links and firewall rules
//!    go with the last process, for all of them live in namespaces that only the cluster's processes hold.
//!
//! [`istio`] builds a service mesh to install there; nothing of the above knows of it.

pub mod api;
pub mod artifacts;
pub mod cache;
pub mod cgroups;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod config;
pub mod container_group;
pub mod descriptors;
pub mod down;
pub mod error;
pub mod go;
pub mod images;
pub mod inside;
pub mod istio;
pub mod kubeconfig;
pub mod members;
pub mod network;
pub mod pki;
pub mod requirements;
pub mod status;
pub mod up;
pub mod wait;

pub use cluster::Cluster;
pub use error::Error;
