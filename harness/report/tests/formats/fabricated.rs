//! Fabricated reports, as campaigns leave them.

use std::collections::BTreeMap;

use meshbench_core::baseline::{
    AgainstBaseline, BaselineComparison, ComparisonTier, MetricAgainstBaseline, RatioBounds,
};
use meshbench_core::comparison::Change;
use meshbench_core::course::{RunCourse, Stretch, UseUntil};
use meshbench_core::judge::{JudgedLimit, Verdict};
use meshbench_core::metric::Metric;
use meshbench_core::report::{
    BrokenScenario, CaseReport, CurvePoint, Environment, Executable, GroupReport, IgnoredCase, LatencyTable,
    MetricReport, REPORT_VERSION, Report, RunReport,
};
use meshbench_core::resources::{ContainerUse, Group};
use meshbench_core::run::DataPathProof;

pub(crate) const HOSTILE: &str = "web-0: \"quoted\" <script>alert('x')</script> | a|b ]]> & `tick` **bold**\n# heading\r\n\u{1b}[31mred\u{1b}[0m";

/// What a fabricated case measured.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) p50_ms: f64,
    pub(crate) error_share: f64,
    pub(crate) achieved_share: f64,
    pub(crate) data_plane_cpu_us: f64,
    pub(crate) application_cpu_us: f64,
    pub(crate) control_plane_cpu_us: f64,
    pub(crate) requests: u64,
}

pub(crate) const BARE: Figures = Figures {
    p50_ms: 0.846,
    error_share: 0.0,
    achieved_share: 1.0,
    data_plane_cpu_us: 0.0,
    application_cpu_us: 312.4,
    control_plane_cpu_us: 0.0,
    requests: 5_000,
};
pub(crate) const MESH: Figures =
    Figures { p50_ms: 1.98, data_plane_cpu_us: 498.7, application_cpu_us: 341.0, ..BARE };

pub(crate) fn report(cases: Vec<CaseReport>, ignored: Vec<IgnoredCase>) -> Report {
    Report {
        version: REPORT_VERSION,
        campaign: "2026-03-01T10-00-00Z-7f".into(),
        started_at: "2026-03-01T10:00:00Z".into(),
        took_seconds: 83.4,
        interrupted: false,
        environment: Environment {
            meshbench_version: "0.1.0".into(),
            optimised: true,
            cpu_model: "AMD EPYC 7B13".into(),
            memory_bytes: 8_372_224_000,
            kernel: "6.12.1".into(),
            virtualisation: "virtual machine (QEMU)".into(),
            generator_cores: vec![0],
            measured_cores: vec![1],
            clusters: Vec::new(),
        },
        cases,
        pooled: None,
        ignored,
        scenarios: Vec::new(),
        broken_scenarios: Vec::new(),
    }
}

pub(crate) fn case(group: &str, mesh: &str, figures: Figures) -> CaseReport {
    let name = group.replacen("::", &format!("::{mesh}::"), 1);
    let of_rates =
        Metric::ALL.into_iter().filter(|metric| *metric != Metric::Limit && !OF_CLUSTERS.contains(metric));
    CaseReport {
        name,
        group: group.into(),
        mesh: mesh.into(),
        cluster: None,
        mesh_version: "1.0.0".into(),
        executable: None,
        selected: true,
        verdict: Verdict::Pass,
        tier: None,
        comparison: None,
        left_out: Vec::new(),
        remarks: Vec::new(),
        against_baseline: None,
        fingerprint: None,
        limits: Vec::new(),
        metrics: of_rates.map(|metric| metric_report(metric, mesh, figures)).collect(),
        pooled_latency_ns: latency(figures),
        pooled_latency_curve: curve(figures),
        limit: None,
        runs: (1..=2).map(|block| run(block, mesh, figures)).collect(),
    }
}

/// A case none of whose runs had a result.
pub(crate) fn failed_to_run(group: &str, mesh: &str, causes: &[&str]) -> CaseReport {
    CaseReport {
        verdict: Verdict::Error { causes: causes.iter().map(|cause| (*cause).to_owned()).collect() },
        metrics: Vec::new(),
        pooled_latency_ns: LatencyTable::default(),
        pooled_latency_curve: Vec::new(),
        runs: Vec::new(),
        ..case(group, mesh, MESH)
    }
}

pub(crate) fn ignored(name: &str, reason: &str, cure: &str) -> IgnoredCase {
    IgnoredCase { name: name.into(), reason: reason.into(), cure: cure.into() }
}

pub(crate) fn unjudged_p99_9(requests: u64) -> JudgedLimit {
    JudgedLimit {
        metric: "p99_9".into(),
        limit: "≤ 50ms".into(),
        kept: None,
        remark: format!("{requests} requests are too few for p99_9: it takes 100000"),
    }
}

/// Metrics that only runs on a cluster have.
pub(crate) const OF_CLUSTERS: [Metric; 4] = [
    Metric::ControlPlaneProxyCpuPerRequest,
    Metric::NodeOverheadCpuPerRequest,
    Metric::ControlPlaneProxyMemory,
    Metric::NodeOverheadMemory,
];

pub(crate) fn metric_report(metric: Metric, mesh: &str, figures: Figures) -> MetricReport {
    let median = value(metric, figures);
    MetricReport {
        metric: metric.name().into(),
        unit: metric.unit().into(),
        median,
        min: median * 0.97,
        max: median * 1.04,
        gated: figures.requests >= metric.minimum_requests(),
        cpu_error: None,
        median_bounds: None,
        over_bare_bounds: None,
        over_bare: (mesh != "bare").then(|| median - value(metric, BARE)),
    }
}

fn value(metric: Metric, figures: Figures) -> f64 {
    const MEBIBYTE: f64 = 1_048_576.0;
    let p50 = figures.p50_ms * 1e6;
    match metric {
        Metric::P50 => p50,
        Metric::P75 => p50 * 1.2,
        Metric::P90 => p50 * 1.5,
        Metric::P99 => p50 * 2.9,
        Metric::P99_9 => p50 * 4.1,
        Metric::P99_99 => p50 * 6.3,
        Metric::ErrorShare => figures.error_share,
        Metric::AchievedShare => figures.achieved_share,
        Metric::CpuPerRequest => {
            (figures.data_plane_cpu_us + figures.application_cpu_us + figures.control_plane_cpu_us) * 1e3
        }
        Metric::ControlPlaneCpuPerRequest => figures.control_plane_cpu_us * 1e3,
        Metric::DataPlaneCpuPerRequest => figures.data_plane_cpu_us * 1e3,
        Metric::ApplicationCpuPerRequest => figures.application_cpu_us * 1e3,
        Metric::ControlPlaneMemory => figures.control_plane_cpu_us.min(1.0) * 61.3 * MEBIBYTE,
        Metric::DataPlaneMemory => figures.data_plane_cpu_us.min(1.0) * 214.0 * MEBIBYTE,
        Metric::ApplicationMemory => 71.25 * MEBIBYTE,
        Metric::ControlPlaneProxyCpuPerRequest => figures.control_plane_cpu_us * 0.4e3,
        Metric::NodeOverheadCpuPerRequest => 480e3 + figures.data_plane_cpu_us * 1.1e3,
        Metric::ControlPlaneProxyMemory => figures.control_plane_cpu_us.min(1.0) * 18.4 * MEBIBYTE,
        Metric::NodeOverheadMemory => (912.0 + figures.data_plane_cpu_us / 2.0) * MEBIBYTE,
        Metric::Limit => 2_000.0,
    }
}

fn latency(figures: Figures) -> LatencyTable {
    let at = |metric| value(metric, figures) as u64;
    LatencyTable {
        count: figures.requests * 2,
        min: at(Metric::P50) / 2,
        p50: at(Metric::P50),
        p75: at(Metric::P75),
        p90: at(Metric::P90),
        p99: at(Metric::P99),
        p99_9: at(Metric::P99_9),
        p99_99: at(Metric::P99_99),
        max: at(Metric::P99_99) * 2,
        mean: value(Metric::P50, figures) * 1.1 + 1.0 / 3.0,
    }
}

fn curve(figures: Figures) -> Vec<CurvePoint> {
    let point = |step: u32| {
        let one_in = 10_f64.powf(f64::from(step) / 10.0).min(figures.requests as f64);
        CurvePoint { one_in, latency_ns: (figures.p50_ms * 1e6 * (0.7 + one_in.log10())) as u64 }
    };
    (0..=37).map(point).collect()
}

fn course(figures: Figures) -> RunCourse {
    let seconds = || (1..=10).map(f64::from);
    let p50_ns = (figures.p50_ms * 1e6) as u64;
    let stretch = |until_seconds| Stretch {
        until_seconds,
        requests: figures.requests / 10,
        errors: 0,
        p50_ns: p50_ns + (until_seconds * 1_000.0) as u64,
        p99_ns: 3 * p50_ns,
    };
    let point = |at_seconds| UseUntil { at_seconds, cpu_cores: 0.16, resident_bytes: 74_711_040 };
    RunCourse {
        warm_up_seconds: 2.0,
        stretches: seconds().map(stretch).collect(),
        groups: BTreeMap::from([(Group::Application, seconds().map(point).collect())]),
        happenings: Vec::new(),
    }
}

fn run(block: u32, mesh: &str, figures: Figures) -> RunReport {
    let failed = (figures.requests as f64 * figures.error_share) as u64;
    let errors = if failed > 0 { BTreeMap::from([("timeout".to_owned(), failed)]) } else { BTreeMap::new() };
    let sidecars = if mesh == "bare" { 0 } else { 13 };
    let application = GroupReport {
        containers: 12,
        cpu_ns: 1_600_000_000,
        cpu_error_ns: 0,
        cpu_cores: 0.16,
        resident_bytes: 74_711_040,
        peak_bytes: 75_000_000,
    };
    RunReport {
        block,
        position: 1,
        folder: format!("runs/{block}-{mesh}"),
        window_seconds: 10.0,
        requests: figures.requests,
        successes: figures.requests - failed,
        errors,
        offered_rate: Some(500.0),
        achieved_rate: 500.0 * figures.achieved_share,
        reconnects: 0,
        generator_cpu_share: 0.061 + f64::from(block) / 1_000.0,
        latency_ns: latency(figures),
        latency_curve: curve(figures),
        service_ns: latency(figures),
        send_lag_ns: LatencyTable {
            count: figures.requests,
            p50: 4_000,
            p99: 48_200,
            max: 91_000,
            ..LatencyTable::default()
        },
        error_latency_ns: LatencyTable::default(),
        edge_lateness_ns: 410_000,
        steal_share: Some(0.0),
        groups: BTreeMap::from([(Group::Application, application)]),
        node_overhead: None,
        containers: vec![ContainerUse {
            container: "web-0".into(),
            group: Group::Application,
            cpu_ns: 400_000_000,
            cpu_error_ns: 0,
            resident_bytes: 12_000_000,
            peak_bytes: 12_500_000,
            vanished: false,
            ended_processes: 0,
        }],
        data_path: DataPathProof {
            sidecars,
            outbound_requests: u64::from(sidecars) * 1_000,
            inbound_requests: u64::from(sidecars) * 1_000,
            verified_identities: sidecars.saturating_sub(1),
            enforced_mutual_tls: sidecars.saturating_sub(1),
            refused_plaintext: 0,
        },
        course: course(figures),
        recording_digest: format!("sha256:{block:064}"),
        placement: None,
    }
}

/// Everything went well.
pub(crate) fn all_pass() -> Report {
    let group = "quick::500rps::10s";
    let mut envoy = case(group, "envoy-tuned", Figures { p50_ms: 2.31, data_plane_cpu_us: 702.0, ..MESH });
    envoy.limits = vec![unjudged_p99_9(5_000)];
    let mut reference = case(group, "reference", MESH);
    reference.limits = vec![unjudged_p99_9(5_000)];
    report(vec![envoy, case(group, "bare", BARE), reference], Vec::new())
}

/// One of each verdict, and ignored cases.
pub(crate) fn one_of_each() -> Report {
    let group = "quick::500rps::10s";
    let slow = Figures { p50_ms: 31.2, error_share: 0.0124, ..MESH };
    let mut bare = case(group, "bare", BARE);
    bare.selected = false;
    let mut stock = case(group, "envoy-stock", slow);
    stock.verdict = Verdict::Fail {
        breaches: vec![
            "p99 is 90.5ms, which is above the limit of 20ms".into(),
            "error_share is 1.24%, which is above the limit of 0.1%".into(),
        ],
    };
    stock.executable = Some(Executable {
        path: "/opt/envoy/envoy".into(),
        version: "envoy  version: 1de1dd7a/1.40.0/Clean/RELEASE/BoringSSL".into(),
    });
    let mut reference = case(group, "reference", Figures { achieved_share: 0.962, ..MESH });
    reference.verdict = Verdict::Invalid {
        reasons: vec![
            "block 1: send lag p99 is 4.20ms where 0.50ms is tolerated; the generator was kept from its core: \
             is the machine busy with something else?"
                .into(),
        ],
    };
    let haproxy = failed_to_run(
        group,
        "haproxy",
        &[
            "haproxy web-0/sidecar ended before it was ready, exit code 1; the last lines of its log:\n  [ALERT] bind: address in use\n  [ALERT] giving up",
        ],
    );
    let no_envoy = "envoy 1.34 was not found";
    let cure = "run `meshbench doctor`, which says how to get it";
    let no_cluster = "it needs a Kubernetes cluster";
    let mut ignored_cases = vec![ignored("quick::envoy-tuned::500rps::10s", no_envoy, cure)];
    ignored_cases.extend((1..=6).map(|rate| {
        ignored(&format!("kinvolk-2019::linkerd::{rate}00rps::30m"), no_cluster, "name one in the scenario")
    }));
    let mut report = report(vec![bare, reference, stock, haproxy], ignored_cases);
    report.broken_scenarios = vec![BrokenScenario {
        name: "weekly::scenario-is-invalid".into(),
        problems: vec!["scenarios/weekly.yaml:5:9: rates[0]: \"100 rqs\" is not a rate".into()],
    }];
    report.environment.measured_cores = vec![0];
    report.environment.optimised = false;
    report.interrupted = true;
    report
}

/// Cases against what was accepted: judged, advisory, and not at all.
pub(crate) fn against_baselines() -> Report {
    let group = "nightly::500rps::10s";
    let metric = |metric: Metric, ratio: f64, bounds: Option<RatioBounds>, change: Option<Change>| {
        let value = value(metric, MESH);
        let (metric, unit) = (metric.name().to_owned(), metric.unit().into());
        MetricAgainstBaseline { metric, unit, value, expected: value / ratio, ratio, bounds, change }
    };
    let compared = |tier, stored, metrics: Vec<MetricAgainstBaseline>| {
        let (campaign, mesh_version) = ("2026-02-01T10-00-00Z-7f".to_owned(), "0.9.0".to_owned());
        AgainstBaseline::Compared(BaselineComparison { tier, campaign, mesh_version, stored, metrics })
    };
    let with = |mesh: &str, standing: AgainstBaseline| CaseReport {
        verdict: standing.verdict().unwrap_or(Verdict::Pass),
        tier: standing.tier(),
        against_baseline: Some(standing),
        ..case(group, mesh, MESH)
    };
    let bounds = RatioBounds { low: 1.08, high: 1.24, smallest_detectable: 1.11 };
    let judged = vec![
        metric(Metric::P50, 1.16, Some(bounds), Some(Change::Regressed)),
        metric(Metric::CpuPerRequest, 1.01, Some(bounds), Some(Change::NoChange)),
    ];
    let refused = AgainstBaseline::Refused {
        campaign: "2026-02-01T10-00-00Z-7f".to_owned(),
        differences: vec!["the kernel was 6.11.0 and is 6.12.1".to_owned()],
    };
    let cases = vec![
        case(group, "bare", BARE),
        with("reference", compared(ComparisonTier::T2, 9, judged)),
        with("envoy-tuned", compared(ComparisonTier::T3, 1, vec![metric(Metric::P50, 0.98, None, None)])),
        with("envoy-stock", AgainstBaseline::NoBaseline),
        with("haproxy", AgainstBaseline::NoBaseline),
        with("linkerd", refused),
    ];
    report(cases, Vec::new())
}

/// A matrix of rates, one of them with a control plane and a long name.
pub(crate) fn many_groups() -> Report {
    let mut cases = Vec::new();
    for rate in [100, 500, 12_000] {
        let group = format!("nightly::{rate}rps::1m");
        let requests = rate * 60;
        cases.push(case(&group, "bare", Figures { requests, ..BARE }));
        let name = if rate == 500 { "istio-tuned-with-a-very-long-name" } else { "istio-tuned" };
        let p50_ms = MESH.p50_ms * rate as f64 / 100.0;
        let mesh = Figures { requests, p50_ms, control_plane_cpu_us: 12.8, ..MESH };
        cases.push(case(&group, name, mesh));
    }
    report(cases, Vec::new())
}

/// Nothing came of it.
pub(crate) fn no_runs() -> Report {
    let mut report = report(
        vec![failed_to_run("quick::500rps::10s", "bare", &["interrupted before its first run"])],
        Vec::new(),
    );
    report.interrupted = true;
    report
}

/// Hostile words wherever words of others stand.
pub(crate) fn hostile() -> Report {
    let mut report = one_of_each();
    report.cases.push(failed_to_run("quick::500rps::10s", HOSTILE, &[HOSTILE]));
    let mut broken = case("quick::500rps::10s", HOSTILE, MESH);
    broken.limits = vec![JudgedLimit { remark: HOSTILE.into(), ..unjudged_p99_9(1) }];
    report.cases.push(broken);
    report.ignored.push(ignored(HOSTILE, HOSTILE, HOSTILE));
    report.broken_scenarios.push(BrokenScenario { name: HOSTILE.into(), problems: vec![HOSTILE.into()] });
    report.environment.cpu_model = HOSTILE.into();
    report
}
