//! [`ShardOfPlan`]: the share of a plan that one of several generators takes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::units::TextError;

/// One of several generators that act as one, written `1/4` to `4/4`. Their due times are interleaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShardOfPlan {
    /// The first is 0.
    index: u32,
    count: u32,
}

impl ShardOfPlan {
    /// The only generator of its plan.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Shard `number` (the first is 1) of `count`; none where there is no such shard.
    #[must_use]
    pub fn try_new(number: u32, count: u32) -> Option<Self> {
        (1..=count).contains(&number).then(|| Self { index: number - 1, count })
    }

    /// Its place among the shards; the first is 0.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many shards the plan has.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }
}

impl fmt::Display for ShardOfPlan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index + 1, self.count)
    }
}

impl FromStr for ShardOfPlan {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let numbers = given.split_once('/').and_then(|(number, count)| {
            Self::try_new(number.trim().parse().ok()?, count.trim().parse().ok()?)
        });
        numbers.ok_or_else(|| TextError {
            message: format!("\"{given}\" is not a shard; expected one such as \"1/4\", up to \"4/4\""),
            hint: None,
        })
    }
}

impl TryFrom<String> for ShardOfPlan {
    type Error = TextError;

    fn try_from(given: String) -> Result<Self, Self::Error> {
        given.parse()
    }
}

impl From<ShardOfPlan> for String {
    fn from(shard: ShardOfPlan) -> Self {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn what_is_no_shard_is_refused(
        #[values("", "1", "0/4", "5/4", "1/0", "-1/4", "a/b", "1/4/4")] given: &str,
    ) {
        let message = given.parse::<ShardOfPlan>().unwrap_err().to_string();
        assert!(message.contains("expected one such as"), "{message}");
    }

    #[test]
    fn a_shard_is_written_as_it_is_read() {
        let shard: ShardOfPlan = "3/4".parse().unwrap();
        assert_eq!((shard.index(), shard.count(), shard.to_string().as_str()), (2, 4, "3/4"));
    }
}
