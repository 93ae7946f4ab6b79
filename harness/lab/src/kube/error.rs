//! Why something could not be done in a cluster.

use crate::wait::TimedOut;

/// Why something could not be done in a cluster, for the person who must act.
#[derive(Debug, thiserror::Error)]
pub enum KubeError {
    /// There is no usable way to a cluster.
    #[error(
        "cannot reach the cluster of {context}: {why} (is KUBECONFIG set? `kubectl config get-contexts` lists contexts)"
    )]
    Unreachable {
        /// The context as it was named.
        context: String,
        /// What is wrong with the kubeconfig, or what the connection said.
        why: String,
    },
    /// The API server refused something, or could not be asked.
    #[error("cannot {doing}")]
    Api {
        /// What was tried, for example `create the Deployment app-0/web`.
        doing: String,
        /// What it answered.
        source: Box<kube::Error>,
    },
    /// Something did not come about in time.
    #[error("{what}: {waited}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long, and what was last seen.
        waited: TimedOut,
    },
    /// A manifest is not a Kubernetes object.
    #[error("{origin} is no Kubernetes object: {why}")]
    Manifest {
        /// Where it comes from.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// The cluster as it is cannot be used; the sentence says why and what to do.
    #[error("{0}")]
    Unfit(String),
}

impl KubeError {
    /// For `map_err`: the API server's refusal of what was tried.
    pub(super) fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Api { doing, source: Box::new(source) }
    }

    /// For `map_err`: what did not come about.
    pub(super) fn timed_out(what: impl Into<String>) -> impl FnOnce(TimedOut) -> Self {
        let what = what.into();
        move |waited| Self::TimedOut { what, waited }
    }
}
