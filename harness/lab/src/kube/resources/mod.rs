//! CPU and memory of containers in a cluster, read from the kubelets through the API server.

mod collected;
mod incidents;
mod owner;
mod sampler;
mod summary;

pub(crate) use owner::Subjects;
pub(crate) use sampler::Sampler;
