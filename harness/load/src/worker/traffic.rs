//! The hot path of a [`Worker`]: what is due is sent, what is answered is recorded.

use meshbench_core::recording::ErrorKind;
use rustix::event::epoll::EventFlags;

use super::connection::Phase;
use super::lane::Waiting;
use super::{End, Exchange, Health, Pace, Session, Worker};
use crate::clock::MonotonicNs;
use crate::tally::Outcome;

impl<S: Session> Worker<S> {
    /// Sends, or queues, every request that is due.
    pub(super) fn issue_due(&mut self, now: MonotonicNs) {
        while let Pace::Scheduled { due_times, turns, next_due } = &mut self.pace
            && *next_due <= now
            && *next_due < self.timing.window_end
        {
            let card = self.orders.plan.request_for(turns.peek());
            // A connection that seems busy may be free already.
            if self.has_unread && self.lanes[card.target as usize].idle.is_empty() {
                return;
            }
            let waiting = Waiting { due: *next_due, request: card.request };
            turns.advance();
            let following = self.timing.start.plus_ns(due_times.due_ns(turns.peek()));
            *next_due = if following < self.timing.window_end { following } else { MonotonicNs::NEVER };
            self.send_or_queue(card.target as usize, waiting, now);
        }
    }

    fn send_or_queue(&mut self, target: usize, waiting: Waiting, now: MonotonicNs) {
        if let Some(index) = self.next_with_room(target, now) {
            self.send(index, waiting);
            self.flush(index, now);
            return;
        }
        self.lanes[target].queue.push_back(waiting);
        self.queued += 1;
        self.tally.max_queue_depth = self.tally.max_queue_depth.max(self.queued as u64);
        self.open_extra(target, now);
    }

    /// Takes the connection off its lane's list whose turn it is.
    fn next_with_room(&mut self, target: usize, now: MonotonicNs) -> Option<usize> {
        while let Some(index) = self.lanes[target].idle.pop_front() {
            let connection = &mut self.connections[index];
            connection.is_listed = false;
            if connection.must_read_first() {
                let requests = &self.orders.requests[target];
                let health = connection.read(&mut self.scratch, requests, true, &mut self.ended);
                self.settle_ended(index, now);
                if health == Health::Over {
                    self.replace(index, now);
                }
            }
            if self.connections[index].has_room() {
                return Some(index);
            }
        }
        None
    }

    /// Puts a connection on its lane's list if it has room.
    pub(super) fn list(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        if !connection.is_listed && connection.has_room() {
            connection.is_listed = true;
            self.lanes[connection.target].idle.push_back(index);
        }
    }

    /// Starts the closed loop on every open connection, where that is the plan.
    pub(super) fn saturate(&mut self, now: MonotonicNs) {
        if matches!(self.pace, Pace::Saturating { .. }) {
            for index in 0..self.connections.len() {
                self.put_to_use(index, now);
            }
        }
    }

    /// Fills the room of a connection with requests, as far as there are any, and writes what is waiting to be written.
    pub(super) fn put_to_use(&mut self, index: usize, now: MonotonicNs) {
        while self.connections[index].has_room() {
            let Some(waiting) = self.next_for(self.connections[index].target, now) else { break };
            self.send(index, waiting);
        }
        self.flush(index, now);
    }

    fn next_for(&mut self, target: usize, now: MonotonicNs) -> Option<Waiting> {
        if let Some(waiting) = self.lanes[target].queue.pop_front() {
            self.queued -= 1;
            return Some(waiting);
        }
        match &mut self.pace {
            Pace::Saturating { sent } if now < self.timing.window_end => {
                let request = self.orders.plan.turn_of_target(target, sent[target]);
                sent[target] += 1;
                Some(Waiting { due: now, request })
            }
            _ => None,
        }
    }

    fn send(&mut self, index: usize, waiting: Waiting) {
        let Waiting { due, request } = waiting;
        let exchange = Exchange { due, sent: MonotonicNs::now(), request };
        let connection = &mut self.connections[index];
        connection.send(exchange, &self.orders.requests[connection.target]);
        self.in_flight += 1;
        if due >= self.timing.window_start {
            self.tally.send_lag.record(exchange.sent.ns_since(due));
        }
    }

    fn flush(&mut self, index: usize, now: MonotonicNs) {
        let connection = &mut self.connections[index];
        let requests = &self.orders.requests[connection.target];
        let health = connection.flush(&mut self.scratch, requests, &mut self.ended);
        self.carries_whole_messages &= connection.carries_whole_messages(requests);
        self.settle_ended(index, now);
        match health {
            Health::Open => self.list(index),
            Health::Over => self.replace(index, now),
        }
    }

    /// Something happened to the socket of connection `index`.
    pub(super) fn progress(&mut self, index: usize, flags: EventFlags) {
        let connection = &mut self.connections[index];
        match connection.phase {
            Phase::Closed { .. } | Phase::Spare => return,
            Phase::Connecting { .. } => return self.go_on_connecting(index),
            Phase::Open => {}
        }
        let hung_up = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        let mut health = Health::Open;
        if hung_up || flags.contains(EventFlags::IN) {
            let requests = &self.orders.requests[connection.target];
            health = connection.read(&mut self.scratch, requests, hung_up, &mut self.ended);
            self.carries_whole_messages &= connection.carries_whole_messages(requests);
        }
        let now = MonotonicNs::now();
        self.settle_ended(index, now);
        match health {
            Health::Open => self.put_to_use(index, now),
            Health::Over => self.replace(index, now),
        }
        // A burst of answers must not hold up what became due meanwhile.
        self.issue_due(now);
    }

    /// Records what ended on connection `index`.
    pub(super) fn settle_ended(&mut self, index: usize, now: MonotonicNs) {
        let connection = &self.connections[index];
        let (target, arrived) = (connection.target, connection.arrived());
        let mut ended = std::mem::take(&mut self.ended);
        for (exchange, end) in ended.drain(..) {
            self.in_flight -= 1;
            match end {
                End::Failed(kind) => self.record(target, exchange.due, Outcome::Failure(kind), now),
                End::Answered(outcome) => {
                    // What was complete when this thread looked the last time but one was read then. A stamp from before
                    // that is of a segment that overtook another, or the clock that stamps was set.
                    let earliest = exchange.sent.max(self.looked_before);
                    let arrived = arrived.filter(|arrived| (earliest..=now).contains(arrived));
                    self.are_answers_stamped = arrived.is_some();
                    self.settle_answer(target, exchange, outcome, arrived.unwrap_or(now));
                }
            }
        }
        self.ended = ended;
    }

    fn settle_answer(&mut self, target: usize, exchange: Exchange, outcome: Outcome, arrived: MonotonicNs) {
        let is_in_window = arrived >= self.timing.window_start && arrived < self.timing.window_end;
        self.tally.answered_in_window += u64::from(is_in_window);
        // An answer that came too late, though before anyone looked at the clock, is too late all the same.
        let is_late = outcome == Outcome::Success && arrived.ns_since(exchange.due) > self.timeout_ns;
        let outcome = if is_late { Outcome::Failure(ErrorKind::Timeout) } else { outcome };
        if outcome == Outcome::Success && exchange.due >= self.timing.window_start {
            self.tally.service.record(arrived.ns_since(exchange.sent));
        }
        self.record(target, exchange.due, outcome, arrived);
    }

    /// Records the end of a request, sent or not, if it was due in the window. Of those before, successes are counted.
    pub(super) fn record(&mut self, target: usize, due: MonotonicNs, outcome: Outcome, now: MonotonicNs) {
        if due < self.timing.window_start {
            self.tally.warm_up_successes += u64::from(outcome == Outcome::Success);
            return;
        }
        let age_ns = now.ns_since(due);
        let is_timeout = outcome == Outcome::Failure(ErrorKind::Timeout);
        self.tally.record(target, outcome, if is_timeout { self.timeout_ns } else { age_ns });
    }
}
