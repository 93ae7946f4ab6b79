//! Running a command in a container of a pod: [`run`].

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, AttachParams};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::error_chain;
use crate::kube::workload::DeployedPod;
use crate::kube::{Cluster, KubeError};

/// What a command printed.
#[derive(Debug)]
pub(super) struct Printed {
    /// Its standard output.
    pub(super) output: String,
    /// Its standard error: where it fails, that says why.
    pub(super) errors: String,
}

impl Printed {
    /// Both.
    pub(super) fn all(self) -> String {
        self.output + &self.errors
    }
}

/// Runs a command and reads what it prints.
///
/// # Errors
/// [`KubeError::Api`]; [`KubeError::DataPath`] where it cannot be read.
pub(super) async fn run(
    cluster: &Cluster,
    container: &str,
    command: &[String],
    pod: &DeployedPod,
) -> Result<Printed, KubeError> {
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), &pod.namespace);
    let doing = format!("run `{}` in {container} of {}/{}", command.join(" "), pod.namespace, pod.name);
    let attach = AttachParams::default().container(container).stdin(false);
    let process = pods.exec(&pod.name, command, &attach).await;
    let mut process = process.map_err(KubeError::api(doing.clone()))?;
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let unread =
        |error: std::io::Error| KubeError::DataPath(format!("cannot {doing}: {}", error_chain(&error)));
    // Together: a command that fills one pipe waits until it is read.
    let (output, errors) = tokio::try_join!(read(stdout), read(stderr)).map_err(unread)?;
    Ok(Printed { output, errors })
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
