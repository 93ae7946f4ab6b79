//! A calibration as people read it.

use meshbench_core::calibration::{
    CALIBRATION_VERSION, Calibration, Finding, GateOutcome, GateSettings, KnownChange, Pilot, scores,
};
use meshbench_report::calibration::render;

use crate::fabricated;

fn gate(change: KnownChange, number: u32, verdict: &str, meshbench: Finding, naive: Finding) -> GateOutcome {
    GateOutcome {
        change,
        number,
        seed: 1_000 + u64::from(number),
        verdict: verdict.to_owned(),
        meshbench,
        threshold: naive,
        kolmogorov_smirnov: Finding::Worse,
        mann_whitney: naive,
    }
}

#[test]
fn the_table_counts_what_each_judge_finds() {
    use Finding::{NotWorse, Undecided, Worse};
    let gates = vec![
        gate(KnownChange::NoChange, 1, "no change", NotWorse, Worse),
        gate(KnownChange::NoChange, 2, "INCONCLUSIVE", Undecided, NotWorse),
        gate(KnownChange::NoChange, 3, "improved", NotWorse, NotWorse),
        gate(KnownChange::Delay, 1, "REGRESSED", Worse, Worse),
        gate(KnownChange::Delay, 2, "REGRESSED", Worse, Worse),
        gate(KnownChange::Errors, 1, "FAIL", Worse, NotWorse),
    ];
    let calibration = Calibration {
        version: CALIBRATION_VERSION,
        began_at: ["2026-11-24T20:00:00Z".to_owned(), "2026-11-25T04:00:00Z".to_owned()],
        environments: vec![fabricated::report(Vec::new(), Vec::new()).environment],
        settings: GateSettings {
            rate: "1000rps".to_owned(),
            duration: "11s".to_owned(),
            warm_up: "2s".to_owned(),
            blocks: 8,
            seed: 2019,
        },
        pilot: Some(Pilot { p50_ns: 812_345.0, cpu_ns_per_request: 612_345.0 }),
        recordings: 222,
        recordings_sha256: "0123456789abcdef".to_owned(),
        scores: scores(&gates),
        gates,
    };
    insta::assert_snapshot!("calibration", render(&calibration));
}
