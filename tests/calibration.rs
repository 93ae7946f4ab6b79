//! `meshbench calibrate`: gates leave all that they were judged by, and are not run twice.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::fs;
use std::process::Output;

use meshbench_core::calibration::{Calibration, KnownChange};
use meshbench_core::report::Report;
use support::{Workshop, text_of};

fn calibrate(workshop: &Workshop, more: &[&str]) -> Output {
    let gates = ["calibrate", "--no-change", "1", "--changed", "1", "--changes", "delay"];
    let short = ["--rate", "500rps", "--duration", "500ms", "--warm-up", "200ms", "--blocks", "5"];
    workshop.meshbench(&[gates.as_slice(), &short, more].concat()).output().unwrap()
}

#[test]
fn gates_are_run_once_kept_and_counted() {
    let workshop = Workshop::new();
    let first = calibrate(&workshop, &[]);
    assert!(first.status.success(), "{}", text_of(&first));
    let folder = workshop.output().join("calibration");
    for gate in ["no-change/1", "delay/1"] {
        let campaign = folder.join(gate).join("campaign");
        let report: Report =
            serde_json::from_str(&fs::read_to_string(campaign.join("report.json")).unwrap()).unwrap();
        let case = report.cases.iter().find(|case| case.mesh == "reference-new").unwrap();
        assert!(case.comparison.is_some() && case.runs.len() >= 5, "{gate}: {}", text_of(&first));
        for run in &case.runs {
            assert!(campaign.join(&run.folder).join("recording.json").is_file());
        }
    }
    let read = || fs::read_to_string(folder.join("calibration.json")).unwrap();
    let calibration: Calibration = serde_json::from_str(&read()).unwrap();
    let gates: Vec<_> = calibration.scores.iter().map(|score| (score.change, score.gates)).collect();
    assert_eq!(gates, [(KnownChange::NoChange, 1), (KnownChange::Delay, 1)]);
    assert!(calibration.recordings >= 2 * 3 * 5, "{}", calibration.recordings);
    let table = fs::read_to_string(folder.join("calibration.md")).unwrap();
    assert!(table.contains(&calibration.recordings_sha256), "{table}");
    assert!(String::from_utf8_lossy(&first.stdout).contains(&table), "{}", text_of(&first));

    // What is finished is scored again from what was kept, and comes to the same.
    let before = read();
    let second = calibrate(&workshop, &[]);
    assert!(text_of(&second).contains("0 of 2 gates are left"), "{}", text_of(&second));
    assert_eq!(before, read());
    let other = calibrate(&workshop, &["--seed", "1"]);
    assert!(!other.status.success());
    assert!(text_of(&other).contains("use the same settings, or another --output"), "{}", text_of(&other));
    workshop.assert_clean("a calibration");
}
