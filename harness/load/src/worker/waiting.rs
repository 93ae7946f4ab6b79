//! How a [`Worker`] waits: woken by what its connections say where that could change what it does next, asleep until the
//! next request is due where it could not.

use std::io;

use rustix::buffer::spare_capacity;
use rustix::event::epoll;

use super::{Pace, Session, Worker};
use crate::clock::{MonotonicNs, timespec};

/// How long an answer may lie unread: a server that is held up by that for longer would be measured as slow.
const LONGEST_UNREAD_NS: u64 = 2_000_000;
/// A shorter sleep costs more than it saves, because waking up takes longer.
const SHORTEST_SLEEP_NS: u64 = 20_000;
/// With so many requests under way the server has enough to do meanwhile.
const MANY_STREAMS: usize = 64;
/// Being woken too early is paid for by spinning, which this bounds.
const LONGEST_LEAD_NS: u64 = 100_000;

/// How long before an instant a timer has to be set so that this thread runs at the instant: as long as waking up took at
/// the least of late. Learnt, because it is 3 µs on one machine and 40 on another.
#[derive(Debug, Default)]
pub(super) struct WakeUpTime {
    ns: u64,
}

impl WakeUpTime {
    /// After how many wake-ups most of what was learnt before them is forgotten.
    const MEMORY: u64 = 256;

    /// Learns from being awake now, after a timer that was set to `until`. Whom something else woke learns nothing.
    fn learn(&mut self, until: MonotonicNs) {
        let now = MonotonicNs::now();
        if now >= until {
            self.learn_lateness(now.ns_since(until));
        }
    }

    fn learn_lateness(&mut self, late_ns: u64) {
        let late_ns = late_ns.min(LONGEST_LEAD_NS);
        self.ns = match late_ns.checked_sub(self.ns) {
            Some(longer_ns) => self.ns + longer_ns / Self::MEMORY,
            None => late_ns,
        };
    }
}

impl<S: Session> Worker<S> {
    /// Looks what connections say, and waits for it unless it can as well be looked at later.
    pub(super) fn listen(&mut self, events: &mut Vec<epoll::Event>) -> io::Result<()> {
        let now = MonotonicNs::now();
        let until = if self.may_leave_answers(now) { now } else { self.wake_at(now) };
        events.clear();
        match epoll::wait(&self.epoll, spare_capacity(events), Some(&timespec(until.ns_since(now)))) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if events.is_empty() && until > now {
            self.wake_up_time.learn(until);
        }
        (self.looked_before, self.looked_last) = (self.looked_last, now);
        Ok(())
    }

    /// Sleeps until the next request is due, if whatever is said meanwhile can wait until then. The kernel notes when
    /// answers come in, so that nothing is lost by reading them later but a wake-up for each.
    pub(super) fn rest(&mut self) {
        let now = MonotonicNs::now();
        if !S::ANSWERS_BY_TURN
            && matches!(self.pace, Pace::Saturating { .. })
            && self.in_flight >= MANY_STREAMS
            && now < self.timing.window_end
        {
            // Answers of many streams that are taken at once are followed by as many requests at once, which is less work
            // for both sides.
            now.plus_ns(SHORTEST_SLEEP_NS).wait();
        }
        if !self.may_leave_answers(now) || self.next_check <= now {
            return;
        }
        let next_due = self.pace.next_due();
        let mut until = self.wake_at(now);
        if until <= now {
            if self.spin_ns > 0 || self.rested_for == next_due {
                return;
            }
            until = now.plus_ns(SHORTEST_SLEEP_NS);
        }
        self.rested_for = next_due;
        until.wait();
        self.wake_up_time.learn(until);
        self.has_unread = true;
    }

    /// Whether an answer that comes in now would change nothing before the next request is due.
    fn may_leave_answers(&self, now: MonotonicNs) -> bool {
        let next_due = self.pace.next_due();
        S::ANSWERS_BY_TURN
            && self.are_answers_stamped
            && self.carries_whole_messages
            && self.queued == 0
            && next_due > now
            && next_due.ns_since(now) <= LONGEST_UNREAD_NS
    }

    /// When to be awake for the next thing that is to be done.
    fn wake_at(&self, now: MonotonicNs) -> MonotonicNs {
        let end = if now < self.timing.window_end { self.timing.window_end } else { self.timing.drain_end };
        // Awake, this thread looks at its connections again and again without waiting, until the request is due.
        let awake = self.pace.next_due().minus_ns(self.spin_ns.max(self.wake_up_time.ns));
        awake.min(self.next_check).min(self.hand_over.next_at()).min(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_learnt_at_once_and_more_only_in_time() {
        let mut time = WakeUpTime { ns: 50_000 };
        time.learn_lateness(30_000);
        assert_eq!(time.ns, 30_000);
        time.learn_lateness(u64::MAX);
        assert!(time.ns < 31_000, "one late wake-up counts for little: {}", time.ns);
        (0..2_000).for_each(|_| time.learn_lateness(60_000));
        assert!((55_000..=60_000).contains(&time.ns), "what always happens is learnt: {}", time.ns);
        (0..2_000).for_each(|_| time.learn_lateness(u64::MAX));
        assert!(time.ns <= LONGEST_LEAD_NS, "{}", time.ns);
    }
}
