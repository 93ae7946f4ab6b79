//! However a run ends, nothing of it is left: thirty runs ended by a signal at some moment.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use support::{Workshop, small_scenario, start, text_of};

/// How often each signal is sent, at a random moment of a run.
const TIMES_EACH: u32 = 10;

/// Longer than a run of the scenario below takes to be measuring.
const LATEST_MOMENT: Duration = Duration::from_millis(4_500);

/// A different sequence every time; the moments are printed when a test fails.
struct SmallRandom(RandomState, u64);

impl SmallRandom {
    fn seeded() -> Self {
        Self(RandomState::new(), 0)
    }

    /// From 0 up to 1.
    fn share(&mut self) -> f64 {
        self.1 += 1;
        self.0.hash_one(self.1) as f64 / u64::MAX as f64
    }
}

#[rstest]
#[case::interrupt(Signal::SIGINT)]
#[case::terminate(Signal::SIGTERM)]
#[case::kill(Signal::SIGKILL)]
fn nothing_is_left_after(#[case] signal: Signal) {
    let workshop = Workshop::new();
    workshop.scenario("short", &small_scenario("bare, reference", "2s"));
    let mut seen_processes = 0;
    let mut random = SmallRandom::seeded();
    for _ in 0..TIMES_EACH {
        let moment = LATEST_MOMENT.mul_f64(random.share());
        let mut run = start(&mut workshop.meshbench(&["run"]));
        let began = Instant::now();
        while began.elapsed() < moment && run.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        seen_processes += workshop.processes().len();
        kill(Pid::from_raw(i32::try_from(run.id()).unwrap()), signal).unwrap();
        let output = run.wait_with_output().unwrap();

        let after = format!("{signal} after {moment:?}");
        if signal == Signal::SIGKILL {
            // Processes die with the harness; its scratch folder is for the next start to remove.
            let swept = workshop.meshbench(&["clean"]).output().unwrap();
            assert!(swept.status.success(), "{}", text_of(&swept));
        } else {
            // Before its handler is there, a signal ends it as signals do; after, in order.
            let code = output.status.code();
            let by_signal = Some(128 + signal as i32);
            assert!(code.is_none() || code == by_signal, "{after}: {}", text_of(&output));
        }
        workshop.assert_clean(&after);
    }
    assert!(seen_processes > 0, "no run had started anything when its signal came");

    // The next run starts as if nothing had been.
    let output = workshop.meshbench(&["run"]).output().unwrap();
    workshop.measured(&output);
    workshop.assert_clean("a whole run");
}

#[test]
fn a_campaign_alive_is_not_swept_by_another() {
    let workshop = Workshop::new();
    workshop.scenario("short", &small_scenario("bare", "3s"));
    let first = start(&mut workshop.meshbench(&["run"]));
    workshop.await_process("meshbench-load");
    let clean = workshop.meshbench(&["clean"]).output().unwrap();
    assert!(text_of(&clean).contains("nothing to clean"), "{}", text_of(&clean));
    let output = first.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
    workshop.assert_clean("both");
}
