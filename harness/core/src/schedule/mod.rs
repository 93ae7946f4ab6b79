//! When each request is due: [`Schedule`], exact to the nanosecond over any length of run.
//!
//! Due times are made in two steps. [`Arrivals`] give request `n` its place on an axis on which one request is due per
//! unit: at `n` itself, or as a Poisson process has it. `intensity` then says when the rate has worked through as many
//! units. Neither step adds up rounding, so that any number of generators find the same due times on their own.

mod intensity;
mod poisson;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::intensity::{Intensity, Ramp};
use self::poisson::PoissonPlaces;
use crate::units::{OfferedRate, TextError};

/// How requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Evenly, as the rate says.
    #[default]
    Constant,
    /// As independent users send them: a Poisson process, with exponential gaps.
    Poisson,
}

impl Arrivals {
    /// Every kind, by the name used in plans and on the command line.
    pub const NAMES: [&'static str; 2] = ["constant", "poisson"];
}

impl fmt::Display for Arrivals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Self::NAMES[*self as usize])
    }
}

impl FromStr for Arrivals {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        match given {
            "constant" => Ok(Self::Constant),
            "poisson" => Ok(Self::Poisson),
            _ => Err(TextError::not_one_of("a kind of arrivals", given, &Self::NAMES)),
        }
    }
}

/// The due time of every request of an open-loop run, counted from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    intensity: Intensity,
    arrivals: Arrivals,
    seed: u64,
}

impl Schedule {
    /// A schedule that offers `rate` from its start on, evenly: request `n` is due at `floor(n × 10⁹ / rate)` nanoseconds.
    #[must_use]
    pub fn constant(rate: OfferedRate) -> Self {
        Self { intensity: Intensity::Constant(rate), arrivals: Arrivals::Constant, seed: 0 }
    }

    /// A schedule that offers `from` for as long as `hold`, then a rate that grows or falls linearly to reach `to` after
    /// `over`, and `to` from then on.
    ///
    /// Request `n` is due when the integral of the rate reaches `n`, rounded down to the nanosecond. None where `over` is
    /// zero, or rates and times so large (days at millions per second) that 128 bits do not hold the integral exactly.
    #[must_use]
    pub fn ramp(from: OfferedRate, to: OfferedRate, hold: Duration, over: Duration) -> Option<Self> {
        let ramp = Ramp::try_new(from, to, hold, over)?;
        Some(Self { intensity: Intensity::Ramp(ramp), arrivals: Arrivals::Constant, seed: 0 })
    }

    /// The same rate with other arrivals, which `seed` decides where they are random.
    #[must_use]
    pub fn with_arrivals(self, arrivals: Arrivals, seed: u64) -> Self {
        Self { arrivals, seed, ..self }
    }

    /// The due times one after the other, from the first on.
    #[must_use]
    pub fn due_times(self) -> DueTimes {
        DueTimes { schedule: self, places: PoissonPlaces::new(self.seed) }
    }

    /// The numbers of the requests that are due at or after `window_ns.start` and before `window_ns.end`.
    ///
    /// For Poisson arrivals it takes as long as there are requests up to the end.
    #[must_use]
    pub fn due_in(self, window_ns: Range<u64>) -> Range<u64> {
        match self.arrivals {
            Arrivals::Constant => {
                self.intensity.due_before(window_ns.start)..self.intensity.due_before(window_ns.end)
            }
            Arrivals::Poisson => {
                let mut due_times = self.due_times();
                let mut first_at = |from: u64, edge_ns| {
                    (from..u64::MAX).find(|n| due_times.due_ns(*n) >= edge_ns).unwrap_or(u64::MAX)
                };
                let first = first_at(0, window_ns.start);
                first..first_at(first, window_ns.end)
            }
        }
    }
}

/// Walks through the due times of a [`Schedule`].
#[derive(Debug, Clone)]
pub struct DueTimes {
    schedule: Schedule,
    places: PoissonPlaces,
}

impl DueTimes {
    /// When request `n` (the first is 0) is due, in nanoseconds after the start.
    ///
    /// Requests may be skipped, as those of other shards are. With Poisson arrivals each one skipped costs a random number,
    /// and asking for an earlier one than before walks again from the first.
    pub fn due_ns(&mut self, n: u64) -> u64 {
        let Schedule { intensity, arrivals, seed } = self.schedule;
        if arrivals == Arrivals::Constant {
            return intensity.due_ns(n);
        }
        if self.places.number() > n {
            self.places = PoissonPlaces::new(seed);
        }
        while self.places.number() < n {
            self.places.advance();
        }
        let place = self.places.place();
        let (before, after) =
            (intensity.due_ns(place.whole), intensity.due_ns(place.whole.saturating_add(1)));
        // Between two whole places the rate hardly changes, so that due times there are in proportion.
        let further = (u128::from(after - before) * u128::from(place.fraction)) >> u64::BITS;
        before.saturating_add(further as u64)
    }
}
