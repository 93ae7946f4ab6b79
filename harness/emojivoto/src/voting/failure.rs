//! Failing on purpose: [`FailureShare`] is the share, [`Failures`] decides call by call.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A share from 0 to 1 of calls that fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FailureShare(f64);

impl FromStr for FailureShare {
    type Err = FailureShareError;

    fn from_str(share: &str) -> Result<Self, Self::Err> {
        match share.parse() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self(share)),
            _ => Err(FailureShareError),
        }
    }
}

/// Why a text is not a [`FailureShare`].
#[derive(Debug, thiserror::Error)]
#[error("expected a share from 0 (never fails) to 1 (always fails), such as \"0.25\"")]
pub struct FailureShareError;

/// Decides which calls fail. The share is exact over any stretch of calls, to within one, because
/// chance would make two runs of one benchmark differ.
#[derive(Debug)]
pub(crate) struct Failures {
    share: f64,
    calls: AtomicU64,
}

impl Failures {
    pub(crate) fn new(share: FailureShare) -> Self {
        Self { share: share.0, calls: AtomicU64::new(0) }
    }

    /// Whether the next call fails.
    pub(crate) fn next(&self) -> bool {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        self.due_by(call + 1) > self.due_by(call)
    }

    /// How many of the first `calls` calls fail.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a process does not live for the 2^53 calls at which this matters"
    )]
    fn due_by(&self, calls: u64) -> f64 {
        (calls as f64 * self.share).floor()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::negative("-0.1")]
    #[case::above_one("1.01")]
    #[case::not_a_number("NaN")]
    #[case::percent("50%")]
    #[case::empty("")]
    fn only_shares_are_accepted(#[case] share: &str) {
        assert!(share.parse::<FailureShare>().is_err());
    }

    proptest! {
        #[test]
        fn the_share_is_exact_to_within_one_call(share in 0.0..=1.0, calls in 0_u32..2_000) {
            let failures = Failures::new(FailureShare(share));
            let failed = (0..calls).filter(|_| failures.next()).count();
            let expected = f64::from(calls) * share;
            prop_assert!((expected - f64::from(u32::try_from(failed).unwrap())).abs() <= 1.0);
        }
    }

    #[test]
    fn none_never_fails_and_one_always_does() {
        let never = Failures::new(FailureShare(0.0));
        let always = Failures::new(FailureShare(1.0));
        assert!((0..1_000).all(|_| !never.next() && always.next()));
    }
}
