//! [`render`]: `junit.xml`, for whatever shows test results.

use std::time::Duration;

use meshbench_core::baseline::AgainstBaseline;
use meshbench_core::judge::{Gate, Verdict};
use meshbench_core::report::{
    BrokenScenario, CaseReport, IgnoredCase, MetricReport, Report, ReportUnit, RunReport,
};
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use crate::facts;
use crate::format::Number;

/// Why there is no `junit.xml`.
#[derive(Debug, thiserror::Error)]
#[error("could not write the results as JUnit XML; report.json has them all")]
pub struct JunitError(#[from] quick_junit::SerializeError);

/// The cases that were asked for, a suite for each block group. Ignored cases are `skipped`, with reason and cure, and so
/// are those that were not run for a collapse, where `gate` does not make them fail.
///
/// JUnit has no word for a case that is invalid, inconclusive or without a baseline: where `gate` does not make it
/// fail, it passes, and its `system-out` begins with the verdict's word. It is not `skipped`: it ran, and took its time.
///
/// # Errors
///
/// When the XML cannot be written.
pub fn render(report: &Report, gate: Gate) -> Result<String, JunitError> {
    let mut document = quick_junit::Report::new("meshbench");
    document.set_time(seconds(report.took_seconds));
    let selected = report.cases.iter().filter(|case| case.selected);
    let measured = selected.map(|case| (case.group.clone(), measured_case(case, gate)));
    let ignored = report.ignored.iter().map(|case| (group_of(&case.name), ignored_case(case)));
    let broken = report
        .broken_scenarios
        .iter()
        .map(|broken| (scenario_of(&broken.name).to_owned(), broken_case(broken)));
    let mut suites: Vec<TestSuite> = Vec::new();
    for (group, test_case) in measured.chain(broken).chain(ignored) {
        let position = suites.iter().position(|suite| suite.name.as_str() == group).unwrap_or_else(|| {
            suites.push(empty_suite(&group, report));
            suites.len() - 1
        });
        let suite = &mut suites[position];
        suite.set_time(suite.time.unwrap_or_default() + test_case.time.unwrap_or_default());
        suite.add_test_case(test_case);
    }
    document.add_test_suites(suites);
    Ok(as_jenkins_reads_it(&document.to_string()?, document.skipped))
}

/// The schema by which Jenkins's xUnit plugin refuses files (`junit-10.xsd`) knows `skipped` of a suite, not of all suites
/// together; quick-junit writes both.
fn as_jenkins_reads_it(xml: &str, skipped: usize) -> String {
    xml.replacen(&format!(" skipped=\"{skipped}\""), "", 1)
}

fn empty_suite(group: &str, report: &Report) -> TestSuite {
    let mut suite = TestSuite::new(group);
    suite.add_property(Property::new("campaign", report.campaign.as_str()));
    suite.add_property(Property::new("started_at", report.started_at.as_str()));
    suite.add_property(Property::new("environment", facts::environment(report)));
    for warning in facts::warnings(report) {
        suite.add_property(Property::new("warning", warning));
    }
    suite
}

fn measured_case(case: &CaseReport, gate: Gate) -> TestCase {
    let mut test_case = TestCase::new(case.name.as_str(), status(&case.verdict, gate));
    test_case.set_classname(scenario_of(&case.name));
    test_case.set_time(seconds(case.runs.iter().map(|run| run.window_seconds).sum()));
    let is_success = !gate.fails(&case.verdict);
    let sentences = if is_success { case.verdict.sentences() } else { &[] };
    let notes = sentences.iter().map(|sentence| format!("{}: {sentence}", case.verdict.word()));
    let metrics = case.metrics.iter().map(metric_line);
    let comparison = case.against_baseline.as_ref().and_then(AgainstBaseline::summary);
    let tier = case.tier.map(|tier| format!("tier {tier}"));
    let notes = notes.chain(tier).chain(comparison);
    let lines: Vec<String> = notes.chain(metrics).chain(case.runs.iter().map(run_line)).collect();
    test_case.set_system_out(lines.join("\n"));
    test_case
}

fn broken_case(scenario: &BrokenScenario) -> TestCase {
    let verdict = Verdict::Error { causes: scenario.problems.clone() };
    let mut test_case = TestCase::new(scenario.name.as_str(), status(&verdict, Gate::default()));
    test_case.set_classname(scenario_of(&scenario.name));
    test_case
}

fn ignored_case(case: &IgnoredCase) -> TestCase {
    let status = skipped(&format!("{}; cure: {}", case.reason, case.cure));
    let mut test_case = TestCase::new(case.name.as_str(), status);
    test_case.set_classname(scenario_of(&case.name));
    test_case
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    status
}

fn status(verdict: &Verdict, gate: Gate) -> TestCaseStatus {
    match verdict {
        _ if gate.fails(verdict) => {}
        Verdict::NotRun { reasons } => return skipped(&format!("not run: {}", reasons.join("; "))),
        _ => return TestCaseStatus::success(),
    }
    let (kind, kind_name) = match verdict {
        Verdict::Pass | Verdict::NoChange | Verdict::Improved { .. } => return TestCaseStatus::success(),
        Verdict::Fail { .. } => (NonSuccessKind::Failure, "budget"),
        Verdict::Invalid { .. } => (NonSuccessKind::Failure, "invalid"),
        Verdict::Inconclusive { .. } => (NonSuccessKind::Failure, "inconclusive"),
        Verdict::NewBaseline { .. } => (NonSuccessKind::Failure, "no-baseline"),
        Verdict::Regressed { .. } => (NonSuccessKind::Failure, "regression"),
        Verdict::NotRun { .. } => (NonSuccessKind::Failure, "not-run"),
        Verdict::Error { .. } => (NonSuccessKind::Error, "error"),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(kind_name);
    // Viewers show the message in one line, and the description in full.
    status.set_message(
        verdict.sentences().first().and_then(|sentence| sentence.lines().next()).unwrap_or_default(),
    );
    status.set_description(verdict.sentences().join("\n"));
    status
}

fn metric_line(metric: &MetricReport) -> String {
    let number = match metric.unit {
        ReportUnit::Nanoseconds | ReportUnit::CpuNanosecondsPerRequest => Number::Duration,
        ReportUnit::Fraction => Number::Percent,
        ReportUnit::Bytes => Number::Bytes,
        ReportUnit::RequestsPerSecond => Number::Rate,
    };
    let MetricReport { metric: name, median, min, max, gated, over_bare, .. } = metric;
    let (median_shown, min, max) = (number.show(*median), number.show(*min), number.show(*max));
    let over_bare =
        over_bare.map(|over| format!(", {} over bare", number.difference(*median, over))).unwrap_or_default();
    let doubt = if *gated { "" } else { ", too few requests to gate on" };
    format!("{name} {median_shown} (runs {min} to {max}{over_bare}{doubt})")
}

fn run_line(run: &RunReport) -> String {
    let RunReport { block, requests, successes, offered_rate, achieved_rate, .. } = run;
    let achieved = Number::Rate.show(*achieved_rate);
    let offered =
        offered_rate.map(|rate| format!(" of {} offered", Number::Rate.show(rate))).unwrap_or_default();
    let errors: String = run.errors.iter().map(|(kind, count)| format!(", {count} {kind}")).collect();
    format!("block {block}: {requests} requests, {successes} successes{errors}; achieved {achieved}{offered}")
}

/// `scenario::mesh::rate::duration` without the mesh.
fn group_of(case: &str) -> String {
    let mut parts: Vec<&str> = case.split("::").collect();
    if parts.len() > 2 {
        parts.remove(1);
    }
    parts.join("::")
}

fn scenario_of(case: &str) -> &str {
    case.split("::").next().unwrap_or(case)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
