//! How long thirty apps (90 pods) take to be deployed and deleted on the test cluster, against `kubectl` with the very same
//! objects on the very same node.
//!
//! Needs what `tests/kube` needs; `cargo bench --profile dev --bench thirty_apps` takes the programs that they are built
//! with. The number of rounds is its argument, two by default; fails above the limit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a bench may stop where it fails"
)]

#[path = "../tests/support/mod.rs"]
mod support;
#[allow(dead_code, reason = "the trials use more of it")]
#[path = "../tests/kube/world.rs"]
mod world;

use std::process::ExitCode;
use std::time::Instant;

use support::text_of;
use world::World;

const ROUNDS: u32 = 2;
/// The most that ours may take, of what `kubectl` takes.
const LIMIT: f64 = 1.2;

#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
fn main() -> ExitCode {
    let lacking = world::lacking();
    if !lacking.is_empty() {
        println!("no cluster can be had here:\n  - {}", lacking.join("\n  - "));
        return ExitCode::FAILURE;
    }
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let _down = Down;
    let world = World::new();
    let mut sums = [[0.0; 2]; 2];
    println!("90 pods        deployed by meshbench, kubectl   deleted by meshbench, kubectl   (seconds)");
    for round in 1..=rounds {
        let [deploy, delete] = round_of(&world);
        println!(
            "round {round:<8} {:>21.1} {:>8.1} {:>22.1} {:>8.1}",
            deploy[0], deploy[1], delete[0], delete[1]
        );
        for (sum, took) in sums.iter_mut().zip([deploy, delete]) {
            sum.iter_mut().zip(took).for_each(|(sum, took)| *sum += took);
        }
    }
    let [deploy, delete] = sums.map(|[ours, theirs]| ours / theirs);
    println!("of kubectl's time: deploying {deploy:.2}, deleting {delete:.2}; at most {LIMIT} is asked for");
    if deploy.max(delete) <= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Takes the cluster down, also where the bench fails.
struct Down;

impl Drop for Down {
    fn drop(&mut self) {
        world::end(std::thread::panicking());
    }
}

/// Deploying and deleting, each as it took us and `kubectl`, in seconds.
fn round_of(world: &World) -> [[f64; 2]; 2] {
    let scenario = support::small_scenario("bare", "1s")
        .replace("provider: local", "provider: kube\nkube: {step_limit: 15m, service_cpu_millicores: 10}")
        .replace("apps: 1", "apps: 30")
        .replace("connections: 4", "connections: 30");
    world.workshop.scenario("thirty", &scenario);
    let output = world.meshbench(&["run", "thirty"]).output().unwrap();
    let report = world.workshop.report();
    let run = report.cases[0].runs.first().unwrap_or_else(|| panic!("no run: {}", text_of(&output)));
    let placement = run.placement.as_ref().unwrap();
    let objects = world.workshop.campaign().join(&run.folder).join("workload.json");
    let objects = objects.to_str().unwrap();
    // Where ours had the load generator, and nothing else.
    world.kubectl(&["cordon", &placement.generator_node]);
    let began = Instant::now();
    world.kubectl(&["apply", "-f", objects]);
    world.kubectl(&["wait", "deployment", "--all", "-A", "--for=condition=Available", "--timeout=15m"]);
    let applied = began.elapsed().as_secs_f64();
    let began = Instant::now();
    world.kubectl(&["delete", "--wait", "--ignore-not-found", "-f", objects]);
    let deleted = began.elapsed().as_secs_f64();
    world.kubectl(&["uncordon", &placement.generator_node]);
    [[placement.steps.deploy, applied], [placement.steps.delete, deleted]]
}
