//! Which requests of the plan one thread sends: [`Shard`].

/// The numbers of the requests that fall to one of several threads, ascending.
///
/// Threads take turns, request by request. After every `period` requests the turns move on by one thread: otherwise a
/// deck of as many cards as threads would give each thread the same card for ever, and leave its other connections idle.
#[derive(Debug, Clone)]
pub(crate) struct Shard {
    thread: u64,
    threads: u64,
    period: u64,
    next: u64,
}

impl Shard {
    /// The share of thread `thread` (the first is 0) of `threads`, for a deck of `cards` cards.
    pub(crate) fn new(thread: u64, threads: u64, cards: u64) -> Self {
        Self { thread, threads, period: cards * threads, next: thread }
    }

    /// The number of the next request, without passing it.
    pub(crate) fn peek(&self) -> u64 {
        self.next
    }

    /// Passes on to the request after it.
    pub(crate) fn advance(&mut self) {
        let after = self.next + self.threads;
        let round = after / self.period;
        self.next = if round == self.next / self.period {
            after
        } else {
            round * self.period + (self.thread + round) % self.threads
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn numbers(shard: &mut Shard, below: u64) -> Vec<u64> {
        std::iter::from_fn(|| {
            let n = shard.peek();
            (n < below).then(|| shard.advance()).map(|()| n)
        })
        .collect()
    }

    proptest! {
        #[test]
        fn together_the_shards_are_the_plan(threads in 1_u64..9, cards in 1_u64..30, below in 1_u64..3_000) {
            let mut all = Vec::new();
            for thread in 0..threads {
                let share = numbers(&mut Shard::new(thread, threads, cards), below);
                prop_assert!(share.is_sorted());
                all.extend(share);
            }
            all.sort_unstable();
            prop_assert_eq!(all, (0..below).collect::<Vec<_>>());
        }

        #[test]
        fn every_thread_sees_every_card(threads in 1_u64..9, cards in 1_u64..30) {
            for thread in 0..threads {
                let share = numbers(&mut Shard::new(thread, threads, cards), threads * threads * cards);
                let seen: BTreeSet<u64> = share.iter().map(|n| n % cards).collect();
                prop_assert_eq!(seen.len() as u64, cards);
            }
        }
    }
}
