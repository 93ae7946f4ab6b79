//! The main job speaks libtest: names, filters, `--list`, `--format json`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};

use support::{Workshop, small_scenario, text_of};

fn meshes(workshop: &Workshop, arguments: &[&str]) -> Output {
    Command::new(support::meshes_executable())
        .args(arguments)
        .env("MESHBENCH_SCENARIOS", workshop.scenarios())
        .env("MESHBENCH_OUTPUT", workshop.output())
        .env_remove("MESHBENCH_STRICT")
        .env_remove("MESHBENCH_TEXTFILE")
        .env("GITHUB_STEP_SUMMARY", summary_file(workshop))
        .output()
        .unwrap()
}

/// Where GitHub would want the tables.
fn summary_file(workshop: &Workshop) -> PathBuf {
    workshop.scenarios().join("step-summary.md")
}

/// The names on standard output, which must hold nothing else.
fn listed(workshop: &Workshop, arguments: &[&str]) -> Vec<String> {
    let output = meshes(workshop, arguments);
    assert!(output.status.success(), "{}", text_of(&output));
    assert!(output.stderr.is_empty(), "{}", text_of(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.strip_suffix(": test").unwrap_or_else(|| panic!("{line:?} is no test")).to_owned())
        .collect()
}

/// A quick scenario, one of the nightly tier and one for Kubernetes.
fn three_scenarios() -> Workshop {
    let workshop = Workshop::new();
    workshop.scenario("short", &small_scenario("bare, reference", "1s"));
    workshop.scenario("long", &small_scenario("bare", "1s").replace("tier: quick", "tier: nightly"));
    let kube = small_scenario("istio-stock", "1s").replace("provider: local", "provider: kube");
    workshop.scenario("remote", &kube);
    workshop
}

#[test]
fn names_filters_and_ignored_cases_are_libtests() {
    let workshop = three_scenarios();
    let all = [
        "long::bare::100rps::1s",
        "remote::istio-stock::100rps::1s",
        "short::bare::100rps::1s",
        "short::reference::100rps::1s",
    ];
    assert_eq!(listed(&workshop, &["--list"]), all);
    assert_eq!(listed(&workshop, &["--list", "--ignored"]), all[..2]);
    assert_eq!(listed(&workshop, &["--list", "short"]), all[2..]);
    assert_eq!(listed(&workshop, &["--list", "--skip", "bare", "--skip", "remote"]), all[3..]);
    assert_eq!(listed(&workshop, &["--list", "--exact", all[3]]), all[3..]);
    assert_eq!(listed(&workshop, &["--list", "--exact", "short::reference"]), [""; 0]);
    let left: Vec<_> =
        fs::read_dir(workshop.output()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".cache"], "listing left something behind");
}

#[test]
fn a_broken_file_is_one_failing_trial_and_takes_nobody_down() {
    let workshop = Workshop::new();
    workshop.scenario("short", &small_scenario("bare", "1s"));
    workshop.scenario("broken", &small_scenario("bare", "1s").replace("100rps", "100 rqs"));
    assert_eq!(listed(&workshop, &["--list"]), ["broken::scenario-is-invalid", "short::bare::100rps::1s"]);
    let output = meshes(&workshop, &[]);
    let text = text_of(&output);
    assert!(!output.status.success(), "{text}");
    assert!(
        text.contains("short::bare::100rps::1s     ... ok") || text.contains("1 passed; 1 failed"),
        "{text}"
    );
    assert!(text.contains("broken.yaml:5:9: rates[0]: "), "{text}");
    let report = workshop.report();
    assert_eq!(report.cases.len(), 1);
    assert_eq!(report.broken_scenarios[0].name, "broken::scenario-is-invalid");
    let junit = fs::read_to_string(workshop.campaign().join("junit.xml")).unwrap();
    assert!(junit.contains("tests=\"2\"") && junit.contains("errors=\"1\""), "{junit}");
    workshop.assert_clean("a broken scenario");
}

#[test]
fn files_that_cannot_be_read_stop_nobody_else() {
    let workshop = Workshop::new();
    workshop.scenario("short", &small_scenario("bare", "1s"));
    let scenarios = workshop.scenarios();
    fs::create_dir(scenarios.join("folder.yaml")).unwrap();
    symlink("nowhere", scenarios.join("gone.yaml")).unwrap();
    assert!(Command::new("mkfifo").arg(scenarios.join("pipe.yaml")).status().unwrap().success());
    symlink("somebody@somewhere.1:2", scenarios.join(".#short.yaml")).unwrap();
    fs::write(scenarios.join("old.yml"), small_scenario("bare", "1s")).unwrap();
    fs::create_dir(scenarios.join("meshes/Odd Name")).unwrap();
    fs::write(scenarios.join("meshes/Odd Name/mesh.yaml"), "description: odd\nversion: 1\n").unwrap();
    let invalid = ["folder", "gone", "old", "pipe"].map(|name| format!("{name}::scenario-is-invalid"));
    assert_eq!(
        listed(&workshop, &["--list"]),
        [&invalid[..], &["short::bare::100rps::1s".to_owned()]].concat()
    );

    let output = workshop.meshbench(&["list"]).output().unwrap();
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    for said in [
        "folder.yaml: the file cannot be read: is a directory",
        "gone.yaml: the file cannot be read: No such file",
        "pipe.yaml: this is not a regular file",
        "old.yml: a scenario's file name ends in .yaml (hint: rename it to old.yaml)",
        "Odd Name: this is not the folder of a mesh",
        "short::bare::100rps::1s",
    ] {
        assert!(text.contains(said), "{said:?} is missing: {text}");
    }
}

#[test]
fn a_filter_that_matches_nothing_is_a_success_for_libtest_and_a_failure_for_people() {
    let workshop = three_scenarios();
    let libtest = meshes(&workshop, &["no-such-case"]);
    assert!(libtest.status.success(), "{}", text_of(&libtest));
    for filter in ["no-such-case", "long"] {
        let run = workshop.meshbench(&["run", filter]).output().unwrap();
        assert!(!run.status.success(), "{}", text_of(&run));
        assert!(text_of(&run).contains("no case was run"), "{}", text_of(&run));
    }
}

#[test]
fn closed_standard_output_loses_no_result() {
    let workshop = Workshop::new();
    workshop.scenario("short", &small_scenario("bare", "1s"));
    let mut run = support::start(&mut workshop.meshbench(&["run"]));
    drop(run.stdout.take());
    let output = run.wait_with_output().unwrap();
    assert!(!output.status.success(), "{}", text_of(&output));
    assert!(text_of(&output).contains("standard output was closed"), "{}", text_of(&output));
    let report = workshop.report();
    assert_eq!(report.cases.len(), 1, "{report:?}");
    workshop.assert_clean("closed standard output");
}

#[test]
fn a_filter_narrows_the_group_and_bare_stays_its_control() {
    let workshop = three_scenarios();
    let output = meshes(&workshop, &["short::reference"]);
    let report = workshop.measured(&output);
    let cases: Vec<_> = report.cases.iter().map(|case| (case.mesh.as_str(), case.selected)).collect();
    assert_eq!(cases, [("bare", false), ("reference", true)]);
    let campaign = workshop.campaign();
    for file in ["report.json", "junit.xml", "samples.csv"] {
        assert!(campaign.join(file).is_file(), "{file} is missing");
    }
    let summary = fs::read_to_string(summary_file(&workshop)).unwrap();
    assert!(summary.lines().any(|line| line.starts_with("| reference |")), "{summary}");
    for case in &report.cases {
        let run = campaign.join(&case.runs[0].folder);
        assert!(run.join("run.hlog").is_file() && run.join("recording.json").is_file(), "{}", run.display());
    }
    let configuration = campaign.join(&report.cases[1].runs[0].folder).join("configuration/web-0-sidecar");
    assert!(configuration.join("sidecar.json").is_file(), "the rendered configuration is not kept");
}

#[test]
fn json_on_standard_output_is_json() {
    let workshop = three_scenarios();
    let output = meshes(&workshop, &["--format", "json", "short::bare"]);
    assert!(output.status.success(), "{}", text_of(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}")))
        .collect();
    let ended =
        events.iter().find(|event| event["name"] == "short::bare::100rps::1s" && event["event"] == "ok");
    assert!(ended.is_some(), "{text}");
}

#[test]
fn a_case_that_cannot_run_is_ignored_and_says_why() {
    let workshop = three_scenarios();
    let output = meshes(&workshop, &["remote"]);
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("remote::istio-stock::100rps::1s ... ignored"), "{text}");
    assert!(text.contains("runs on a Kubernetes cluster") && text.contains("cure:"), "{text}");

    // Beside meshes that can run, it must not be measured without a mesh and pass.
    workshop.scenario("mixed", &small_scenario("bare, istio-stock, reference", "1s"));
    let mixed = meshes(&workshop, &["mixed", "--include-ignored"]);
    assert!(!mixed.status.success(), "{}", text_of(&mixed));
    let report = workshop.report();
    let measured = report.cases.iter().filter(|case| !case.runs.is_empty());
    assert_eq!(measured.map(|case| case.mesh.as_str()).collect::<Vec<_>>(), ["bare", "reference"]);
    let refused = report.cases.iter().find(|case| case.mesh == "istio-stock").unwrap();
    assert_eq!(refused.verdict.word(), "ERROR");

    let insisted = meshes(&workshop, &["remote", "--include-ignored"]);
    assert!(!insisted.status.success(), "a case that cannot run passes: {}", text_of(&insisted));
}
