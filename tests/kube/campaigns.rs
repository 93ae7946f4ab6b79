//! Whole campaigns on a cluster, and what they are refused for.

use std::fs;
use std::path::Path;

use meshbench_core::judge::Verdict;
use meshbench_core::report::CaseReport;
use meshbench_core::resources::Group;

use crate::kernel::Kernel;
use crate::support::{Started, eventually, start, text_of};
use crate::world::World;

/// `bare`, and Istio stock and tuned, from installing to removing: judged, proven, accounted for to within a tenth of what
/// the kernel counted, and nothing left.
///
/// Windows are of 40 seconds and begin when load has flowed for as long as kubelets take to look again. Counters are
/// interpolated at a window's end, where the load stops: what that misses is a quarter of the time between two of a kubelet's
/// looks at the most.
pub(crate) fn kube_smoke_with_a_real_istio() {
    let world = World::new();
    let longer = |text: &str| {
        text.replace("durations: [20s]", "durations: [40s]").replace("warm_up: 5s", "warm_up: 10s")
    };
    world.add_shipped_scenario("kube-smoke", longer);
    let before = world.everything();
    let mut campaign = world.meshbench(&["run", "--include-ignored", "kube-smoke"]);
    let (output, kernel) = Kernel::watch_during(&world, || campaign.output().unwrap());
    let text = text_of(&output);
    assert_eq!(world.everything(), before, "{text}");

    let report = world.workshop.measured(&output);
    let cluster = report.environment.clusters.first().unwrap();
    assert_eq!((cluster.nodes.len(), cluster.co_located), (2, false), "{text}");
    assert_eq!(report.cases.len(), 3, "{text}");
    for case in &report.cases {
        assert_good(case, &text);
        assert_runs(case, &text);
        for run in &case.runs {
            kernel.assert_agrees(&case.mesh, run, &world.workshop.campaign());
            assert_configuration_kept(&world.workshop.campaign().join(&run.folder), &case.mesh);
        }
    }
}

/// Fails unless a case passed, or would have on a machine with more cores than two for two nodes and all that runs on them:
/// where it is late, or short of the rate, that is the machine's.
pub(crate) fn assert_good(case: &CaseReport, text: &str) {
    let is_of_the_machine = |said: &String| said.contains("send lag") || said.contains("requests per second");
    match &case.verdict {
        Verdict::Pass | Verdict::NewBaseline { .. } => {}
        Verdict::Invalid { reasons: said } | Verdict::Fail { breaches: said } => {
            assert!(said.iter().all(is_of_the_machine), "{text}");
        }
        _ => panic!("{text}"),
    }
}

/// Of a meshed run the rendered manifests, and what Envoy runs with in each service.
fn assert_configuration_kept(run: &Path, mesh: &str) {
    for service in ["web", "emoji", "voting"] {
        let kept = fs::read_to_string(run.join(format!("configuration/effective-{service}.txt")));
        assert_eq!(kept.is_ok(), mesh != "bare", "{service} of {mesh}: {kept:?}");
        assert!(
            kept.is_err() || kept.is_ok_and(|kept| kept.contains("dynamic_listeners")),
            "{service} of {mesh}"
        );
    }
}

fn assert_runs(case: &CaseReport, text: &str) {
    assert!(!case.runs.is_empty(), "{} has no run: {text}", case.name);
    for run in &case.runs {
        assert!(run.successes > 3_800, "{}: {text}", case.name);
        let placement = run.placement.as_ref().unwrap();
        assert!(!placement.co_located && placement.generators == 1, "{text}");
        let used = |group: Group| {
            run.groups.get(&group).copied().map_or((0, 0), |group| (group.cpu_ns, group.resident_bytes))
        };
        for group in [Group::Application, Group::LoadGenerator] {
            let (cpu_ns, memory) = used(group);
            assert!(cpu_ns > 0 && memory > 0, "{group:?} of {} used nothing: {text}", case.name);
        }
        let is_meshed = case.mesh != "bare";
        for group in [Group::ControlPlane, Group::DataPlane] {
            let (cpu_ns, memory) = used(group);
            assert_eq!(cpu_ns > 0 && memory > 0, is_meshed, "{group:?} of {}: {text}", case.name);
        }
        // The nodes share this machine's kernel, whose counters a kubelet takes for those of its node: here they have all
        // that runs on the machine, which is more than a node has elsewhere, and never less than what is known of it.
        let nodes = run.node_overhead.as_ref().unwrap_or_else(|| panic!("no node told of itself: {text}"));
        let (control_plane, data_plane) = (used(Group::ControlPlane).0, used(Group::DataPlane).0);
        assert!(nodes.nodes == 1 && !nodes.without_generator, "{nodes:?}: {text}");
        assert!(nodes.cpu_ns + nodes.cpu_error_ns > control_plane + data_plane, "{nodes:?}: {text}");
        assert!(nodes.working_set_bytes > 0, "{nodes:?}: {text}");
        // Two apps of three services.
        let sidecars = if is_meshed { 6 } else { 0 };
        let proof = &run.data_path;
        assert_eq!(proof.sidecars, sidecars, "{}: {proof:?}: {text}", case.name);
        assert_eq!(proof.inbound_requests > run.successes, is_meshed, "{}: {proof:?}: {text}", case.name);
        assert_eq!(proof.refused_plaintext, if is_meshed { 6 } else { 0 }, "{proof:?}: {text}");
        assert_eq!(proof.verified_identities >= 6, is_meshed, "{proof:?}: {text}");
    }
}

/// A mesh that somebody else installed is named and left alone.
pub(crate) fn doctor_names_a_mesh_that_is_not_ours() {
    let world = World::new();
    world.add_shipped_scenario("kube-smoke", str::to_owned);
    let healthy = world.meshbench(&["doctor"]).output().unwrap();
    assert!(healthy.status.success(), "{}", text_of(&healthy));
    world.kubectl(&["create", "namespace", "istio-system"]);
    let doctor = world.meshbench(&["doctor"]).output().unwrap();
    let run = world.meshbench(&["run", "--include-ignored", "kube-smoke::bare"]).output().unwrap();
    world.kubectl(&["delete", "namespace", "istio-system"]);
    let (doctor_said, run_said) = (text_of(&doctor), text_of(&run));
    assert!(!doctor.status.success() && doctor_said.contains("istio-system"), "{doctor_said}");
    assert!(!run.status.success() && run_said.contains("istio-system"), "{run_said}");
}

/// An image that no node has and none can pull is named before anything is installed.
pub(crate) fn an_image_that_cannot_be_had_is_named() {
    let world = World::new();
    let more = "  image: localhost/nothing:none\n";
    world.workshop.scenario("imageless", &small_scenario("bare", "1s", more));
    let before = world.everything();
    for arguments in [["doctor"].as_slice(), &["run", "imageless"]] {
        let output = world.meshbench(arguments).output().unwrap();
        let text = text_of(&output);
        assert!(!output.status.success(), "{text}");
        // Wherever the console breaks its lines.
        let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("localhost/nothing:none cannot be had on node-1, node-2"), "{text}");
    }
    assert_eq!(world.everything(), before);
}

/// While one campaign has the cluster, another is told whose it is.
pub(crate) fn a_second_campaign_is_refused() {
    let world = World::new();
    world.workshop.scenario("alone", &small_scenario("bare", "1s", ""));
    let mut first = Started(start(&mut world.meshbench(&["run", "alone"])));
    eventually("the first campaign's lease", || {
        let leases = world.kubectl(&["get", "leases", "-n", "default", "-o", "name"]);
        if leases.contains("meshbench-campaign") { Ok(()) } else { Err(leases) }
    });
    let holder =
        ["get", "lease", "meshbench-campaign", "-n", "default", "-o", "jsonpath={.spec.holderIdentity}"];
    let holder = world.kubectl(&holder);
    let second = world.meshbench(&["run", "alone"]).output().unwrap();
    let text = text_of(&second);
    // Wherever the console breaks its lines.
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!second.status.success() && said.contains("another campaign measures in this cluster"), "{text}");
    let (campaign, host) = holder.split_once('@').unwrap();
    assert!(
        said.contains(&format!("campaign {campaign} on {host}")) && said.contains("begun "),
        "{holder}: {text}"
    );
    assert!(first.0.wait().unwrap().success(), "the first campaign failed");
}

/// A scenario of one app that takes little time, with `more` in its `kube` section.
pub(crate) fn small_scenario(meshes: &str, duration: &str, more: &str) -> String {
    let small = crate::support::small_scenario(meshes, duration).replace("provider: local", "provider: kube");
    format!("{small}kube:\n  step_limit: 3m\n{more}")
}
