//! Several generators at once do together what one does.

#![expect(clippy::unwrap_used, reason = "a test ends where its surroundings fail")]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshbench_core::load_plan::{LoadPlan, LoadPlanSettings, ShardOfPlan};
use meshbench_core::recording::{Merge, Recording};
use meshbench_core::schedule::Arrivals;
use meshbench_load::{EventSink, RunError, Surroundings, run};
use rstest::rstest;
use support::{OK, ScriptedServer, Then, measure, say, settings};

const SHARDS: u32 = 4;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers `/ok`, refuses `/broken`, and leaves `/silent` without an answer.
fn server() -> ScriptedServer {
    ScriptedServer::start(|stream, path| {
        match path {
            "/ok" => say(stream, OK),
            "/broken" => say(stream, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
            _ => {}
        }
        Then::Keep
    })
}

fn plan(servers: &[ScriptedServer]) -> LoadPlanSettings {
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let paths = [("/ok", 5), ("/broken", 2), ("/silent", 1)];
    let mut plan = settings(&addresses, &paths, "401rps", Duration::from_secs(1));
    (plan.timeout, plan.drain) = (TIMEOUT, 2 * TIMEOUT);
    // One that owes an answer is closed when it times out, and nothing may wait behind it until then.
    (plan.warm_up, plan.connections) = (Duration::from_millis(200), 120);
    plan
}

fn soon_unix_ns() -> u64 {
    (SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3)).as_nanos() as u64
}

/// All shards at once, each with everything of its own as in a process of its own.
fn measure_in_shards(whole: &LoadPlanSettings) -> Vec<Recording> {
    let start_at_unix_ns = Some(soon_unix_ns());
    let of_shard = |number| {
        let shard = ShardOfPlan::try_new(number, SHARDS).unwrap();
        LoadPlanSettings { start_at_unix_ns, shard, connections: whole.connections / SHARDS, ..whole.clone() }
    };
    std::thread::scope(|scope| {
        let runs: Vec<_> =
            (1..=SHARDS).map(of_shard).map(|settings| scope.spawn(|| measure(settings))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

#[rstest]
fn four_shards_merged_equal_one(#[values(Arrivals::Constant, Arrivals::Poisson)] arrivals: Arrivals) {
    let (one, several) = ([server(), server()], [server(), server()]);
    let single = measure(LoadPlanSettings { arrivals, ..plan(&one) });
    let shards = measure_in_shards(&LoadPlanSettings { arrivals, ..plan(&several) });

    let mut merge = Merge::begin("1", shards[0].clone());
    shards[1..].iter().for_each(|shard| merge.add("other", shard).unwrap());
    let merged = merge.finish().unwrap();

    assert_eq!((merged.requests, merged.successes), (single.requests, single.successes));
    assert_eq!(merged.errors, single.errors);
    assert_eq!(merged.targets, single.targets);
    assert_eq!(merged.offered_rate, single.offered_rate);
    assert_eq!(merged.connections, single.connections);
    for (one, several) in one.iter().zip(&several) {
        assert_eq!(one.requests_by_path(), several.requests_by_path());
    }
    // Timeouts stand at the timeout, so that these quantiles must be the same to the nanosecond.
    for quantile in [0.7, 0.9, 0.99, 1.0] {
        let [merged, single] =
            [&merged, &single].map(|recording| recording.error_latency_ns.value_at_quantile(quantile));
        assert_eq!((merged, single), (TIMEOUT.as_nanos() as u64, TIMEOUT.as_nanos() as u64), "{quantile}");
    }
    for quantile in [0.5, 0.9, 0.99] {
        let of = |recording: &Recording| recording.latency_ns.value_at_quantile(quantile);
        let of_shards: Vec<_> = shards.iter().map(of).collect();
        let (fastest, slowest) = (of_shards.iter().min().unwrap(), of_shards.iter().max().unwrap());
        assert!((fastest..=slowest).contains(&&of(&merged)), "{quantile}: {} of {of_shards:?}", of(&merged));
    }
}

#[test]
fn generators_with_one_start_instant_open_their_windows_together() {
    let server = [server()];
    let start_at_unix_ns = soon_unix_ns();
    let mut plan = LoadPlanSettings { start_at_unix_ns: Some(start_at_unix_ns), ..plan(&server) };
    plan.targets[0].requests.truncate(1);
    let recording = measure(plan);
    assert_eq!(recording.window_start_unix_ns, start_at_unix_ns + 200_000_000);
    assert!(
        SystemTime::now()
            > UNIX_EPOCH + Duration::from_nanos(start_at_unix_ns) + Duration::from_millis(1_200)
    );
}

#[test]
fn a_start_that_is_over_is_refused() {
    let server = [server()];
    let plan = LoadPlanSettings { start_at_unix_ns: Some(1), ..plan(&server) };
    let events = EventSink::none();
    let surroundings = Surroundings { events: &events, interval_log: None::<std::io::Sink>, interrupt: None };
    let refused = run(LoadPlan::try_new(plan).unwrap(), surroundings);
    assert!(matches!(refused, Err(RunError::StartPassed { .. })), "{refused:?}");
    assert_eq!(server[0].accepted(), 0, "connections for a run that cannot be");
}

#[rstest]
fn a_ramp_sends_what_is_due_and_says_so(#[values(1, 2)] threads: u32) {
    let server = [server()];
    let mut plan = LoadPlanSettings { threads, ramp_to: "800rps".parse().ok(), ..plan(&server) };
    plan.rate = "200rps".parse().unwrap();
    plan.targets[0].requests.truncate(1);
    let recording = measure(plan);
    assert_eq!((recording.requests, recording.offered_rate), (500, Some(500.0)));
    assert_eq!(recording.senders.len(), threads as usize);
    let of_senders: f64 = recording.senders.iter().map(|sender| sender.cpu_seconds).sum();
    assert!(of_senders > 0.0 && of_senders <= recording.cpu_seconds * 1.05, "{recording:?}");
}
