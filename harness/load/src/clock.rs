//! The only place that reads clocks: [`MonotonicNs`] for everything that is measured.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// An instant of `CLOCK_MONOTONIC`, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MonotonicNs(u64);

impl MonotonicNs {
    /// Later than every instant a run sees.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// This instant, now.
    pub(crate) fn now() -> Self {
        Self(to_ns(clock_gettime(ClockId::Monotonic)))
    }

    /// The instant `ns` nanoseconds later.
    pub(crate) fn plus_ns(self, ns: u64) -> Self {
        Self(self.0.saturating_add(ns))
    }

    /// The instant `ns` nanoseconds earlier.
    pub(crate) fn minus_ns(self, ns: u64) -> Self {
        Self(self.0.saturating_sub(ns))
    }

    /// The instant `duration` later.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        self.plus_ns(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The instant at which the wall clock says `unix_ns`, or how many nanoseconds ago that was.
    pub(crate) fn at_unix_ns(instant_unix_ns: u64) -> Result<Self, u64> {
        let (now, now_unix_ns) = (Self::now(), unix_ns());
        match instant_unix_ns.checked_sub(now_unix_ns) {
            Some(remaining_ns) => Ok(now.plus_ns(remaining_ns)),
            None => Err(now_unix_ns - instant_unix_ns),
        }
    }

    /// The instant at which the wall clock said `time`; none where that is still to come.
    pub(crate) fn of_past_unix_time(time: Duration) -> Option<Self> {
        let ns = u64::try_from(time.as_nanos()).ok()?;
        // In this order, whatever comes between the two readings makes the instant later, never earlier.
        let now_unix_ns = unix_ns();
        Some(Self::now().minus_ns(now_unix_ns.checked_sub(ns)?))
    }

    /// What the wall clock says at this instant, which is still to come, in nanoseconds since 1970-01-01 UTC.
    pub(crate) fn to_unix_ns(self) -> u64 {
        unix_ns() + self.ns_since(Self::now())
    }

    /// Nanoseconds from `earlier` to this instant; 0 where that one is later.
    pub(crate) fn ns_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Sleeps until this instant; an instant in the past needs no sleep. A signal may end it early.
    pub(crate) fn wait(self) {
        let _ = clock_nanosleep_absolute(ClockId::Monotonic, &timespec(self.0));
    }

    /// The bare number, for sharing through an atomic.
    pub(crate) fn to_raw(self) -> u64 {
        self.0
    }

    /// The inverse of [`Self::to_raw`].
    pub(crate) fn from_raw(ns: u64) -> Self {
        Self(ns)
    }
}

/// A span of nanoseconds as the kernel takes it.
pub(crate) fn timespec(ns: u64) -> Timespec {
    // Both casts hold: 2^64 ns are 584 years, and the remainder is below a second.
    Timespec { tv_sec: (ns / NANOSECONDS_PER_SECOND) as i64, tv_nsec: (ns % NANOSECONDS_PER_SECOND) as _ }
}

/// User and system time of the whole process so far, in seconds.
pub(crate) fn process_cpu_seconds() -> f64 {
    to_ns(clock_gettime(ClockId::ProcessCPUTime)) as f64 / NANOSECONDS_PER_SECOND as f64
}

/// Nanoseconds since 1970-01-01 UTC.
pub(crate) fn unix_ns() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

fn to_ns(time: Timespec) -> u64 {
    time.tv_sec as u64 * NANOSECONDS_PER_SECOND + time.tv_nsec as u64
}
