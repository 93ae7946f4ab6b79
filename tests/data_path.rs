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

#[test]
fn a_sidecar_without_tls_is_refused() {
    let workshop = Workshop::new();
    workshop.mesh("haproxy", "plaintext", "haproxy.cfg.jinja", |template| {
        let lines = template.lines().map(|line| match line.trim_start() {
            macro_body if macro_body.starts_with("ssl crt") => "",
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    });
    workshop.scenario("path", &small_scenario("plaintext", "1s"));
    let text = refused(&workshop);
    assert!(text.contains("inbound port refuses a peer with a valid certificate"), "{text}");
}

#[test]
fn a_sidecar_that_lets_strangers_in_is_refused() {
    let workshop = Workshop::new();
    // Matching names makes Envoy insist on a certificate too, whatever else it is told.
    let matching = "  match_typed_subject_alt_names:
    - san_type: URI
      matcher: {{ accepted_identity | tojson }}
";
    workshop.mesh("envoy-tuned", "lenient", "envoy.yaml.jinja", |template| {
        assert!(template.contains(matching), "the template has changed");
        template
            .replace("require_client_certificate: true", "require_client_certificate: false")
            .replace(matching, "")
    });
    workshop.scenario("path", &small_scenario("lenient", "1s"));
    let text = refused(&workshop);
    assert!(text.contains("answers without a client certificate"), "{text}");
}
