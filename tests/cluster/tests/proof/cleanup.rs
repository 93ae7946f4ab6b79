//! However a cluster ends, nothing of it is left.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use meshbench_testcluster::{Cluster, api, members};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::machine::Machine;
use super::support::{EMOJI, bring_up, cluster, eventually_here, pod, sweep, take_down, testcluster};

/// A cluster, a pod in it, and its end in order.
pub(crate) fn nothing_is_left_after_down() {
    sweep();
    let before = Machine::now(&cluster("down"));
    before.assert_sees();
    let cluster = bring_up("down");
    run_a_pod(&cluster);
    assert!(
        !Machine::now(&cluster).differences(&before).is_empty(),
        "the look at the machine sees no cluster"
    );
    take_down(&cluster);
    assert_as_before(&before, &cluster, "down");
    // Once more where there is nothing.
    take_down(&cluster);
    assert_as_before(&before, &cluster, "a second down");
}

/// A cluster of which random processes are killed, and one whose `up` is.
pub(crate) fn nothing_is_left_after_random_kills() {
    sweep();
    cycle_of_random_kills(&mut Random::seeded());
}

/// The same, often enough to meet what is rare.
pub(crate) fn ten_cycles_of_random_kills() {
    sweep();
    let mut random = Random::seeded();
    for cycle in 1..=10 {
        let began = Instant::now();
        cycle_of_random_kills(&mut random);
        eprintln!("cycle {cycle} of 10: clean after {:.1} s", began.elapsed().as_secs_f64());
    }
}

fn cycle_of_random_kills(random: &mut Random) {
    let before = Machine::now(&cluster("kills"));
    let cluster = bring_up("kills");
    run_a_pod(&cluster);
    let killed = kill_some(&cluster, random);
    take_down(&cluster);
    assert_as_before(&before, &cluster, &format!("down, after SIGKILL of {killed} processes"));

    let share = random.share();
    let mut up = testcluster(&cluster, &["up"]).spawn().unwrap();
    let moment = Duration::from_secs(12).mul_f64(share);
    let began = Instant::now();
    while began.elapsed() < moment && up.try_wait().unwrap().is_none() {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    up.kill().unwrap();
    up.wait().unwrap();
    take_down(&cluster);
    assert_as_before(&before, &cluster, &format!("down, after SIGKILL of up after {moment:?}"));
}

fn run_a_pod(cluster: &Cluster) {
    // No image of ours is in this cluster: a pod that cannot start has its pause process and a network all
    // the same.
    let made = api::block_on(async {
        let client = api::client(&cluster.kubeconfig()).await?;
        api::apply(&client, pod("default", "unstartable", &EMOJI)).await
    });
    made.unwrap();
    eventually_here("a pod's pause process", || {
        let found = members::of(cluster).unwrap().into_iter().filter(|&process| is_pause(process)).count();
        // The pod's and that of cluster DNS.
        if found >= 2 { Ok(()) } else { Err(format!("{found} of them")) }
    });
}

fn is_pause(process: i32) -> bool {
    let process = procfs::process::Process::new(process);
    process.and_then(|process| process.stat()).is_ok_and(|stat| stat.comm == "pause")
}

/// Kills from one process to all of them.
fn kill_some(cluster: &Cluster, random: &mut Random) -> usize {
    let members: Vec<_> = members::of(cluster).unwrap().into_iter().collect();
    let share = random.share();
    let chosen: Vec<_> = members.into_iter().filter(|_| random.share() <= share).collect();
    for &process in &chosen {
        // Some end with others.
        let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
    }
    chosen.len()
}

fn assert_as_before(before: &Machine, cluster: &Cluster, after: &str) {
    assert!(!cluster.folder().exists(), "the folder is left after {after}");
    assert!(!cluster.lock_file().exists(), "the lock's file is left after {after}");
    // The kernel takes namespaces apart after their last process has ended.
    eventually_here(&format!("the machine to be as before after {after}"), || {
        let left = members::of(cluster).unwrap();
        let mut differences = Machine::now(cluster).differences(before);
        differences.extend(left.into_iter().map(|process| format!("process {process}")));
        if differences.is_empty() { Ok(()) } else { Err(differences.join("; ")) }
    });
}

/// A different sequence every time.
struct Random(RandomState, u64);

impl Random {
    fn seeded() -> Self {
        Self(RandomState::new(), 0)
    }

    /// From 0 up to 1.
    fn share(&mut self) -> f64 {
        self.1 += 1;
        self.0.hash_one(self.1) as f64 / u64::MAX as f64
    }
}
