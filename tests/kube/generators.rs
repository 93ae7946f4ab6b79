//! Several pods of the load generator.

use std::fs;
use std::path::Path;

use meshbench_core::recording::Recording;
use meshbench_core::report::{ClusterPlacement, RunReport};

use super::campaigns::small_scenario;
use crate::support::text_of;
use crate::world::World;

/// A load that generators share.
#[derive(Clone, Copy)]
struct Load {
    requests_per_second: u64,
    seconds: u64,
}

impl Load {
    fn requests(self) -> u64 {
        self.requests_per_second * self.seconds
    }

    /// Between two requests of the plan, in nanoseconds.
    fn spacing_ns(self) -> u64 {
        1_000_000_000 / self.requests_per_second
    }
}

/// How much later than a single generator's the requests of several may be sent: they take the cores of one machine here, and
/// neither machine nor scheduler is the same from one minute to the next.
const MOST_TIMES_LATER: u64 = 3;

/// Four pods send one load, begun at one instant: every request of the plan once, and every latency in the whole.
pub(crate) fn several_generators_are_one() {
    let _: (ClusterPlacement, Recording) =
        whole_of_four(&World::new(), Load { requests_per_second: 400, seconds: 10 });
}

/// The same at 1,000 requests per second for a minute, sent as evenly as one pod sends them by itself.
pub(crate) fn several_generators_are_as_even_as_one() {
    let world = World::new();
    let load = Load { requests_per_second: 1_000, seconds: 60 };
    let (_, _, alone) = run_with(&world, load, 1);
    let (placement, whole) = whole_of_four(&world, load);
    assert_even(load, &placement, &whole, &alone);
}

/// What four generators recorded together.
fn whole_of_four(world: &World, load: Load) -> (ClusterPlacement, Recording) {
    let (run, folder, whole) = run_with(world, load, 4);
    let parts: Vec<_> = (1..=4).map(|part| read(&folder, &format!("recording-{part}.json"))).collect();
    let requests: Vec<_> = parts.iter().map(|part| part.requests).collect();
    assert_eq!(requests, [load.requests() / 4; 4]);
    assert_eq!(whole.latency_ns.count(), parts.iter().map(|part| part.latency_ns.count()).sum::<u64>());
    let starts: Vec<_> = parts.iter().map(|part| part.window_start_unix_ns).collect();
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");
    let placement = run.placement.unwrap();
    assert!(placement.clock_error_ns > 0, "nobody asked for the clocks");
    (placement, whole)
}

/// Which request is due when is the same whoever sends it, which `meshbench-core` proves of plans. That the grid of all pods
/// together is even takes besides that they begin it at one instant, that their clocks agree to less than the spacing of
/// the grid, and that they send when it is due.
fn assert_even(load: Load, placement: &ClusterPlacement, whole: &Recording, alone: &Recording) {
    let spacing_ns = load.spacing_ns();
    let lag_p99_ns = |recording: &Recording| recording.send_lag_ns.value_at_quantile(0.99);
    let (of_all, of_one) = (lag_p99_ns(whole), lag_p99_ns(alone));
    let ClusterPlacement { clock_spread_ns, clock_error_ns, .. } = *placement;
    eprintln!(
        "send lag p99 of four generators together {of_all} ns, of one alone {of_one} ns: {:.2} times; clocks {clock_spread_ns} \
         ns apart, give or take {clock_error_ns} ns, with a request due every {spacing_ns} ns",
        of_all as f64 / of_one as f64
    );
    assert!(
        clock_spread_ns <= spacing_ns + clock_error_ns,
        "{clock_spread_ns} ns, give or take {clock_error_ns}"
    );
    assert!(of_all <= MOST_TIMES_LATER * of_one + clock_error_ns, "{of_all} ns against {of_one} ns");
}

/// The run of so many generators, with its folder and what all of them together recorded.
fn run_with(world: &World, load: Load, generators: u64) -> (RunReport, std::path::PathBuf, Recording) {
    let name = format!("generators-{generators}");
    let Load { requests_per_second, seconds } = load;
    let scenario = small_scenario("bare", &format!("{seconds}s"), &format!("  generators: {generators}\n"))
        .replace("100rps", &format!("{requests_per_second}rps"))
        .replace("connections: 4", "connections: 32");
    world.workshop.scenario(&name, &scenario);
    let output = world.meshbench(&["run", &name]).output().unwrap();
    let text = text_of(&output);
    let mut report = world.workshop.report();
    let case = report.cases.first_mut().unwrap_or_else(|| panic!("no case: {text}"));
    let run = case.runs.pop().unwrap_or_else(|| panic!("no run: {text}"));
    assert_eq!(run.requests, load.requests(), "{text}");
    assert_eq!(run.placement.as_ref().map(|placement| u64::from(placement.generators)), Some(generators));
    let folder = world.workshop.campaign().join(&run.folder);
    let whole = read(&folder, "recording.json");
    (run, folder, whole)
}

fn read(folder: &Path, name: &str) -> Recording {
    Recording::from_json(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}
