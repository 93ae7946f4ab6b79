//! Meshes that are not crossed: each must be called invalid, with the right words.

use std::fs;

use meshbench_core::judge::Verdict;

use super::campaigns::small_scenario;
use crate::support::text_of;
use crate::world::World;

/// Pods of a namespace whose label was left off are named.
pub(crate) fn an_app_without_injection_is_caught() {
    let world = World::new();
    // What the label is written as, Istio does not know.
    world.workshop.mesh("istio-tuned", "unlabelled", "mesh.yaml", |text| {
        text.replace("istio-injection: enabled", "istio-injection: forgotten")
    });
    let said = invalid(&world, "unlabelled");
    assert!(said.contains("web") && said.contains("istio-proxy"), "{said}");
}

/// Mutual TLS that is off behind the tool's back is seen by a probe from outside the mesh.
pub(crate) fn plaintext_is_caught() {
    let world = World::new();
    world
        .workshop
        .mesh("istio-tuned", "permissive", "strict.yaml", |text| text.replace("STRICT", "PERMISSIVE"));
    let said = invalid(&world, "permissive");
    assert!(said.contains("plaintext"), "{said}");
}

/// A webhook that is down, and that the API server may pass over, leaves pods without a sidecar.
pub(crate) fn a_webhook_that_is_down_is_caught() {
    let world = World::new();
    add_deaf_mesh(&world, "down", str::to_owned);
    let said = invalid(&world, "down");
    assert!(said.contains("-app-0/web") && said.contains("istio-proxy"), "{said}");
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

fn invalid(world: &World, mesh: &str) -> String {
    world.workshop.scenario("broken", &small_scenario(mesh, "1s", ""));
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
