//! Votes there are from the start: [`SeedVotes`].

use std::num::NonZeroU32;
use std::str::FromStr;

use crate::catalog::{self, Position};

/// Votes there are before anybody votes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeedVotes(Vec<(Position, NonZeroU32)>);

impl SeedVotes {
    /// Each seeded emoji with its votes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Position, NonZeroU32)> + '_ {
        self.0.iter().copied()
    }
}

impl FromStr for SeedVotes {
    type Err = SeedVotesError;

    fn from_str(votes: &str) -> Result<Self, Self::Err> {
        if votes.is_empty() {
            return Ok(Self::default());
        }
        let mut seeds: Vec<(Position, NonZeroU32)> = Vec::new();
        for item in votes.split(',') {
            let (position, count) = seed(item)?;
            if seeds.iter().any(|(seeded, _)| *seeded == position) {
                return Err(SeedVotesError::Twice(position.emoji().shortcode));
            }
            seeds.push((position, count));
        }
        Ok(Self(seeds))
    }
}

fn seed(item: &str) -> Result<(Position, NonZeroU32), SeedVotesError> {
    let malformed = || SeedVotesError::Malformed(item.to_owned());
    let (shortcode, count) = item.rsplit_once('=').ok_or_else(malformed)?;
    let count = count.parse().map_err(|_| malformed())?;
    let position =
        catalog::find(shortcode).ok_or_else(|| SeedVotesError::UnknownEmoji(shortcode.to_owned()))?;
    Ok((position, count))
}

/// Why a text is not [`SeedVotes`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedVotesError {
    /// Not a shortcode, an equals sign and a positive number.
    #[error("\"{0}\": expected a shortcode and a positive number of votes such as \":flushed:=2\"")]
    Malformed(String),
    /// No listed emoji has the shortcode.
    #[error("no emoji has the shortcode \"{0}\"; `/api/list` of a running web shows those there are")]
    UnknownEmoji(String),
    /// The same emoji more than once.
    #[error("{0} is seeded twice; give it once with the sum of its votes")]
    Twice(&'static str),
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn seeds_keep_their_order() {
        let seeds: SeedVotes = ":flushed:=2,:policeman:=1".parse().unwrap();
        let read: Vec<_> = seeds.iter().map(|(at, count)| (at.emoji().shortcode, count.get())).collect();
        assert_eq!(read, [(":flushed:", 2), (":policeman:", 1)]);
    }

    #[test]
    fn nothing_seeds_nothing() {
        assert_eq!("".parse(), Ok(SeedVotes::default()));
    }

    #[rstest]
    #[case::no_count(
        ":flushed:",
        "\":flushed:\": expected a shortcode and a positive number of votes such as \":flushed:=2\""
    )]
    #[case::zero(
        ":flushed:=0",
        "\":flushed:=0\": expected a shortcode and a positive number of votes such as \":flushed:=2\""
    )]
    #[case::trailing_comma(
        ":flushed:=1,",
        "\"\": expected a shortcode and a positive number of votes such as \":flushed:=2\""
    )]
    #[case::unknown(
        ":flush:=1",
        "no emoji has the shortcode \":flush:\"; `/api/list` of a running web shows those there are"
    )]
    #[case::unlisted(
        ":relaxed:=1",
        "no emoji has the shortcode \":relaxed:\"; `/api/list` of a running web shows those there are"
    )]
    #[case::twice(":joy:=1,:joy:=2", ":joy: is seeded twice; give it once with the sum of its votes")]
    fn mistakes_are_explained(#[case] votes: &str, #[case] message: &str) {
        assert_eq!(votes.parse::<SeedVotes>().unwrap_err().to_string(), message);
    }
}
