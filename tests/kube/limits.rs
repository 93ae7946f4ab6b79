//! How much a mesh in a cluster can carry, where that is known.

use meshbench_core::report::LimitOutcome;

use super::additions::{self, MESH};
use super::campaigns::small_scenario;
use crate::world::World;

/// What each sidecar lets in, in requests per second; it answers all above that with 429.
const CAPACITY_RPS: f64 = 150.0;
/// How far from it the limit may be: what the search promises, and the share of errors that is tolerated.
const TOLERANCE: f64 = 0.12;

/// In the place of Envoy's only filter of inbound requests.
const FILTERS: &str = r#"http_filters:
                          - name: envoy.filters.http.local_ratelimit
                            typed_config:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
                              stat_prefix: capacity
                              token_bucket: {max_tokens: 30, tokens_per_fill: 15, fill_interval: 0.1s}
                              filter_enabled: {default_value: {numerator: 100}}
                              filter_enforced: {default_value: {numerator: 100}}
                          - &router
                            name: envoy.filters.http.router"#;

/// The mesh's limit is where its sidecars begin to refuse, and `bare` carries more.
pub(crate) fn a_limit_is_found_on_a_cluster() {
    let world = World::new();
    additions::add(&world, |text| {
        let only = "http_filters: &router\n                          - name: envoy.filters.http.router";
        text.replace(only, FILTERS).replace("*router", "[*router]")
    });
    let limit = "limit: {slo: {p90: 500ms, errors: 1%, achieved: 90%}, from: 50rps, to: 600rps, precision: 10%, confirmations: 1}";
    let scenario =
        small_scenario(MESH, "3s", "").replace("rates: [100rps]", limit).replace("repeats: 1\n", "");
    let scenario = scenario.replace("budgets:\n  error_share: {at_most: 1%}\n", "");
    let (cases, text) = additions::run(&world, &scenario);
    let of = |mesh: &str| cases.iter().find(|case| case.mesh == mesh).and_then(|case| case.limit.as_ref());
    let (limit, bare) = (of(MESH).expect(&text), of("bare").expect(&text));
    assert_eq!(limit.outcome, LimitOutcome::Found, "{text}");
    let part = limit.rps.unwrap() / CAPACITY_RPS;
    assert!((part - 1.0).abs() < TOLERANCE, "{part} of the truth: {text}");
    assert!(matches!(bare.outcome, LimitOutcome::AtLeast { .. }) || bare.rps > limit.rps, "{text}");
    assert!(text.contains("added::limit::3s: at most") && limit.confirmed_by == 1, "{text}");
}
