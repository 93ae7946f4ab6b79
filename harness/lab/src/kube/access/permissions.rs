//! What a campaign must be allowed to do in a cluster: [`rules`], and the role that allows it: [`role_yaml`].

use std::fmt;

use super::kinds::MADE;
use crate::mesh::KubeMesh;

/// What meshbench does with objects that it makes.
const TO_MAKE: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];
/// The API server takes a web socket for reading in some releases and for creating in others.
const TO_CONNECT: &[&str] = &["get", "create"];

/// What is used besides the kinds that are made: group, resource, verbs.
const USED: &[(&str, &str, &[&str])] = &[
    ("", "events", &["list"]),
    ("", "nodes", &["get", "list", "patch"]),
    ("", "nodes/proxy", &["get"]),
    ("", "pods/log", &["get"]),
    ("", "pods/proxy", &["get"]),
    ("", "pods/attach", TO_CONNECT),
    ("", "pods/exec", TO_CONNECT),
    ("coordination.k8s.io", "leases", &["get", "create", "update", "delete"]),
    ("authorization.k8s.io", "selfsubjectaccessreviews", &["create"]),
    // A mesh's own roles allow what meshbench itself may not do; Kubernetes wants leave for that.
    ("rbac.authorization.k8s.io", "roles", &["escalate", "bind"]),
    ("rbac.authorization.k8s.io", "clusterroles", &["escalate", "bind"]),
];

/// A rule of a role: these verbs, on these resources of an API group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The API group; empty for the core group.
    pub group: String,
    /// Resources in plural, subresources as `pods/log`; `*` for all of the group.
    pub resources: Vec<String>,
    /// What is done with them.
    pub verbs: Vec<&'static str>,
}

/// Every rule that campaigns with these meshes need, and no more.
#[must_use]
pub fn rules(meshes: &[&KubeMesh]) -> Vec<Rule> {
    let made = MADE.iter().map(|kind| (kind.group, kind.plural, TO_MAKE));
    let own = made.chain(USED.iter().copied());
    let permissions = meshes.iter().flat_map(|mesh| &mesh.permissions);
    let theirs = permissions.flat_map(|permission| {
        permission.resources.iter().map(|resource| (permission.group.as_str(), resource.as_str(), TO_MAKE))
    });
    merged(own.chain(theirs))
}

/// Brings resources of one group with the same verbs into one rule, in the order of their first appearance.
pub(super) fn merged<'a, Verbs>(needs: impl IntoIterator<Item = (&'a str, &'a str, Verbs)>) -> Vec<Rule>
where
    Verbs: AsRef<[&'static str]>,
{
    let mut rules: Vec<Rule> = Vec::new();
    for (group, resource, verbs) in needs {
        let verbs = verbs.as_ref();
        match rules.iter_mut().find(|rule| rule.group == group && rule.verbs == verbs) {
            Some(rule) if rule.resources.iter().any(|known| known == resource) => {}
            Some(rule) => rule.resources.push(resource.to_owned()),
            None => rules.push(Rule {
                group: group.to_owned(),
                resources: vec![resource.to_owned()],
                verbs: verbs.to_vec(),
            }),
        }
    }
    rules
}

/// As it stands below `rules:` of a role.
impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, resources, verbs } = self;
        // Words in Rust's quotes are words in YAML's, and so is a list of them.
        writeln!(formatter, "- apiGroups: [{group:?}]")?;
        writeln!(formatter, "  resources: {resources:?}")?;
        write!(formatter, "  verbs: {verbs:?}")
    }
}

/// A service account `meshbench` in the namespace `default` and a role that allows it these rules, for `kubectl apply`.
#[must_use]
pub fn role_yaml(rules: &[Rule]) -> String {
    let rules: Vec<String> = rules.iter().map(Rule::to_string).collect();
    format!("{ROLE_HEAD}{}\n{ROLE_TAIL}", rules.join("\n"))
}

const ROLE_HEAD: &str = "\
# What meshbench needs in a cluster, and no more: meshbench rbac | kubectl apply -f -
# Whoever may `escalate` and `bind` roles can give himself any right. A mesh's own roles cannot be made without, so
# give this one away in clusters that are there for measuring.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: meshbench
  namespace: default
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: meshbench
rules:
";

const ROLE_TAIL: &str = "\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: meshbench
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: meshbench
subjects:
- kind: ServiceAccount
  name: meshbench
  namespace: default
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::Permission;
    use insta::assert_snapshot;
    use meshbench_core::yaml;
    use serde_json::{Value, json};

    fn mesh(permissions: &[(&str, &[&str])]) -> KubeMesh {
        let permissions = permissions.iter().map(|(group, resources)| Permission {
            group: (*group).to_owned(),
            resources: resources.iter().map(|&resource| resource.to_owned()).collect(),
        });
        KubeMesh { permissions: permissions.collect(), ..KubeMesh::default() }
    }

    #[test]
    fn what_meshes_add_is_said_once() {
        let (istio, ambient) = (
            mesh(&[("security.istio.io", &["*"])]),
            mesh(&[("security.istio.io", &["*"]), ("x.io", &["a"])]),
        );
        let own = rules(&[]);
        let all = rules(&[&istio, &ambient]);
        assert_eq!(all[..own.len()], own);
        let added: Vec<String> = all[own.len()..].iter().map(Rule::to_string).collect();
        assert_snapshot!(added.join("\n"), @r#"
        - apiGroups: ["security.istio.io"]
          resources: ["*"]
          verbs: ["get", "list", "watch", "create", "patch", "delete"]
        - apiGroups: ["x.io"]
          resources: ["a"]
          verbs: ["get", "list", "watch", "create", "patch", "delete"]
        "#);
    }

    #[test]
    fn the_role_can_be_applied() {
        let role = role_yaml(&rules(&[&mesh(&[("security.istio.io", &["*"])])]));
        let documents: Vec<Value> =
            role.split("---\n").map(|document| yaml::from_str("role", document).unwrap()).collect();
        let kinds: Vec<_> = documents.iter().map(|document| &document["kind"]).collect();
        assert_eq!(kinds, ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"]);
        let rules = documents[1]["rules"].as_array().unwrap();
        let verbs = json!(["get", "list", "watch", "create", "patch", "delete"]);
        assert!(rules.contains(&json!({"apiGroups": [""], "resources": ["namespaces", "serviceaccounts",
            "configmaps", "secrets", "services", "pods"], "verbs": verbs})));
        assert_eq!(rules.last().unwrap()["apiGroups"], json!(["security.istio.io"]));
    }
}
