//! How much a mesh can carry, tried on sidecars whose capacity is known, and on some that go to pieces above it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::cell::Cell;
use std::fs;
use std::process::{Child, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use meshbench_core::limit::Owner;
use meshbench_core::report::{CaseReport, LimitOutcome, LimitReport};
use meshbench_core::units::OfferedRate;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::Process;
use rstest::rstest;
use support::{Workshop, start, text_of};

/// The rate above which the meshes below give out, in requests per second.
const LIMIT_RPS: f64 = 250.0;

/// Held by each test: what one measures, another beside it would disturb.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks for a limit between 100 and 800 requests per second, in few and short probes.
fn scenario(meshes: &str, duration: &str) -> String {
    format!(
        "description: a test
tier: quick
provider: local
meshes: [{meshes}]
limit:
  slo: {{p90: 100ms, errors: 1%, achieved: 95%}}
  from: 100rps
  to: 800rps
  precision: 20%
  confirmations: 1
durations: [{duration}]
warm_up: 500ms
workload:
  timeout: 1s
  requests: [{{path: \"/api/list\"}}]
  votes: {{}}
"
    )
}

/// The reference mesh with these injections, which every request passes once.
fn injecting(workshop: &Workshop, name: &str, outbound: &str) {
    workshop.mesh("reference", name, "sidecar.json.jinja", |template| {
        let end = template.rfind('}').unwrap();
        format!(
            "{}{{%- if workload == \"load\" %}}, \"injections\": {{\"outbound\": {outbound}}}{{% endif %}}\n}}\n",
            template[..end].trim_end()
        )
    });
}

fn run(workshop: &Workshop) -> Output {
    workshop.meshbench(&["run"]).output().unwrap()
}

/// What a search finds, and all that was said. One that does not end as it should on a machine that is fit is made anew, twice:
/// there may have been something else to do for it.
fn settled(
    workshop: &Workshop,
    mesh: &str,
    outcome: LimitOutcome,
    search: impl Fn() -> Output,
) -> (LimitReport, Output) {
    let mut again = 0;
    loop {
        let output = search();
        let limit = limit_of(workshop, mesh);
        let has_control = mesh == "bare" || outcome != LimitOutcome::Found || limit.of_bare.is_some();
        if limit.outcome == outcome && has_control || again == 2 {
            return (limit, output);
        }
        again += 1;
    }
}

fn case_of(workshop: &Workshop, mesh: &str) -> CaseReport {
    workshop.report().cases.into_iter().find(|case| case.mesh == mesh).unwrap()
}

fn limit_of(workshop: &Workshop, mesh: &str) -> LimitReport {
    case_of(workshop, mesh).limit.unwrap()
}

/// Everything that is said of the probes that were not held.
fn said(limit: &LimitReport) -> String {
    limit.probes.iter().flat_map(|probe| &probe.why).map(|why| format!("{why}\n")).collect()
}

/// While `run` lasts, sends `signal` to the sidecar of the load generator whenever more is offered than it can take.
fn overwhelm(workshop: &Workshop, run: &mut Child, signal: Signal) {
    let mut struck = Vec::new();
    while run.try_wait().unwrap().is_none() {
        let processes = workshop.processes();
        let is_too_much = |process: &&Process| offered_rps(process).is_some_and(|rps| rps > LIMIT_RPS);
        if processes.iter().any(|process| is_too_much(&process)) {
            let victims = processes.iter().filter(|process| {
                process
                    .cmdline()
                    .is_ok_and(|words| words.iter().any(|word| word.ends_with("load-sidecar/sidecar.json")))
            });
            for victim in victims.filter(|victim| !struck.contains(&victim.pid)).collect::<Vec<_>>() {
                struck.push(victim.pid);
                // One that has just ended was going to.
                let _: nix::Result<()> = kill(Pid::from_raw(victim.pid), signal);
            }
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert!(!struck.is_empty(), "no sidecar was ever offered too much");
}

/// What a load generator was told to offer.
fn offered_rps(process: &Process) -> Option<f64> {
    let words = process.cmdline().ok()?;
    let plan = words.iter().skip_while(|word| *word != "--plan").nth(1)?;
    let plan: serde_json::Value = serde_json::from_str(&fs::read_to_string(plan).ok()?).ok()?;
    plan["rate"].as_str()?.parse().ok().map(OfferedRate::requests_per_second)
}

/// How long a search was said to take at most, before it began.
fn announced(text: &str) -> Duration {
    let said = text.lines().find_map(|line| line.split_once("::limit::")?.1.split_once("probes, at most "));
    let (_, at_most) = said.unwrap_or_else(|| panic!("nothing was announced: {text}"));
    humantime::parse_duration(at_most.trim()).unwrap_or_else(|error| panic!("{at_most}: {error}"))
}

/// Within two steps of the precision.
fn assert_found(limit: &LimitReport, rps: f64, text: &str) {
    assert_eq!(limit.outcome, LimitOutcome::Found, "{limit:#?}\n{text}");
    let found = limit.rps.unwrap();
    assert!((rps / 1.44..rps * 1.44).contains(&found), "{found} instead of {rps}: {limit:#?}\n{text}");
}

#[test]
fn a_known_capacity_is_found_and_said_before_and_after() {
    let _alone = alone();
    let workshop = Workshop::new();
    injecting(&workshop, "slow", r#"{"service_time": "4ms"}"#);
    workshop.scenario(
        "capacity",
        &format!("{}budgets: {{limit: {{at_least: 2000rps}}}}\n", scenario("slow", "2s")),
    );
    let (limit, output) = settled(&workshop, "slow", LimitOutcome::Found, || run(&workshop));
    let text = text_of(&output);
    assert!(!output.status.success(), "the budget is not kept: {text}");
    assert!(text.contains("capacity::limit::2s: at most "), "{text}");
    assert!(text.contains("  slow at ") && text.contains("probes left, at most"), "{text}");
    assert!(text.contains("is below its limit 2000rps"), "{text}");
    assert_found(&limit, 250.0, &text);
    assert!(limit.of_bare.is_some() && limit.confirmed_by == 1, "{limit:#?}");
    let case = case_of(&workshop, "slow");
    assert_eq!(case.name, "capacity::slow::limit::2s");
    assert_eq!(case.runs.len(), limit.probes.len());
    assert_eq!(case.counted_runs().count(), 1, "the run that confirmed it");
    assert_made_anew(&workshop);
    workshop.assert_clean("a search");
}

/// From the recordings the same page comes, though these are of all probes and its figures of the run that confirmed the limit.
fn assert_made_anew(workshop: &Workshop) {
    let page = workshop.campaign().join("report.html");
    let left = fs::read_to_string(&page).unwrap();
    fs::remove_file(&page).unwrap();
    let output =
        workshop.meshbench(&["report", &workshop.campaign().display().to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
    assert!(
        fs::read_to_string(&page).unwrap() == left,
        "the page made anew is another: {}",
        text_of(&output)
    );
}

#[rstest]
#[case::hangs(Signal::SIGSTOP, "cannot be read")]
// As the kernel does to a sidecar whose memory is used up.
#[case::is_killed(Signal::SIGKILL, "signal: 9 (SIGKILL)")]
fn a_mesh_that_does_not_outlive_overload_has_its_limit_below(#[case] signal: Signal, #[case] words: &str) {
    let _alone = alone();
    let workshop = Workshop::new();
    workshop.scenario("overload", &scenario("reference", "1s"));
    let took = Cell::new(Duration::ZERO);
    let (limit, output) = settled(&workshop, "reference", LimitOutcome::Found, || {
        let began = Instant::now();
        let mut run = start(&mut workshop.meshbench(&["run"]));
        overwhelm(&workshop, &mut run, signal);
        let output = run.wait_with_output().unwrap();
        took.set(began.elapsed());
        output
    });
    let text = text_of(&output);
    let announced = announced(&text);
    assert!(
        took.get() < announced,
        "it took {:?} where {announced:?} were said to be the most: {text}",
        took.get()
    );
    assert_found(&limit, LIMIT_RPS, &text);
    assert!(said(&limit).contains(words), "{text}");
    workshop.assert_clean("probes that a mesh did not outlive");
}

#[test]
fn a_mesh_that_sheds_load_has_its_limit_where_errors_begin() {
    let _alone = alone();
    let workshop = Workshop::new();
    injecting(&workshop, "shedding", r#"{"service_time": "4ms", "longest_wait": "40ms"}"#);
    workshop.scenario("shed", &scenario("shedding", "2s"));
    let (limit, output) = settled(&workshop, "shedding", LimitOutcome::Found, || run(&workshop));
    let text = text_of(&output);
    assert_found(&limit, 250.0, &text);
    assert!(said(&limit).contains("of requests failed, where 1% may"), "{text}");
    workshop.assert_clean("probes answered with errors");
}

#[test]
fn a_capacity_that_falls_under_load_is_found_where_the_window_is_long_enough() {
    let _alone = alone();
    let workshop = Workshop::new();
    // Within the first third of the window for the most part: else the latency of who is tired is taken for a queue that grows.
    let tiring = r#"{"service_time": "1ms", "tiring": {"after": "1s", "service_time": "5ms"}}"#;
    injecting(&workshop, "tiring", tiring);
    workshop.scenario("falling", &scenario("tiring", "6s"));
    let (limit, output) = settled(&workshop, "tiring", LimitOutcome::Found, || run(&workshop));
    assert_found(&limit, 200.0, &text_of(&output));
    workshop.assert_clean("a search");
}

#[test]
fn what_holds_everything_carries_at_least_as_much_and_fails_no_budget() {
    let _alone = alone();
    let workshop = Workshop::new();
    let easy = scenario("bare", "1s").replace("800rps", "130rps");
    workshop.scenario("easy", &format!("{easy}budgets: {{limit: {{at_least: 100rps}}}}\n"));
    let held = LimitOutcome::AtLeast { limit_of: Owner::Range };
    let (limit, output) = settled(&workshop, "bare", held, || run(&workshop));
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    assert_eq!(limit.outcome, held, "{text}");
    assert_eq!(limit.rps, Some(130.0), "{text}");
    assert!(text.contains("bare carries at least 130rps: it held the highest rate"), "{text}");
}

#[test]
fn who_just_wants_to_know_is_shown_the_scenario() {
    let _alone = alone();
    let workshop = Workshop::new();
    let slo = ["--slo", "p90=1s", "--slo", "achieved=80%"];
    let arguments = ["limit", "--mesh", "bare", "--from", "100rps", "--to", "110rps", "--duration", "1s"];
    let output = workshop.meshbench(&arguments).args(slo).output().unwrap();
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("slo: {p90: \"1s\", achieved: \"80%\"}"), "{text}");
    assert!(text.contains("bare carries at least 110rps"), "{text}");
    let wrong = workshop.meshbench(&["limit", "--mesh", "barre", "--slo", "p90=1s"]).output().unwrap();
    let text = text_of(&wrong);
    assert!(!wrong.status.success() && text.contains("did you mean \"bare\"?"), "{text}");
}
