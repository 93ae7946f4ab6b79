//! Proof that the test cluster is a real Kubernetes, and that nothing of it is left. Needs root and what
//! `meshbench-testcluster up` needs; where that is missing, the trials are ignored and the run says why.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod proof;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A trial, and whether it takes minutes.
type Proof = (&'static str, fn(), Length);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Long,
}

/// In this order: those that need a machine without a cluster first, the one that breaks the shared cluster last.
const PROOFS: [Proof; 12] = [
    ("nothing_is_left_after_down", proof::cleanup::nothing_is_left_after_down, Length::Short),
    ("nothing_is_left_after_random_kills", proof::cleanup::nothing_is_left_after_random_kills, Length::Short),
    ("ten_cycles_of_random_kills", proof::cleanup::ten_cycles_of_random_kills, Length::Long),
    ("nodes_are_ready", proof::nodes::nodes_are_ready, Length::Short),
    ("kubectl_works", proof::nodes::kubectl_works, Length::Short),
    ("emojivoto_answers_across_nodes", proof::workload::emojivoto_answers_across_nodes, Length::Short),
    ("statistics_match_the_control_groups", proof::statistics::they_match_the_control_groups, Length::Short),
    ("a_webhook_mutates_pods", proof::admission::a_webhook_mutates_pods, Length::Short),
    ("a_taint_keeps_pods_away", proof::nodes::a_taint_keeps_pods_away, Length::Short),
    ("a_deleted_namespace_ends_its_pods", proof::workload::a_deleted_namespace_ends_its_pods, Length::Short),
    ("a_second_cluster_fits_beside", proof::nodes::a_second_cluster_fits_beside, Length::Short),
    ("a_killed_kubelet_is_noticed", proof::nodes::a_killed_kubelet_is_noticed, Length::Short),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share a cluster, and count what is on the machine.
    arguments.test_threads = Some(1);
    let lacking = proof::support::lacking();
    if !lacking.is_empty() && !arguments.list {
        eprintln!("the test cluster's trials are ignored here:\n  - {}", lacking.join("\n  - "));
    }
    let trial = |(name, proof, length): Proof| {
        let run = move || {
            proof();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(!lacking.is_empty() || length == Length::Long)
    };
    let conclusion = libtest_mimic::run(&arguments, PROOFS.map(trial).into());
    if conclusion.has_failed() {
        proof::support::keep_logs();
    }
    proof::support::end_shared();
    conclusion.exit_code()
}
