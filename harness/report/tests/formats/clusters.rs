//! A campaign on two clusters, one of which is a lemon: each alone and both together, in every format.

use meshbench_core::pooling::{PoolMember, Pooled, PooledCase};
use meshbench_core::report::{CaseReport, ClusterEnvironment, ClusterNode, Report};
use meshbench_report::console::{self, Style};
use meshbench_report::html::{Sheet, render};
use meshbench_report::{json, markdown, open_metrics};

use crate::{fabricated, sweeps};

const GROUP: &str = "nightly::600rps::1m::same_node";

fn on_two_clusters() -> Report {
    let contexts = ["east", "west"];
    let case = |context: &str, mesh| {
        let case = fabricated::case(GROUP, mesh, fabricated::MESH);
        let [name, group] = [&case.name, &case.group].map(|name| format!("{name}@{context}"));
        CaseReport { name, group, cluster: Some(context.to_owned()), ..case }
    };
    let cases = contexts.iter().flat_map(|context| ["bare", "istio-tuned"].map(|mesh| case(context, mesh)));
    let report = fabricated::report(cases.collect(), Vec::new());
    let pooled = pooled(&report.cases[..2]);
    let environment = meshbench_core::report::Environment {
        clusters: contexts.map(cluster).to_vec(),
        ..report.environment.clone()
    };
    Report { environment, pooled: Some(pooled), ..report }
}

fn cluster(context: &str) -> ClusterEnvironment {
    let node = |name: &str| ClusterNode {
        name: name.to_owned(),
        machine: "m6i.xlarge".to_owned(),
        cores: 4,
        memory_bytes: 16 << 30,
        kernel: "6.1.119".to_owned(),
        runtime: "containerd://1.7.27".to_owned(),
    };
    ClusterEnvironment {
        context: context.to_owned(),
        version: "v1.33.1".to_owned(),
        nodes: ["worker-1", "worker-2"].map(node).to_vec(),
        co_located: false,
    }
}

/// What the cases of the cluster that is not left out come to.
fn pooled(cases: &[CaseReport]) -> Pooled {
    let member = |name: &str, left_out: Option<&str>| PoolMember {
        name: name.to_owned(),
        left_out: left_out.map(str::to_owned),
    };
    let lemon = "a lemon: p50 of bare in nightly::600rps::1m::same_node is +48.0% off that of the others, more than runs differ";
    let case = |case: &CaseReport| PooledCase {
        name: case.name_anywhere().to_owned(),
        group: case.group_anywhere().to_owned(),
        mesh: case.mesh.clone(),
        members: 1,
        latency_ns: case.pooled_latency_ns.clone(),
        latency_curve: case.pooled_latency_curve.clone(),
        p50_by_member_ns: vec![Some(2_000_000), Some(2_960_000)],
    };
    Pooled {
        members: vec![member("east", None), member("west", Some(lemon))],
        cases: cases.iter().map(case).collect(),
    }
}

#[test]
fn every_format_for_people_shows_each_cluster_and_both_together() {
    let report = on_two_clusters();
    let page = render(&[Sheet { report: &report, files: &[], unread: &[] }], report.pooled.as_ref()).unwrap();
    for text in [console::render(&report, Style::default()), markdown::render(&report), page] {
        for said in
            ["1m · same_node · cluster east", "cluster west", "1 of 2 pooled", "not pooled: west: a lemon"]
        {
            // The console breaks lines.
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(said), "{said:?} is missing: {text}");
        }
    }
    let read: Report = serde_json::from_str(&json::render(&report).unwrap()).unwrap();
    assert_eq!(read, report);
}

#[test]
fn rates_are_side_by_side_on_each_cluster() {
    let mut report = sweeps::sweep();
    for case in &mut report.cases {
        case.name.push_str("::same_node@east");
        case.group.push_str("::same_node@east");
        case.cluster = Some("east".to_owned());
    }
    let shown = console::render(&report, Style::default());
    assert!(shown.contains("sweep · 10s · same_node · cluster east, rate by rate"), "{shown}");
}

#[test]
fn metrics_tell_the_clusters_apart() {
    let metrics = open_metrics::render(&on_two_clusters()).unwrap();
    for cluster in ["east", "west"] {
        let labels = format!(
            "scenario=\"nightly\",mesh=\"bare\",rate=\"600rps\",duration=\"1m\",services=\"same_node\",cluster=\"{cluster}\""
        );
        assert!(metrics.contains(&labels), "{metrics}");
    }
}
