//! What only runs on a cluster have: proxies of the control plane, nodes without the application, and CPU time that is known
//! roughly.

use meshbench_core::metric::{Metric, Unit};
use meshbench_core::report::{CaseReport, GroupReport, Report};
use meshbench_core::resources::{Group, NodeOverhead};
use meshbench_report::console::{self, Style};
use meshbench_report::html::{self, Sheet};

use crate::fabricated::{self, BARE, Figures, MESH, OF_CLUSTERS};

/// `bare` and a mesh with proxies in its control plane, whose CPU is known to a fifth.
pub(crate) fn report() -> Report {
    let group = "kube::500rps::20s";
    let mesh = Figures { control_plane_cpu_us: 12.8, ..MESH };
    fabricated::report(vec![with_nodes(group, "bare", BARE), with_nodes(group, "linkerd", mesh)], Vec::new())
}

fn with_nodes(group: &str, mesh: &str, figures: Figures) -> CaseReport {
    let mut case = fabricated::case(group, mesh, figures);
    let has = |metric: &Metric| mesh != "bare" || !metric.name().starts_with("control_plane_proxy");
    let of_clusters = OF_CLUSTERS.into_iter().filter(has);
    case.metrics.extend(of_clusters.map(|metric| fabricated::metric_report(metric, mesh, figures)));
    let is_cpu = |name: &str| name.parse::<Metric>().is_ok_and(|metric| metric.unit() == Unit::CpuPerRequest);
    for metric in case.metrics.iter_mut().filter(|metric| is_cpu(&metric.metric)) {
        metric.cpu_error = Some(metric.median / 5.0).filter(|error| *error > 0.0);
        metric.gated = metric.cpu_error.is_none();
    }
    for run in &mut case.runs {
        let cpu_ns = 3_000_000_000;
        run.node_overhead = Some(NodeOverhead {
            nodes: 2,
            cpu_ns,
            cpu_error_ns: cpu_ns / 5,
            working_set_bytes: 1_000_000_000,
            without_generator: false,
        });
        if mesh != "bare" {
            let proxies = GroupReport { containers: 3, cpu_cores: 0.004, ..run.groups[&Group::Application] };
            run.groups.insert(Group::ControlPlaneProxy, proxies);
        }
    }
    case
}

#[test]
fn charts_have_the_proxies_of_the_control_plane_and_the_nodes() {
    let page_of = |report: &Report| html::render(&[Sheet { report, files: &[], unread: &[] }], None).unwrap();
    let page = page_of(&report());
    for name in ["control-plane proxies", "nodes minus application"] {
        assert!(page.contains(name), "no {name}");
    }
    let without = page_of(&fabricated::all_pass());
    for name in ["control-plane proxies", "nodes minus application"] {
        assert!(!without.contains(name), "{name} where there is none");
    }
}

#[test]
fn tables_mark_what_is_known_roughly_and_say_what_nodes_are() {
    insta::assert_snapshot!("console_on_a_cluster", console::render(&report(), Style::default()));
}
