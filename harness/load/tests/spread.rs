//! Who gets which requests, over which connections, and what happens when a run ends early.

mod support;

use std::io::{self, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use meshbench_core::load_plan::LoadPlan;
use meshbench_load::{EventSink, RunError, Surroundings, run};
use rstest::rstest;
use rustix::event::{EventfdFlags, eventfd};
use support::{OK, ScriptedServer, Then, measure, say, settings};

fn server() -> ScriptedServer {
    ScriptedServer::start(|stream, _| {
        say(stream, OK);
        Then::Keep
    })
}

#[rstest]
fn load_is_spread_exactly_and_connections_are_kept(#[values(1, 2)] threads: u32) {
    let servers = [server(), server(), server()];
    let addresses = [0, 1, 2].map(|index: usize| servers[index].address);
    let mut plan = settings(&addresses, &[("/a", 1), ("/b", 3)], "600rps", Duration::from_secs(1));
    plan.threads = threads;
    let recording = measure(plan);
    assert_eq!((recording.successes, recording.reconnects), (600, 0));
    for (server, counts) in servers.iter().zip(&recording.targets) {
        assert_eq!(server.accepted(), 4, "connections");
        let by_path: Vec<_> = server.requests_by_path().into_iter().collect();
        assert_eq!(by_path, [("/a".to_owned(), 50), ("/b".to_owned(), 150)]);
        assert_eq!((counts.requests, counts.successes, counts.errors), (200, 200, 0));
    }
}

#[test]
fn the_warm_up_is_sent_and_not_recorded() {
    let server = server();
    let mut plan = settings(&[server.address], &[("/", 1)], "200rps", Duration::from_secs(1));
    plan.warm_up = Duration::from_millis(500);
    let recording = measure(plan);
    assert_eq!((recording.requests, recording.send_lag_ns.count()), (200, 200));
    assert_eq!(
        (recording.successes, recording.warm_up_successes, recording.all_successes()),
        (200, 100, 300)
    );
    assert_eq!(server.requests_by_path()["/"], 300);
}

#[test]
fn saturation_keeps_every_connection_busy() {
    let server = server();
    let recording = measure(settings(&[server.address], &[("/", 1)], "max", Duration::from_secs(1)));
    assert!(recording.successes > 100, "{recording:?}");
    assert_eq!((recording.error_count(), recording.offered_rate, recording.max_queue_depth), (0, None, 0));
    assert_eq!(server.accepted(), 4);
}

/// Keeps the lines, and interrupts the run once one of them has `trigger` in it.
struct Interrupter {
    trigger: &'static str,
    interrupt: Arc<OwnedFd>,
}

impl Write for Interrupter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if String::from_utf8_lossy(line).contains(self.trigger) {
            rustix::io::write(&*self.interrupt, &1_u64.to_ne_bytes())?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that is full after the head of the log.
struct FullDisk {
    room: usize,
}

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_that_cannot_be_written_costs_no_figures() {
    let server = server();
    let settings = settings(&[server.address], &[("/", 1)], "100rps", Duration::from_secs(2));
    let events = EventSink::none();
    let interval_log = Some(FullDisk { room: 500 });
    let surroundings = Surroundings { events: &events, interval_log, interrupt: None };
    match run(LoadPlan::try_new(settings).unwrap(), surroundings) {
        Err(RunError::IntervalLog { recording: Some(recording), .. }) => assert_eq!(recording.successes, 200),
        other => panic!("{other:?}"),
    }
}

#[rstest]
fn an_interrupted_run_keeps_what_it_has(#[values("progress", "started")] trigger: &'static str) {
    let server = server();
    let hour = Duration::from_secs(3_600);
    let mut settings = settings(&[server.address], &[("/", 1)], "200rps", hour);
    settings.warm_up = if trigger == "started" { hour } else { Duration::ZERO };
    let interrupt = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).unwrap());
    let events = EventSink::lines(Box::new(Interrupter { trigger, interrupt: Arc::clone(&interrupt) }));
    let surroundings =
        Surroundings { events: &events, interval_log: None::<io::Sink>, interrupt: Some(interrupt.as_fd()) };
    let recording = run(LoadPlan::try_new(settings).unwrap(), surroundings).unwrap();

    assert!(recording.interrupted);
    assert_eq!(recording.requests, recording.successes + recording.error_count());
    if trigger == "progress" {
        assert!(recording.successes >= 100, "{} successes after a second", recording.successes);
        let share = recording.achieved_share().unwrap();
        // Of the hour that was planned it would be next to nothing.
        assert!(share > 0.5, "{share} of the offered rate in the window as far as it got");
    } else {
        assert_eq!((recording.requests, recording.window_ns), (0, 0));
    }
}
