//! What can be wrong in the `kube` section of a `mesh.yaml`, as far as it shows without a cluster.

mod install;

use std::collections::BTreeSet;

use meshbench_core::node_traces::NodeMarks;
use meshbench_core::scenario::MeshName;
use meshbench_core::yaml;

use super::definition::Wrong;
use super::kube_mesh::{KubeMesh, KubeProof, ReadyCondition};
use install::{NOT_A_NAME, OUTSIDE, is_beside, is_kubernetes_name, wrong_in_install};

/// The first thing wrong in a mesh's `kube` section.
pub(super) fn wrong_in_kube(name: &MeshName, kube: &KubeMesh) -> Option<Wrong> {
    let section = yaml::Path::of("kube");
    if name.is_bare() {
        let message = "bare is the control: nothing is installed for it, so this is empty: {}";
        return (!is_empty(kube)).then(|| (section, message.into()));
    }
    wrong_in_namespaces(&section.key("namespaces"), kube)
        .or_else(|| wrong_in_install(&section.key("install"), kube))
        .or_else(|| wrong_in_ready(&section, kube))
        .or_else(|| wrong_in_enrolment(&section.key("enrolment"), kube))
        .or_else(|| wrong_in_sidecars(&section.key("sidecars"), kube))
        .or_else(|| wrong_in_marks(&section.key("on_nodes"), kube.on_nodes.as_ref()?))
        .or_else(|| match &kube.proof {
            Some(proof) => wrong_in_proof(&section.key("proof"), kube, proof),
            None => {
                let message = "needs `proof`, or nothing can show that traffic crosses the mesh";
                Some((section.clone(), message.into()))
            }
        })
}

fn is_empty(kube: &KubeMesh) -> bool {
    let KubeMesh {
        namespaces,
        install,
        ready,
        enrolment,
        sidecars,
        data_plane_pods,
        proof,
        permissions,
        leaves,
        on_nodes,
    } = kube;
    namespaces.is_empty()
        && install.is_empty()
        && ready.is_empty()
        && *enrolment == Default::default()
        && sidecars.is_empty()
        && data_plane_pods.is_empty()
        && proof.is_none()
        && permissions.is_empty()
        && leaves.is_empty()
        && on_nodes.is_none()
}

fn wrong_in_namespaces(path: &yaml::Path, kube: &KubeMesh) -> Option<Wrong> {
    let mut names = BTreeSet::new();
    kube.namespaces.iter().enumerate().find_map(|(index, namespace)| {
        let name = &namespace.name;
        let message = if name == "default" || name.starts_with("kube-") {
            "is the cluster's, and what stands here is removed at the end".to_owned()
        } else if !is_kubernetes_name(name) {
            NOT_A_NAME.to_owned()
        } else if !names.insert(name) {
            format!("`{name}` is listed twice")
        } else {
            return None;
        };
        Some((path.index(index).key("name"), message))
    })
}

fn wrong_in_ready(section: &yaml::Path, kube: &KubeMesh) -> Option<Wrong> {
    if !kube.install.is_empty() && kube.ready.is_empty() {
        let message = "needs `ready`, or workloads would be deployed before the mesh stands";
        return Some((section.clone(), message.into()));
    }
    kube.ready.iter().enumerate().find_map(|(index, condition)| {
        let (field, path) = match condition {
            ReadyCondition::Deployment(path) => ("deployment", path),
            ReadyCondition::DaemonSet(path) => ("daemon_set", path),
            ReadyCondition::MutatingWebhook(_) => return None,
            ReadyCondition::SidecarsInjected if kube.sidecars.is_empty() => {
                let message = "no container is to be injected; name them in `kube.sidecars`";
                return Some((section.key("ready").index(index), message.into()));
            }
            ReadyCondition::SidecarsInjected => return None,
        };
        let is_path = path
            .split_once('/')
            .is_some_and(|(namespace, name)| is_kubernetes_name(namespace) && is_kubernetes_name(name));
        let place = section.key("ready").index(index).key(field);
        (!is_path).then(|| (place, "expected namespace/name, such as istio-system/istiod".into()))
    })
}

fn wrong_in_enrolment(path: &yaml::Path, kube: &KubeMesh) -> Option<Wrong> {
    let outside = kube.enrolment.namespace_manifests.iter().position(|file| !is_beside(file));
    outside.map(|index| (path.key("namespace_manifests").index(index), OUTSIDE.into()))
}

fn wrong_in_sidecars(path: &yaml::Path, kube: &KubeMesh) -> Option<Wrong> {
    let mut names = BTreeSet::new();
    let twice = kube.sidecars.iter().position(|name| !names.insert(name));
    twice.map(|index| (path.index(index), format!("`{}` is listed twice", kube.sidecars[index])))
}

fn wrong_in_marks(path: &yaml::Path, marks: &NodeMarks) -> Option<Wrong> {
    let NodeMarks { iptables_chains, network_plugins } = marks;
    if iptables_chains.is_empty() && network_plugins.is_empty() {
        let message =
            "names nothing to look for; expected `iptables_chains` or `network_plugins`, or leave it out";
        return Some((path.clone(), message.into()));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let wrong = |field: &str, names: &[String], expected: &str| {
        let odd = names.iter().position(|name| name.is_empty() || !name.chars().all(is_plain))?;
        Some((path.key(field).index(odd), expected.to_owned()))
    };
    wrong("iptables_chains", iptables_chains, "expected how the names of chains begin, such as ISTIO_")
        .or_else(|| wrong("network_plugins", network_plugins, "expected a plugin's name, such as istio-cni"))
}

fn wrong_in_proof(path: &yaml::Path, kube: &KubeMesh, proof: &KubeProof) -> Option<Wrong> {
    let wrong = |path: yaml::Path, message: &str| Some((path, message.to_owned()));
    match (&proof.sidecar, &proof.shared) {
        (None, None) => {
            return wrong(
                path.clone(),
                "needs `sidecar` or `shared`: the counters that move when traffic crosses the mesh",
            );
        }
        (Some(_), _) if kube.sidecars.is_empty() => {
            return wrong(
                path.key("sidecar"),
                "counts what crosses sidecars, and `kube.sidecars` names none",
            );
        }
        (None, _) if !kube.sidecars.is_empty() => {
            return wrong(
                path.clone(),
                "needs `sidecar`: the counters of the containers that `kube.sidecars` names",
            );
        }
        _ => {}
    }
    let asked = proof.sidecar.iter().map(|counters| ("sidecar", &counters.path));
    let asked = asked.chain(proof.shared.iter().map(|counters| ("shared", &counters.path)));
    if let Some((field, _)) = asked.clone().find(|(_, path)| !path.starts_with('/')) {
        return wrong(path.key(field).key("path"), "expected a path such as /metrics");
    }
    let identity = proof.identity.as_ref().map(|asked| ("identity", &asked.container, &asked.command));
    let configuration = proof.configuration.as_ref();
    let configuration = configuration.map(|asked| ("configuration", &asked.container, &asked.command));
    for (field, container, command) in identity.into_iter().chain(configuration) {
        if !kube.sidecars.contains(container) {
            return wrong(path.key(field).key("container"), "is not among `kube.sidecars`");
        }
        if command.is_empty() {
            return wrong(path.key(field).key("command"), "is empty; expected words");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::definition::MeshDefinition;
    use super::super::kube_mesh::Crossing;
    use super::*;
    use rstest::rstest;
    use std::path::Path;

    const VALID: &str = "description: a mesh
version: 1
kube:
  namespaces: [{name: mesh-system}]
  install:
    - helm: {release: control, namespace: mesh-system, chart: control, repository: https://e.com, version: 1.0.0, values: v.yaml}
    - manifests: crds/all.yaml
    - kustomize: https://e.com/config
    - command: [install]
  ready: [{deployment: mesh-system/control}, {mutating_webhook: injector}]
  enrolment: {namespace_manifests: [policy.yaml]}
  sidecars: [proxy]
  proof:
    sidecar: {port: 1, path: /metrics, inbound_requests: a, outbound_requests: b}
    identity: {container: proxy, command: [show], contains: x}
    configuration: {container: proxy, command: [dump]}
  leaves: [{object: {api_version: v1, kind: ConfigMap, name: root}}, {custom_resources: e.com}]
  on_nodes: {iptables_chains: [MESH_], network_plugins: [mesh-cni]}
";

    fn parse(name: MeshName, text: &str) -> Result<MeshDefinition, String> {
        MeshDefinition::parse(name, Path::new("m"), "m.yaml", text).map_err(|problem| problem.to_string())
    }

    #[rstest]
    #[case::owned_by_the_cluster(
        "name: mesh-system}]",
        "name: kube-system}]",
        "m.yaml:4:23: kube.namespaces[0].name: is the cluster's, and what stands here is removed at the end"
    )]
    #[case::two_alike(
        "[{name: mesh-system}]",
        "[{name: a}, {name: a}]",
        "m.yaml:4:34: kube.namespaces[1].name: `a` is listed twice"
    )]
    #[case::no_such_step(
        "    - manifests: crds/all.yaml",
        "    - manifest: crds/all.yaml",
        "m.yaml:7:7: kube.install[1]: unknown variant `manifest`, expected one of `helm`, `manifests`, `kustomize`, `command`"
    )]
    #[case::odd_release(
        "release: control",
        "release: Control",
        "m.yaml:6:23: kube.install[0].helm.release: expected a name as Kubernetes takes it: lower-case letters, digits and dashes"
    )]
    #[case::namespace_nobody_makes(
        "namespace: mesh-system",
        "namespace: other",
        "m.yaml:6:43: kube.install[0].helm.namespace: is not among `kube.namespaces`, so nothing makes it; list it there"
    )]
    #[case::plain_http(
        "repository: https",
        "repository: http",
        "m.yaml:6:84: kube.install[0].helm.repository: expected a URL that begins with https://"
    )]
    #[case::chart_in_repository(
        "chart: control",
        "chart: e/control",
        "m.yaml:6:63: kube.install[0].helm.chart: expected the chart's name within `repository`"
    )]
    #[case::no_version(
        ", version: 1.0.0",
        "",
        "m.yaml:6:13: kube.install[0].helm: needs `version`: what is measured tomorrow must be what is measured today"
    )]
    #[case::version_of_a_path(
        "repository: https://e.com, ",
        "",
        "m.yaml:6:81: kube.install[0].helm.version: a chart that is a path has its version in itself; name a `repository`, or leave this out"
    )]
    #[case::chart_elsewhere(
        "chart: control, repository: https://e.com, version: 1.0.0",
        "chart: ../control",
        "m.yaml:6:63: kube.install[0].helm.chart: expected a path beside mesh.yaml: a mesh is one folder"
    )]
    #[case::values_elsewhere(
        "values: v.yaml",
        "values: /etc/v.yaml",
        "m.yaml:6:123: kube.install[0].helm.values: expected a path beside mesh.yaml: a mesh is one folder"
    )]
    #[case::manifests_elsewhere(
        "crds/all.yaml",
        "../all.yaml",
        "m.yaml:7:18: kube.install[1].manifests: expected a path beside mesh.yaml: a mesh is one folder"
    )]
    #[case::fetched_in_plain(
        "kustomize: https",
        "kustomize: http",
        "m.yaml:8:18: kube.install[2].kustomize: expected a file beside mesh.yaml, or a URL that begins with https://"
    )]
    #[case::no_command(
        "[install]",
        "[]",
        "m.yaml:9:16: kube.install[3].command: is empty; expected words such as [linkerd, install]"
    )]
    #[case::not_waited_for(
        "  ready: [{deployment: mesh-system/control}, {mutating_webhook: injector}]\n",
        "",
        "m.yaml:4:3: kube: needs `ready`, or workloads would be deployed before the mesh stands"
    )]
    #[case::ready_without_namespace(
        "deployment: mesh-system/control",
        "deployment: control",
        "m.yaml:10:24: kube.ready[0].deployment: expected namespace/name, such as istio-system/istiod"
    )]
    #[case::nothing_to_inject(
        "{mutating_webhook: injector}]\n  enrolment: {namespace_manifests: [policy.yaml]}\n  sidecars: [proxy]",
        "sidecars_injected]",
        "m.yaml:10:46: kube.ready[1]: no container is to be injected; name them in `kube.sidecars`"
    )]
    #[case::policy_elsewhere(
        "[policy.yaml]",
        "[/policy.yaml]",
        "m.yaml:11:37: kube.enrolment.namespace_manifests[0]: expected a path beside mesh.yaml: a mesh is one folder"
    )]
    #[case::sidecar_twice(
        "[proxy]",
        "[proxy, proxy]",
        "m.yaml:12:21: kube.sidecars[1]: `proxy` is listed twice"
    )]
    #[case::no_sidecars(
        "  sidecars: [proxy]\n",
        "",
        "m.yaml:13:14: kube.proof.sidecar: counts what crosses sidecars, and `kube.sidecars` names none"
    )]
    #[case::relative_path(
        "path: /metrics",
        "path: metrics",
        "m.yaml:14:30: kube.proof.sidecar.path: expected a path such as /metrics"
    )]
    #[case::identity_elsewhere(
        "container: proxy",
        "container: other",
        "m.yaml:15:27: kube.proof.identity.container: is not among `kube.sidecars`"
    )]
    #[case::identity_unasked(
        "command: [show]",
        "command: []",
        "m.yaml:15:43: kube.proof.identity.command: is empty; expected words"
    )]
    #[case::configuration_unasked(
        "command: [dump]",
        "command: []",
        "m.yaml:16:48: kube.proof.configuration.command: is empty; expected words"
    )]
    #[case::nothing_on_nodes(
        "{iptables_chains: [MESH_], network_plugins: [mesh-cni]}",
        "{}",
        "m.yaml:18:13: kube.on_nodes: names nothing to look for; expected `iptables_chains` or `network_plugins`, or leave it out"
    )]
    #[case::every_chain(
        "[MESH_]",
        "['']",
        "m.yaml:18:32: kube.on_nodes.iptables_chains[0]: expected how the names of chains begin, such as ISTIO_"
    )]
    #[case::path_of_a_plugin(
        "[mesh-cni]",
        "[../mesh-cni]",
        "m.yaml:18:58: kube.on_nodes.network_plugins[0]: expected a plugin's name, such as istio-cni"
    )]
    fn what_is_wrong_is_named_with_its_place(#[case] from: &str, #[case] to: &str, #[case] said: &str) {
        assert!(VALID.contains(from), "{from:?} is not in the valid definition");
        parse("m".parse().unwrap(), VALID).unwrap();
        assert_eq!(parse("m".parse().unwrap(), &VALID.replacen(from, to, 1)).unwrap_err(), said);
    }

    #[rstest]
    #[case::not_said("", Ok(Crossing::Connections))]
    #[case::requests(", counts: requests", Ok(Crossing::Requests))]
    #[case::neither(", counts: hops", Err("unknown variant `hops`, expected `connections` or `requests`"))]
    fn shared_proxies_say_what_they_count(#[case] said: &str, #[case] expected: Result<Crossing, &str>) {
        let shared = "    shared: {pods: {labels: {app: node}}, port: 1, path: /metrics, crossings: c";
        let text = VALID.replacen("  proof:\n", &format!("  proof:\n{shared}{said}}}\n"), 1);
        match (parse("m".parse().unwrap(), &text), expected) {
            (Ok(mesh), Ok(counts)) => {
                assert_eq!(mesh.kube.unwrap().proof.unwrap().shared.unwrap().counts, counts);
            }
            (Err(why), Err(expected)) => assert!(why.ends_with(expected), "{why}"),
            (came, expected) => panic!("{came:?} is not {expected:?}"),
        }
    }

    #[test]
    fn bare_installs_nothing() {
        let text = VALID.replacen("kube:", "local: {}\nkube:", 1);
        insta::assert_snapshot!(parse(MeshName::bare(), &text).unwrap_err(), @"m.yaml:5:3: kube: bare is the control: nothing is installed for it, so this is empty: {}");
    }

    #[test]
    fn a_mesh_without_a_proof_is_refused() {
        let (before, _) = VALID.split_once("  proof:").unwrap();
        insta::assert_snapshot!(parse("m".parse().unwrap(), before).unwrap_err(), @"m.yaml:4:3: kube: needs `proof`, or nothing can show that traffic crosses the mesh");
        let empty = format!("{before}  proof: {{plaintext_refused: true}}\n");
        insta::assert_snapshot!(parse("m".parse().unwrap(), &empty).unwrap_err(), @"m.yaml:13:10: kube.proof: needs `sidecar` or `shared`: the counters that move when traffic crosses the mesh");
    }
}
