//! Several pods of the load generator.

use meshbench_core::recording::Recording;

use super::campaigns::small_scenario;
use crate::support::text_of;
use crate::world::World;

/// Four pods send one load, begun at one instant: every request of the plan once, and every latency in the whole.
pub(crate) fn several_generators_are_one() {
    let world = World::new();
    let scenario = small_scenario("bare", "10s", "  generators: 4\n").replace("100rps", "400rps");
    world.workshop.scenario("together", &scenario);
    let output = world.meshbench(&["run", "together"]).output().unwrap();
    let text = text_of(&output);
    let report = world.workshop.report();
    let run =
        report.cases.first().and_then(|case| case.runs.first()).unwrap_or_else(|| panic!("no run: {text}"));
    assert_eq!(run.requests, 4_000, "{text}");
    let placement = run.placement.as_ref().unwrap();
    assert_eq!(placement.generators, 4, "{text}");
    assert!(placement.clock_error_ns > 0, "nobody asked for the clocks: {text}");
    let folder = world.workshop.campaign().join(&run.folder);
    let read =
        |name: String| Recording::from_json(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap();
    let parts: Vec<_> = (1..=4).map(|part| read(format!("recording-{part}.json"))).collect();
    let whole = read("recording.json".to_owned());
    assert_eq!(parts.iter().map(|part| part.requests).collect::<Vec<_>>(), [1_000; 4]);
    assert_eq!(whole.latency_ns.count(), parts.iter().map(|part| part.latency_ns.count()).sum::<u64>());
    let starts: Vec<_> = parts.iter().map(|part| part.window_start_unix_ns).collect();
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");
}
