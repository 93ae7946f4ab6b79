use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn settings() -> LoadPlanSettings {
    let request = |path: &str, weight| PlannedRequest::get(path.to_owned(), weight);
    let target = |name: &str, requests| Target {
        name: name.to_owned(),
        address: "127.0.0.1:8080".to_owned(),
        tls: None,
        requests,
    };
    LoadPlanSettings {
        version: LOAD_PLAN_VERSION,
        targets: vec![
            target("web-0", vec![request("/api/list", 1), request("/api/vote", 2)]),
            target("web-1", vec![request("/", 1)]),
        ],
        rate: PlannedRate::Constant(OfferedRate::from_requests_per_second(500).unwrap()),
        duration: Duration::from_secs(10),
        warm_up: Duration::from_secs(2),
        timeout: Duration::from_secs(5),
        drain: Duration::from_secs(1),
        connections: 16,
        max_connections: None,
        protocol: Protocol::Http1,
        streams: DEFAULT_STREAMS,
        threads: 2,
        spin: Duration::ZERO,
        seed: 7,
        ramp_to: None,
        arrivals: Arrivals::Constant,
        start_at_unix_ns: None,
        shard: ShardOfPlan::WHOLE,
    }
}

fn refused(change: impl FnOnce(&mut LoadPlanSettings)) -> String {
    let mut changed = settings();
    change(&mut changed);
    LoadPlan::try_new(changed).unwrap_err().to_string()
}

fn header(name: &str, value: &str) -> Vec<RequestHeader> {
    vec![RequestHeader { name: name.to_owned(), value: value.to_owned() }]
}

#[test]
fn a_plan_survives_its_json() {
    let mut settings = settings();
    settings.targets[0].requests[0] = PlannedRequest {
        method: "POST".to_owned(),
        headers: header("x-request-id", "7"),
        body: vec![0, 255],
        ..PlannedRequest::get("/".to_owned(), 1)
    };
    settings.targets[1].tls = Some(TlsSettings {
        ca_file: "ca.pem".into(),
        client: Some(ClientIdentity { certificate_file: "client.pem".into(), key_file: "client.key".into() }),
        server_name: Some("web.example".to_owned()),
    });
    let plan = LoadPlan::try_new(settings).unwrap();
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<LoadPlan>(&json).unwrap(), plan);
}

fn with_secrets(headers: &[(&str, &str)], body: &[u8]) -> LoadPlanSettings {
    let mut settings = settings();
    let headers = headers.iter().flat_map(|(name, value)| header(name, value)).collect();
    let request = &mut settings.targets[1].requests[0];
    (request.headers, request.body) = (headers, body.to_vec());
    settings
}

#[rstest]
#[case("Authorization", true)]
#[case("proxy-authorization", true)]
#[case("Cookie", true)]
#[case("X-Api-Key", true)]
#[case("PRIVATE-TOKEN", true)]
#[case("x-amz-security-token", true)]
#[case("x-session-id", true)]
#[case("x-goog-iap-jwt-assertion", true)]
#[case("X-Saml-Assertion", true)]
#[case("x-hub-signature-256", true)]
#[case("X-CSRF", true)]
#[case("X-XSRF", true)]
#[case("x-passwd", true)]
#[case("x-forwarded-client-cert", true)]
#[case("Accept", false)]
#[case("host", false)]
#[case("x-request-id", false)]
fn values_that_let_somebody_in_are_left_out(#[case] name: &str, #[case] is_secret: bool) {
    let kept = with_secrets(&[(name, "hunter2")], b"pin=1234").without_secrets();
    assert_eq!(
        kept.targets[1].requests[0].headers,
        header(name, if is_secret { LEFT_OUT } else { "hunter2" })
    );
    let json = serde_json::to_string(&LoadPlan::try_new(kept).unwrap()).unwrap();
    assert_eq!(json.contains("hunter2"), !is_secret);
    assert!(!json.contains("body"), "{json}");
}

#[test]
fn plans_with_other_secrets_can_be_told_apart() {
    let plans = [
        with_secrets(&[("cookie", "a"), ("authorization", "b")], b""),
        with_secrets(&[("cookie", "ab"), ("authorization", "")], b""),
        with_secrets(&[("cookie", ""), ("authorization", "ab")], b""),
        with_secrets(&[("cookie", "a"), ("authorization", "")], b"b"),
        with_secrets(&[("cookie", "a"), ("authorization", "b")], b"b"),
        with_secrets(&[("accept", "b")], b"b"),
    ];
    let secrets: BTreeSet<_> = plans.iter().map(LoadPlanSettings::secrets).collect();
    assert_eq!(secrets.len(), plans.len());
    assert!(with_secrets(&[("accept", "b")], b"").secrets().is_empty());
}

#[test]
fn the_json_is_this() {
    let mut one = settings();
    one.targets.truncate(1);
    insta::assert_snapshot!(serde_json::to_string(&LoadPlan::try_new(one).unwrap()).unwrap(), @r#"{"version":2,"targets":[{"name":"web-0","address":"127.0.0.1:8080","requests":[{"path":"/api/list","weight":1},{"path":"/api/vote","weight":2}]}],"rate":"500rps","ramp_to":null,"arrivals":"constant","duration_ns":10000000000,"warm_up_ns":2000000000,"timeout_ns":5000000000,"drain_ns":1000000000,"connections":16,"streams":100,"threads":2,"seed":7,"start_at_unix_ns":null,"shard":"1/1"}"#);
}

#[test]
fn unknown_fields_and_bad_plans_are_refused_when_read() {
    let json = serde_json::to_string(&LoadPlan::try_new(settings()).unwrap()).unwrap();
    let unknown =
        serde_json::from_str::<LoadPlan>(&json.replace("\"seed\"", "\"sed\"")).unwrap_err().to_string();
    assert!(unknown.contains("unknown field `sed`"), "{unknown}");
    let zero_rate =
        serde_json::from_str::<LoadPlan>(&json.replace("500rps", "0rps")).unwrap_err().to_string();
    assert!(zero_rate.contains("is zero; expected a rate"), "{zero_rate}");
    let no_threads =
        serde_json::from_str::<LoadPlan>(&json.replace("\"threads\":2", "\"threads\":0")).unwrap_err();
    assert!(no_threads.to_string().contains("zero threads"), "{no_threads}");
}

#[test]
fn every_refusal_says_what_would_work() {
    insta::assert_snapshot!(refused(|plan| plan.version = 9), @"load plan version 9 is not supported: this generator reads version 2; use one of the same release as the program that wrote the plan");
    insta::assert_snapshot!(refused(|plan| plan.targets.clear()), @"the plan has no target: give at least one server to send requests to");
    insta::assert_snapshot!(refused(|plan| plan.targets[1].name = "web-0".to_owned()), @"two targets are named `web-0`: give each a name of its own, so that their counts can be told apart");
    insta::assert_snapshot!(refused(|plan| plan.targets[0].requests.clear()), @"target `web-0` has no request: give at least one path");
    insta::assert_snapshot!(refused(|plan| plan.targets[0].requests[0].path = "a b".to_owned()), @"target `web-0` has the path `a b`: expected printable ASCII without spaces that starts with `/`");
    insta::assert_snapshot!(refused(|plan| plan.targets[0].requests[0].weight = 0), @"target `web-0` has the path `/api/list` with the weight 0: give it 1 or more, or leave it out");
    insta::assert_snapshot!(refused(|plan| plan.targets[0].requests[0].method = "CONNECT".to_owned()), @"target `web-0` has the method `CONNECT`: expected one such as GET or POST; CONNECT is not supported");
    insta::assert_snapshot!(refused(|plan| plan.targets[0].requests[0].headers = header("a b", "c")), @"target `web-0` has the header name `a b`: expected letters, digits and dashes, such as `x-request-id`");
    insta::assert_snapshot!(refused(|plan| plan.targets[0].requests[0].headers = header("Content-Length", "1")), @"target `web-0` has the header `Content-Length`: the engine writes it itself; leave it out");
    insta::assert_snapshot!(refused(|plan| plan.targets[0].requests[0].headers = header("a", "b\r\nc: d")), @"target `web-0` has the header `a` with a value that is no printable text: remove control characters and blanks at its ends");
    insta::assert_snapshot!(refused(|plan| plan.targets[0].requests[0].weight = 1_000_000), @"the weights of all targets and paths add up to 1000003 turns, more than 1000000: use smaller weights");
    insta::assert_snapshot!(refused(|plan| plan.duration = Duration::ZERO), @r#"the measured duration is zero: give a duration such as "10s""#);
    insta::assert_snapshot!(refused(|plan| plan.duration = Duration::from_millis(1)), @"not one request is due in 0.001 s at 500rps: measure longer or offer more");
    insta::assert_snapshot!(refused(|plan| (plan.rate, plan.arrivals) = (PlannedRate::Max, Arrivals::Poisson)), @"a plan that saturates has no due times, so that poisson arrivals cannot be asked of it: give a rate");
    insta::assert_snapshot!(refused(|plan| (plan.ramp_to, plan.duration) = ("9000krps".parse().ok(), Duration::from_secs(10_000_000))), @"the ramp is too long and too fast to be computed exactly: make it shorter than a day");
    insta::assert_snapshot!(refused(|plan| plan.shard = "1/2".parse().unwrap()), @"a shard without a start instant would not run together with the others: give all of them the same one (`--start-at`)");
    insta::assert_snapshot!(refused(|plan| plan.timeout = Duration::ZERO), @"the timeout is 0 s: expected more than zero and at most 1800 s");
    insta::assert_snapshot!(refused(|plan| plan.threads = 0), @"zero threads: give at least one");
    insta::assert_snapshot!(refused(|plan| plan.max_connections = Some(15)), @"at most 15 connections are fewer than the 16 that are kept open: raise the limit, or keep fewer open");
    insta::assert_snapshot!(refused(|plan| plan.streams = 0), @"zero streams: give at least one for each connection");
    insta::assert_snapshot!(refused(|plan| plan.connections = 0), @"zero connections: give at least one for each target and thread");
    insta::assert_snapshot!(refused(|plan| plan.connections = 3), @"3 connections are too few for 2 targets and 2 threads, for each thread needs one to each target: use at least 4 connections, or fewer threads");
}

#[rstest]
fn what_is_no_host_and_port_is_refused(
    #[values(
        "",
        "host",
        ":80",
        "host:",
        "host:0",
        "host:70000",
        "::1:80",
        "a/b:80",
        "a b:80",
        "user@host:80"
    )]
    address: &str,
) {
    let message = refused(|plan| plan.targets[0].address = address.to_owned());
    assert!(message.contains("expected host:port"), "{address:?}: {message}");
}

#[rstest]
fn every_thread_gets_a_connection_to_every_target(#[values(4, 5, 16, 17)] connections: u32) {
    let plan = LoadPlan::try_new(LoadPlanSettings { connections, ..settings() }).unwrap();
    let mut per_pair = BTreeMap::<(u32, u32), u32>::new();
    for index in 0..connections {
        *per_pair.entry((plan.thread_of_connection(index), plan.target_of_connection(index))).or_default() +=
            1;
    }
    assert_eq!(per_pair.len(), 4, "{per_pair:?}");
    let (fewest, most) = (per_pair.values().min().unwrap(), per_pair.values().max().unwrap());
    assert!(most - fewest <= 1, "{per_pair:?}");
}

proptest! {
    #[test]
    fn every_full_deal_spreads_exactly_by_weight(weights in prop::collection::vec(1_u32..20, 1..20), seed: u64, deals in 1_u64..4) {
        let mut settings = settings();
        settings.seed = seed;
        settings.targets.truncate(1);
        settings.targets[0].requests = weights.iter().map(|weight| PlannedRequest::get("/".to_owned(), *weight)).collect();
        let plan = LoadPlan::try_new(settings).unwrap();

        let cards: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut dealt = vec![0_u64; weights.len()];
        for n in 0..cards * deals {
            dealt[plan.request_for(n).request as usize] += 1;
        }
        let expected: Vec<u64> = weights.iter().map(|weight| u64::from(*weight) * deals).collect();
        prop_assert_eq!(dealt, expected);
    }

    #[test]
    fn the_seed_alone_decides_the_order(seed: u64) {
        let deal = |seed| {
            let plan = LoadPlan::try_new(LoadPlanSettings { seed, ..settings() }).unwrap();
            (0..8).map(|n| plan.request_for(n)).collect::<Vec<_>>()
        };
        prop_assert_eq!(deal(seed), deal(seed));
    }
}

/// The due time and the card of everything that one generator sends in the window, ascending.
fn sent(plan: &LoadPlan) -> Vec<(u64, Card)> {
    let settings = plan.settings();
    let window = settings.warm_up.as_nanos() as u64..(settings.warm_up + settings.duration).as_nanos() as u64;
    let mut sent = Vec::new();
    for thread in 0..settings.threads {
        let (mut turns, mut due_times) = (plan.turns_of_thread(thread), plan.schedule().unwrap().due_times());
        loop {
            let due_ns = due_times.due_ns(turns.peek());
            if due_ns >= window.end {
                break;
            }
            if due_ns >= window.start {
                sent.push((due_ns, plan.request_for(turns.peek())));
            }
            turns.advance();
        }
    }
    sent.sort_unstable();
    assert_eq!(plan.requests_due_in(window), Some(sent.len() as u64));
    sent
}

#[rstest]
fn shards_together_send_what_one_generator_sends(
    #[values(Arrivals::Constant, Arrivals::Poisson)] arrivals: Arrivals,
    #[values(None, Some("900rps"))] ramp_to: Option<&str>,
    #[values(1, 2, 3)] threads: u32,
    #[values(1, 2, 4, 7)] shards: u32,
) {
    let ramp_to = ramp_to.map(|rate| rate.parse().unwrap());
    let whole = LoadPlanSettings { arrivals, ramp_to, threads, start_at_unix_ns: Some(1), ..settings() };
    let mut parts = Vec::new();
    for index in 0..shards {
        let shard = ShardOfPlan::try_new(index + 1, shards).unwrap();
        let part = sent(&LoadPlan::try_new(LoadPlanSettings { shard, ..whole.clone() }).unwrap());
        let even = 10.0 * ramp_to.map_or(500.0, |_| 700.0) / f64::from(shards);
        assert!((part.len() as f64 / even - 1.0).abs() < 0.1, "{} of about {even}", part.len());
        parts.extend(part);
    }
    parts.sort_unstable();
    assert_eq!(parts, sent(&LoadPlan::try_new(whole).unwrap()));
}

#[test]
fn seeds_differ_in_order() {
    let orders: BTreeSet<Vec<Card>> = (0..50)
        .map(|seed| {
            let plan = LoadPlan::try_new(LoadPlanSettings { seed, ..settings() }).unwrap();
            (0..4).map(|n| plan.request_for(n)).collect()
        })
        .collect();
    assert!(orders.len() > 5, "50 seeds gave only {} orders", orders.len());
}
