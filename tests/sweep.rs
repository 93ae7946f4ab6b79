//! A sweep ends for a mesh at the first rate that it cannot carry, and goes on for the others.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::fs;

use meshbench_core::judge::Verdict;
use meshbench_core::report::{CaseReport, Report};
use support::{Workshop, small_scenario, text_of};

/// A page that calls nothing behind web, so that each request passes the load generator's sidecar once and web's once.
const ONE_PAGE: &str = "  requests:\n    - {path: \"/\", weight: 1}\n";
/// Each request keeps the one server of web's sidecar busy for 6 ms: it carries 166 requests a second.
const NARROW: &str = r#""injections": {"inbound": {"service_time": "6ms"}, "seed": 1}"#;

fn sweep(workshop: &Workshop) {
    let narrow = |template: &str| {
        let end = template.rfind('}').unwrap();
        format!("{},\n  {NARROW}\n}}\n", template[..end].trim_end())
    };
    workshop.mesh("reference", "narrow", "sidecar.json.jinja", narrow);
    let scenario = small_scenario("bare, narrow", "3s")
        .replace("rates: [100rps]", "rates: {from: 60rps, to: 420rps, step: 180rps, stop_at_collapse: true}");
    let (before, after) = (scenario.find("  requests:").unwrap(), scenario.find("budgets:").unwrap());
    workshop.scenario("sweep", &[&scenario[..before], ONE_PAGE, &scenario[after..]].concat());
}

fn case<'a>(report: &'a Report, mesh: &str, rate: &str) -> &'a CaseReport {
    let name = format!("sweep::{mesh}::{rate}::3s");
    report
        .cases
        .iter()
        .find(|case| case.name == name)
        .unwrap_or_else(|| panic!("{name} is not in the report"))
}

#[test]
fn a_mesh_is_not_run_above_the_rate_it_collapsed_at() {
    let workshop = Workshop::new();
    sweep(&workshop);
    // The first trial is of the highest rate then: lower ones are run before it all the same.
    let arguments = ["run", "--skip", "bare::60rps", "--skip", "bare::240rps"];
    let mut again = 0;
    let (output, text, report) = loop {
        let output = workshop.meshbench(&arguments).output().unwrap();
        let (text, report) = (text_of(&output), workshop.report());
        // A machine busy with something else is short of any rate.
        let is_fit = !case(&report, "narrow", "240rps").runs.is_empty();
        if is_fit || again == 2 {
            break (output, text, report);
        }
        again += 1;
    };
    assert!(!case(&report, "narrow", "60rps").runs.is_empty(), "{text}");
    assert!(!case(&report, "narrow", "240rps").runs.is_empty(), "{text}");
    let stopped = case(&report, "narrow", "420rps");
    let Verdict::NotRun { reasons } = &stopped.verdict else { panic!("{:?}: {text}", stopped.verdict) };
    assert!(stopped.runs.is_empty(), "{text}");
    assert!(text.contains("sweep::narrow::420rps::3s ... ignored"), "{text}");
    assert!(text.contains(&format!("not run: {}", reasons[0])) && text.contains("1 not run"), "{text}");
    let junit = fs::read_to_string(workshop.campaign().join("junit.xml")).unwrap();
    assert!(junit.contains("<skipped message=\"not run: "), "{junit}");
    // On a machine busy with something else, bare may give out as well: then that is said, and it is not run either.
    let bare = case(&report, "bare", "420rps");
    if reasons[0].starts_with("collapsed at 240rps") {
        let collapsed = &case(&report, "narrow", "240rps").verdict;
        let is_invalid = matches!(collapsed, Verdict::Invalid { .. });
        assert!(is_invalid || matches!(collapsed, Verdict::Fail { .. }), "{text}");
        assert!(is_invalid || !output.status.success(), "{text}");
        assert!(!bare.runs.is_empty(), "others go on: {text}");
    } else {
        assert!(reasons[0].starts_with("bare itself collapsed at "), "{reasons:?}: {text}");
        assert!(matches!(bare.verdict, Verdict::NotRun { .. }), "{text}");
    }
    workshop.assert_clean("a sweep");
}
