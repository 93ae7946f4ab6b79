//! One run from plan to recording: [`run`].

use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use meshbench_core::load_event::LoadEvent;
use meshbench_core::load_plan::{LoadPlan, Protocol};
use meshbench_core::recording::Recording;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::thread::Pid;

use crate::clock::{self, MonotonicNs, timespec};
use crate::dial::{dial, resolve};
use crate::error::RunError;
use crate::events::EventSink;
use crate::hand_over::HandOver;
use crate::http1::Http1;
use crate::http2::Http2;
use crate::interval_log::IntervalLog;
use crate::recorder::Recorder;
use crate::result::{Measured, recording};
use crate::sender_use::SenderReading;
use crate::sending_thread::SendingThread;
use crate::tally::Tally;
use crate::worker::{Control, Orders, Session, Timing, Worker};

/// Time for the threads to be ready when the first request is due.
const LEAD: Duration = Duration::from_millis(20);
/// Besides the one in use, so that a thread never waits for the recorder.
const SPARE_TALLIES_PER_THREAD: usize = 1;

/// Where a run reports to, and how it is ended early.
pub struct Surroundings<'a, W> {
    /// Where the run tells what happens.
    pub events: &'a EventSink,
    /// Where the interval log goes, if anywhere.
    pub interval_log: Option<W>,
    /// When this becomes readable, the run ends early and the recording says so.
    pub interrupt: Option<BorrowedFd<'a>>,
}

/// Runs `plan` to its end.
///
/// # Errors
/// Where a target's name cannot be resolved, no target can be reached, the start instant is over, or the machine lacks what
/// the engine needs.
pub fn run<W: Write + Send>(
    plan: LoadPlan,
    surroundings: Surroundings<'_, W>,
) -> Result<Recording, RunError> {
    // Asked first, because connecting may take long.
    start_of(&plan)?;
    match plan.settings().protocol {
        Protocol::Http1 => run_protocol::<Http1, W>(plan, surroundings),
        Protocol::Http2 | Protocol::Grpc => run_protocol::<Http2, W>(plan, surroundings),
    }
}

fn run_protocol<S: Session, W: Write + Send>(
    plan: LoadPlan,
    surroundings: Surroundings<'_, W>,
) -> Result<Recording, RunError> {
    let settings = plan.settings();
    let destinations = resolve::<S>(&settings.targets)?;
    let requests: Vec<_> = settings.targets.iter().map(|target| S::render(target, settings)).collect();
    let connections = dial::<S>(&plan, &destinations, &requests)?;
    let control = Control::new().map_err(RunError::Engine)?;
    let timing = Timing::of(&plan, wait_for_start(&plan, surroundings.interrupt)?);
    let orders = Arc::new(Orders { plan, requests, destinations, timing, control });

    let Surroundings { events, interval_log, interrupt } = surroundings;
    let window_start_unix_ns = match orders.plan.settings().start_at_unix_ns {
        Some(start_unix_ns) => start_unix_ns + timing.window_start.ns_since(timing.start),
        None => timing.window_start.to_unix_ns(),
    };
    let interval_log = interval_log
        .map(|out| IntervalLog::begin(out, window_start_unix_ns))
        .transpose()
        .map_err(|source| RunError::IntervalLog { source, recording: None })?;
    let (measured, (total, log_failure)) = thread::scope(|scope| {
        let (deliver, deliveries) = mpsc::channel();
        let mut empties = Vec::new();
        let mut threads = Vec::new();
        for (index, connections) in connections.into_iter().enumerate() {
            let (empty, from_recorder) = mpsc::channel();
            for _ in 0..SPARE_TALLIES_PER_THREAD {
                // The receiver is right here.
                let _ = empty.send(Box::new(Tally::new(orders.destinations.len())));
            }
            empties.push(empty);
            let hand_over = HandOver::new(index, timing.window_start, deliver.clone(), from_recorder);
            let worker = Worker::new(Arc::clone(&orders), index as u32, connections, hand_over);
            threads.push(SendingThread::start(index, worker.map_err(RunError::Engine)?)?);
        }
        drop(deliver);
        let recorder = Recorder { deliveries, empties, interval_log, events };
        let targets = orders.destinations.len();
        let recorder = scope.spawn(move || recorder.run(targets));
        let ids: Vec<_> = threads.iter().map(SendingThread::id).collect();
        let measured = watch(&orders, &ids, events, interrupt);
        threads.into_iter().try_for_each(SendingThread::join)?;
        let total = recorder.join().map_err(|_| RunError::Thread)?;
        Ok::<_, RunError>((measured.map_err(RunError::Engine)?, total))
    })?;
    let recording = recording(&orders.plan, window_start_unix_ns, measured, total);
    match log_failure {
        None => Ok(recording),
        Some(source) => Err(RunError::IntervalLog { source, recording: Some(Box::new(recording)) }),
    }
}

/// When the schedule starts: as planned, or soon.
fn start_of(plan: &LoadPlan) -> Result<MonotonicNs, RunError> {
    match plan.settings().start_at_unix_ns {
        None => Ok(MonotonicNs::now().plus(LEAD)),
        Some(unix_ns) => {
            MonotonicNs::at_unix_ns(unix_ns).map_err(|late_ns| RunError::StartPassed { late_ns })
        }
    }
}

/// Waits until the start is near: when it is. A run that is interrupted meanwhile starts at once, to end at once.
fn wait_for_start(plan: &LoadPlan, interrupt: Option<BorrowedFd<'_>>) -> Result<MonotonicNs, RunError> {
    let start = start_of(plan)?;
    let near = MonotonicNs::now().plus_ns(start.ns_since(MonotonicNs::now().plus(LEAD)));
    let is_interrupted = wait_until(near, interrupt).map_err(RunError::Engine)?;
    Ok(if is_interrupted { MonotonicNs::now().plus(LEAD) } else { start })
}

/// Keeps the edges of the window while the workers send: tells of them, and reads this process's CPU counters there.
fn watch<R>(
    orders: &Orders<R>,
    threads: &[Pid],
    events: &EventSink,
    interrupt: Option<BorrowedFd<'_>>,
) -> io::Result<Measured> {
    let settings = orders.plan.settings();
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))?;
    events.tell(&LoadEvent::Started { connections: settings.connections, threads: settings.threads });

    let mut interrupted = wait_until(orders.timing.window_start, interrupt)?;
    let (opened, cpu_before) = (MonotonicNs::now(), clock::process_cpu_seconds());
    let senders_before = SenderReading::now(threads)?;
    if !interrupted {
        events.tell(&LoadEvent::WindowOpened { unix_ns: clock::unix_ns() });
        interrupted = wait_until(orders.timing.window_end, interrupt)?;
    }
    let (closed, cpu_after) = (MonotonicNs::now(), clock::process_cpu_seconds());
    let senders_after = SenderReading::now(threads)?;
    if interrupted {
        orders.control.stop(closed)?;
    }
    events.tell(&LoadEvent::WindowClosed { unix_ns: clock::unix_ns() });
    let timing = if interrupted { orders.timing.stopped_at(closed) } else { orders.timing };
    // The window as it was asked for: reading the clock a little late must not stretch it.
    let window_ns = timing.window_end.ns_since(timing.window_start);
    let read_ns = closed.ns_since(opened);
    let scale = if read_ns > 0 { window_ns as f64 / read_ns as f64 } else { 0.0 };
    Ok(Measured {
        interrupted,
        window_ns,
        cpu_seconds: (cpu_after - cpu_before) * scale,
        senders: senders_after.since(&senders_before, scale),
    })
}

/// Waits for an instant; whether the run was interrupted before it came.
fn wait_until(instant: MonotonicNs, interrupt: Option<BorrowedFd<'_>>) -> io::Result<bool> {
    loop {
        let remaining_ns = instant.ns_since(MonotonicNs::now());
        if remaining_ns == 0 {
            return Ok(false);
        }
        let mut descriptors: Vec<PollFd<'_>> =
            interrupt.iter().map(|interrupt| PollFd::new(interrupt, PollFlags::IN)).collect();
        match poll(&mut descriptors, Some(&timespec(remaining_ns))) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}
