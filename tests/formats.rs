//! What a campaign leaves for those who do not read the console.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::fs;

use support::{Workshop, small_scenario, text_of};

fn workshop() -> Workshop {
    let workshop = Workshop::new();
    workshop.scenario("small", &small_scenario("bare", "1s"));
    workshop
}

#[test]
fn a_campaign_leaves_every_format_and_replaces_the_textfile() {
    let workshop = workshop();
    let collected = tempfile::tempdir().unwrap();
    let textfile = collected.path().join("meshbench.prom");
    fs::write(&textfile, "what an earlier campaign left").unwrap();
    let output = workshop.meshbench(&["run"]).env("MESHBENCH_TEXTFILE", &textfile).output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
    let left = |file: &str| fs::read_to_string(workshop.campaign().join(file)).unwrap();
    assert_eq!(fs::read_to_string(&textfile).unwrap(), left("metrics.prom"));
    assert_eq!(fs::read_dir(collected.path()).unwrap().count(), 1, "something is left beside the textfile");
    let p50_ns = workshop.report().cases[0].pooled_latency_ns.p50;
    let p50 = left("metrics.prom")
        .lines()
        .find(|line| line.starts_with("meshbench_latency_seconds{") && line.contains("percentile=\"50\""))
        .and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    assert_eq!(p50, Some(p50_ns as f64 / 1e9));
    let page = left("report.md");
    // What it comes to is the machine's business: a busy one makes the case invalid.
    assert!(
        page.starts_with("## meshbench: ") && page.contains(" 0 errors") && page.contains("| bare |"),
        "{page}"
    );
    assert!(
        left("junit.xml").contains("<testcase name=\"small::bare::100rps::1s\""),
        "{}",
        left("junit.xml")
    );
}

#[test]
fn a_textfile_or_a_summary_that_cannot_be_written_loses_no_result() {
    let workshop = workshop();
    let full = workshop.scenarios().join("summary.md");
    let taken = vec![b' '; meshbench_report::markdown::STEP_SUMMARY_BYTES - 10];
    fs::write(&full, &taken).unwrap();
    let nowhere = workshop.scenarios().join("absent/meshbench.prom");
    let mut run = workshop.meshbench(&["run", "--textfile", nowhere.to_str().unwrap()]);
    let output = run.env("GITHUB_STEP_SUMMARY", &full).output().unwrap();
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    for said in [
        "warning: cannot write the metrics for Prometheus to",
        "absent/meshbench.prom: No such file",
        "cure: MESHBENCH_TEXTFILE",
        "warning: cannot append the summary to",
        "no room left; report.md has it",
    ] {
        assert!(text.contains(said), "{said:?} is not in {text}");
    }
    assert_eq!(fs::read(&full).unwrap().len(), taken.len());
    assert_eq!(workshop.report().cases.len(), 1);
    assert!(workshop.campaign().join("metrics.prom").exists());
}
