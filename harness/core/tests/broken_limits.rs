//! What the writer of a scenario reads who asks for a limit that nobody could find.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

use meshbench_core::limit::LimitPlan;
use meshbench_core::scenario::{Known, Scenario};
use rstest::rstest;

const VALID: &str = r#"description: A test.
tier: quick
provider: local
meshes: [bare, reference]
limit:
  slo: {p99: 50ms, errors: 0.1%}
  from: 100rps
  to: 5krps
  precision: 3%
durations: [10s, 30s]
budgets:
  limit: {at_least: 2krps, of_bare: 0.6}
"#;

fn parse(text: &str) -> Result<Scenario, String> {
    let meshes = ["bare", "reference"].map(|name| name.parse().unwrap());
    let known = Known { meshes: &meshes, emoji: &[":flushed:", ":policeman:"] };
    Scenario::parse("limit.yaml", "limit", text, known).map_err(|problems| problems.to_string())
}

#[test]
fn a_limit_is_a_case_for_each_mesh_and_duration() {
    let scenario = parse(VALID).unwrap();
    let names: Vec<_> = scenario.cases().iter().map(ToString::to_string).collect();
    let expected = [
        "limit::bare::limit::10s",
        "limit::bare::limit::30s",
        "limit::reference::limit::10s",
        "limit::reference::limit::30s",
    ];
    assert_eq!(names, expected);
    let LimitPlan { service_level, confirmations, .. } = scenario.limit.unwrap();
    assert_eq!(confirmations.get(), 3);
    insta::assert_compact_json_snapshot!(service_level.as_written(), @r#"{"achieved": "99%", "errors": "0.1%", "p99": "50ms"}"#);
}

#[rstest]
#[case::everything_is_held(
    "errors: 0.1%",
    "errors: 100%",
    "limit.yaml:6:28: limit.slo.errors: 100% is too much; expected at most 50%"
)]
#[case::a_healthy_mesh_would_not_do(
    "errors: 0.1%",
    "achieved: 100%",
    "limit.yaml:6:30: limit.slo.achieved: 100% is too much; expected at most 99.9%"
)]
#[case::nothing_is_that_slow(
    "p99: 50ms",
    "p99: 6s",
    "limit.yaml:6:14: limit.slo.p99: 6s is not below the timeout, 5s, after which a request has failed (hint: lower it, or \
     raise `workload.timeout`)"
)]
#[case::both(
    "limit:\n",
    "rates: [500rps]\nlimit:\n",
    "limit.yaml:5:1: rates: a scenario with `limit` has no use for this: which rates are offered is what is looked for"
)]
#[case::repeats(
    "durations:",
    "repeats: 3\ndurations:",
    "limit.yaml:10:1: repeats: a scenario with `limit` has no use for this: `limit.confirmations` says how many runs confirm it"
)]
#[case::no_range(
    "to: 5krps",
    "to: 100rps",
    "limit.yaml:8:7: limit.to: 100rps is not above `from`, 100rps; expected a range in which to look"
)]
#[case::too_fine("3%", "0.5%", "limit.yaml:9:14: limit.precision: 0.5% is too little; expected at least 1%")]
#[case::too_coarse("3%", "60%", "limit.yaml:9:14: limit.precision: 60% is too much; expected at most 50%")]
#[case::too_few_requests(
    "from: 100rps",
    "from: 50rps",
    "limit.yaml:7:9: limit.from: 50rps for 10s are 500 requests, and the service level takes 1000 to be read (hint: write from: 100rps, or lengthen `durations`)"
)]
#[case::unknown_quantile("p99: 50ms", "p98: 50ms", "limit.yaml:6:9: limit.slo.p98: ")]
#[case::no_latency("p99: 50ms", "p99: 50rps", "limit.yaml:6:14: limit.slo.p99: \"50rps\" is not a duration")]
#[case::other_budget(
    "limit: {at_least: 2krps, of_bare: 0.6}",
    "p50: {at_most: 2ms}",
    "limit.yaml:12:3: budgets.p50: a scenario with `limit` has no p50 to judge; expected a budget on limit"
)]
#[case::over_bare(
    "of_bare: 0.6",
    "over_bare: x2",
    "limit.yaml:12:39: budgets.limit.over_bare: limit cannot be compared with bare: more of it is better, not worse; expected at_least or of_bare"
)]
#[case::no_part(
    "of_bare: 0.6",
    "of_bare: 60",
    "limit.yaml:12:37: budgets.limit.of_bare: \"60\" is no part of bare's limit; expected a number from 0 to 1 such as 0.6"
)]
#[case::no_rate(
    "2krps",
    "2ms",
    "limit.yaml:12:21: budgets.limit.at_least: \"2ms\" is a duration; expected a rate such as \"2000rps\""
)]
fn says(#[case] valid: &str, #[case] broken: &str, #[case] expected: &str) {
    assert!(VALID.contains(valid), "the valid scenario has no {valid:?}");
    let said = parse(&VALID.replacen(valid, broken, 1)).unwrap_err();
    assert!(said.starts_with(expected), "{said}\ninstead of\n{expected}");
}

#[test]
fn a_scenario_must_offer_something() {
    let nothing: String = VALID
        .lines()
        .filter(|line| !line.starts_with("  ") && !line.starts_with("limit"))
        .map(|line| format!("{line}\n"))
        .collect();
    let said = parse(&nothing.replace("budgets:\n", "")).unwrap_err();
    assert_eq!(
        said,
        "limit.yaml: nothing says what is offered; expected `rates`, or `limit` to find out how much is carried"
    );
}

#[test]
fn a_budget_on_a_limit_that_nobody_looks_for_is_refused() {
    let said = parse(
        "description: A test.\ntier: quick\nprovider: local\nmeshes: [bare]\nrates: [5rps]\ndurations: [10s]\nbudgets:\n  limit: {at_least: 1rps}\n",
    );
    assert_eq!(
        said.unwrap_err(),
        "limit.yaml:8:3: budgets.limit: no limit is looked for; expected `limit` instead of `rates`"
    );
}
