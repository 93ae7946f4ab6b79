//! The load generator's objects, as values: [`GeneratorLayout`].

use serde_json::{Value, json};

use crate::kube::labels::{GENERATOR_ROLE, RESERVED, ROLE, RUN, SERVICE};
use crate::mesh::Enrolment;

/// The name of its Job, its account and its container.
pub(super) const NAME: &str = "load";

/// What the load generator's objects are made of.
#[derive(Debug, Clone)]
pub(in crate::kube) struct GeneratorLayout {
    /// The run's name, unique in the cluster.
    pub run: String,
    /// The namespace it gets to itself.
    pub namespace: String,
    /// The image.
    pub image: String,
    /// How many pods.
    pub pods: u32,
    /// The node's hostname, reserved by this campaign; `None` where the generator has none to itself.
    pub reserved_for: Option<String>,
    /// Containers of the mesh that its pods must have; none where it is no part of it.
    pub sidecars: Vec<String>,
    /// What makes it part of the mesh; empty where it is not.
    pub enrolment: Enrolment,
}

impl GeneratorLayout {
    /// The namespace, to be made first.
    pub(super) fn namespace(&self) -> Value {
        let mut labels = self.enrolment.namespace_labels.clone();
        labels.insert(RUN.to_owned(), self.run.clone());
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": self.namespace, "labels": labels, "annotations": self.enrolment.namespace_annotations},
        })
    }

    /// Its identity.
    pub(super) fn account(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": NAME, "namespace": self.namespace},
        })
    }

    /// An indexed Job whose pods wait for their plan.
    pub(super) fn job(&self) -> Value {
        let mut labels = self.enrolment.pod_labels.clone();
        labels.insert(RUN.to_owned(), self.run.clone());
        labels.insert(ROLE.to_owned(), GENERATOR_ROLE.to_owned());
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": NAME, "namespace": self.namespace},
            "spec": {
                "completions": self.pods,
                "parallelism": self.pods,
                "completionMode": "Indexed",
                // A generator that was started twice would send its share twice.
                "backoffLimit": 0,
                "template": {
                    "metadata": {"labels": labels, "annotations": self.enrolment.pod_annotations},
                    "spec": self.pod(),
                },
            },
        })
    }

    fn pod(&self) -> Value {
        let mut pod = json!({
            "restartPolicy": "Never",
            "serviceAccountName": NAME,
            // It hears no SIGTERM as process 1, and has nothing to end in order.
            "terminationGracePeriodSeconds": 1,
            "enableServiceLinks": false,
            "containers": [{
                "name": NAME,
                "image": self.image,
                "command": ["meshbench-load", "--attended"],
                "stdin": true,
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
            }],
        });
        if let Some(campaign) = &self.reserved_for {
            pod["nodeSelector"] = json!({RESERVED: campaign});
            pod["tolerations"] =
                json!([{"key": RESERVED, "operator": "Equal", "value": campaign, "effect": "NoSchedule"}]);
            // Wherever an app was put before the node was reserved, the generator does not go.
            pod["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
                "topologyKey": "kubernetes.io/hostname",
                "labelSelector": {"matchExpressions": [{"key": SERVICE, "operator": "Exists"}]},
                "namespaceSelector": {},
            }]}});
        }
        pod
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn layout(reserved_for: Option<&str>) -> GeneratorLayout {
        GeneratorLayout {
            run: "r1".to_owned(),
            namespace: "mb-r1-load".to_owned(),
            image: "meshbench:1".to_owned(),
            pods: 3,
            reserved_for: reserved_for.map(str::to_owned),
            sidecars: Vec::new(),
            enrolment: Enrolment {
                namespace_labels: BTreeMap::from([("istio-injection".to_owned(), "enabled".to_owned())]),
                ..Enrolment::default()
            },
        }
    }

    #[test]
    fn every_pod_goes_to_the_reserved_node_and_to_no_other() {
        let job = layout(Some("campaign-1")).job();
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(job["spec"]["completions"], 3);
        assert_eq!(pod["nodeSelector"][RESERVED], "campaign-1");
        assert_eq!(pod["tolerations"][0]["value"], "campaign-1");
        let anti = &pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0];
        assert_eq!(anti["labelSelector"]["matchExpressions"][0]["key"], SERVICE);
    }

    #[test]
    fn on_the_only_node_there_is_nothing_to_keep_away_from() {
        let job = layout(None).job();
        let pod = &job["spec"]["template"]["spec"];
        assert!(pod.get("nodeSelector").is_none() && pod.get("affinity").is_none(), "{pod}");
    }

    #[test]
    fn its_namespace_enrols_it() {
        assert_eq!(layout(None).namespace()["metadata"]["labels"]["istio-injection"], "enabled");
    }
}
