//! The votes: [`Poll`].

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU32, Ordering};

use super::SeedVotes;
use crate::catalog::{self, Emoji, Position};

/// How many votes each emoji has.
#[derive(Debug)]
pub struct Poll {
    votes: Vec<AtomicU32>,
}

impl Poll {
    /// A poll in which nobody has voted yet, but for the seeds.
    #[must_use]
    pub fn new(seeds: &SeedVotes) -> Self {
        let votes: Vec<_> = catalog::VOTABLE.iter().map(|_| AtomicU32::new(0)).collect();
        for (position, count) in seeds.iter() {
            votes[position.index()].store(count.get(), Ordering::Relaxed);
        }
        Self { votes }
    }

    /// Counts one vote.
    pub fn vote(&self, position: Position) {
        self.votes[position.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// Every emoji that has votes, most votes first; a tie stands in the catalogue's order, so that
    /// two runs with the same votes answer the same.
    #[must_use]
    pub fn results(&self) -> Vec<(&'static Emoji, u32)> {
        let counts = self.votes.iter().map(|votes| votes.load(Ordering::Relaxed));
        let mut results: Vec<_> =
            catalog::VOTABLE.iter().zip(counts).filter(|(_, votes)| *votes > 0).collect();
        results.sort_by_key(|(_, votes)| Reverse(*votes));
        results
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn shortcodes(poll: &Poll) -> Vec<&'static str> {
        poll.results().into_iter().map(|(emoji, _)| emoji.shortcode).collect()
    }

    #[test]
    fn nobody_voted_for_anything_at_first() {
        assert_eq!(Poll::new(&SeedVotes::default()).results(), []);
    }

    #[test]
    fn most_votes_come_first_and_ties_in_catalogue_order() {
        let poll = Poll::new(&":flushed:=1,:joy:=1,:poop:=2".parse().unwrap());
        assert_eq!(shortcodes(&poll), [":poop:", ":joy:", ":flushed:"]);
        poll.vote(catalog::find(":flushed:").unwrap());
        poll.vote(catalog::find(":flushed:").unwrap());
        assert_eq!(shortcodes(&poll), [":flushed:", ":poop:", ":joy:"]);
    }

    proptest! {
        #[test]
        fn every_vote_is_counted_once_and_in_order(choices in vec(0..catalog::listed().len(), 0..200)) {
            let poll = Poll::new(&SeedVotes::default());
            for choice in &choices {
                poll.vote(catalog::find(catalog::VOTABLE[*choice].shortcode).unwrap());
            }
            let results = poll.results();
            prop_assert!(results.is_sorted_by_key(|(_, votes)| Reverse(*votes)));
            let total: usize = results.iter().map(|(_, votes)| *votes as usize).sum();
            prop_assert_eq!(total, choices.len());
        }
    }
}
