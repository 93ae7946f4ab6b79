//! However a run ends, nothing of it is left: thirty runs ended by a signal at some moment.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use support::{Workshop, small_scenario, start, text_of};

/// How often each signal is sent, at moments spread over a run.
const TIMES_EACH: u32 = 10;

/// Longer than a run of the scenario below takes to be measuring.
const LATEST_MOMENT: Duration = Duration::from_millis(4_500);

#[rstest]
#[case::interrupt(Signal::SIGINT)]
#[case::terminate(Signal::SIGTERM)]
#[case::kill(Signal::SIGKILL)]
fn nothing_is_left_after(#[case] signal: Signal) {
    let workshop = Workshop::new();
    workshop.scenario("short", &small_scenario("bare, reference", "2s"));
    let mut seen_processes = 0;
    for time in 0..TIMES_EACH {
        let moment = LATEST_MOMENT * time / TIMES_EACH;
        let mut run = start(&mut workshop.meshbench(&["run"]));
        let began = Instant::now();
        while began.elapsed() < moment && run.try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        seen_processes += workshop.processes().len();
        kill(Pid::from_raw(i32::try_from(run.id()).unwrap()), signal).unwrap();
        let output = run.wait_with_output().unwrap();

        let after = format!("{signal} at {moment:?}");
        if signal == Signal::SIGKILL {
            // Processes die with the harness; its scratch folder is for the next start to remove.
            let swept = workshop.meshbench(&["clean"]).output().unwrap();
            assert!(swept.status.success(), "{}", text_of(&swept));
        } else {
            // Before its handler is there, a signal ends it as signals do; after, in order.
            let code = output.status.code();
            assert!(code.is_none() || code == Some(130), "{after}: {}", text_of(&output));
        }
        workshop.assert_clean(&after);
    }
    assert!(seen_processes > 0, "no run had started anything when its signal came");

    // The next run starts as if nothing had been.
    let output = workshop.meshbench(&["run"]).output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
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
