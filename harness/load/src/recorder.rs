//! The thread that puts the senders' tallies together: [`Recorder`].

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender};

use meshbench_core::load_event::LoadEvent;

use crate::events::EventSink;
use crate::hand_over::Delivery;
use crate::interval_log::IntervalLog;
use crate::tally::Tally;

/// The threads that send come first: what this one does can wait.
const LOWEST_PRIORITY: i32 = 19;

/// Merges what threads deliver: second by second into the interval log, and all of it into the run's total.
pub(crate) struct Recorder<'a, W> {
    pub(crate) deliveries: Receiver<Delivery>,
    /// The way back of emptied tallies, by thread.
    pub(crate) empties: Vec<Sender<Box<Tally>>>,
    pub(crate) interval_log: Option<IntervalLog<W>>,
    pub(crate) events: &'a EventSink,
}

/// What is known while deliveries come in.
struct Progress {
    total: Tally,
    /// What was delivered since the last line of the interval log.
    second: Tally,
    /// Full seconds delivered, by thread; none for a thread that is through.
    delivered: Vec<Option<u64>>,
    /// Full seconds that the interval log covers.
    logged: u64,
    deepest_queues: Vec<u64>,
}

impl<W: Write> Recorder<'_, W> {
    /// Runs until every thread has delivered its last tally: the total of all, and why the log is not complete, if so.
    pub(crate) fn run(mut self, targets: usize) -> (Tally, Option<io::Error>) {
        // Refused only to those who already have a lower priority.
        let _ = rustix::process::setpriority_process(None, LOWEST_PRIORITY);
        let threads = self.empties.len();
        let mut progress = Progress {
            total: Tally::new(targets),
            second: Tally::new(targets),
            delivered: vec![Some(0); threads],
            logged: 0,
            deepest_queues: vec![0; threads],
        };
        let mut log_failure = None;
        while let Ok(delivery) = self.deliveries.recv() {
            let logged = self.take(delivery, &mut progress);
            if let Err(failure) = logged {
                // Measuring goes on, so that the figures at least are kept; the log ends here.
                self.interval_log = None;
                log_failure.get_or_insert(failure);
            }
        }
        progress.total.max_queue_depth = progress.deepest_queues.iter().sum();
        (progress.total, log_failure)
    }

    fn take(&mut self, delivery: Delivery, progress: &mut Progress) -> io::Result<()> {
        let Delivery { thread, seconds, mut tally } = delivery;
        let deepest = &mut progress.deepest_queues[thread];
        *deepest = (*deepest).max(tally.max_queue_depth);
        progress.second.merge(&tally);
        progress.delivered[thread] = seconds;
        tally.clear();
        // A thread that is through takes no more.
        let _ = self.empties[thread].send(tally);
        let seconds = match progress.delivered.iter().flatten().copied().min() {
            Some(seconds) if seconds > progress.logged => seconds,
            Some(_) => return Ok(()),
            // The last second, and what was still answered after it.
            None => progress.logged + 1,
        };
        let written = self.close_second(seconds, progress);
        self.tell(progress);
        progress.second.clear();
        written
    }

    /// Every thread has delivered up to `seconds`: logs what is new since the last time, and adds it to the total.
    fn close_second(&mut self, seconds: u64, progress: &mut Progress) -> io::Result<()> {
        let Progress { total, second, logged, .. } = progress;
        let is_worth_a_line = !second.latency.is_empty() || !second.error_latency.is_empty();
        let written = match &mut self.interval_log {
            Some(log) if is_worth_a_line => log.write(second, *logged, seconds - *logged),
            _ => Ok(()),
        };
        total.merge(second);
        *logged = seconds;
        written
    }

    fn tell(&self, progress: &Progress) {
        let Progress { total, second, logged, .. } = progress;
        self.events.tell(&LoadEvent::Progress {
            elapsed_ms: logged * 1_000,
            requests: total.successes() + total.error_count(),
            errors: total.error_count(),
            p50_ns: second.latency.value_at_quantile(0.5),
            p99_ns: second.latency.value_at_quantile(0.99),
            p50_so_far_ns: total.latency.value_at_quantile(0.5),
            p99_so_far_ns: total.latency.value_at_quantile(0.99),
        });
    }
}
