//! A mesh that traffic does not cross as it should is not measured.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use support::{Workshop, small_scenario, text_of};

fn refused(workshop: &Workshop) -> String {
    let output = workshop.meshbench(&["run"]).output().unwrap();
    let text = text_of(&output);
    assert!(!output.status.success(), "it should have been refused: {text}");
    workshop.assert_clean("a refused run");
    let report = workshop.report();
    let case = report.cases.iter().find(|case| !case.mesh.starts_with("bare")).unwrap();
    assert!(case.runs.is_empty(), "it was measured all the same");
    text
}

#[test]
fn a_sidecar_whose_counters_do_not_move_is_refused() {
    let workshop = Workshop::new();
    workshop.mesh("reference", "uncrossed", "mesh.yaml", |definition| {
        definition.replace("{direction=\"inbound\"}", "{direction=\"sideways\"}")
    });
    workshop.scenario("path", &small_scenario("uncrossed", "1s"));
    let text = refused(&workshop);
    assert!(text.contains("web-0's sidecar counted 0 inbound requests where 2 were sent"), "{text}");
}

/// The counter moves when the probe's stranger is turned away, and not for what peers send.
#[test]
fn requests_without_a_handshake_are_refused() {
    let workshop = Workshop::new();
    workshop.mesh("reference", "unshaken", "mesh.yaml", |definition| {
        definition.replace("result=\"accepted\"", "result=\"refused\"")
    });
    workshop.scenario("path", &small_scenario("unshaken", "1s"));
    let text = refused(&workshop);
    assert!(text.contains("counted no TLS handshake for them"), "{text}");
}
