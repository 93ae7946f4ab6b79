//! Which requests of a plan one sender sends: [`Turns`].

use std::ops::Range;

/// The numbers of the requests that fall to one of several senders, ascending. A sender is one thread of one generator.
///
/// Senders take turns, request by request. After every `period` requests the turns move on by one sender: otherwise a
/// deck of as many cards as senders would give each sender the same card for ever, and leave its other connections idle.
#[derive(Debug, Clone)]
pub struct Turns {
    sender: u64,
    senders: u64,
    period: u64,
    next: u64,
}

impl Turns {
    /// The turns of sender `sender` (the first is 0) of `senders`, with a deck of `cards` cards.
    #[must_use]
    pub fn new(sender: u64, senders: u64, cards: u64) -> Self {
        Self { sender, senders, period: cards * senders, next: sender }
    }

    /// The number of the next request, without passing it.
    #[must_use]
    pub fn peek(&self) -> u64 {
        self.next
    }

    /// Passes on to the request after it.
    pub fn advance(&mut self) {
        let after = self.next + self.senders;
        let round = after / self.period;
        self.next = if round == self.next / self.period { after } else { self.first_of(round) };
    }

    /// How many of the requests with `numbers` fall to this sender.
    #[must_use]
    pub fn count_in(&self, numbers: Range<u64>) -> u64 {
        self.count_below(numbers.end).saturating_sub(self.count_below(numbers.start))
    }

    fn count_below(&self, end: u64) -> u64 {
        let round = end / self.period;
        let in_full_rounds = round * (self.period / self.senders);
        in_full_rounds + end.saturating_sub(self.first_of(round)).div_ceil(self.senders)
    }

    /// The sender's first request of a round of turns.
    fn first_of(&self, round: u64) -> u64 {
        round * self.period + (self.sender + round) % self.senders
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn numbers(mut turns: Turns, below: u64) -> Vec<u64> {
        std::iter::from_fn(|| {
            let n = turns.peek();
            (n < below).then(|| turns.advance()).map(|()| n)
        })
        .collect()
    }

    proptest! {
        #[test]
        fn together_the_senders_send_the_plan(senders in 1_u64..9, cards in 1_u64..30, below in 1_u64..3_000) {
            let mut all = Vec::new();
            for sender in 0..senders {
                let share = numbers(Turns::new(sender, senders, cards), below);
                prop_assert!(share.is_sorted());
                all.extend(share);
            }
            all.sort_unstable();
            prop_assert_eq!(all, (0..below).collect::<Vec<_>>());
        }

        #[test]
        fn every_sender_sees_every_card(senders in 1_u64..9, cards in 1_u64..30) {
            for sender in 0..senders {
                let share = numbers(Turns::new(sender, senders, cards), senders * senders * cards);
                let seen: BTreeSet<u64> = share.iter().map(|n| n % cards).collect();
                prop_assert_eq!(seen.len() as u64, cards);
            }
        }

        #[test]
        fn what_is_counted_is_what_is_sent(senders in 1_u64..9, cards in 1_u64..30, start in 0_u64..1_000, length in 0_u64..1_000) {
            for sender in 0..senders {
                let turns = Turns::new(sender, senders, cards);
                let counted = turns.count_in(start..start + length);
                let sent = numbers(turns, start + length).iter().filter(|n| **n >= start).count();
                prop_assert_eq!(counted, sent as u64);
            }
        }
    }
}
