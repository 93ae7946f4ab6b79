use rstest::rstest;

use super::*;
use crate::judge::Verdict;
use crate::report::{CaseHeading, MetricReport, REPORT_VERSION, ReportUnit, ScenarioSource};

const GROUP: &str = "quick::100rps::10s";

fn environment() -> crate::report::Environment {
    crate::report::Environment {
        meshbench_version: "0.1.0".into(),
        optimised: true,
        cpu_model: "a processor".into(),
        memory_bytes: 1 << 34,
        kernel: "6.18".into(),
        virtualisation: "none".into(),
        generator_cores: vec![0],
        measured_cores: vec![1],
        cluster: None,
    }
}

/// A campaign whose control had these median latencies in its runs, in microseconds.
fn campaign(name: &str, p50s_us: &[u64]) -> Report {
    let heading = CaseHeading {
        name: "quick::bare::100rps::10s".into(),
        group: GROUP.into(),
        mesh: "bare".into(),
        mesh_version: "none".into(),
        executable: None,
        selected: true,
    };
    let mut case = CaseReport::without_runs(heading, String::new());
    case.verdict = Verdict::Pass;
    case.metrics = vec![MetricReport {
        metric: Metric::P50.name().into(),
        unit: ReportUnit::Nanoseconds,
        median: 1.0,
        min: 1.0,
        max: 1.0,
        gated: true,
        cpu_error: None,
        median_bounds: None,
        over_bare: None,
        over_bare_bounds: None,
    }];
    let run = |(block, p50_us): (usize, &u64)| {
        let run = crate::judge::tests::run("bare", 20);
        let mut report = RunReport::from(&run);
        report.block = block as u32 + 1;
        report.latency_ns.p50 = p50_us * 1_000;
        report
    };
    case.runs = p50s_us.iter().enumerate().map(run).collect();
    Report {
        version: REPORT_VERSION,
        campaign: name.into(),
        started_at: String::new(),
        took_seconds: 1.0,
        interrupted: false,
        environment: environment(),
        cases: vec![case],
        ignored: Vec::new(),
        scenarios: Vec::new(),
        broken_scenarios: Vec::new(),
    }
}

fn pooled(reports: &[Report], latencies: &[BTreeMap<String, LatencyHistogram>]) -> Pooled {
    let inputs: Vec<_> =
        reports.iter().zip(latencies).map(|(report, latencies)| PoolInput { report, latencies }).collect();
    Pooled::of(&inputs)
}

fn latencies(values_ns: impl IntoIterator<Item = u64>) -> BTreeMap<String, LatencyHistogram> {
    let mut histogram = LatencyHistogram::new();
    values_ns.into_iter().for_each(|value| histogram.record(value));
    BTreeMap::from([("quick::bare::100rps::10s".to_owned(), histogram)])
}

#[rstest]
#[case::alike(vec![vec![100, 104], vec![102, 105]], &[])]
#[case::within_what_runs_differ_by(vec![vec![100, 130], vec![120, 125]], &[])]
#[case::the_slower_of_two(vec![vec![100, 102], vec![150, 152]], &["1"])]
#[case::one_of_three(vec![vec![100, 102], vec![150, 152], vec![99, 103]], &["1"])]
#[case::a_faster_one_of_three(vec![vec![100, 102], vec![60, 61], vec![99, 103]], &["1"])]
#[case::one_of_four(vec![vec![100, 102], vec![101, 103], vec![99, 103], vec![80, 81]], &["3"])]
#[case::two_against_two(vec![vec![100, 102], vec![101, 103], vec![150, 151], vec![152, 153]], &[])]
#[case::none_like_another(vec![vec![100, 101], vec![150, 151], vec![200, 201]], &[])]
#[case::a_run_each(vec![vec![100], vec![150], vec![101], vec![99]], &[])]
#[case::a_single_campaign(vec![vec![100, 300]], &[])]
fn a_control_unlike_the_others_is_a_lemon(#[case] p50s_us: Vec<Vec<u64>>, #[case] expected: &[&str]) {
    let reports: Vec<_> =
        p50s_us.iter().enumerate().map(|(index, p50s)| campaign(&index.to_string(), p50s)).collect();
    let none: Vec<_> = reports.iter().map(|_| BTreeMap::new()).collect();
    let pooled = pooled(&reports, &none);
    let lemons: Vec<_> = pooled
        .campaigns
        .iter()
        .filter(|campaign| {
            campaign.left_out.as_ref().is_some_and(|why| why.starts_with("a lemon: p50 of bare"))
        })
        .map(|campaign| campaign.campaign.as_str())
        .collect();
    assert_eq!(lemons, expected, "{:?}", pooled.campaigns);
}

#[test]
fn pooled_percentiles_are_those_of_all_requests_together() {
    let reports = [campaign("a", &[100]), campaign("b", &[101])];
    let pooled = pooled(&reports, &[latencies(1..=900), latencies((1..=100).map(|value| value * 10_000))]);
    let case = &pooled.cases[0];
    assert_eq!((case.campaigns, case.latency_ns.count), (2, 1_000));
    // The mean of both campaigns' medians would be 250,225.
    assert_eq!((case.latency_ns.p50, case.latency_ns.max), (500, 1_000_000));
    let medians: Vec<_> = case.p50_by_campaign_ns.iter().map(|p50| p50.unwrap()).collect();
    assert_eq!(medians[0], 450);
}

#[test]
fn another_machine_or_scenario_is_not_pooled() {
    let mut reports = [campaign("a", &[100]), campaign("b", &[100]), campaign("c", &[100])];
    reports[1].environment.kernel = "6.12".into();
    let source = |digest: &str| ScenarioSource {
        name: "quick".into(),
        text: String::new(),
        digest: digest.into(),
        seed: 1,
    };
    reports[0].scenarios = vec![source("one")];
    reports[2].scenarios = vec![source("other")];
    let pooled = pooled(&reports, &[latencies([5]), latencies([7]), latencies([9])]);
    let why: Vec<_> =
        pooled.campaigns.iter().map(|campaign| campaign.left_out.as_deref().unwrap_or("")).collect();
    assert_eq!(
        why,
        [
            "",
            "not pooled with a, where the kernel was 6.18 and is 6.12",
            "not pooled with a, where the scenario `quick` is another"
        ]
    );
    assert_eq!(pooled.cases[0].latency_ns.count, 1);
}

#[test]
fn another_version_is_not_pooled_and_nothing_counts_twice() {
    let mut reports = [campaign("a", &[100]), campaign("b", &[100]), campaign("a", &[100])];
    reports[1].cases[0].mesh_version = "2".into();
    let pooled = pooled(&reports, &[latencies([5]), latencies([7]), latencies([5])]);
    let why: Vec<_> =
        pooled.campaigns.iter().map(|campaign| campaign.left_out.as_deref().unwrap_or("")).collect();
    assert_eq!(why, ["", "not pooled with a, where `bare` is none instead of 2", "given twice"]);
    assert_eq!(pooled.cases[0].latency_ns.count, 1);
}
