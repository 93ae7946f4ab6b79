//! The voting role: [`VotingService`] counts votes in a [`Poll`].

mod failure;
mod poll;
mod seed;
mod service;

pub use failure::{FailureShare, FailureShareError};
pub use poll::Poll;
pub use seed::{SeedVotes, SeedVotesError};
pub use service::VotingService;
