//! What a mesh's agents change on nodes, outside of all that Kubernetes knows of: [`NodeMarks`] say what to look for,
//! [`NodeFindings`] what was found.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a pod that looks at its node has the node's file system.
pub const NODE_ROOT: &str = "/host";

/// By what the changes of a mesh's agents are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeMarks {
    /// How the names of its chains in a node's iptables begin, whatever the table.
    pub iptables_chains: Vec<String>,
    /// Its network plugins: the name of a program, and the `type` in a configuration that calls it.
    pub network_plugins: Vec<String>,
}

/// What a look at a node found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFindings {
    /// What is there of the marks.
    pub traces: BTreeSet<NodeTrace>,
    /// What could not be looked at and why, each in a sentence: nobody knows what is there.
    pub unseen: Vec<String>,
}

/// One change of a node; displayed as `the chain ISTIO_POSTRT of the table nat in iptables-nft`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum NodeTrace {
    /// A chain of iptables.
    Chain {
        /// The program that showed it, without its `-save`: `iptables-nft`.
        program: String,
        /// The table.
        table: String,
        /// The chain's name.
        name: String,
    },
    /// The program of a network plugin.
    PluginProgram {
        /// Its path on the node.
        file: String,
    },
    /// A configuration of the network that calls a plugin.
    PluginConfiguration {
        /// The plugin's name.
        name: String,
        /// The configuration's path on the node.
        file: String,
    },
}

impl NodeTrace {
    /// What a person does about it, on the node.
    #[must_use]
    pub fn cure(&self) -> String {
        match self {
            Self::Chain { program, table, name } => format!(
                "there `{program} -t {table} -S` shows what jumps to it: remove that by -D, and the chain by -F {name} and \
                 -X {name}"
            ),
            Self::PluginProgram { file } => format!("`rm {file}` there removes it"),
            Self::PluginConfiguration { .. } => "take it out of that file there".to_owned(),
        }
    }
}

impl fmt::Display for NodeTrace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain { program, table, name } => {
                write!(formatter, "the chain {name} of the table {table} in {program}")
            }
            Self::PluginProgram { file } => write!(formatter, "the network plugin {file}"),
            Self::PluginConfiguration { name, file } => {
                write!(formatter, "the network plugin {name} in {file}")
            }
        }
    }
}

impl NodeMarks {
    /// The chains among what `program`, such as `iptables-nft`, has `saved`.
    #[must_use]
    pub fn chains_in(&self, program: &str, saved: &str) -> Vec<NodeTrace> {
        let mut table = "";
        let mut chains = Vec::new();
        for line in saved.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name.trim();
            }
            let Some(name) = line.strip_prefix(':').and_then(|rest| rest.split_whitespace().next()) else {
                continue;
            };
            if self.iptables_chains.iter().any(|beginning| name.starts_with(beginning.as_str())) {
                let (program, table) = (program.to_owned(), table.to_owned());
                chains.push(NodeTrace::Chain { program, table, name: name.to_owned() });
            }
        }
        chains
    }

    /// The plugins that a configuration of the network calls; none in what is no JSON, such as a plugin's kubeconfig.
    #[must_use]
    pub fn plugins_in(&self, file: &str, configuration: &str) -> Vec<NodeTrace> {
        let configuration = serde_json::from_str(configuration).unwrap_or(Value::Null);
        let mut types = BTreeSet::new();
        collect_types(&configuration, &mut types);
        let called = self.network_plugins.iter().filter(|name| types.contains(name.as_str()));
        let trace =
            |name: &String| NodeTrace::PluginConfiguration { name: name.clone(), file: file.to_owned() };
        called.map(trace).collect()
    }
}

/// Plugins stand alone or in a list, and call others for addresses.
fn collect_types<'value>(value: &'value Value, types: &mut BTreeSet<&'value str>) {
    match value {
        Value::Object(fields) => {
            types.extend(fields.get("type").and_then(Value::as_str));
            fields.values().for_each(|field| collect_types(field, types));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_types(item, types)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn marks() -> NodeMarks {
        NodeMarks {
            iptables_chains: vec!["ISTIO_".to_owned()],
            network_plugins: vec!["istio-cni".to_owned()],
        }
    }

    const SAVED: &str = "# Generated by iptables-nft-save v1.8.9 (nf_tables)
*mangle
:PREROUTING ACCEPT [0:0]
:ISTIO_PRERT - [0:0]
COMMIT
*nat
:POSTROUTING ACCEPT [3:180]
:KUBE-POSTROUTING - [0:0]
:ISTIO_POSTRT - [0:0]
-A POSTROUTING -j ISTIO_POSTRT
COMMIT
# Completed
";

    #[rstest]
    #[case::left(SAVED, &["the chain ISTIO_PRERT of the table mangle in iptables-nft", "the chain ISTIO_POSTRT of the table nat in iptables-nft"])]
    #[case::of_others("*filter\n:KUBE-FORWARD - [0:0]\n:MY_ISTIO_ - [0:0]\nCOMMIT\n", &[])]
    #[case::rules_alone("*nat\n-A POSTROUTING -j ISTIO_POSTRT\nCOMMIT\n", &[])]
    #[case::nothing("", &[])]
    fn chains_are_found_by_their_beginning(#[case] saved: &str, #[case] expected: &[&str]) {
        let found = marks().chains_in("iptables-nft", saved);
        let found: Vec<String> = found.iter().map(NodeTrace::to_string).collect();
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case::in_a_list(r#"{"plugins": [{"type": "bridge"}, {"type": "istio-cni"}]}"#, true)]
    #[case::alone(r#"{"cniVersion": "0.3.1", "type": "istio-cni"}"#, true)]
    #[case::below_another(r#"{"type": "multus", "delegates": [{"plugins": [{"type": "istio-cni"}]}]}"#, true)]
    #[case::named_so(r#"{"name": "istio-cni", "type": "bridge"}"#, false)]
    #[case::a_longer_name(r#"{"type": "istio-cni-of-another"}"#, false)]
    #[case::no_json("apiVersion: v1\nkind: Config\ntype: istio-cni\n", false)]
    fn plugins_are_found_by_their_type(#[case] configuration: &str, #[case] is_found: bool) {
        let found = marks().plugins_in("/etc/cni/net.d/10-net.conflist", configuration);
        let found: Vec<String> = found.iter().map(NodeTrace::to_string).collect();
        let expected = "the network plugin istio-cni in /etc/cni/net.d/10-net.conflist".to_owned();
        assert_eq!(found, if is_found { vec![expected] } else { Vec::new() });
    }

    #[test]
    fn findings_are_one_line_and_read_back() {
        let program = NodeTrace::PluginProgram { file: "/opt/cni/bin/istio-cni".to_owned() };
        let mut traces: BTreeSet<_> = marks().chains_in("iptables-nft", SAVED).into_iter().collect();
        traces.insert(program);
        traces.extend(marks().plugins_in("/etc/cni/net.d/10-net.conf", r#"{"type": "istio-cni"}"#));
        let findings = NodeFindings { traces, unseen: vec!["there is no ip6tables-save".to_owned()] };
        let line = serde_json::to_string(&findings).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<NodeFindings>(&line).unwrap(), findings);
    }
}
