use std::collections::BTreeMap;

use super::*;
use crate::budget::Quantity;
use crate::course::Course;
use crate::histogram::LatencyHistogram;
use crate::metric::Unit;
use crate::recording::ErrorKind;
use crate::recording::tests::recording;
use crate::resources::{ContainerUse, Group, ResourceUse};
use crate::run::DataPathProof;

const REQUESTS: u64 = 5_000;

/// A run of 5,000 requests in 10 s at 500 rps, each taking `latency_ms`.
pub(crate) fn run(mesh: &str, latency_ms: u64) -> Run {
    let mut recording = recording(&[latency_ms * 1_000_000; REQUESTS as usize], &[20_000; REQUESTS as usize]);
    recording.window_ns = 10_000_000_000;
    (recording.offered_rate, recording.achieved_rate) = (Some(500.0), 500.0);
    recording.cpu_seconds = 0.5;
    Run {
        mesh: mesh.parse().unwrap(),
        block: 1,
        position: 1,
        recording,
        resources: ResourceUse::default(),
        data_path: DataPathProof::default(),
        edge_lateness_ns: 0,
        course: Course::default(),
        recording_digest: String::new(),
        placement: None,
        folder: String::new(),
    }
}

fn budget(metric: Metric, limit: Limit) -> Budgets {
    Budgets::new(BTreeMap::from([(metric, vec![limit])]), BTreeMap::new())
}

fn at_most_ms(text: &str) -> Limit {
    Limit::AtMost(Quantity::read(Unit::Latency, text).unwrap())
}

fn verdict(mesh: &Run, bare: &Run, budgets: &Budgets) -> Verdict {
    judge(&mesh.mesh, &[mesh], &[bare], budgets, None, Vec::new()).verdict
}

#[test]
fn a_kept_budget_passes_and_a_broken_one_fails_with_a_sentence() {
    let (mesh, bare) = (run("envoy-tuned", 30), run("bare", 2));
    assert_eq!(verdict(&mesh, &bare, &budget(Metric::P50, at_most_ms("50ms"))), Verdict::Pass);
    let Verdict::Fail { breaches } = verdict(&mesh, &bare, &budget(Metric::P50, at_most_ms("20ms"))) else {
        panic!("a p50 of 30 ms keeps a budget of 20 ms");
    };
    assert_eq!(breaches.len(), 1);
    assert!(breaches[0].contains("p50") && breaches[0].contains("20ms"), "{breaches:?}");
}

#[test]
fn a_quantile_with_too_few_requests_is_not_judged_and_says_so() {
    let (mesh, bare) = (run("envoy-tuned", 30), run("bare", 2));
    let budgets = budget(Metric::P99, at_most_ms("1ms"));
    let judgement = judge(&mesh.mesh, &[&mesh], &[&bare], &budgets, None, Vec::new());
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert_eq!(judgement.limits[0].kept, None);
    assert_eq!(judgement.limits[0].remark, "5000 requests are too few for p99: it takes 10000");
}

#[test]
fn a_shortfall_is_the_meshs_when_bare_kept_the_rate_and_nobodys_when_not() {
    let bare = run("bare", 2);
    let mut mesh = run("envoy-tuned", 30);
    mesh.recording.achieved_rate = 400.0;
    let Verdict::Fail { breaches } = verdict(&mesh, &bare, &Budgets::default()) else {
        panic!("a mesh that carries 400 of 500 requests per second passes");
    };
    assert!(breaches[0].contains("achieved 400.0 of 500.0 requests per second (80.0%)"), "{breaches:?}");

    let mut slow_bare = run("bare", 2);
    slow_bare.recording.achieved_rate = 410.0;
    assert!(matches!(verdict(&mesh, &slow_bare, &Budgets::default()), Verdict::Invalid { .. }));
    assert!(matches!(verdict(&slow_bare, &slow_bare, &Budgets::default()), Verdict::Invalid { .. }));
}

#[test]
fn a_busy_generator_makes_a_run_invalid_even_where_a_budget_is_broken() {
    let mut mesh = run("envoy-tuned", 30);
    mesh.recording.cpu_seconds = 9.5;
    let Verdict::Invalid { reasons } =
        verdict(&mesh, &run("bare", 2), &budget(Metric::P50, at_most_ms("1ms")))
    else {
        panic!("a generator at 95% of its core gives a valid run");
    };
    assert!(reasons[0].contains("95% of its cores"), "{reasons:?}");
}

#[test]
fn late_sending_is_measured_against_the_latency() {
    let late = |latency_ms: u64, lag_ms: u64| {
        let mut mesh = run("envoy-tuned", latency_ms);
        mesh.recording.send_lag_ns = LatencyHistogram::new();
        (0..REQUESTS).for_each(|_| mesh.recording.send_lag_ns.record(lag_ms * 1_000_000));
        verdict(&mesh, &run("bare", 2), &Budgets::default())
    };
    assert!(matches!(late(2, 1), Verdict::Invalid { .. }), "1 ms of lag in 2 ms of latency");
    assert_eq!(late(30, 1), Verdict::Pass, "1 ms of lag in 30 ms of latency");
}

#[test]
fn waiting_for_busy_connections_is_the_meshs_latency_unless_bare_waits_too() {
    let queueing = |name: &str| {
        let mut run = run(name, 2);
        run.recording.send_lag_ns = LatencyHistogram::new();
        (0..REQUESTS).for_each(|_| run.recording.send_lag_ns.record(1_000_000));
        run.recording.max_queue_depth = 50;
        run
    };
    assert_eq!(verdict(&queueing("envoy-tuned"), &run("bare", 2), &Budgets::default()), Verdict::Pass);
    let Verdict::Invalid { reasons } =
        verdict(&queueing("envoy-tuned"), &queueing("bare"), &Budgets::default())
    else {
        panic!("a run with too few connections for bare is valid");
    };
    assert!(reasons[0].contains("raise `connections`"), "{reasons:?}");
}

#[test]
fn a_vanished_container_is_named() {
    let with_vanished = |container: &str, group: Group| {
        let mut mesh = run("envoy-tuned", 3);
        mesh.resources.containers.push(ContainerUse {
            container: container.into(),
            group,
            cpu_ns: 1,
            cpu_error_ns: 0,
            resident_bytes: 1,
            peak_bytes: 1,
            vanished: true,
            ended_processes: 1,
        });
        mesh
    };
    let ended = with_vanished("load", Group::LoadGenerator);
    assert_eq!(
        verdict(&ended, &run("bare", 2), &Budgets::default()),
        Verdict::Pass,
        "a generator that is done"
    );
    assert_eq!(losses(&[&ended]), Vec::<String>::new());
    let mesh = with_vanished("web-0/sidecar", Group::DataPlane);
    assert_eq!(losses(&[&mesh]), ["block 1: vanished before the window closed: web-0/sidecar"]);
    assert!(unfit_blocks(&[&mesh], &[&run("bare", 2)]).is_empty(), "a mesh that crashes gets another try");
    let bare = Run { mesh: MeshName::bare(), ..mesh };
    assert!(losses(&[&bare]).is_empty() && unfit_blocks(&[&bare], &[&bare]).len() == 1);
}

/// A run whose sidecar used 100 ms, give or take `error_ms`.
pub(crate) fn with_cpu_error(run: Run, error_ms: u64) -> Run {
    let sidecar = ContainerUse {
        container: "web-0/sidecar".into(),
        group: Group::DataPlane,
        cpu_ns: 100_000_000,
        cpu_error_ns: error_ms * 1_000_000,
        resident_bytes: 1,
        peak_bytes: 1,
        vanished: false,
        ended_processes: 0,
    };
    Run { resources: ResourceUse { containers: vec![sidecar] }, ..run }
}

#[test]
fn cpu_that_is_known_too_roughly_is_not_judged_and_says_so() {
    let (known, rough) = (with_cpu_error(run("istio", 3), 10), with_cpu_error(run("istio", 3), 45));
    let bare = run("bare", 2);
    // 100 ms for 5,000 requests are 20 µs each.
    let limit = Limit::AtMost(Quantity::read(Unit::CpuPerRequest, "10us").unwrap());
    let budgets = budget(Metric::DataPlaneCpuPerRequest, limit);
    assert!(matches!(verdict(&known, &bare, &budgets), Verdict::Fail { .. }), "10% are tolerated");
    let judgement = judge(&rough.mesh, &[&known, &rough], &[&bare], &budgets, None, Vec::new());
    assert_eq!((judgement.verdict, judgement.limits[0].kept), (Verdict::Pass, None));
    insta::assert_snapshot!(
        judgement.limits[0].remark,
        @"data_plane_cpu_per_request is known to ±45% only, where 10% is tolerated: measure for 1m or longer"
    );
    assert!(known.can_gate(Metric::CpuPerRequest) && !rough.can_gate(Metric::CpuPerRequest));
    assert!(rough.can_gate(Metric::DataPlaneMemory) && rough.can_gate(Metric::P50));
    assert_eq!(rough_cpu_finding(&[&known]), None);
    insta::assert_snapshot!(
        rough_cpu_finding(&[&known, &rough]).unwrap(),
        @"CPU of istio is neither gated nor compared where it is known too roughly, for its counters were not read at the window's edges: cpu_per_request to ±45%, data_plane_cpu_per_request to ±45%, where 10% is tolerated: measure for 1m or longer"
    );
}

#[test]
fn a_limit_over_bare_takes_cpu_of_bare_that_is_known() {
    let (mesh, bare) = (with_cpu_error(run("istio", 3), 0), with_cpu_error(run("bare", 2), 20));
    let limit = Limit::OverBareRatio(1.5);
    let budgets = budget(Metric::CpuPerRequest, limit);
    let judgement = judge(&mesh.mesh, &[&mesh], &[&bare], &budgets, None, Vec::new());
    assert_eq!(judgement.limits[0].kept, None, "{:?}", judgement.limits);
}

#[test]
fn what_a_mesh_lost_fails_it_and_hides_nothing_else() {
    let of = |verdict: Verdict| Judgement { verdict, limits: Vec::new() };
    let lost = |verdict: Verdict| of(verdict).losing(vec!["block 2: gone".to_owned()]).verdict;
    let breaches =
        |sentences: &[&str]| Verdict::Fail { breaches: sentences.iter().map(|&it| it.into()).collect() };
    assert_eq!(of(Verdict::Pass).losing(Vec::new()).verdict, Verdict::Pass);
    assert_eq!(lost(Verdict::Pass), breaches(&["block 2: gone"]));
    assert_eq!(
        lost(Verdict::Invalid { reasons: vec!["the machine is busy".to_owned()] }),
        breaches(&["block 2: gone", "the machine is busy"])
    );
    let error = Verdict::Error { causes: vec!["block 3: did not start".to_owned()] };
    assert_eq!(lost(error.clone()), error);
}

/// Ten seconds in which the median latency rises by half.
pub(crate) fn climbing() -> Course {
    crate::steadiness::tests::of_medians((20..30).map(|ms| ms * 1_000_000))
}

#[test]
fn a_drift_is_the_machines_where_bare_drifts_and_the_meshs_where_only_it_does() {
    let with = |course: Course, name: &str| Run { course, ..run(name, 20) };
    let (mesh, bare) = (with(climbing(), "envoy-tuned"), run("bare", 2));
    assert!(unfit_blocks(&[&mesh], &[&bare]).is_empty(), "a leak gets another try");
    insta::assert_snapshot!(drift_finding(&[&mesh], &[&bare]).unwrap(), @"envoy-tuned was not steady where bare was, in 1 of 1 blocks; block 1: the median latency drifted from 21.000ms in the first third to 28.000ms in the last: look for what grows in it, such as memory, a queue or a log");

    let busy = with(climbing(), "bare");
    assert_eq!(drift_finding(&[&mesh], &[&busy]), None);
    insta::assert_snapshot!(unfit_blocks(&[&mesh], &[&busy])[&1], @"block 1: bare was not steady: the median latency drifted from 21.000ms in the first third to 28.000ms in the last: is the machine busy with something else?");
}

#[test]
fn what_waits_grows_where_the_rate_is_missed_and_that_is_no_drift() {
    let mut mesh = Run { course: climbing(), ..run("envoy-tuned", 20) };
    mesh.recording.achieved_rate = 490.0;
    let bare = run("bare", 2);
    assert!(unfit_blocks(&[&mesh], &[&bare]).is_empty());
    assert_eq!(drift_finding(&[&mesh], &[&bare]), None);
}

#[test]
fn a_run_without_a_result_is_an_error_whatever_the_others_say() {
    let mesh = run("envoy-tuned", 3);
    let causes = vec!["block 2: web-0/sidecar ended".to_owned()];
    let judgement = judge(&mesh.mesh, &[&mesh], &[], &Budgets::default(), None, causes.clone());
    assert_eq!(judgement.verdict, Verdict::Error { causes });
}

#[test]
fn budgets_read_the_median_over_runs() {
    let runs = [run("envoy-tuned", 10), run("envoy-tuned", 90), run("envoy-tuned", 20)];
    let runs: Vec<_> = runs.iter().collect();
    let median = median_over_runs(Metric::P50, &runs).unwrap();
    assert!((19e6..21e6).contains(&median), "{median}");
    assert_eq!(median_over_runs(Metric::P50, &[]), None);
}

#[test]
fn errors_are_a_share_of_all_and_stay_out_of_the_latency() {
    let mut mesh = run("envoy-tuned", 3);
    mesh.recording.requests += 500;
    mesh.recording.errors.insert(ErrorKind::Status5xx, 500);
    (0..500).for_each(|_| mesh.recording.error_latency_ns.record(9_000_000_000));
    let share = mesh.value(Metric::ErrorShare).unwrap();
    assert!((share - 500.0 / 5_500.0).abs() < 1e-9);
    assert!(mesh.value(Metric::P99_99).unwrap() < 4e6);
}

#[test]
fn a_mesh_without_a_control_or_with_an_unfit_one_is_invalid() {
    let mesh = run("envoy-tuned", 3);
    let alone = judge(&mesh.mesh, &[&mesh], &[], &Budgets::default(), None, Vec::new()).verdict;
    let Verdict::Invalid { reasons } = alone else { panic!("a mesh that nothing was compared with passes") };
    assert_eq!(reasons, ["block 1: bare has no result to compare with"]);

    let mut bare = run("bare", 2);
    bare.recording.cpu_seconds = 9.5;
    let Verdict::Invalid { reasons } = verdict(&mesh, &bare, &Budgets::default()) else {
        panic!("a control from an overloaded generator is compared with");
    };
    assert!(reasons[0].starts_with("the control, bare: ") && reasons[0].contains("95%"), "{reasons:?}");
}

#[test]
fn a_latency_budget_is_broken_when_nothing_succeeds() {
    let mut mesh = run("envoy-tuned", 3);
    mesh.recording.latency_ns = LatencyHistogram::new();
    mesh.recording.successes = 0;
    mesh.recording.errors.insert(ErrorKind::Status5xx, REQUESTS);
    let Verdict::Fail { breaches } =
        verdict(&mesh, &run("bare", 2), &budget(Metric::P50, at_most_ms("50ms")))
    else {
        panic!("a mesh that answers nothing but errors keeps a latency budget");
    };
    assert_eq!(breaches, ["p50 has no value: not one request succeeded"]);
}

#[test]
fn quantiles_are_gated_on_successes() {
    let mut mesh = run("envoy-tuned", 3);
    mesh.recording.requests = 20_000;
    assert!(!mesh.can_gate(Metric::P99), "5,000 successes of 20,000 requests gate p99");
}

/// Three blocks in which bare drifted or others took the machine's time in as many as `bad`.
fn three_blocks(bad: u32, course: &Course) -> [Vec<Run>; 2] {
    ["envoy-tuned", "bare"].map(|mesh| {
        let course = |block| if mesh == "bare" && block <= bad { course.clone() } else { Course::default() };
        (1..=3).map(|block| Run { block, course: course(block), ..run(mesh, 20) }).collect()
    })
}

#[test]
fn bad_blocks_that_are_too_many_to_leave_out_are_told() {
    let [mesh, bare] = three_blocks(2, &climbing());
    let (mesh, bare): (Vec<_>, Vec<_>) = (mesh.iter().collect(), bare.iter().collect());
    let few = LeftOut::of(&mesh, &bare, 8);
    assert_eq!((few.blocks.len(), few.unsteady.as_ref(), few.keeps(&mesh).len()), (2, None, 1));
    let many = LeftOut::of(&mesh, &bare, 3);
    assert_eq!((many.blocks.len(), many.keeps(&mesh).len()), (0, 3));
    insta::assert_snapshot!(many.unsteady.unwrap(), @"2 of 3 blocks say too little, where 0 may be left out; block 1: bare was not steady: the median latency drifted from 21.000ms in the first third to 28.000ms in the last: is the machine busy with something else?");
}

#[test]
fn a_machine_whose_time_others_take_says_nothing_however_few_the_blocks() {
    let course = Course { steal_share: Some(0.3), ..Course::default() };
    let [mesh, bare] = three_blocks(1, &course);
    let judged = verdict(&mesh[0], &bare[0], &Budgets::default());
    let Verdict::Invalid { reasons } = judged else { panic!("{judged:?}") };
    assert_eq!(
        reasons,
        [
            "the control, bare: block 1: others took 30.0% of the CPU time: measure on a machine that is not shared"
        ]
    );
}

#[test]
fn what_a_baseline_would_have_decided_is_no_pass_where_blocks_were_bad() {
    let none = AgainstBaseline::NoBaseline;
    let of = |verdict: Verdict| Judgement { verdict, limits: Vec::new() };
    let unsteady = |verdict| of(verdict).against(Some(&none), Some("a reason")).verdict;
    let Verdict::NewBaseline { findings } = unsteady(Verdict::Pass) else {
        panic!("a baseline is not missed")
    };
    assert_eq!(findings, ["there is no baseline to compare with, and this campaign makes none: a reason"]);
    let failed = Verdict::Fail { breaches: vec!["a budget".to_owned()] };
    assert_eq!(unsteady(failed.clone()), failed);
    assert_eq!(of(Verdict::Pass).against(None, Some("a reason")).verdict, Verdict::Pass);
}
