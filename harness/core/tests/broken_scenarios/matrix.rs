//! The matrix: meshes, durations, and rates in lists and in sweeps.

use rstest::rstest;

use super::{said, with};

#[rstest]
#[case::rate_unit(
    "[500rps]",
    "[500 rqs]",
    "scenarios/quick.yaml:5:9: rates[0]: \"500 rqs\" is not a rate; expected a rate such as \"500rps\" or \"2.5krps\" (hint: did you mean \"500rps\"?)"
)]
#[case::rate_without_unit(
    "[500rps]",
    "[500]",
    "scenarios/quick.yaml:5:9: rates[0]: \"500\" has no unit; expected a rate such as \"500rps\" or \"2.5krps\" (hint: did you mean \"500rps\"?)"
)]
#[case::rate_zero(
    "[500rps]",
    "[0rps]",
    "scenarios/quick.yaml:5:9: rates[0]: \"0rps\" is zero; expected a rate such as \"500rps\" or \"2.5krps\""
)]
#[case::rate_negative(
    "[500rps]",
    "[600rps, -5rps]",
    "scenarios/quick.yaml:5:17: rates[1]: \"-5rps\" is negative; expected a rate such as \"500rps\" or \"2.5krps\""
)]
#[case::rate_too_fine(
    "[500rps]",
    "[0.0001rps]",
    "scenarios/quick.yaml:5:9: rates[0]: \"0.0001rps\" has more decimals than can be kept exactly; expected a rate such as \"500rps\" or \"2.5krps\""
)]
#[case::rate_too_large(
    "[500rps]",
    "[99999999999999999rps]",
    "scenarios/quick.yaml:5:9: rates[0]: \"99999999999999999rps\" is too large; expected a rate such as \"500rps\" or \"2.5krps\""
)]
#[case::rate_beyond_any_machine(
    "[500rps]",
    "[500rps, 20000krps]",
    "scenarios/quick.yaml:5:17: rates[1]: 20000000rps is too much; expected at most 10000000rps"
)]
#[case::rate_is_a_list(
    "[500rps]",
    "[[500rps]]",
    "scenarios/quick.yaml:5:9: rates[0]: expected a single value, found a list"
)]
#[case::rates_not_a_list(
    "[500rps]",
    "500rps",
    "scenarios/quick.yaml:5:8: rates: expected a list, or a mapping such as {from: 500rps, to: 5500rps, step: 500rps}, found \"500rps\" (hint: write [500rps])"
)]
#[case::rates_empty(
    "[500rps]",
    "[]",
    "scenarios/quick.yaml:5:8: rates: the list is empty; expected at least one rate"
)]
#[case::rates_nothing(
    "[500rps]",
    "",
    "scenarios/quick.yaml: nothing says what is offered; expected `rates`, or `limit` to find out how much is carried"
)]
#[case::same_case_twice(
    "[500rps]",
    "[1000rps, 500rps, 1krps]",
    "scenarios/quick.yaml:5:26: rates[2]: \"1krps\" is the same rate as rates[0], so that cases would have the same name; expected each rate once (hint: remove one of the two)"
)]
#[case::sweep_unit(
    "[500rps]",
    "{from: 500rps, to: 5500, step: 500 rqs}",
    "scenarios/quick.yaml:5:27: rates.to: \"5500\" has no unit; expected a rate such as \"500rps\" or \"2.5krps\" (hint: did you mean \"5500rps\"?)\nscenarios/quick.yaml:5:39: rates.step: \"500 rqs\" is not a rate; expected a rate such as \"500rps\" or \"2.5krps\" (hint: did you mean \"500rps\"?)"
)]
#[case::sweep_downwards(
    "[500rps]",
    "{from: 500rps, to: 100rps, step: 100rps}",
    "scenarios/quick.yaml:5:27: rates.to: 100rps is not above 500rps, where the rates begin; expected the highest rate"
)]
#[case::sweep_beyond_any_machine(
    "[500rps]",
    "{from: 500rps, to: 20000krps, per_decade: 5}",
    "scenarios/quick.yaml:5:27: rates.to: 20000000rps is too much; expected at most 10000000rps"
)]
#[case::sweep_without_steps(
    "[500rps]",
    "{from: 500rps, to: 5500rps}",
    "scenarios/quick.yaml:5:8: rates: nothing says how the rates follow each other; expected `step` or `per_decade` (hint: add step: 500rps, or per_decade: 5)"
)]
#[case::sweep_with_two_kinds_of_steps(
    "[500rps]",
    "{from: 500rps, to: 5500rps, step: 500rps, per_decade: 5}",
    "scenarios/quick.yaml:5:50: rates.per_decade: `step` says already how the rates follow each other; expected one of the two (hint: remove one of the two)"
)]
#[case::sweep_in_tiny_steps(
    "[500rps]",
    "{from: 500rps, to: 5500rps, step: 5rps}",
    "scenarios/quick.yaml:5:42: rates.step: from 500rps to 5500rps these are more than 100 rates; expected at most 100 (hint: write a larger step)"
)]
#[case::sweep_of_crowded_decades(
    "[500rps]",
    "{from: 1rps, to: 10krps, per_decade: 50}",
    "scenarios/quick.yaml:5:45: rates.per_decade: from 1rps to 10000rps these are more than 100 rates; expected at most 100 (hint: write fewer per decade)"
)]
#[case::sweep_of_countless_steps(
    "[500rps]",
    "{from: 1rps, to: 10krps, per_decade: 1000}",
    "scenarios/quick.yaml:5:45: rates.per_decade: 1000 is too much; expected at most 100"
)]
#[case::sweep_without_an_end(
    "[500rps]",
    "{from: 500rps, step: 500rps}",
    "scenarios/quick.yaml:5:8: rates.to: this field is missing"
)]
#[case::sweep_misspelt(
    "[500rps]",
    "{from: 500rps, to: 5500rps, steps: 500rps}",
    "scenarios/quick.yaml:5:36: rates.steps: there is no such field; expected one of `from`, `to`, `step`, `per_decade`, `stop_at_collapse` (hint: did you mean `step`?)"
)]
#[case::sweep_twice(
    "[500rps]",
    "{from: 500rps, to: 5500rps, to: 6krps, step: 500rps}",
    "scenarios/quick.yaml:5:36: rates.to: this field is written twice"
)]
#[case::sweep_that_stops_perhaps(
    "[500rps]",
    "{from: 500rps, to: 5500rps, step: 500rps, stop_at_collapse: maybe}",
    "scenarios/quick.yaml:5:68: rates.stop_at_collapse: expected true or false, found \"maybe\""
)]
#[case::duration_beyond_a_week(
    "[10s]",
    "[10days]",
    "scenarios/quick.yaml:6:13: durations[0]: 10days is too much; expected at most 7days"
)]
#[case::duration_without_a_request(
    "[10s]",
    "[1ns]",
    "scenarios/quick.yaml:6:13: durations[0]: 1ns is too little; expected at least 100ms"
)]
#[case::duration_unit(
    "[10s]",
    "[10sek]",
    "scenarios/quick.yaml:6:13: durations[0]: \"10sek\" is not a duration; expected a duration such as \"500ms\", \"10s\" or \"1h30m\" (hint: did you mean \"10sec\"?)"
)]
#[case::duration_without_unit(
    "[10s]",
    "[10]",
    "scenarios/quick.yaml:6:13: durations[0]: \"10\" has no unit; expected a duration such as \"500ms\", \"10s\" or \"1h30m\" (hint: did you mean \"10s\"?)"
)]
#[case::duration_zero(
    "[10s]",
    "[0s]",
    "scenarios/quick.yaml:6:13: durations[0]: \"0s\" is zero; expected a duration such as \"500ms\", \"10s\" or \"1h30m\""
)]
#[case::duration_negative(
    "[10s]",
    "[-10s]",
    "scenarios/quick.yaml:6:13: durations[0]: \"-10s\" is negative; expected a duration such as \"500ms\", \"10s\" or \"1h30m\""
)]
#[case::duration_empty(
    "[10s]",
    "['']",
    "scenarios/quick.yaml:6:13: durations[0]: nothing is written here; expected a duration such as \"500ms\", \"10s\" or \"1h30m\""
)]
#[case::duration_nonsense(
    "[10s]",
    "[soon]",
    "scenarios/quick.yaml:6:13: durations[0]: \"soon\" is not a duration; expected a duration such as \"500ms\", \"10s\" or \"1h30m\""
)]
#[case::same_mesh_twice(
    "[bare, reference]",
    "[reference, bare, reference]",
    "scenarios/quick.yaml:4:27: meshes[2]: \"reference\" is the same mesh as meshes[0], so that cases would have the same name; expected each mesh once (hint: remove one of the two)"
)]
#[case::same_duration_twice(
    "[10s]",
    "[60s, 1m]",
    "scenarios/quick.yaml:6:18: durations[1]: \"1m\" is the same duration as durations[0], so that cases would have the same name; expected each duration once (hint: remove one of the two)"
)]
#[case::unknown_mesh(
    "[bare, reference]",
    "[bare, envoy-tund]",
    "scenarios/quick.yaml:4:16: meshes[1]: \"envoy-tund\" is not a mesh that exists; expected one of \"bare\", \"envoy-stock\", \"envoy-tuned\", \"reference\" (hint: did you mean \"envoy-tuned\"?)"
)]
#[case::unknown_mesh_far(
    "[bare, reference]",
    "[bare, cilium]",
    "scenarios/quick.yaml:4:16: meshes[1]: \"cilium\" is not a mesh that exists; expected one of \"bare\", \"envoy-stock\", \"envoy-tuned\", \"reference\""
)]
#[case::mesh_name(
    "[bare, reference]",
    "[bare, Envoy Tuned]",
    "scenarios/quick.yaml:4:16: meshes[1]: \"Envoy Tuned\" is not a mesh name; expected lower-case letters, digits and dashes such as \"envoy-tuned\""
)]
fn says(#[case] valid: &str, #[case] broken: &str, #[case] expected: &str) {
    assert_eq!(said(&with(valid, broken)), expected);
}
