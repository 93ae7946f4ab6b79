//! How exactly load generators send, what that costs them, and how much they can send at most: this one, and each of wrk2,
//! h2load, oha, hey and wrk that is on PATH.
//!
//! All of them are measured alike and from outside: by what arrives at the same server, and by the CPU that the kernel
//! counted for their process. The server has one core, the generator another. Rounds are interleaved; medians are shown.
//!
//! Arguments narrow it: numbers to these rates (0 for as much as can be sent), names to these tools.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench ends where its surroundings fail, and prints"
)]

mod references;
#[path = "../../tests/support/mod.rs"]
mod support;
mod tools;

use std::process::ExitCode;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use support::event_server::{Behaviour, EventServer};
use tools::{OTHERS, OURS, Tool};

const ROUNDS: usize = 5;
const SECONDS: u64 = 4;
/// What a tool needs to get going is left out.
const WARM_UP: Duration = Duration::from_secs(1);
const RATES: [u64; 3] = [1_000, 10_000, 50_000];
const CONNECTIONS: u64 = 32;
const CONNECTIONS_SATURATED: u64 = 64;
const SERVER_CORE: usize = 0;
const GENERATOR_CORE: &str = "1";
/// This program is something else, too, when this variable says so.
const ROLE: &str = "MESHBENCH_BENCH_ROLE";
const GENERATOR: &str = "generator";
const SLEEPER: &str = "sleeper";

/// What one run of a tool came to.
#[derive(Debug, Clone, Copy)]
struct Run {
    requests_per_second: f64,
    /// Arrival against the ideal grid, in microseconds: p50, p99 and p99.9.
    lag_us: [f64; 3],
    cpu_us_per_request: f64,
}

fn main() -> ExitCode {
    match std::env::var(ROLE).as_deref() {
        Ok(SLEEPER) => references::sleep_only(std::env::args().nth(1).unwrap().parse().unwrap()),
        Ok(_) => return meshbench_load::cli::main(),
        Err(_) => bench(&std::env::args().skip(1).collect::<Vec<_>>()),
    }
    ExitCode::SUCCESS
}

fn bench(arguments: &[String]) {
    // Cargo adds an option of its own.
    let words = arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with('-'));
    let (rates, names): (Vec<&str>, Vec<&str>) = words.partition(|word| word.parse::<u64>().is_ok());
    let is_wanted = |tool: &&Tool| (names.is_empty() || names.contains(&tool.name)) && tool.is_there();
    let mut tools = vec![&OURS];
    tools.extend(OTHERS.iter().filter(is_wanted));
    let is_wanted = |rate: u64| rates.is_empty() || rates.contains(&rate.to_string().as_str());
    for rate in RATES.into_iter().filter(|rate| is_wanted(*rate)) {
        println!("\n{rate} requests per second over {CONNECTIONS} connections");
        compare(&tools, Some(rate), CONNECTIONS);
        println!("{:15} {:>55.1}", "sleeping alone", references::wake_up_cpu_us(rate));
    }
    if is_wanted(1_000) {
        let (reported, round_trip) = references::reported_and_round_trip_us();
        println!(
            "\np50 reported at 1000 rps: {reported:.0} µs; a round trip in a closed loop: {round_trip:.0} µs"
        );
    }
    if is_wanted(0) {
        println!("\nas many as it can over {CONNECTIONS_SATURATED} connections");
        compare(&tools, None, CONNECTIONS_SATURATED);
    }
}

fn compare(tools: &[&Tool], rate: Option<u64>, connections: u64) {
    let able: Vec<_> =
        tools.iter().filter(|tool| (tool.arguments)("", rate, connections).is_some()).collect();
    let mut runs: Vec<Vec<Run>> = able.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (tool, runs) in able.iter().zip(&mut runs) {
            runs.extend(run(tool, rate, connections));
        }
    }
    println!(
        "{:15} {:>9} {:>32} {:>12} {:>7}",
        "", "rps", "lag p50 / p99 / p99.9 in µs", "CPU µs/req", "of ours"
    );
    let ours = median(&runs[0], |run| run.cpu_us_per_request);
    for (tool, runs) in able.iter().zip(&runs) {
        let [p50, p99, p99_9] = [0, 1, 2].map(|index| median(runs, |run| run.lag_us[index]));
        let lag = if rate.is_some() { format!("{p50:.0} / {p99:.0} / {p99_9:.0}") } else { "-".to_owned() };
        let cpu = median(runs, |run| run.cpu_us_per_request);
        let rps = median(runs, |run| run.requests_per_second);
        println!("{:15} {rps:9.0} {lag:>32} {cpu:12.1} {:7.2}", tool.name, cpu / ours);
    }
}

fn run(tool: &Tool, rate: Option<u64>, connections: u64) -> Option<Run> {
    let behaviour = Behaviour { core: Some(SERVER_CORE), remembers: true, ..Behaviour::default() };
    let server = EventServer::start(behaviour);
    let url = format!("http://{}/", server.address);
    let arguments = (tool.arguments)(&url, rate, connections)?;
    let cpu_before = cpu_us_of_children();
    tool.run(&arguments);
    let cpu_us = cpu_us_of_children() - cpu_before;
    let mut arrivals: Vec<u64> = server.stop().iter().map(|seen| seen.arrived_unix_ns).collect();
    arrivals.sort_unstable();
    let requests = arrivals.len() as f64;
    let first = *arrivals.first()?;
    arrivals.retain(|arrived| *arrived >= first + WARM_UP.as_nanos() as u64);
    let seconds = (arrivals.last()? - arrivals.first()?) as f64 / 1e9;
    Some(Run {
        requests_per_second: (arrivals.len() - 1) as f64 / seconds,
        lag_us: rate.map_or([0.0; 3], |rate| lag_us(&arrivals, rate)),
        cpu_us_per_request: cpu_us / requests,
    })
}

/// Arrivals against a grid of `rate` per second that is laid so that one in a thousand is early.
fn lag_us(arrivals: &[u64], rate: u64) -> [f64; 3] {
    let against_grid =
        |(n, arrived): (usize, &u64)| (arrived - arrivals[0]) as f64 / 1e3 - n as f64 * 1e6 / rate as f64;
    let mut lags: Vec<f64> = arrivals.iter().enumerate().map(against_grid).collect();
    lags.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| lags[((lags.len() - 1) as f64 * share) as usize];
    [0.5, 0.99, 0.999].map(|quantile| at(quantile) - at(0.001))
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    middle(runs.iter().map(of))
}

fn middle(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// User and system time of all programs that were run and have ended, in microseconds.
fn cpu_us_of_children() -> f64 {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let us = |time: TimeVal| time.num_microseconds() as f64;
    us(used.user_time()) + us(used.system_time())
}
