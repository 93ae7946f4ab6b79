//! One sending thread: [`Worker`], an epoll loop that keeps to the schedule to the microsecond.
//!
//! It shares nothing with other threads but an atomic and a channel that is used once a second, waits with timeouts of
//! nanoseconds, and allocates nothing for a request.

mod connection;
mod lane;
mod session;
mod traffic;
mod upkeep;
mod waiting;

use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use meshbench_core::load_plan::LoadPlan;
use meshbench_core::schedule::DueTimes;
use meshbench_core::turns::Turns;
use rustix::event::{EventfdFlags, epoll, eventfd};

pub(crate) use connection::Connection;
use connection::Phase;
use lane::Lane;
pub(crate) use session::{End, Ended, Exchange, Health, Session};
use waiting::WakeUpTime;

use crate::clock::MonotonicNs;
use crate::hand_over::HandOver;
use crate::tally::Tally;
use crate::transport::Destination;

/// Large enough that most responses come in one read.
pub(crate) const READ_BUFFER_BYTES: usize = 64 * 1024;
const MOST_EVENTS_AT_ONCE: usize = 256;
/// The event that says that [`Control`] changed; no connection has this number.
const CONTROL_EVENT: u64 = u64::MAX;
const LONGEST_DRAIN_AFTER_STOP_NS: u64 = 1_000_000_000;

/// The fixed instants of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) start: MonotonicNs,
    pub(crate) window_start: MonotonicNs,
    pub(crate) window_end: MonotonicNs,
    pub(crate) drain_end: MonotonicNs,
}

impl Timing {
    pub(crate) fn of(plan: &LoadPlan, start: MonotonicNs) -> Self {
        let settings = plan.settings();
        let window_start = start.plus(settings.warm_up);
        let window_end = window_start.plus(settings.duration);
        Self { start, window_start, window_end, drain_end: window_end.plus(settings.drain) }
    }

    /// The same run, ended early.
    pub(crate) fn stopped_at(self, stop: MonotonicNs) -> Self {
        let window_end = self.window_end.min(stop);
        let drain_end = self.drain_end.min(stop.plus_ns(LONGEST_DRAIN_AFTER_STOP_NS)).max(window_end);
        // The window keeps its start even if that never comes: what was due before it stays unrecorded.
        Self { window_end, drain_end, ..self }
    }
}

/// How the main thread ends a run early.
#[derive(Debug)]
pub(crate) struct Control {
    stop_at: AtomicU64,
    wake: OwnedFd,
}

impl Control {
    pub(crate) fn new() -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { stop_at: AtomicU64::new(MonotonicNs::NEVER.to_raw()), wake })
    }

    /// No request due at or after `now` is sent any more.
    pub(crate) fn stop(&self, now: MonotonicNs) -> io::Result<()> {
        self.stop_at.store(now.to_raw(), Ordering::Release);
        rustix::io::write(&self.wake, &1_u64.to_ne_bytes())?;
        Ok(())
    }

    fn stop_at(&self) -> MonotonicNs {
        MonotonicNs::from_raw(self.stop_at.load(Ordering::Acquire))
    }
}

/// What every thread of a run is told.
#[derive(Debug)]
pub(crate) struct Orders<R> {
    pub(crate) plan: LoadPlan,
    /// Rendered requests, by target and by request within it.
    pub(crate) requests: Vec<Vec<R>>,
    /// Where the targets are.
    pub(crate) destinations: Vec<Destination>,
    pub(crate) timing: Timing,
    pub(crate) control: Control,
}

/// One thread's state.
#[derive(Debug)]
pub(crate) struct Worker<S: Session> {
    orders: Arc<Orders<S::Request>>,
    timing: Timing,
    timeout_ns: u64,
    /// How long before a request is due there is no more sleep.
    spin_ns: u64,
    pace: Pace,
    connections: Vec<Connection<S>>,
    lanes: Vec<Lane>,
    /// Requests that are sent and not answered.
    in_flight: usize,
    /// Requests that wait in any lane.
    queued: usize,
    /// When a deadline passes at the earliest.
    next_check: MonotonicNs,
    tally: Box<Tally>,
    hand_over: HandOver,
    epoll: OwnedFd,
    scratch: Box<[u8]>,
    /// What ended and is not recorded yet; empty between events.
    ended: Ended,
    wake_up_time: WakeUpTime,
    /// Whether every request so far left in one go, and every answer was there as a whole when its first bytes were read.
    carries_whole_messages: bool,
    /// Whether the kernel said when the last answer came in.
    are_answers_stamped: bool,
    /// Whether connections may have something to say that this thread has not heard yet.
    has_unread: bool,
    /// When this thread began to look at its connections the last time.
    looked_last: MonotonicNs,
    /// When it did so the time before.
    looked_before: MonotonicNs,
    /// The due time that it last slept for.
    rested_for: MonotonicNs,
}

/// What decides when the next request is sent.
#[derive(Debug)]
enum Pace {
    /// At its due time.
    Scheduled { due_times: DueTimes, turns: Turns, next_due: MonotonicNs },
    /// When a connection is free. Counts the requests of each target.
    Saturating { sent: Vec<usize> },
}

impl Pace {
    fn new<R>(orders: &Orders<R>, thread: u32) -> Self {
        let Some(schedule) = orders.plan.schedule() else {
            return Self::Saturating { sent: vec![thread as usize; orders.plan.settings().targets.len()] };
        };
        let (mut due_times, turns) = (schedule.due_times(), orders.plan.turns_of_thread(thread));
        let next_due = orders.timing.start.plus_ns(due_times.due_ns(turns.peek()));
        Self::Scheduled { due_times, turns, next_due }
    }

    fn next_due(&self) -> MonotonicNs {
        match self {
            Self::Scheduled { next_due, .. } => *next_due,
            Self::Saturating { .. } => MonotonicNs::NEVER,
        }
    }
}

impl<S: Session> Worker<S> {
    pub(crate) fn new(
        orders: Arc<Orders<S::Request>>,
        thread: u32,
        connections: Vec<Connection<S>>,
        hand_over: HandOver,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let control_event = epoll::EventData::new_u64(CONTROL_EVENT);
        epoll::add(
            &epoll,
            &orders.control.wake,
            control_event,
            epoll::EventFlags::IN | epoll::EventFlags::ET,
        )?;
        let targets = orders.plan.settings().targets.len();
        let timeout = orders.plan.settings().timeout;
        let mut worker = Self {
            timing: orders.timing,
            timeout_ns: u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX),
            spin_ns: u64::try_from(orders.plan.settings().spin.as_nanos()).unwrap_or(u64::MAX),
            pace: Pace::new(&orders, thread),
            connections,
            lanes: (0..targets).map(|_| Lane::default()).collect(),
            in_flight: 0,
            queued: 0,
            next_check: orders.timing.start,
            tally: Box::new(Tally::new(targets)),
            hand_over,
            epoll,
            scratch: vec![0; READ_BUFFER_BYTES].into_boxed_slice(),
            ended: Ended::new(),
            wake_up_time: WakeUpTime::default(),
            carries_whole_messages: true,
            are_answers_stamped: false,
            has_unread: false,
            looked_last: orders.timing.start,
            looked_before: orders.timing.start,
            rested_for: MonotonicNs::NEVER,
            orders,
        };
        for index in 0..worker.connections.len() {
            worker.adopt(index)?;
        }
        Ok(worker)
    }

    /// Takes a connection into use that may be open already.
    fn adopt(&mut self, index: usize) -> io::Result<()> {
        if self.connections[index].phase == Phase::Open {
            self.watch(index)?;
            self.lanes[self.connections[index].target].open += 1;
            self.list(index);
        }
        if self.connections[index].phase == Phase::Spare {
            self.lanes[self.connections[index].target].spare.push(index);
        }
        Ok(())
    }

    /// Sends and records until the plan is through.
    pub(crate) fn run(mut self) -> io::Result<()> {
        // Or the kernel may wake this thread up to 50 µs late to save power.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
        let mut events = Vec::with_capacity(MOST_EVENTS_AT_ONCE);
        self.timing.start.wait();
        let mut now = MonotonicNs::now();
        if self.orders.control.stop_at() <= now {
            self.stop_early();
        }
        self.saturate(now);
        while !self.is_finished(now) {
            self.issue_due(now);
            // What came in time must not expire for being unread.
            if now >= self.next_check && !self.has_unread {
                self.check_deadlines(now);
            }
            self.hand_over.each_second(now, &mut self.tally);
            self.hear(&mut events)?;
            self.rest();
            now = MonotonicNs::now();
        }
        if self.in_flight > 0 {
            // The time to drain is over, so that this does not wait: what came until now is no less an answer for being unread.
            self.hear(&mut events)?;
        }
        self.give_up_unfinished(now);
        self.hand_over.finish(self.tally);
        Ok(())
    }

    fn is_finished(&self, now: MonotonicNs) -> bool {
        // Waking late at the end must not swallow what became due meanwhile.
        let is_idle =
            self.in_flight == 0 && self.queued == 0 && self.pace.next_due() >= self.timing.window_end;
        now >= self.timing.drain_end || (now >= self.timing.window_end && is_idle)
    }

    /// Waits for what connections say, as long as that is worth waiting for, and goes by it.
    fn hear(&mut self, events: &mut Vec<epoll::Event>) -> io::Result<()> {
        self.listen(events)?;
        // Until all have been heard, a connection that seems busy may be free already.
        self.has_unread = !events.is_empty();
        for event in &*events {
            self.handle(event);
        }
        self.has_unread = events.len() == MOST_EVENTS_AT_ONCE;
        Ok(())
    }

    fn handle(&mut self, event: &epoll::Event) {
        let (flags, data) = (event.flags, event.data.u64());
        if data == CONTROL_EVENT {
            self.stop_early();
            return;
        }
        let (generation, index) = ((data >> 32) as u32, (data & u64::from(u32::MAX)) as usize);
        if self.connections[index].generation == generation {
            self.progress(index, flags);
        }
    }

    fn stop_early(&mut self) {
        self.timing = self.timing.stopped_at(self.orders.control.stop_at());
        if let Pace::Scheduled { next_due, .. } = &mut self.pace {
            *next_due = MonotonicNs::NEVER;
        }
    }
}
