//! How far the clocks of generators are apart, asked for as NTP does (RFC 5905 §8): [`ClockReading`].

use std::time::{SystemTime, UNIX_EPOCH};

/// How far a pod's clock is ahead of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClockReading {
    /// By how much it is ahead, in nanoseconds; negative where it is behind.
    pub offset_ns: i64,
    /// By how much that may be wrong: half the time that asking took, in nanoseconds.
    pub error_ns: u64,
}

impl ClockReading {
    /// From when the question left and the answer came by our clock, and what the answer says.
    pub(super) fn of(asked_unix_ns: u64, answered_unix_ns: u64, theirs_unix_ns: u64) -> Self {
        let took_ns = answered_unix_ns.saturating_sub(asked_unix_ns);
        let middle = i128::from(asked_unix_ns) + i128::from(took_ns / 2);
        let offset_ns = i64::try_from(i128::from(theirs_unix_ns) - middle);
        Self { offset_ns: offset_ns.unwrap_or(i64::MAX), error_ns: took_ns / 2 }
    }

    /// The more exact of the two.
    pub(super) fn better(self, other: Self) -> Self {
        if other.error_ns < self.error_ns { other } else { self }
    }
}

/// The most by which two of these clocks differ, in nanoseconds, with what the readings may be wrong by.
pub(super) fn spread_ns(readings: &[ClockReading]) -> (u64, u64) {
    let offsets = || readings.iter().map(|reading| reading.offset_ns);
    let spread = offsets().max().unwrap_or(0).abs_diff(offsets().min().unwrap_or(0));
    let error = readings.iter().map(|reading| reading.error_ns).max().unwrap_or(0);
    (spread, 2 * error)
}

/// Now, in nanoseconds since 1970-01-01 UTC.
pub(in crate::kube) fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_taken_from_the_middle_of_the_question() {
        let ahead = ClockReading::of(1_000, 1_200, 1_600);
        assert_eq!(ahead, ClockReading { offset_ns: 500, error_ns: 100 });
        let behind = ClockReading::of(1_000, 1_020, 10);
        assert_eq!(behind, ClockReading { offset_ns: -1_000, error_ns: 10 });
        assert_eq!(ahead.better(behind), behind);
        assert_eq!(spread_ns(&[ahead, behind]), (1_500, 200));
    }
}
