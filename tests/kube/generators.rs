//! Several pods of the load generator.

use std::fs;
use std::path::Path;

use meshbench_core::recording::Recording;
use meshbench_core::report::{ClusterPlacement, RunReport};

use super::campaigns::small_scenario;
use crate::support::text_of;
use crate::world::World;

const REQUESTS_PER_SECOND: u64 = 1_000;
const SECONDS: u64 = 60;
/// Between two requests of the plan, in nanoseconds.
const SPACING_NS: u64 = 1_000_000_000 / REQUESTS_PER_SECOND;
/// How much later than a single generator's the requests of several may be sent: they take the cores of one machine here, and
/// neither machine nor scheduler is the same from one minute to the next.
const MOST_TIMES_LATER: u64 = 3;

/// Four pods send one load, begun at one instant: every request of the plan once, every latency in the whole, and the requests
/// of all together as evenly as one pod sends them by itself.
pub(crate) fn several_generators_are_one() {
    let world = World::new();
    let (_, _, alone) = run_with(&world, 1);
    let (run, folder, whole) = run_with(&world, 4);
    let placement = run.placement.as_ref().unwrap();
    let parts: Vec<_> = (1..=4).map(|part| read(&folder, &format!("recording-{part}.json"))).collect();
    assert_eq!(
        parts.iter().map(|part| part.requests).collect::<Vec<_>>(),
        [REQUESTS_PER_SECOND * SECONDS / 4; 4]
    );
    assert_eq!(whole.latency_ns.count(), parts.iter().map(|part| part.latency_ns.count()).sum::<u64>());
    assert_even(placement, &parts, &whole, &alone);
}

/// Which request is due when is the same whoever sends it, which `meshbench-core` proves of plans. That the grid of all pods
/// together is even takes besides that they begin it at one instant, that their clocks agree to less than the spacing of
/// the grid, and that they send when it is due.
fn assert_even(placement: &ClusterPlacement, parts: &[Recording], whole: &Recording, alone: &Recording) {
    let starts: Vec<_> = parts.iter().map(|part| part.window_start_unix_ns).collect();
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");
    let lag_p99_ns = |recording: &Recording| recording.send_lag_ns.value_at_quantile(0.99);
    let (of_all, of_one) = (lag_p99_ns(whole), lag_p99_ns(alone));
    let ClusterPlacement { clock_spread_ns, clock_error_ns, .. } = *placement;
    eprintln!(
        "send lag p99 of four generators together {of_all} ns, of one alone {of_one} ns: {:.2} times; clocks {clock_spread_ns} \
         ns apart, give or take {clock_error_ns} ns, with a request due every {SPACING_NS} ns",
        of_all as f64 / of_one as f64
    );
    assert!(clock_error_ns > 0, "nobody asked for the clocks");
    assert!(
        clock_spread_ns <= SPACING_NS + clock_error_ns,
        "{clock_spread_ns} ns, give or take {clock_error_ns}"
    );
    assert!(of_all <= MOST_TIMES_LATER * of_one + clock_error_ns, "{of_all} ns against {of_one} ns");
}

/// The run of so many generators, with its folder and what all of them together recorded.
fn run_with(world: &World, generators: u64) -> (RunReport, std::path::PathBuf, Recording) {
    let name = format!("generators-{generators}");
    let scenario = small_scenario("bare", &format!("{SECONDS}s"), &format!("  generators: {generators}\n"))
        .replace("100rps", &format!("{REQUESTS_PER_SECOND}rps"))
        .replace("connections: 4", "connections: 32");
    world.workshop.scenario(&name, &scenario);
    let output = world.meshbench(&["run", &name]).output().unwrap();
    let text = text_of(&output);
    let mut report = world.workshop.report();
    let case = report.cases.first_mut().unwrap_or_else(|| panic!("no case: {text}"));
    let run = case.runs.pop().unwrap_or_else(|| panic!("no run: {text}"));
    assert_eq!(run.requests, REQUESTS_PER_SECOND * SECONDS, "{text}");
    assert_eq!(run.placement.as_ref().map(|placement| u64::from(placement.generators)), Some(generators));
    let folder = world.workshop.campaign().join(&run.folder);
    let whole = read(&folder, "recording.json");
    (run, folder, whole)
}

fn read(folder: &Path, name: &str) -> Recording {
    Recording::from_json(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}
