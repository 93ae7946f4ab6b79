//! Making a workload's objects within the limit of a step: [`make_all`].

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use crate::kube::step_limit::StepLimit;
use crate::kube::{Cluster, KubeError};

/// How many objects are made at once: one after the other, 30 apps take half a minute of round trips; all at once, an API
/// server delays whom it finds greedy.
pub(super) const CONCURRENCY: usize = 16;

/// Makes objects that do not need each other, for example `the Deployments of the workload`.
///
/// # Errors
/// [`KubeError::TimedOut`] when the step's limit runs out before the API server has made all; [`KubeError::Refused`],
/// [`KubeError::Api`].
pub(in crate::kube) async fn make_all(
    cluster: &Cluster,
    what: &str,
    objects: &[Value],
    step: StepLimit,
) -> Result<(), KubeError> {
    let mut unanswered: BTreeSet<String> = objects.iter().map(shown).collect();
    let made = stream::iter(objects)
        .map(|object| async move { cluster.apply(object).await.map(|_| shown(object)) })
        .buffer_unordered(CONCURRENCY)
        .try_for_each(|made| {
            unanswered.remove(&made);
            std::future::ready(Ok(()))
        });
    match step.within(made).await {
        Some(made) => made,
        None => Err(KubeError::timed_out(format!("{what} are not made"))(step.ran_out(silence(&unanswered)))),
    }
}

fn silence(unanswered: &BTreeSet<String>) -> String {
    let first = unanswered.first().map_or("any of them", String::as_str);
    let more = match unanswered.len() {
        0 | 1 => String::new(),
        several => format!(" and {} more", several - 1),
    };
    format!("no answer of the API server on {first}{more}")
}

/// `Deployment app-0/web`, or `Namespace app-0`.
fn shown(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("unnamed").to_owned();
    let metadata = &object["metadata"];
    let name = match metadata.get("namespace") {
        Some(namespace) => format!("{}/{}", text(namespace), text(&metadata["name"])),
        None => text(&metadata["name"]),
    };
    format!("{} {name}", text(&object["kind"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_api_server_says_nothing_of_is_named() {
        let objects = [
            json!({"kind": "Namespace", "metadata": {"name": "app-0"}}),
            json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "app-0"}}),
        ];
        let mut unanswered: BTreeSet<_> = objects.iter().map(shown).collect();
        assert_eq!(silence(&unanswered), "no answer of the API server on Deployment app-0/web and 1 more");
        unanswered.remove("Deployment app-0/web");
        assert_eq!(silence(&unanswered), "no answer of the API server on Namespace app-0");
    }
}
