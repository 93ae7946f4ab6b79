//! A mesh with a control plane is files too: a process for the whole mesh, accounted in a group of its own.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use meshbench_core::resources::Group;
use support::{Workshop, small_scenario};

/// A process of its own for the mesh, which carries no request.
const CONTROL_PLANE: &str = r#"
    - name: control
      group: control_plane
      per: mesh
      ports: [admin]
      templates: [control.json]
      command: ["{{ binary }}", "--config", "{{ directory }}/control.json"]
      ready: {port: admin, path: /ready}
"#;

const CONTROL_TEMPLATE: &str = r#"{
  "identity": {{ identity | tojson }},
  "certificate": {{ certificate | tojson }},
  "private_key": {{ private_key | tojson }},
  "authority": {{ authority | tojson }},
  "admin_port": {{ ports.admin }},
  "inbound": null,
  "outbound": []
}
"#;

#[test]
fn a_process_of_the_mesh_is_control_plane_and_a_sidecar_data_plane() {
    let workshop = Workshop::new();
    workshop.mesh("reference", "governed", "mesh.yaml", |definition| {
        format!("{}{CONTROL_PLANE}", definition.trim_end())
    });
    let template = workshop.scenarios().join("meshes/governed/control.json.jinja");
    std::fs::write(template, CONTROL_TEMPLATE).unwrap();
    workshop.scenario("governed", &small_scenario("governed", "2s"));

    let output = workshop.meshbench(&["run"]).output().unwrap();
    let report = workshop.measured(&output);
    let run = &report.cases.iter().find(|case| case.mesh == "governed").unwrap().runs[0];
    let containers = |group: Group| {
        let names = run.containers.iter().filter(|container| container.group == group);
        names.map(|container| container.container.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(containers(Group::ControlPlane), ["control"]);
    let sidecars = ["emoji-0/sidecar", "voting-0/sidecar", "web-0/sidecar", "load/sidecar"];
    assert_eq!(containers(Group::DataPlane), sidecars);
    assert_eq!(containers(Group::Application), ["emoji-0", "voting-0", "web-0"]);
    assert_eq!(containers(Group::LoadGenerator), ["load"]);
    assert!(run.groups[&Group::ControlPlane].resident_bytes > 0);
    assert!(run.groups[&Group::DataPlane].cpu_ns > 0 && run.groups[&Group::LoadGenerator].cpu_ns > 0);
    workshop.assert_clean("a governed mesh");
}
