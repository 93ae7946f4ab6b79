//! Why something could not be done in a cluster.

use kube::core::Status;

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
    /// The API server refused something.
    #[error("cannot {doing}: {}", status.message)]
    Refused {
        /// What was tried, for example `create the Deployment app-0/web`.
        doing: String,
        /// What it answered, of which the text alone is shown.
        status: Box<Status>,
    },
    /// The API server could not be asked, or answered what nobody understands.
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
    /// A mesh's manifests cannot be had.
    #[error("cannot render {step} of {mesh}: {why}")]
    Render {
        /// The mesh.
        mesh: String,
        /// The step of its installation.
        step: String,
        /// What was tried and what came of it.
        why: String,
    },
    /// A pod of the load generator was late, or lost, or said something unheard of.
    #[error("the load generator {pod} {why}")]
    Generator {
        /// The pod.
        pod: String,
        /// What became of it.
        why: String,
    },
    /// Pods that are not ready: what is measured without them would mean something else than it says.
    #[error(
        "{} of {of} {} not ready: {why}",
        pods.join(", "), if pods.len() == 1 { "is" } else { "are" }
    )]
    NotReady {
        /// Whose pods they are, for example `the workload`.
        of: &'static str,
        /// All of them, as `namespace/name`; one that was never made goes by the name of what should have made it.
        pods: Vec<String>,
        /// How long they were waited for, and what keeps the first of them.
        why: String,
    },
    /// Pods whose containers are not the mesh's: nothing measured with them would mean what it says.
    #[error(
        "{} of the workload {} not part of the mesh as its mesh.yaml says: {why} \
         (were the mesh's webhooks answering, and do its `enrolment` and `sidecars` say what it does?)",
        pods.join(", "), if pods.len() == 1 { "is" } else { "are" }
    )]
    NotEnrolled {
        /// The pods, as `namespace/name`.
        pods: Vec<String>,
        /// What is wrong with the first.
        why: String,
    },
    /// Traffic does not take the way it must; nothing measured would mean what it says.
    #[error("the data path is not proven: {0}")]
    DataPath(String),
    /// Something came to the cluster while a mesh was there, and did not go with it.
    #[error("the cluster is not as it was before the mesh: {0}")]
    LeftBehind(String),
    /// A proxy does not answer, though the API server does.
    #[error("cannot {doing}: {pod} has not answered for {}, though the API server does", humantime::format_duration(*waited))]
    ProxySilent {
        /// The pod, as `namespace/name`.
        pod: String,
        /// What was tried.
        doing: String,
        /// How long an answer was waited for.
        waited: std::time::Duration,
    },
    /// The load generator would not stand as the campaign's results say: beside what it loads, or on a node of its own.
    #[error("the load generator would not stand as when the campaign began: {0}")]
    OtherPlacement(String),
    /// Proxies were restarted under the load, and so the run could not be finished.
    #[error("the mesh did not outlive the load: {}; what came of it: {result}", restarts.join("; "))]
    ProxiesLost {
        /// Each proxy that was restarted, with how it ended before.
        restarts: Vec<String>,
        /// How the run ended for it.
        result: String,
    },
    /// Nodes were not ready all the time: their pods got no traffic meanwhile.
    #[error(
        "{} not ready all the time (does the kubelet there run, and is the machine up?); \
         `kubectl describe node` tells more{}",
        if let [one] = nodes.as_slice() { format!("the node {one} was") } else { format!("the nodes {} were", nodes.join(", ")) },
        result.as_ref().map(|result| format!("; what came of it: {result}")).unwrap_or_default()
    )]
    NodesLost {
        /// The nodes.
        nodes: Vec<String>,
        /// How the run ended for it, if it failed.
        result: Option<String>,
    },
    /// The cluster as it is cannot be used; the sentence says why and what to do.
    #[error("{0}")]
    Unfit(String),
}

impl KubeError {
    /// Whether it is that nothing measured would have been of the mesh, and not that something broke.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(
            self,
            Self::Generator { .. }
                | Self::NotReady { .. }
                | Self::NotEnrolled { .. }
                | Self::DataPath(_)
                | Self::OtherPlacement(_)
                | Self::ProxySilent { .. }
                | Self::ProxiesLost { .. }
                | Self::NodesLost { .. }
        )
    }

    /// For `map_err`: the API server's refusal of what was tried.
    pub(super) fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |source| match source {
            kube::Error::Api(status) => Self::Refused { doing, status },
            source => Self::Api { doing, source: Box::new(source) },
        }
    }

    /// What became of a pod of the load generator.
    pub(super) fn generator(pod: &str, why: &str) -> Self {
        Self::Generator { pod: pod.to_owned(), why: why.to_owned() }
    }

    /// For `map_err`: what did not come about.
    pub(super) fn timed_out(what: impl Into<String>) -> impl FnOnce(TimedOut) -> Self {
        let what = what.into();
        move |waited| Self::TimedOut { what, waited }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pods_that_are_not_ready_are_named() {
        let not_ready = |pods: &[&str]| KubeError::NotReady {
            of: "the workload",
            pods: pods.iter().map(|&pod| pod.to_owned()).collect(),
            why: "after 30s; last seen: 1 of 3 pods not ready\n  a/web: it has no pod yet".to_owned(),
        };
        assert!(not_ready(&["a/web"]).is_invalid());
        insta::assert_snapshot!(not_ready(&["a/web"]), @"
        a/web of the workload is not ready: after 30s; last seen: 1 of 3 pods not ready
          a/web: it has no pod yet
        ");
        insta::assert_snapshot!(not_ready(&["a/web", "a/emoji-1"]), @"
        a/web, a/emoji-1 of the workload are not ready: after 30s; last seen: 1 of 3 pods not ready
          a/web: it has no pod yet
        ");
    }
}
