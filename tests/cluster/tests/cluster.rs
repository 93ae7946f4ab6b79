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

use proof::{admission, cleanup, nodes, statistics, support, workload};

/// A trial.
struct Proof {
    name: &'static str,
    run: fn(),
    /// Why it does not run by itself, where that is so, with the cure.
    ignored: Option<String>,
}

impl Proof {
    fn new(name: &'static str, run: fn()) -> Self {
        Self { name, run, ignored: None }
    }

    fn ignored_because(self, why: Option<&str>) -> Self {
        Self { ignored: why.map(|why| format!("{}: {why}", self.name)), ..self }
    }
}

/// In this order: those that need a machine without a cluster first, the one that breaks the shared cluster last.
fn proofs() -> Vec<Proof> {
    let takes_minutes = Some("it takes minutes: give --ignored");
    vec![
        Proof::new("nothing_is_left_after_down", cleanup::nothing_is_left_after_down),
        Proof::new("nothing_is_left_after_random_kills", cleanup::nothing_is_left_after_random_kills),
        Proof::new("ten_cycles_of_random_kills", cleanup::ten_cycles_of_random_kills)
            .ignored_because(takes_minutes),
        Proof::new("nodes_are_ready", nodes::nodes_are_ready),
        Proof::new("kubectl_works", nodes::kubectl_works).ignored_because(nodes::why_no_kubectl()),
        Proof::new("emojivoto_answers_across_nodes", workload::emojivoto_answers_across_nodes),
        Proof::new("statistics_match_the_control_groups", statistics::they_match_the_control_groups),
        Proof::new("a_webhook_mutates_pods", admission::a_webhook_mutates_pods),
        Proof::new("a_taint_keeps_pods_away", nodes::a_taint_keeps_pods_away),
        Proof::new("a_deleted_namespace_ends_its_pods", workload::a_deleted_namespace_ends_its_pods),
        Proof::new("a_second_cluster_fits_beside", nodes::a_second_cluster_fits_beside),
        Proof::new("a_killed_kubelet_is_noticed", nodes::a_killed_kubelet_is_noticed),
    ]
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share a cluster, and count what is on the machine.
    arguments.test_threads = Some(1);
    let (lacking, proofs) = (support::lacking(), proofs());
    if !arguments.list {
        say_what_is_ignored(&lacking, &proofs);
    }
    let trial = |proof: Proof| {
        let run = move || {
            (proof.run)();
            Ok(())
        };
        Trial::test(proof.name, run).with_ignored_flag(!lacking.is_empty() || proof.ignored.is_some())
    };
    let conclusion = libtest_mimic::run(&arguments, proofs.into_iter().map(trial).collect());
    if conclusion.has_failed() {
        support::keep_logs();
    }
    support::end_all();
    conclusion.exit_code()
}

fn say_what_is_ignored(lacking: &[String], proofs: &[Proof]) {
    if lacking.is_empty() {
        for why in proofs.iter().filter_map(|proof| proof.ignored.as_ref()) {
            eprintln!("ignored: {why}");
        }
    } else {
        eprintln!("the test cluster's trials are ignored here:\n  - {}", lacking.join("\n  - "));
    }
}
