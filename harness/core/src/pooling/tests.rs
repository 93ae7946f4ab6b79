use rstest::rstest;

use super::*;
use crate::judge::Verdict;
use crate::report::{
    CaseHeading, LimitOutcome, LimitReport, MetricReport, REPORT_VERSION, ReportUnit, ScenarioSource,
};

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
        clusters: Vec::new(),
    }
}

/// A campaign whose control had these median latencies in its runs, in microseconds.
fn campaign(name: &str, p50s_us: &[u64]) -> Report {
    let heading = CaseHeading {
        name: "quick::bare::100rps::10s".into(),
        group: GROUP.into(),
        mesh: "bare".into(),
        cluster: None,
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
        pooled: None,
        ignored: Vec::new(),
        scenarios: Vec::new(),
        broken_scenarios: Vec::new(),
    }
}

fn pooled(reports: &[Report], latencies: &[BTreeMap<String, LatencyHistogram>]) -> Pooled {
    let inputs: Vec<_> = reports
        .iter()
        .zip(latencies)
        .flat_map(|(report, latencies)| PoolInput::of(report, latencies))
        .collect();
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
        .members
        .iter()
        .filter(|campaign| {
            campaign.left_out.as_ref().is_some_and(|why| why.starts_with("a lemon: p50 of bare"))
        })
        .map(|campaign| campaign.name.as_str())
        .collect();
    assert_eq!(lemons, expected, "{:?}", pooled.members);
}

/// A campaign on clusters whose controls had these median latencies in their runs, in microseconds.
fn on_clusters(p50s_us: &[(&str, &[u64])]) -> Report {
    let mut report = campaign("both", &[]);
    report.cases = p50s_us
        .iter()
        .map(|(context, p50s_us)| {
            let case = campaign("", p50s_us).cases.remove(0);
            let [name, group] = [&case.name, &case.group].map(|name| format!("{name}@{context}"));
            CaseReport { name, group, cluster: Some((*context).to_owned()), ..case }
        })
        .collect();
    let cluster = |context: &&str| ClusterEnvironment {
        context: (*context).to_owned(),
        version: "v1.31.0".into(),
        nodes: Vec::new(),
        co_located: false,
    };
    report.environment.clusters = p50s_us.iter().map(|(context, _)| cluster(context)).collect();
    report
}

#[test]
fn the_clusters_of_a_campaign_are_pooled_but_for_the_slower() {
    let report = on_clusters(&[("arn:aws@east/1", &[100, 101]), ("west", &[150, 152])]);
    let latencies = BTreeMap::from([
        (report.cases[0].name.clone(), latencies([5]).remove("quick::bare::100rps::10s").unwrap()),
        (report.cases[1].name.clone(), latencies([7]).remove("quick::bare::100rps::10s").unwrap()),
    ]);
    let pooled = Pooled::of_clusters(&report, &latencies).unwrap();
    insta::assert_snapshot!(pooled.left_out().join("\n"), @"west: a lemon: p50 of bare in quick::100rps::10s is +50.2% off that of the others, more than runs differ");
    let [case] = pooled.cases.as_slice() else { panic!("{pooled:?}") };
    assert_eq!((case.name.as_str(), case.group.as_str()), ("quick::bare::100rps::10s", GROUP));
    assert_eq!((case.members, case.latency_ns.max), (1, 5));
    assert_eq!(case.p50_by_member_ns, [Some(5), Some(7)]);
}

#[test]
fn a_campaign_on_one_cluster_is_not_pooled_with_itself() {
    let report = on_clusters(&[("east", &[100, 101])]);
    assert_eq!(Pooled::of_clusters(&report, &BTreeMap::new()), None);
    assert_eq!(Pooled::of_clusters(&campaign("local", &[100]), &BTreeMap::new()), None);
}

#[test]
fn a_cluster_that_gave_nothing_takes_nothing_from_the_other() {
    let mut report = on_clusters(&[("west", &[]), ("east", &[100, 101])]);
    report.environment.clusters.remove(0);
    let both = latencies([5]).remove("quick::bare::100rps::10s").unwrap();
    let latencies = [BTreeMap::from([(report.cases[1].name.clone(), both)]), latencies([7])];
    let pooled = pooled(&[report, campaign("another", &[100])], &latencies);
    let names: Vec<_> = pooled.members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["east", "another"]);
    assert_eq!(pooled.cases[0].p50_by_member_ns, [Some(5), Some(7)]);
}

#[test]
fn what_a_campaign_on_clusters_ran_elsewhere_is_pooled_with_its_like() {
    let mut report = on_clusters(&[("east", &[100, 101]), ("west", &[100, 102])]);
    report.cases.extend(campaign("", &[100]).cases);
    let none = BTreeMap::new();
    let inputs = PoolInput::of(&report, &none);
    let cases: Vec<_> = inputs.iter().map(|input| (input.name.as_str(), input.cases.len())).collect();
    assert_eq!(cases, [("east", 1), ("west", 1), ("both", 1)]);
    let together = Pooled::of_clusters(&report, &none).unwrap();
    assert_eq!(together.members.len(), 2, "the campaign's own pool is of its clusters");
}

#[test]
fn limits_are_not_pooled() {
    let mut report = on_clusters(&[("east", &[100, 101]), ("west", &[150, 152])]);
    for case in &mut report.cases {
        case.limit = Some(LimitReport {
            service_level: BTreeMap::new(),
            from_rps: 100.0,
            to_rps: 1_000.0,
            precision: 0.03,
            outcome: LimitOutcome::Unsettled,
            rps: None,
            interval_rps: None,
            of_bare: None,
            bare_carries_more: false,
            confirmed_by: 0,
            probes: Vec::new(),
        });
    }
    assert_eq!(Pooled::of_clusters(&report, &BTreeMap::new()), None);
}

#[test]
fn of_two_that_are_each_slower_by_a_metric_one_is_called() {
    let mut report = on_clusters(&[("east", &[100, 101]), ("west", &[150, 152])]);
    for (case, cpu_ns) in report.cases.iter_mut().zip([90_000_000, 10_000_000]) {
        let gated = MetricReport { metric: Metric::CpuPerRequest.name().into(), ..case.metrics[0].clone() };
        case.metrics.push(gated);
        for run in &mut case.runs {
            run.groups.values_mut().for_each(|used| used.cpu_ns = cpu_ns);
        }
    }
    let pooled = Pooled::of_clusters(&report, &BTreeMap::new()).unwrap();
    let called: Vec<_> = pooled.members.iter().map(|member| member.left_out.is_some()).collect();
    assert_eq!(called, [false, true], "{:?}", pooled.members);
}

#[test]
fn pooled_percentiles_are_those_of_all_requests_together() {
    let reports = [campaign("a", &[100]), campaign("b", &[101])];
    let pooled = pooled(&reports, &[latencies(1..=900), latencies((1..=100).map(|value| value * 10_000))]);
    let case = &pooled.cases[0];
    assert_eq!((case.members, case.latency_ns.count), (2, 1_000));
    // The mean of both campaigns' medians would be 250,225.
    assert_eq!((case.latency_ns.p50, case.latency_ns.max), (500, 1_000_000));
    let medians: Vec<_> = case.p50_by_member_ns.iter().map(|p50| p50.unwrap()).collect();
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
        pooled.members.iter().map(|campaign| campaign.left_out.as_deref().unwrap_or("")).collect();
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
        pooled.members.iter().map(|campaign| campaign.left_out.as_deref().unwrap_or("")).collect();
    assert_eq!(why, ["", "not pooled with a, where `bare` is none instead of 2", "given twice"]);
    assert_eq!(pooled.cases[0].latency_ns.count, 1);
}
