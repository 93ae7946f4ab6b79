//! What the writer of a broken scenario reads: the exact text, because it is part of the product.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

mod matrix;
mod workload;

use meshbench_core::scenario::{Known, MeshName, Scenario};
use rstest::rstest;

const VALID: &str = r#"description: A test.
tier: quick
provider: local
meshes: [bare, reference]
rates: [500rps]
durations: [10s]
warm_up: 2s
repeats: 1
seed: 2019
workload:
  apps: 2
  votes: {":flushed:": 5, ":policeman:": 3}
  requests:
    - {path: "/api/list", weight: 1}
budgets:
  p50: {at_most: 20ms}
"#;

const EMOJI: [&str; 3] = [":flushed:", ":policeman:", ":joy:"];

/// What reading `text` says.
fn said(text: &str) -> String {
    let names = ["bare", "envoy-stock", "envoy-tuned", "reference"];
    let meshes: Vec<MeshName> = names.iter().map(|name| name.parse().unwrap()).collect();
    let known = Known { meshes: &meshes, emoji: &EMOJI };
    match Scenario::parse("scenarios/quick.yaml", "quick", text, known) {
        Ok(scenario) => format!("no complaint: {scenario:?}"),
        Err(problems) => problems.to_string(),
    }
}

fn with(valid: &str, broken: &str) -> String {
    assert!(VALID.contains(valid), "the valid scenario has no {valid:?}");
    VALID.replacen(valid, broken, 1)
}

#[rstest]
#[case::repeats_beyond_patience(
    "repeats: 1",
    "repeats: 4000000000",
    "scenarios/quick.yaml:8:10: repeats: 4000000000 is too much; expected at most 1000"
)]
#[case::compare_with_itself(
    "repeats: 1",
    "repeats: 8\ncompare: {old: reference, new: reference}",
    "scenarios/quick.yaml:9:32: compare.new: a mesh cannot be compared with itself; expected two versions, each a mesh of its own"
)]
#[case::compare_with_a_mesh_of_another_scenario(
    "repeats: 1",
    "repeats: 8\ncompare: {old: envoy-stock, new: reference}",
    "scenarios/quick.yaml:9:16: compare.old: \"envoy-stock\" is not a mesh of this scenario; expected one of \"bare\", \"reference\""
)]
#[case::upstream_with_votes_that_nobody_casts(
    "provider: local",
    "provider: kube\nkube: {workload_images: {web: w, emoji: e, voting: \"v 11\"}}",
    "scenarios/quick.yaml:4:52: kube.workload_images.voting: \"v 11\" is no image; expected one such as \"localhost/meshbench:dev\"\nscenarios/quick.yaml:13:11: workload.votes.:flushed:: upstream's voting service cannot start with votes, and no request votes for this; expected only what workload.requests votes for, or no kube.workload_images (hint: remove it)\nscenarios/quick.yaml:13:27: workload.votes.:policeman:: upstream's voting service cannot start with votes, and no request votes for this; expected only what workload.requests votes for, or no kube.workload_images (hint: remove it)"
)]
#[case::compare_versions_on_one_machine(
    "repeats: 1",
    "repeats: 8\ncompare: {mesh: reference, version: {old: 1.0, new: 1.0}}",
    "scenarios/quick.yaml:9:28: compare.version: on one machine the versions of a mesh are meshes of their own, each with its executable; expected {old: …, new: …} with two meshes, or provider: kube\nscenarios/quick.yaml:9:53: compare.version.new: a version cannot be compared with itself; expected two versions"
)]
#[case::compare_versions_that_are_none(
    "provider: local\nmeshes: [bare, reference]\nrates: [500rps]\ndurations: [10s]\nwarm_up: 2s\nrepeats: 1",
    "provider: kube\nmeshes: [bare, reference]\nrates: [500rps]\ndurations: [10s]\nwarm_up: 2s\nrepeats: 8\ncompare: {mesh: reference, version: {old: ../1.0, new: 1.1}}",
    "scenarios/quick.yaml:9:43: compare.version.old: \"../1.0\" is not a version; expected a version of letters, digits, dots, dashes, underscores and plus signs such as \"1.31.0\""
)]
#[case::compare_half_of_each(
    "repeats: 1",
    "repeats: 8\ncompare: {mesh: reference, new: reference}",
    "scenarios/quick.yaml:9:10: compare: expected either two meshes, {old: envoy-1-39, new: envoy-1-40}, or one mesh at two versions, {mesh: istio-stock, version: {old: 1.30.2, new: 1.31.0}}"
)]
#[case::mesh_with_a_version(
    "[bare, reference]",
    "[bare, reference@1.0]",
    "scenarios/quick.yaml:4:16: meshes[1]: a mesh has the version of its folder; to have two, write compare: {mesh: …, version: {old: …, new: …}}"
)]
#[case::compare_in_too_few_blocks(
    "repeats: 1",
    "repeats: 2\ncompare: {old: bare, new: reference}",
    "scenarios/quick.yaml:8:10: repeats: 2 blocks tell nothing of a change; a comparison needs 5 at least (hint: write repeats: 8)\nscenarios/quick.yaml:9:16: compare.old: bare is the control of every case; expected two versions of a mesh"
)]
#[case::judge_that_calls_everything_worse(
    "repeats: 1",
    "repeats: 1\njudge: {false_alarms: 60%, smallest_changes: {cpu: 0%}}",
    "scenarios/quick.yaml:9:23: judge.false_alarms: 60% makes no sense here; expected above 0% and below 50%\nscenarios/quick.yaml:9:52: judge.smallest_changes.cpu: 0% makes no sense here; expected above 0% and below 50%"
)]
#[case::judge_that_confirms_with_too_few_blocks(
    "repeats: 1",
    "repeats: 1\njudge: {confirming_blocks: 4}",
    "scenarios/quick.yaml:9:28: judge.confirming_blocks: 4 blocks confirm nothing; it takes 5 at least (hint: write confirming_blocks: 8)"
)]
#[case::judge_with_floors_that_hide_everything(
    "repeats: 1",
    "repeats: 1\njudge:\n  floors: {p50: 2s, tail: 1ms, cpu_per_request: 1s, memory: 1TiB}",
    "scenarios/quick.yaml:10:17: judge.floors.p50: 2s is too much; expected at most 1s\nscenarios/quick.yaml:10:49: judge.floors.cpu_per_request: 1s is too much; expected at most 10ms\nscenarios/quick.yaml:10:61: judge.floors.memory: \"1TiB\" is not an amount of memory; expected an amount of memory such as \"500MiB\" or \"1.5GiB\""
)]
#[case::judge_misspelt(
    "repeats: 1",
    "repeats: 1\njudge: {floors: {p99: 1ms}}",
    "scenarios/quick.yaml:9:18: judge.floors.p99: there is no such field; expected one of `p50`, `tail`, `cpu_per_request`, `memory`"
)]
#[case::interval_that_measures_itself(
    "repeats: 1",
    "repeats: 1\nresources: {interval: 1ns}",
    "scenarios/quick.yaml:9:23: resources.interval: 1ns is too little; expected at least 10ms"
)]
#[case::unknown_field(
    "durations:",
    "duration:",
    "scenarios/quick.yaml:6:1: duration: there is no such field; expected one of `description`, `tier`, `provider`, `meshes`, `rates`, `limit`, `durations`, `warm_up`, `repeats`, `seed`, `workload`, `compare`, `judge`, `resources`, `kube`, `budgets` (hint: did you mean `durations`?)"
)]
#[case::unknown_field_nested(
    "  apps: 2",
    "  app: 2",
    "scenarios/quick.yaml:11:3: workload.app: there is no such field; expected one of `apps`, `connections`, `timeout`, `votes`, `requests` (hint: did you mean `apps`?)"
)]
#[case::unknown_field_far(
    "seed: 2019",
    "colour: red",
    "scenarios/quick.yaml:9:1: colour: there is no such field; expected one of `description`, `tier`, `provider`, `meshes`, `rates`, `limit`, `durations`, `warm_up`, `repeats`, `seed`, `workload`, `compare`, `judge`, `resources`, `kube`, `budgets`"
)]
#[case::missing_field(
    "rates: [500rps]\n",
    "",
    "scenarios/quick.yaml: nothing says what is offered; expected `rates`, or `limit` to find out how much is carried"
)]
#[case::missing_field_nested(
    "path: \"/api/list\", weight",
    "weight",
    "scenarios/quick.yaml:14:7: workload.requests[0].path: this field is missing"
)]
#[case::field_twice(
    "warm_up: 2s",
    "warm_up: 2s\nwarm_up: 3s",
    "scenarios/quick.yaml:8:1: warm_up: this field is written twice"
)]
#[case::tier(
    "tier: quick",
    "tier: quik",
    "scenarios/quick.yaml:2:7: tier: \"quik\" is not a tier; expected one of \"quick\", \"nightly\", \"full\" (hint: did you mean \"quick\"?)"
)]
#[case::provider(
    "provider: local",
    "provider: docker",
    "scenarios/quick.yaml:3:11: provider: \"docker\" is not a provider; expected one of \"local\", \"kube\""
)]
#[case::description(
    "description: A test.",
    "description:",
    "scenarios/quick.yaml:1:13: description: nothing is written here; expected a sentence on what the scenario is for"
)]
#[case::warm_up_zero(
    "warm_up: 2s",
    "warm_up: 0s",
    "scenarios/quick.yaml:7:10: warm_up: \"0s\" is zero; expected a duration such as \"500ms\", \"10s\" or \"1h30m\""
)]
#[case::repeats_zero(
    "repeats: 1",
    "repeats: 0",
    "scenarios/quick.yaml:8:10: repeats: \"0\" is zero; expected a whole number above zero such as \"3\""
)]
#[case::repeats_negative(
    "repeats: 1",
    "repeats: -3",
    "scenarios/quick.yaml:8:10: repeats: \"-3\" is negative; expected a whole number above zero such as \"3\""
)]
#[case::repeats_fraction(
    "repeats: 1",
    "repeats: 1.5",
    "scenarios/quick.yaml:8:10: repeats: \"1.5\" is not a whole number above zero; expected a whole number above zero such as \"3\""
)]
#[case::repeats_too_large(
    "repeats: 1",
    "repeats: 99999999999",
    "scenarios/quick.yaml:8:10: repeats: \"99999999999\" is too large; expected a whole number above zero such as \"3\""
)]
#[case::seed(
    "seed: 2019",
    "seed: today",
    "scenarios/quick.yaml:9:7: seed: \"today\" is not a whole number; expected a whole number such as \"2019\""
)]
#[case::seed_negative(
    "seed: 2019",
    "seed: -1",
    "scenarios/quick.yaml:9:7: seed: \"-1\" is negative; expected a whole number such as \"2019\""
)]
#[case::budget_metric(
    "p50: {",
    "p95: {",
    "scenarios/quick.yaml:16:3: budgets.p95: \"p95\" is not a metric; expected one of \"p50\", \"p75\", \"p90\", \"p99\", \"p99_9\", \"p99_99\", \"error_share\", \"achieved_share\", \"cpu_per_request\", \"control_plane_cpu_per_request\", \"control_plane_proxy_cpu_per_request\", \"data_plane_cpu_per_request\", \"application_cpu_per_request\", \"node_overhead_cpu_per_request\", \"control_plane_memory\", \"control_plane_proxy_memory\", \"data_plane_memory\", \"application_memory\", \"node_overhead_memory\", \"limit\""
)]
#[case::budget_metric_near(
    "p50: {",
    "error_shares: {",
    "scenarios/quick.yaml:16:3: budgets.error_shares: \"error_shares\" is not a metric; expected one of \"p50\", \"p75\", \"p90\", \"p99\", \"p99_9\", \"p99_99\", \"error_share\", \"achieved_share\", \"cpu_per_request\", \"control_plane_cpu_per_request\", \"control_plane_proxy_cpu_per_request\", \"data_plane_cpu_per_request\", \"application_cpu_per_request\", \"node_overhead_cpu_per_request\", \"control_plane_memory\", \"control_plane_proxy_memory\", \"data_plane_memory\", \"application_memory\", \"node_overhead_memory\", \"limit\" (hint: did you mean \"error_share\"?)"
)]
#[case::budget_unit(
    "20ms",
    "20MiB",
    "scenarios/quick.yaml:16:18: budgets.p50.at_most: \"20MiB\" is an amount of memory; expected a latency such as \"10ms\""
)]
#[case::budget_without_unit(
    "20ms",
    "20",
    "scenarios/quick.yaml:16:18: budgets.p50.at_most: \"20\" has no unit; expected a duration such as \"500ms\", \"10s\" or \"1h30m\" (hint: did you mean \"20ms\"?)"
)]
#[case::budget_share(
    "p50: {at_most: 20ms}",
    "error_share: {at_most: 0.1}",
    "scenarios/quick.yaml:16:26: budgets.error_share.at_most: \"0.1\" has no unit; expected a share from 0% to 100% such as \"0.1%\" (hint: did you mean \"0.1%\"?)"
)]
#[case::budget_share_too_large(
    "p50: {at_most: 20ms}",
    "error_share: {at_most: 101%}",
    "scenarios/quick.yaml:16:26: budgets.error_share.at_most: \"101%\" is more than the whole; expected a share from 0% to 100% such as \"0.1%\""
)]
#[case::budget_memory(
    "p50: {at_most: 20ms}",
    "application_memory: {at_most: 500Mib}",
    "scenarios/quick.yaml:16:33: budgets.application_memory.at_most: \"500Mib\" is not an amount of memory; expected an amount of memory such as \"500MiB\" or \"1.5GiB\" (hint: did you mean \"500MiB\"?)"
)]
#[case::budget_scalar(
    "{at_most: 20ms}",
    "20ms",
    "scenarios/quick.yaml:16:8: budgets.p50: expected a mapping such as {at_most: 20ms}, found \"20ms\""
)]
#[case::budget_empty(
    "{at_most: 20ms}",
    "{}",
    "scenarios/quick.yaml:16:8: budgets.p50: this budget sets no limit; expected at_most, at_least or over_bare"
)]
#[case::budget_limit_name(
    "at_most",
    "atmost",
    "scenarios/quick.yaml:16:9: budgets.p50.atmost: there is no such field; expected one of `at_most`, `at_least`, `over_bare`, `of_bare` (hint: did you mean `at_most`?)"
)]
#[case::budget_twice(
    "p50: {at_most: 20ms}",
    "p50: {at_most: 20ms}\n  p50: {at_most: 30ms}",
    "scenarios/quick.yaml:17:3: budgets: \"p50\" is written twice; expected each key once"
)]
#[case::budget_contradiction(
    "{at_most: 20ms}",
    "{at_most: 20ms, at_least: 30ms}",
    "scenarios/quick.yaml:16:8: budgets.p50: nothing is both at most 20ms and at least 30ms"
)]
#[case::over_bare_without_sign(
    "at_most: 20ms",
    "over_bare: 10ms",
    "scenarios/quick.yaml:16:20: budgets.p50.over_bare: \"10ms\" is neither a difference from bare nor a ratio to it; expected a difference such as \"+10ms\" or a ratio such as \"x1.5\" (hint: did you mean \"+10ms\"?)"
)]
#[case::over_bare_nonsense(
    "at_most: 20ms",
    "over_bare: twice",
    "scenarios/quick.yaml:16:20: budgets.p50.over_bare: \"twice\" is neither a difference from bare nor a ratio to it; expected a difference such as \"+10ms\" or a ratio such as \"x1.5\""
)]
#[case::over_bare_unit(
    "at_most: 20ms",
    "over_bare: +10MiB",
    "scenarios/quick.yaml:16:20: budgets.p50.over_bare: \"10MiB\" is an amount of memory; expected a latency such as \"10ms\""
)]
#[case::over_bare_ratio(
    "at_most: 20ms",
    "over_bare: x0",
    "scenarios/quick.yaml:16:20: budgets.p50.over_bare: \"x0\" is not a ratio to bare; expected a ratio above zero such as \"x1.5\""
)]
#[case::over_bare_no_control(
    "p50: {at_most: 20ms}",
    "data_plane_memory: {over_bare: x2}",
    "scenarios/quick.yaml:16:34: budgets.data_plane_memory.over_bare: data_plane_memory cannot be compared with bare: bare has no data plane; expected at_most or at_least"
)]
#[case::override_unknown_mesh(
    "p50: {at_most: 20ms}",
    "overrides:\n    envoy-stock: {p50: {at_most: 1s}}",
    "scenarios/quick.yaml:17:5: budgets.overrides.envoy-stock: \"envoy-stock\" is not a mesh of this scenario; expected one of \"bare\", \"reference\""
)]
#[case::override_metric(
    "p50: {at_most: 20ms}",
    "overrides:\n    bare:\n      p5O: {at_most: 1s}",
    "scenarios/quick.yaml:18:7: budgets.overrides.bare.p5O: \"p5O\" is not a metric; expected one of \"p50\", \"p75\", \"p90\", \"p99\", \"p99_9\", \"p99_99\", \"error_share\", \"achieved_share\", \"cpu_per_request\", \"control_plane_cpu_per_request\", \"control_plane_proxy_cpu_per_request\", \"data_plane_cpu_per_request\", \"application_cpu_per_request\", \"node_overhead_cpu_per_request\", \"control_plane_memory\", \"control_plane_proxy_memory\", \"data_plane_memory\", \"application_memory\", \"node_overhead_memory\", \"limit\" (hint: did you mean \"p50\"?)"
)]
#[case::overrides_misspelt(
    "p50: {at_most: 20ms}",
    "override: {}",
    "scenarios/quick.yaml:16:3: budgets.override: \"override\" is not a metric; expected one of \"p50\", \"p75\", \"p90\", \"p99\", \"p99_9\", \"p99_99\", \"error_share\", \"achieved_share\", \"cpu_per_request\", \"control_plane_cpu_per_request\", \"control_plane_proxy_cpu_per_request\", \"data_plane_cpu_per_request\", \"application_cpu_per_request\", \"node_overhead_cpu_per_request\", \"control_plane_memory\", \"control_plane_proxy_memory\", \"data_plane_memory\", \"application_memory\", \"node_overhead_memory\", \"limit\" (hint: did you mean \"overrides\"?)"
)]
#[case::syntax(
    "[500rps]",
    "[500rps",
    "scenarios/quick.yaml:6:10: not valid YAML: did not find expected ',' or ']', while parsing a flow sequence at line 5 column 8"
)]
#[case::tab(
    "  apps: 2",
    "\tapps: 2",
    "scenarios/quick.yaml:11:1: not valid YAML: found character that cannot start any token, while scanning for the next token (hint: YAML allows no tabs for indentation: use spaces)"
)]
#[case::second_document(
    "budgets:",
    "---\nbudgets:",
    "scenarios/quick.yaml:15:1: a second document starts here; expected one document a file"
)]
#[case::contexts_twice(
    "provider: local",
    "provider: kube\nkube: {contexts: [east, east]}",
    "scenarios/quick.yaml:4:25: kube.contexts[1]: \"east\" is there twice, so that cases would have the same name (hint: remove one of the two)"
)]
#[case::context_empty(
    "provider: local",
    "provider: kube\nkube: {contexts: [\"\"]}",
    "scenarios/quick.yaml:4:19: kube.contexts[0]: nothing is written here; expected a kubeconfig context"
)]
#[case::contexts_and_a_cluster(
    "provider: local",
    "provider: kube\nkube:\n  contexts: [east]\n  cluster: {create: [up, \"{name}\"], delete: [down, \"{name}\"], context: c}",
    "scenarios/quick.yaml:6:3: kube.cluster: the scenario runs on clusters that are there, which `contexts` names, or on one made for it (hint: remove one of the two)"
)]
#[case::cluster_without_a_program(
    "provider: local",
    "provider: kube\nkube:\n  cluster: {create: [], delete: [down, \"{name}\"], context: c}",
    "scenarios/quick.yaml:5:21: kube.cluster.create: no program is named; expected it and its arguments"
)]
#[case::cluster_of_nobody(
    "provider: local",
    "provider: kube\nkube:\n  cluster: {create: [up, \"{name}\"], delete: [down], context: c}",
    "scenarios/quick.yaml:5:45: kube.cluster.delete: nothing in it says {name}, so that it is not the campaign's own cluster that is meant (hint: such as --name, \"{name}\")"
)]
#[case::cluster_without_a_context(
    "provider: local",
    "provider: kube\nkube:\n  cluster: {create: [up, \"{name}\"], delete: [down, \"{name}\"], context: \"\"}",
    "scenarios/quick.yaml:5:72: kube.cluster.context: nothing is written here; expected the context that `create` makes"
)]
#[case::placement_unknown(
    "provider: local",
    "provider: kube\nkube: {services: [same_node, upstairs]}",
    "scenarios/quick.yaml:4:30: kube.services[1]: \"upstairs\" is not a placement; expected one of \"anywhere\", \"same_node\", \"across_nodes\""
)]
#[case::placement_twice(
    "provider: local",
    "provider: kube\nkube: {services: [same_node, same_node]}",
    "scenarios/quick.yaml:4:30: kube.services[1]: \"same_node\" is the same placement as kube.services[0], so that cases would have the same name; expected each placement once (hint: remove one of the two)"
)]
#[case::placements_empty(
    "provider: local",
    "provider: kube\nkube: {services: []}",
    "scenarios/quick.yaml:4:18: kube.services: the list is empty; expected at least one placement"
)]
#[case::placements_a_mapping(
    "provider: local",
    "provider: kube\nkube: {services: {same_node: true}}",
    "scenarios/quick.yaml:4:18: kube.services: expected a placement such as same_node, or a list such as [same_node, across_nodes], found a mapping"
)]
#[case::one_installation_for_a_sweep_that_stops(
    "provider: local\nmeshes: [bare, reference]\nrates: [500rps]",
    "provider: kube\nkube: {install: per_block}\nmeshes: [bare, reference]\nrates: {from: 100rps, to: 500rps, step: 100rps, stop_at_collapse: true}",
    "scenarios/quick.yaml:4:17: kube.install: stop_at_collapse runs all blocks of a rate before the next; expected \"per_run\" (hint: remove it)"
)]
#[case::one_installation_for_a_limit(
    "provider: local\nmeshes: [bare, reference]\nrates: [500rps]",
    "provider: kube\nkube: {install: per_block}\nmeshes: [bare, reference]\nlimit: {slo: {p99: 50ms}, from: 100rps, to: 500rps}",
    "scenarios/quick.yaml:4:17: kube.install: the probes of a limit are each on a mesh that no other has strained; expected \"per_run\" (hint: remove it)\nscenarios/quick.yaml:17:3: budgets.p50: a scenario with `limit` has no p50 to judge; expected a budget on limit"
)]
#[case::one_installation_for_a_comparison(
    "provider: local\nmeshes: [bare, reference]\nrates: [500rps]\ndurations: [10s]\nwarm_up: 2s\nrepeats: 1",
    "provider: kube\nkube: {install: per_block}\nmeshes: [envoy-stock, reference]\nrates: [500rps]\ndurations: [10s]\nwarm_up: 2s\nrepeats: 8\ncompare: {old: envoy-stock, new: reference}",
    "scenarios/quick.yaml:4:17: kube.install: blocks that confirm a change are of one rate, installed for it alone, and must be as the first; expected \"per_run\" (hint: remove it)"
)]
#[case::unknown_anchor("[500rps]", "*rates", "scenarios/quick.yaml:5:8: not valid YAML: unknown anchor")]
fn says(#[case] valid: &str, #[case] broken: &str, #[case] expected: &str) {
    assert_eq!(said(&with(valid, broken)), expected);
}

#[test]
fn everything_wrong_is_said_at_once_in_the_order_of_lines() {
    let text =
        with("[500rps]", "[500 rqs]").replace("meshes: [bare, reference]", "meshes: [bare, referense]");
    let text = text.replace("p50: {at_most: 20ms}", "p50: {at_most: 20}");
    insta::assert_snapshot!(said(&text), @r#"
    scenarios/quick.yaml:4:16: meshes[1]: "referense" is not a mesh that exists; expected one of "bare", "envoy-stock", "envoy-tuned", "reference" (hint: did you mean "reference"?)
    scenarios/quick.yaml:5:9: rates[0]: "500 rqs" is not a rate; expected a rate such as "500rps" or "2.5krps" (hint: did you mean "500rps"?)
    scenarios/quick.yaml:16:18: budgets.p50.at_most: "20" has no unit; expected a duration such as "500ms", "10s" or "1h30m" (hint: did you mean "20ms"?)
    "#);
}

#[test]
fn a_file_without_content_is_said_to_be_empty() {
    for nothing in ["", "\n\n", "# only a comment\n"] {
        assert_eq!(said(nothing), "scenarios/quick.yaml: the file is empty");
    }
}

#[test]
fn a_file_that_holds_no_mapping_is_refused() {
    insta::assert_snapshot!(said("just words"), @r#"scenarios/quick.yaml:1:1: expected a mapping, found "just words""#);
}

#[test]
fn a_byte_order_mark_changes_nothing() {
    let broken = with("tier: quick", "tier: quik");
    assert_eq!(said(&format!("\u{feff}{broken}")), said(&broken));
}

#[test]
fn a_file_that_is_no_text_names_the_first_such_byte() {
    let problem =
        meshbench_core::yaml::text_of("scenarios/quick.yaml", b"tier: quick\nseed: \xff\n").unwrap_err();
    insta::assert_snapshot!(problem, @"scenarios/quick.yaml:2:7: not UTF-8 text (hint: save the file as UTF-8)");
}

#[test]
fn the_name_of_the_file_must_fit_into_case_names() {
    let known = Known { meshes: &["reference".parse().unwrap()], emoji: &EMOJI };
    let problems = Scenario::parse("scenarios/My Test.yaml", "My Test", VALID, known);
    insta::assert_snapshot!(problems.unwrap_err(), @r#"scenarios/My Test.yaml: "My Test" cannot be part of case names; expected a file name of lower-case letters, digits and dashes"#);
}

#[test]
fn the_valid_scenario_is_valid() {
    assert!(said(VALID).starts_with("no complaint"), "{}", said(VALID));
}
