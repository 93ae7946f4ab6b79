use std::time::Duration;

use super::*;
use crate::histogram::LatencyHistogram;
use crate::load_plan::{
    DEFAULT_STREAMS, LOAD_PLAN_VERSION, PlannedRate, PlannedRequest, Protocol, ShardOfPlan, Target,
};
use crate::schedule::Arrivals;

fn plan() -> LoadPlanSettings {
    LoadPlanSettings {
        version: LOAD_PLAN_VERSION,
        targets: vec![Target {
            name: "web".to_owned(),
            address: "127.0.0.1:8080".to_owned(),
            tls: None,
            requests: vec![PlannedRequest::get("/".to_owned(), 1)],
        }],
        rate: PlannedRate::Constant("100rps".parse().unwrap()),
        ramp_to: None,
        arrivals: Arrivals::Constant,
        duration: Duration::from_secs(1),
        warm_up: Duration::ZERO,
        timeout: Duration::from_secs(5),
        drain: Duration::ZERO,
        connections: 4,
        max_connections: None,
        protocol: Protocol::Http1,
        streams: DEFAULT_STREAMS,
        threads: 1,
        spin: Duration::ZERO,
        seed: 7,
        start_at_unix_ns: None,
        shard: ShardOfPlan::WHOLE,
    }
}

fn histogram(values_ns: &[u64]) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    values_ns.iter().for_each(|value_ns| histogram.record(*value_ns));
    histogram
}

/// A valid recording of a second at 100 rps, one thread and 4 connections, with these successes.
pub(crate) fn recording(latencies_ns: &[u64], send_lags_ns: &[u64]) -> Recording {
    let requests = latencies_ns.len() as u64;
    Recording {
        version: RECORDING_VERSION,
        generator: "meshbench-load 0.1.0".to_owned(),
        plan: plan(),
        left_out_digest: None,
        validity: Validity { valid: true, reasons: Vec::new() },
        interrupted: false,
        window_start_unix_ns: 1_700_000_000_000_000_001,
        window_ns: 1_000_000_000,
        warm_up_ns: 0,
        requests,
        successes: requests,
        errors: BTreeMap::new(),
        offered_rate: Some(100.0),
        answered_in_window: requests,
        warm_up_successes: 0,
        achieved_rate: requests as f64,
        cpu_seconds: 0.25,
        threads: 1,
        senders: vec![SenderUse { cpu_seconds: 0.2, involuntary_context_switches: 3 }],
        connections: 4,
        reconnects: 0,
        opened_extra: 0,
        max_queue_depth: 0,
        latency_ns: histogram(latencies_ns),
        service_ns: histogram(latencies_ns),
        send_lag_ns: histogram(send_lags_ns),
        error_latency_ns: LatencyHistogram::new(),
        targets: vec![TargetCounts { name: "web".to_owned(), requests, successes: requests, errors: 0 }],
    }
}

/// One success of four requests in a second.
fn mostly_failed() -> Recording {
    let mut recording = recording(&[1_000_001], &[1]);
    recording.requests = 4;
    recording.errors = BTreeMap::from([(ErrorKind::Status5xx, 2), (ErrorKind::Connect, 1)]);
    (recording.offered_rate, recording.achieved_rate) = (Some(4.0), 3.0);
    recording
}

#[test]
fn a_recording_survives_its_json_exactly() {
    let json = serde_json::to_string(&mostly_failed()).unwrap();
    assert_eq!(Recording::from_json(&json).unwrap(), mostly_failed());
}

#[test]
fn what_is_no_recording_is_refused() {
    let json = serde_json::to_string(&recording(&[5], &[5])).unwrap();
    let refused = |text: &str| {
        let error = Recording::from_json(text).unwrap_err();
        std::error::Error::source(&error).map_or(error.to_string(), |source| format!("{error}: {source}"))
    };
    let unknown = refused(&json.replace("\"interrupted\"", "\"interupted\""));
    assert!(unknown.contains("unknown field `interupted`"), "{unknown}");
    insta::assert_snapshot!(refused(r#"{"version":1,"requests":5}"#), @"`version` is 1, and only recordings of version 2 can be read: use programs of one release");
    insta::assert_snapshot!(refused("[]"), @"it is not a recording of meshbench-load: invalid length 0, expected struct Versioned with 1 element at line 1 column 2");
}

#[test]
fn error_kinds_are_named_alike_everywhere() {
    for kind in ErrorKind::ALL {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        assert_eq!(ErrorKind::ALL[kind as usize], kind, "tallies are indexed by kind");
    }
    assert_eq!(ErrorKind::of_grpc_status(1), ErrorKind::GrpcCancelled);
    assert_eq!(ErrorKind::of_grpc_status(14), ErrorKind::GrpcUnavailable);
    assert_eq!(ErrorKind::of_grpc_status(16), ErrorKind::GrpcUnauthenticated);
    assert_eq!(ErrorKind::of_grpc_status(17), ErrorKind::GrpcUnknown);
}

#[test]
fn shares_are_of_what_they_say() {
    let recording = mostly_failed();
    assert_eq!(recording.error_count(), 3);
    let shares = [recording.error_share(), recording.achieved_share().unwrap(), recording.cpu_share()];
    assert_eq!(shares, [0.75, 0.75, 0.25]);
    assert!((recording.busiest_sender_share() - 0.2).abs() < 1e-9);
    assert!((recording.cpu_us_per_request() - 62_500.0).abs() < 1e-6);
}
