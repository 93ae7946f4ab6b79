//! Meshes that are not crossed: each must be called invalid, with the right words.

use std::fs;

use meshbench_core::judge::Verdict;

use super::campaigns::small_scenario;
use crate::support::text_of;
use crate::world::World;

/// Of two apps one has lost the label of its namespace: its pods are named, and no others.
pub(crate) fn an_app_without_injection_is_caught() {
    let world = World::new();
    world.kubectl_with(&["apply", "-f", "-"], LABEL_THAT_IS_LOST);
    let scenario = small_scenario("istio-tuned", "1s", "").replace("apps: 1", "apps: 2");
    let said = std::panic::catch_unwind(|| invalid_in(&world, "istio-tuned", &scenario));
    world.kubectl_with(&["delete", "-f", "-"], LABEL_THAT_IS_LOST);
    let said = said.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let is_named = |app: u32, service: &str| said.contains(&format!("-app-{app}/{service}"));
    for service in ["web", "emoji", "voting"] {
        assert!(is_named(1, service) && !is_named(0, service), "{service}: {said}");
    }
    assert!(said.contains("istio-proxy"), "{said}");
}

/// Whoever makes a second app's namespace, its label is gone.
const LABEL_THAT_IS_LOST: &str = r#"apiVersion: admissionregistration.k8s.io/v1beta1
kind: MutatingAdmissionPolicy
metadata:
  name: label-that-is-lost
spec:
  failurePolicy: Ignore
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [namespaces]}
  matchConditions:
    - name: of-the-second-app
      expression: object.metadata.name.endsWith("-app-1") && "istio-injection" in object.metadata.labels
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: '[JSONPatch{op: "remove", path: "/metadata/labels/istio-injection"}]'
---
apiVersion: admissionregistration.k8s.io/v1beta1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: label-that-is-lost
spec:
  policyName: label-that-is-lost
"#;

/// A webhook that is down, and that the API server may pass over, leaves pods without a sidecar.
pub(crate) fn a_webhook_that_is_down_is_caught() {
    let world = World::new();
    add_deaf_mesh(&world, "down", str::to_owned);
    let said = invalid(&world, "down");
    assert!(said.contains("-app-0/web") && said.contains("istio-proxy"), "{said}");
}

/// A waypoint that never gets ready is named, and nothing is sent past it.
pub(crate) fn a_waypoint_that_is_not_ready_is_caught() {
    let world = World::new();
    let folder = world.workshop.scenarios().join("meshes/unready");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("mesh.yaml"), MESH_WITH_A_WAYPOINT).unwrap();
    fs::write(folder.join("waypoint.yaml"), WAYPOINT_THAT_IS_NOT_READY).unwrap();
    let scenario = small_scenario("unready", "1s", "").replace("step_limit: 3m", "step_limit: 60s");
    let said = invalid_in(&world, "unready", &scenario);
    assert!(said.contains("-app-0/waypoint") && said.contains("the mesh's proxies"), "{said}");
}

/// A mesh whose injector runs and answers nobody, with its manifests changed.
pub(crate) fn add_deaf_mesh(world: &World, name: &str, change: impl Fn(&str) -> String) {
    let folder = world.workshop.scenarios().join("meshes").join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("mesh.yaml"), MESH_THAT_IS_DOWN).unwrap();
    fs::write(folder.join("injector.yaml"), change(INJECTOR_THAT_IS_DEAF)).unwrap();
}

const MESH_THAT_IS_DOWN: &str = r#"description: an injector that runs and answers nobody
version: "1"
kube:
  namespaces:
    - name: mesh-that-is-down
  install:
    - manifests: injector.yaml
  ready:
    - deployment: mesh-that-is-down/injector
  enrolment:
    namespace_labels: {down: injected}
  sidecars: [istio-proxy]
  proof:
    sidecar:
      port: 15090
      path: /stats/prometheus
      inbound_requests: 'requests_total{direction="inbound"}'
      outbound_requests: 'requests_total{direction="outbound"}'
"#;

/// Its pod is ready, and nothing listens where its webhook is said to be.
const INJECTOR_THAT_IS_DEAF: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: injector
  namespace: mesh-that-is-down
spec:
  selector: {matchLabels: {app: injector}}
  template:
    metadata: {labels: {app: injector}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: injector
          image: localhost/meshbench:dev
          command: [meshbench-emojivoto, emoji, --grpc-port=8080]
---
apiVersion: v1
kind: Service
metadata:
  name: injector
  namespace: mesh-that-is-down
spec:
  selector: {app: injector}
  ports: [{port: 443, targetPort: 8443}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: mesh-that-is-down
webhooks:
  - name: inject.down.test
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Ignore
    timeoutSeconds: 1
    clientConfig:
      service: {namespace: mesh-that-is-down, name: injector, path: /inject}
    rules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
    namespaceSelector:
      matchLabels: {down: injected}
"#;

const MESH_WITH_A_WAYPOINT: &str = r#"description: a waypoint in each app's namespace that never gets ready
version: "1"
kube:
  enrolment:
    namespace_manifests: [waypoint.yaml]
  data_plane_pods:
    - labels: {app: waypoint}
  proof:
    shared:
      pods: {labels: {app: waypoint}}
      port: 15020
      path: /metrics
      crossings: requests_total
"#;

const WAYPOINT_THAT_IS_NOT_READY: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: waypoint
spec:
  selector: {matchLabels: {app: waypoint}}
  template:
    metadata: {labels: {app: waypoint}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: proxy
          image: localhost/meshbench:dev
          command: [meshbench-emojivoto, emoji, --grpc-port=8080]
          readinessProbe:
            tcpSocket: {port: 9}
"#;

fn invalid(world: &World, mesh: &str) -> String {
    invalid_in(world, mesh, &small_scenario(mesh, "1s", ""))
}

fn invalid_in(world: &World, mesh: &str, scenario: &str) -> String {
    world.workshop.scenario("broken", scenario);
    let before = world.everything();
    let output = world.meshbench(&["run", "broken"]).output().unwrap();
    let text = text_of(&output);
    assert_eq!(world.everything(), before, "{text}");
    let report = world.workshop.report();
    let case = report.cases.iter().find(|case| case.mesh == mesh).unwrap();
    match &case.verdict {
        Verdict::Invalid { reasons } => reasons.join("\n"),
        other => panic!("{other:?}: {text}"),
    }
}
