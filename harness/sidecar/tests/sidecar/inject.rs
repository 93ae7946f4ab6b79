//! Injections, seen from the client.

use std::time::{Duration, Instant};

use hyper::Request;
use meshbench_sidecar::Protocol;
use serde_json::{Value, json};

use crate::support::{Application, Pair, empty, http1, try_get};

const REQUESTS: u32 = 20;

/// The shortest of several round trips: what was injected is in every one, a busy machine only in some.
async fn shortest_round_trip(injections: &Value) -> Duration {
    let application = Application::start(Protocol::Http1).await;
    let pair = Pair::start_with(application.address, Protocol::Http1, injections).await;
    let mut client = http1(pair.entrance()).await;
    let mut shortest = Duration::MAX;
    for _ in 0..REQUESTS {
        let start = Instant::now();
        assert_eq!(try_get(&mut client, "/").await.0, 200);
        shortest = shortest.min(start.elapsed());
    }
    shortest
}

#[tokio::test]
async fn a_fixed_delay_is_added_in_its_direction_only() {
    let delayed = json!({"delay": {"fixed": "25ms"}});
    let none = shortest_round_trip(&Value::Null).await;
    let inbound = shortest_round_trip(&json!({"inbound": delayed})).await;
    let outbound = shortest_round_trip(&json!({"outbound": delayed})).await;
    let both = shortest_round_trip(&json!({"inbound": delayed, "outbound": delayed})).await;
    let delay = Duration::from_millis(25);
    assert!(none < inbound && none < outbound, "{none:?} {inbound:?} {outbound:?}");
    assert!(inbound >= delay && outbound >= delay, "{inbound:?} {outbound:?}");
    assert!(both >= 2 * delay, "{both:?}");
    assert!(inbound < both && outbound < both, "{inbound:?} {outbound:?} {both:?}");
}

#[tokio::test]
async fn a_delay_below_a_millisecond_is_not_rounded_up_to_one() {
    let none = shortest_round_trip(&Value::Null).await;
    let short = shortest_round_trip(&json!({"inbound": {"delay": {"fixed": "200us"}}})).await;
    let long = shortest_round_trip(&json!({"inbound": {"delay": {"fixed": "1200us"}}})).await;
    assert!(short >= Duration::from_micros(200), "{short:?}");
    // Six to one as injected; rounded up to ticks of a millisecond it would be two to one.
    assert!(long - none >= 3 * short.saturating_sub(none), "{none:?} {short:?} {long:?}");
}

#[tokio::test]
async fn cpu_burn_takes_at_least_its_time() {
    let burning = shortest_round_trip(&json!({"inbound": {"cpu_burn": "3ms"}})).await;
    assert!(burning >= Duration::from_millis(3), "{burning:?}");
}

async fn injected_errors(requests: u32, seed: u64) -> u32 {
    let application = Application::start(Protocol::Http1).await;
    let injections = json!({"inbound": {"error_share": 0.1}, "seed": seed});
    let pair = Pair::start_with(application.address, Protocol::Http1, &injections).await;
    let mut client = http1(pair.entrance()).await;
    let mut errors = 0;
    for _ in 0..requests {
        client.ready().await.unwrap();
        let response = client.send_request(Request::get("/").body(empty()).unwrap()).await.unwrap();
        match response.status().as_u16() {
            200 => {}
            503 => errors += 1,
            other => panic!("unexpected status {other}"),
        }
    }
    let counted = pair.server_side.requests("inbound", "injected_error").await;
    assert_eq!(counted, u64::from(errors));
    assert_eq!(pair.server_side.requests("inbound", "forwarded").await, u64::from(requests - errors));
    errors
}

#[tokio::test]
async fn errors_come_in_the_configured_share_and_by_the_seed() {
    const REQUESTS: u32 = 2_000;
    let errors = injected_errors(REQUESTS, 1).await;
    // Five standard deviations of the binomial distribution around its mean.
    let deviation = (f64::from(REQUESTS) * 0.1 * 0.9).sqrt();
    assert!((f64::from(errors) - 200.0).abs() <= 5.0 * deviation, "{errors} errors");
    assert_eq!(injected_errors(REQUESTS, 1).await, errors);
}

#[tokio::test]
async fn all_connections_wait_for_one_server() {
    const SERVICE: Duration = Duration::from_millis(5);
    let application = Application::start(Protocol::Http1).await;
    let injections = json!({"inbound": {"service_time": "5ms"}});
    let pair = Pair::start_with(application.address, Protocol::Http1, &injections).await;
    let mut clients = [http1(pair.entrance()).await, http1(pair.entrance()).await];
    let start = Instant::now();
    let [one, other] = clients.each_mut().map(|client| async {
        for _ in 0..REQUESTS {
            assert_eq!(try_get(client, "/").await.0, 200);
        }
    });
    tokio::join!(one, other);
    assert!(start.elapsed() >= 2 * REQUESTS * SERVICE, "{:?}", start.elapsed());
}
