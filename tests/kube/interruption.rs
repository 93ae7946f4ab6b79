//! Campaigns that are killed: `meshbench clean` leaves the cluster as it was.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::campaigns::small_scenario;
use crate::support::{start, text_of};
use crate::world::World;

/// Within so long a sweep is killed.
const LONGEST_SWEEP: Duration = Duration::from_secs(20);

/// SIGKILL at two moments of the cycle, then `clean`.
pub(crate) fn nothing_is_left_after_kills() {
    kill_and_clean(2);
}

/// The same at twenty moments, which takes half an hour.
pub(crate) fn nothing_is_left_after_twenty_kills() {
    kill_and_clean(20);
}

/// Kills campaigns at random moments, one in each part of the length of a whole one, each time followed by a `clean` that is
/// killed too, and by one that is not.
fn kill_and_clean(kills: u32) {
    let world = World::new();
    // Two rates on one installation, so that a mesh also stands while nothing runs on it.
    let scenario = small_scenario("istio-tuned", "1s", "  install: per_block\n");
    world.workshop.scenario("killed", &scenario.replace("[100rps]", "[50rps, 100rps]"));
    let before = world.everything();
    let began = Instant::now();
    let whole = world.meshbench(&["run", "killed"]).output().unwrap();
    let takes = began.elapsed();
    let report = world.workshop.measured(&whole);
    assert!(
        report.cases.len() == 4 && report.cases.iter().all(|case| case.runs.len() == 1),
        "{}",
        text_of(&whole)
    );
    for kill in 1..=kills {
        let random = RandomState::new().hash_one(kill) as f64 / u64::MAX as f64;
        let after = takes.mul_f64((f64::from(kill - 1) + random) / f64::from(kills));
        kill_after(&world, &["run", "killed"], after);
        // A sweep that is killed itself must forget nothing of what the next one needs to know.
        kill_after(&world, &["clean"], LONGEST_SWEEP.mul_f64(random));
        let cleaned = world.meshbench(&["clean"]).output().unwrap();
        assert!(cleaned.status.success(), "after {after:?}: {}", text_of(&cleaned));
        assert_eq!(world.everything(), before, "after {after:?}: {}", text_of(&cleaned));
    }
}

fn kill_after(world: &World, arguments: &[&str], after: Duration) {
    let mut killed = start(&mut world.meshbench(arguments));
    std::thread::park_timeout(after);
    killed.kill().unwrap();
    killed.wait().unwrap();
}
