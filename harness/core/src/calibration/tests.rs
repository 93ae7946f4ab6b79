use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::histogram::LatencyHistogram;

const REQUESTS: u64 = 1_000;

/// A run whose latencies lie evenly within a fifth above `latency_ns`.
fn run(latency_ns: u64, cpu_ns: f64) -> ObservedRun {
    let mut latency = LatencyHistogram::new();
    (0..REQUESTS).for_each(|index| latency.record(latency_ns + latency_ns * index / REQUESTS / 5));
    ObservedRun { latency, cpu_ns_per_request: Some(cpu_ns) }
}

/// Eight runs that differ a little, as runs do, all of them slower and dearer by these factors.
fn runs(latency_factor: f64, cpu_factor: f64) -> Vec<ObservedRun> {
    let run_of = |index: u32| {
        let noise = 1.0 + 0.001 * f64::from(index);
        run((1e6 * latency_factor * noise) as u64, 3e5 * cpu_factor * noise)
    };
    (0..8).map(run_of).collect()
}

#[rstest]
#[case::the_same(1.0, 1.0, [Finding::NotWorse; 3])]
#[case::slower(1.1, 1.0, [Finding::Worse; 3])]
#[case::faster(0.9, 1.0, [Finding::NotWorse; 3])]
#[case::a_little_slower(1.03, 1.0, [Finding::NotWorse, Finding::Worse, Finding::Worse])]
// Latencies say nothing of CPU time.
#[case::dearer(1.0, 1.1, [Finding::Worse, Finding::NotWorse, Finding::Worse])]
fn naive_judges_see_what_they_look_at(
    #[case] latency_factor: f64,
    #[case] cpu_factor: f64,
    #[case] expected: [Finding; 3],
) {
    let (old, new) = (runs(1.0, 1.0), runs(latency_factor, cpu_factor));
    let found = [threshold(&old, &new), kolmogorov_smirnov(&old, &new), mann_whitney(&old, &new)];
    assert_eq!(found, expected);
}

#[test]
fn without_a_value_there_is_no_finding() {
    let silent = || vec![ObservedRun { latency: LatencyHistogram::new(), cpu_ns_per_request: None }; 8];
    let judges = [threshold, kolmogorov_smirnov, mann_whitney];
    for judge in judges {
        assert_eq!(judge(&silent(), &silent()), Finding::Undecided);
        assert_eq!(judge(&runs(1.0, 1.0), &silent()), Finding::Undecided);
        assert_eq!(judge(&[], &[]), Finding::Undecided);
    }
}

#[rstest]
#[case(Verdict::Regressed { findings: vec![] }, Finding::Worse)]
#[case(Verdict::Fail { breaches: vec![] }, Finding::Worse)]
#[case(Verdict::NoChange, Finding::NotWorse)]
#[case(Verdict::Improved { findings: vec![] }, Finding::NotWorse)]
#[case(Verdict::Inconclusive { findings: vec![] }, Finding::Undecided)]
#[case(Verdict::Invalid { reasons: vec![] }, Finding::Undecided)]
#[case(Verdict::Error { causes: vec![] }, Finding::Undecided)]
fn a_verdict_is_a_finding(#[case] verdict: Verdict, #[case] expected: Finding) {
    assert_eq!(Finding::from(&verdict), expected);
}

fn gate(change: KnownChange, finding: Finding) -> GateOutcome {
    GateOutcome {
        change,
        number: 1,
        seed: 1,
        verdict: String::new(),
        meshbench: finding,
        threshold: Finding::Worse,
        kolmogorov_smirnov: Finding::NotWorse,
        mann_whitney: Finding::Undecided,
    }
}

fn any_gate() -> impl Strategy<Value = GateOutcome> {
    let finding = prop_oneof![Just(Finding::Worse), Just(Finding::NotWorse), Just(Finding::Undecided)];
    (0..KnownChange::ALL.len(), finding).prop_map(|(change, finding)| gate(KnownChange::ALL[change], finding))
}

proptest! {
    #[test]
    fn every_gate_is_counted_once_and_within_its_bounds(gates in prop::collection::vec(any_gate(), 0..60)) {
        let scores = scores(&gates);
        prop_assert_eq!(scores.iter().map(|score| score.gates).sum::<u64>(), gates.len() as u64);
        for score in scores {
            let Tally { worse, undecided, low, high } = score.meshbench;
            prop_assert!(worse + undecided <= score.gates);
            let share = worse as f64 / score.gates as f64;
            prop_assert!(low <= share && share <= high, "{low} {share} {high}");
            prop_assert_eq!(score.threshold.worse, score.gates);
            prop_assert_eq!(score.kolmogorov_smirnov.worse, 0);
            prop_assert_eq!(score.mann_whitney.undecided, score.gates);
        }
    }
}

#[test]
fn names_are_those_of_the_json() {
    for change in KnownChange::ALL {
        assert_eq!(serde_json::to_value(change).unwrap(), change.name());
    }
}
