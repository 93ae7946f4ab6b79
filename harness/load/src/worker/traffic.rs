//! The hot path of a [`Worker`]: what is due is sent, what is answered is recorded.

use meshbench_core::recording::ErrorKind;
use rustix::event::epoll::EventFlags;

use super::connection::{Exchange, News, Phase};
use super::lane::Waiting;
use super::{Pace, Worker};
use crate::clock::MonotonicNs;
use crate::http1::Response;
use crate::tally::Outcome;

impl Worker {
    /// Sends, or queues, every request that is due.
    pub(super) fn issue_due(&mut self, now: MonotonicNs) {
        while let Pace::Scheduled { due_times, turns, next_due } = &mut self.pace
            && *next_due <= now
            && *next_due < self.timing.window_end
        {
            let card = self.orders.plan.request_for(turns.peek());
            let waiting = Waiting { due: *next_due, request: card.request };
            turns.advance();
            let following = self.timing.start.plus_ns(due_times.due_ns(turns.peek()));
            *next_due = if following < self.timing.window_end { following } else { MonotonicNs::NEVER };
            self.send_or_queue(card.target as usize, waiting);
        }
    }

    fn send_or_queue(&mut self, target: usize, waiting: Waiting) {
        if let Some(index) = self.lanes[target].idle.pop_front() {
            self.send(index, waiting);
            return;
        }
        self.lanes[target].queue.push_back(waiting);
        self.queued += 1;
        self.tally.max_queue_depth = self.tally.max_queue_depth.max(self.queued as u64);
    }

    /// Starts the closed loop on every open connection, where that is the plan.
    pub(super) fn saturate(&mut self, now: MonotonicNs) {
        if matches!(self.pace, Pace::Saturating { .. }) {
            let idle: Vec<usize> = self.lanes.iter_mut().flat_map(|lane| lane.idle.drain(..)).collect();
            for index in idle {
                self.put_to_use(index, now);
            }
        }
    }

    /// Gives an idle connection its next request, if there is one.
    pub(super) fn put_to_use(&mut self, index: usize, now: MonotonicNs) {
        let target = self.connections[index].target;
        if let Some(waiting) = self.lanes[target].queue.pop_front() {
            self.queued -= 1;
            self.send(index, waiting);
            return;
        }
        match &mut self.pace {
            Pace::Saturating { sent } if now < self.timing.window_end => {
                let request = self.orders.plan.turn_of_target(target, sent[target]);
                sent[target] += 1;
                self.send(index, Waiting { due: now, request });
            }
            _ => self.lanes[target].idle.push_back(index),
        }
    }

    fn send(&mut self, index: usize, waiting: Waiting) {
        let connection = &mut self.connections[index];
        let bytes = &self.orders.requests[connection.target][waiting.request as usize];
        let news = connection.send(waiting.request, waiting.due, bytes);
        self.in_flight += 1;
        if let Phase::Busy(exchange) = connection.phase
            && exchange.due >= self.timing.window_start
        {
            self.tally.send_lag.record(exchange.sent.ns_since(exchange.due));
        }
        if news != News::Nothing {
            self.act_on(index, news, false);
        }
    }

    /// Something happened to the socket of connection `index`.
    pub(super) fn progress(&mut self, index: usize, flags: EventFlags) {
        let hung_up = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        match self.connections[index].phase {
            Phase::Closed { .. } => return,
            Phase::Connecting { .. } => return self.finish_connecting(index),
            Phase::Busy(exchange) if flags.contains(EventFlags::OUT) => {
                let connection = &mut self.connections[index];
                let bytes = &self.orders.requests[connection.target][exchange.request as usize];
                let news = connection.write_on(bytes);
                if news != News::Nothing {
                    return self.act_on(index, news, hung_up);
                }
            }
            Phase::Busy(_) | Phase::Idle => {}
        }
        if hung_up || flags.contains(EventFlags::IN) {
            let news = self.connections[index].read(&mut self.scratch, hung_up);
            self.act_on(index, news, hung_up);
        }
    }

    fn act_on(&mut self, index: usize, news: News, hung_up: bool) {
        if news == News::Nothing {
            return;
        }
        let now = MonotonicNs::now();
        match (news, self.connections[index].phase) {
            (News::Answered(response), Phase::Busy(exchange)) => {
                self.answered(index, exchange, response, hung_up, now);
            }
            (News::Failed(kind), Phase::Busy(exchange)) => {
                self.settle(index, exchange, Outcome::Failure(kind), now);
                self.replace(index, now);
            }
            _ => self.replace(index, now),
        }
        // A burst of answers must not hold up what became due meanwhile.
        self.issue_due(now);
    }

    fn answered(
        &mut self,
        index: usize,
        exchange: Exchange,
        response: Response,
        hung_up: bool,
        now: MonotonicNs,
    ) {
        if now >= self.timing.window_start && now < self.timing.window_end {
            self.tally.answered_in_window += 1;
        }
        self.settle(index, exchange, Outcome::of_status(response.status), now);
        if response.keep_alive && !hung_up {
            self.connections[index].phase = Phase::Idle;
            self.put_to_use(index, now);
        } else {
            self.replace(index, now);
        }
    }

    /// Records how an exchange ended.
    pub(super) fn settle(&mut self, index: usize, exchange: Exchange, outcome: Outcome, now: MonotonicNs) {
        self.in_flight -= 1;
        let target = self.connections[index].target;
        // An answer that came too late, though before anyone looked at the clock, is too late all the same.
        let is_late = outcome == Outcome::Success && now.ns_since(exchange.due) > self.timeout_ns;
        let outcome = if is_late { Outcome::Failure(ErrorKind::Timeout) } else { outcome };
        if outcome == Outcome::Success && exchange.due >= self.timing.window_start {
            self.tally.service.record(now.ns_since(exchange.sent));
        }
        self.record(target, exchange.due, outcome, now);
    }

    /// Records the end of a request, sent or not, if it was due in the window.
    pub(super) fn record(&mut self, target: usize, due: MonotonicNs, outcome: Outcome, now: MonotonicNs) {
        if due < self.timing.window_start {
            return;
        }
        let age_ns = now.ns_since(due);
        let is_timeout = outcome == Outcome::Failure(ErrorKind::Timeout);
        self.tally.record(target, outcome, if is_timeout { self.timeout_ns } else { age_ns });
    }
}
