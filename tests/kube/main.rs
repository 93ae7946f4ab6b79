//! Meshes on a real Kubernetes: the test cluster, with a real Istio, under the role that `meshbench rbac` prints. Needs root
//! and what `meshbench-testcluster` needs; where that is missing, the trials are ignored and the run says why.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod additions;
mod breakage;
mod campaigns;
mod charts;
mod clusters;
mod generators;
mod interruption;
mod kernel;
mod limits;
#[path = "../support/mod.rs"]
mod support;
mod trouble;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// All trials, which share a cluster, in the order in which they run.
const TRIALS: [(&str, fn()); 18] = [
    ("charts_make_what_definitions_name", charts::charts_make_what_definitions_name),
    ("an_api_server_takes_all_objects", charts::an_api_server_takes_all_objects),
    ("kube_smoke_with_a_real_istio", campaigns::kube_smoke_with_a_real_istio),
    ("doctor_names_a_mesh_that_is_not_ours", campaigns::doctor_names_a_mesh_that_is_not_ours),
    ("an_image_that_cannot_be_had_is_named", campaigns::an_image_that_cannot_be_had_is_named),
    ("a_mesh_is_added_by_files_alone", additions::a_mesh_is_added_by_files_alone),
    ("a_second_campaign_is_refused", campaigns::a_second_campaign_is_refused),
    ("several_generators_are_one", generators::several_generators_are_one),
    ("an_app_without_injection_is_caught", breakage::an_app_without_injection_is_caught),
    ("mutual_tls_that_is_switched_off_is_caught", trouble::mutual_tls_that_is_switched_off_is_caught),
    ("a_webhook_that_is_down_is_caught", breakage::a_webhook_that_is_down_is_caught),
    ("a_waypoint_that_is_not_ready_is_caught", breakage::a_waypoint_that_is_not_ready_is_caught),
    ("an_api_server_that_is_away_is_waited_for", trouble::an_api_server_that_is_away_is_waited_for),
    ("an_evicted_generator_is_named", trouble::an_evicted_generator_is_named),
    ("a_webhook_that_refuses_is_named", trouble::a_webhook_that_refuses_is_named),
    ("nothing_is_left_after_kills", interruption::nothing_is_left_after_kills),
    ("of_two_clusters_the_slowed_one_is_the_lemon", clusters::of_two_clusters_the_slowed_one_is_the_lemon),
    ("a_cluster_lives_as_long_as_its_campaign", clusters::a_cluster_lives_as_long_as_its_campaign),
];

/// Trials that run when asked for.
const LONG_TRIALS: [(&str, fn()); 11] = [
    ("a_limit_is_found_on_a_cluster", limits::a_limit_is_found_on_a_cluster),
    ("placements_are_an_axis", clusters::placements_are_an_axis),
    (
        "a_made_cluster_goes_whatever_ends_its_campaign",
        clusters::a_made_cluster_goes_whatever_ends_its_campaign,
    ),
    ("two_versions_of_a_mesh_follow_each_other", additions::two_versions_of_a_mesh_follow_each_other),
    ("a_node_that_is_not_ready_is_named", trouble::a_node_that_is_not_ready_is_named),
    ("a_proxy_that_hangs_is_named", trouble::a_proxy_that_hangs_is_named),
    ("what_stays_behind_is_named", trouble::what_stays_behind_is_named),
    ("a_namespace_that_hangs_is_named", trouble::a_namespace_that_hangs_is_named),
    ("what_stays_on_nodes_is_named", trouble::what_stays_on_nodes_is_named),
    ("several_generators_are_as_even_as_one", generators::several_generators_are_as_even_as_one),
    ("nothing_is_left_after_twenty_kills", interruption::nothing_is_left_after_twenty_kills),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let lacking = world::lacking();
    if !arguments.list && lacking.is_empty() {
        let long: Vec<_> = LONG_TRIALS.iter().map(|(name, _)| *name).collect();
        eprintln!("ignored, for they take many minutes (--ignored runs them): {}", long.join(", "));
    }
    if !arguments.list && !lacking.is_empty() {
        eprintln!("the trials on a cluster are ignored here:\n  - {}", lacking.join("\n  - "));
    }
    let trial = |(name, run): (&'static str, fn()), is_ignored: bool| {
        let run = move || {
            run();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(is_ignored || !lacking.is_empty())
    };
    let usual = TRIALS.into_iter().map(|named| trial(named, false));
    let trials = usual.chain(LONG_TRIALS.into_iter().map(|named| trial(named, true)));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    world::end(conclusion.has_failed());
    conclusion.exit_code()
}
