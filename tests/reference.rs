//! The reference mesh does what its knobs say: delays in each direction, and errors that stay out of the latency.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use meshbench_core::report::{CaseReport, Report};
use support::{Workshop, small_scenario, text_of};

/// The delay the knobs are set to, in nanoseconds.
const DELAY_NS: f64 = 5e6;

fn with_injections(injections: &'static str) -> impl Fn(&str) -> String {
    move |template| {
        let end = template.rfind('}').expect("the template is a JSON object");
        format!("{},\n  \"injections\": {injections}\n}}\n", template[..end].trim_end())
    }
}

fn least_latency(report: &Report, mesh: &str) -> f64 {
    case(report, mesh).pooled_latency_ns.min as f64
}

fn case<'a>(report: &'a Report, mesh: &str) -> &'a CaseReport {
    report.cases.iter().find(|case| case.mesh == mesh).unwrap_or_else(|| panic!("{mesh} was not run"))
}

/// One campaign for all, since two at once would disturb each other's figures.
#[test]
fn knobs_do_what_they_say() {
    let workshop = Workshop::new();
    let variants = [
        ("slow-inbound", r#"{"inbound": {"delay": {"fixed": "5ms"}}, "seed": 1}"#),
        ("slow-outbound", r#"{"outbound": {"delay": {"fixed": "5ms"}}, "seed": 1}"#),
        (
            "slow-both",
            r#"{"inbound": {"delay": {"fixed": "5ms"}}, "outbound": {"delay": {"fixed": "5ms"}}, "seed": 1}"#,
        ),
        // Nothing comes in to the load generator: a delay of the other direction would show.
        (
            "slow-nowhere",
            r#"{{ '{"inbound": {"delay": {"fixed": "5ms"}}, "seed": 1}' if workload == "load" else '{"seed": 1}' }}"#,
        ),
        // Probes of the data path meet these errors too, and are sent again.
        ("failing", r#"{"outbound": {"error_share": 0.1}, "seed": 7}"#),
    ];
    for (name, injections) in variants {
        workshop.mesh("reference", name, "sidecar.json.jinja", with_injections(injections));
    }
    // A page that calls nothing behind web, so that each direction is crossed once:
    // out of the generator's sidecar and into web's.
    let scenario =
        small_scenario("reference, slow-inbound, slow-outbound, slow-both, slow-nowhere, failing", "5s");
    let requests = scenario.find("  requests:").unwrap();
    let budgets = scenario.find("budgets:").unwrap();
    let one_page = "  requests:\n    - {path: \"/\", weight: 1}\n";
    workshop.scenario("knobs", &[&scenario[..requests], one_page, &scenario[budgets..]].concat());

    let output = workshop.meshbench(&["run"]).output().unwrap();
    let report = workshop.report();
    assert!(report.cases.iter().all(|case| !case.runs.is_empty()), "{}", text_of(&output));
    delays_show_in_every_latency(&report);
    errors_are_counted_and_stay_out_of_the_latency(&report);
}

/// In the least of them: a busy machine only adds to latencies, and what is added to the least is added to all.
fn delays_show_in_every_latency(report: &Report) {
    let plain = least_latency(report, "reference");
    let nothing = (least_latency(report, "slow-nowhere") - plain) / DELAY_NS;
    assert!(nothing.abs() < 0.25, "a delay in a direction that nothing takes added {nothing:.3} of it");
    for (mesh, delays) in [("slow-inbound", 1.0), ("slow-outbound", 1.0), ("slow-both", 2.0)] {
        let added = least_latency(report, mesh) - plain;
        let share = added / (delays * DELAY_NS);
        assert!(
            (0.75..1.4).contains(&share),
            "{mesh} added {added} ns, {share:.3} of what it was told to add"
        );
    }
}

fn errors_are_counted_and_stay_out_of_the_latency(report: &Report) {
    let failing = case(report, "failing");
    let run = &failing.runs[0];
    let errors: u64 = run.errors.values().sum();
    assert_eq!(run.errors.keys().collect::<Vec<_>>(), ["status_5xx"], "{:?}", run.errors);
    // Within four standard deviations of the binomial.
    let expected = run.requests as f64 * 0.1;
    let tolerated = 4.0 * (expected * 0.9).sqrt();
    assert!((errors as f64 - expected).abs() <= tolerated, "{errors} errors of {} requests", run.requests);
    assert_eq!(run.latency_ns.count, run.successes);
    assert_eq!(run.error_latency_ns.count, errors);
    let kept = |case: &CaseReport| {
        case.limits.iter().find(|limit| limit.metric == "error_share").and_then(|limit| limit.kept)
    };
    assert_eq!(kept(failing), Some(false), "10% of errors keeps a budget of 1%");
    assert_eq!(kept(case(report, "reference")), Some(true));
}
