//! Two versions of a mesh in the same blocks: what became slower is found, and confirmed by fresh blocks.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use meshbench_core::comparison::{Change, FEWEST_PAIRS};
use support::{Workshop, small_scenario, text_of};

#[test]
fn a_slower_version_regresses_and_fresh_blocks_confirm_it() {
    let workshop = Workshop::new();
    // A page that calls nothing, so that the delay is crossed once.
    let delay = |template: &str| {
        let end = template.rfind('}').unwrap();
        let injections = r#""injections": {"inbound": {"delay": {"fixed": "5ms"}}, "seed": 1}"#;
        format!("{},\n  {injections}\n}}\n", template[..end].trim_end())
    };
    workshop.mesh("reference", "slower", "sidecar.json.jinja", delay);
    let scenario = small_scenario("reference, slower", "1s")
        .replace(
            "repeats: 1",
            "repeats: 5\ncompare: {old: reference, new: slower}\njudge: {confirming_blocks: 5}",
        )
        .replace("100rps", "400rps");
    let (before, after) = (scenario.find("  requests:").unwrap(), scenario.find("budgets:").unwrap());
    let one_page = "  requests:\n    - {path: \"/\", weight: 1}\n";
    workshop.scenario("upgrade", &[&scenario[..before], one_page, &scenario[after..]].concat());

    // The old version runs as well, though only the new one was asked for.
    let output = workshop.meshbench(&["run", "slower"]).output().unwrap();
    let text = text_of(&output);
    let report = workshop.report();
    let case = |mesh: &str| report.cases.iter().find(|case| case.mesh == mesh).unwrap();
    assert!(!case("reference").selected && case("slower").selected, "{text}");
    let comparison = case("slower").comparison.as_ref().unwrap();
    assert_eq!(comparison.old, "reference");
    let p50 = comparison.metrics.iter().find(|compared| compared.metric == "p50");
    // A machine busy with something else makes blocks unfit; with fewer than five nothing is said.
    let is_fit = comparison.unfit_stage.is_none();
    if let Some(p50) = p50.filter(|p50| is_fit && p50.pairs as usize >= FEWEST_PAIRS) {
        assert!(p50.ratio > 1.5, "5 ms more show as {p50:?}: {text}");
        assert_eq!((p50.change, p50.confirmed), (Change::Regressed, true), "{text}");
        // Five blocks to see it and five fresh ones; a block that was no use is made up for by one more.
        assert!(case("slower").runs.len() >= 10, "{text}");
        assert!(!output.status.success(), "{text}");
        assert!(text.contains("p50 is worse than reference's by "), "{text}");
    } else {
        assert!(!comparison.dropped_blocks.is_empty(), "{text}");
        assert!(["INVALID", "INCONCLUSIVE"].contains(&case("slower").verdict.word()), "{text}");
    }
    workshop.assert_clean("a comparison");
}
