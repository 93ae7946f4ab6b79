//! Places of a Poisson process of one arrival per unit: [`PoissonPlaces`], the same on every machine and in every release.

use crate::shuffle::SplitMix64;

/// A place on the axis, exact to 2⁻⁶⁴.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) whole: u64,
    /// In units of 2⁻⁶⁴.
    pub(super) fraction: u64,
}

/// One arrival after the other. It adds up whole numbers only, so that no rounding depends on where a walk began.
#[derive(Debug, Clone)]
pub(super) struct PoissonPlaces {
    random: SplitMix64,
    number: u64,
    place: Place,
}

impl PoissonPlaces {
    /// At the first arrival.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let place = exponential(&mut random);
        Self { random, number: 0, place }
    }

    /// The number of the arrival that this stands at; the first is 0.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Goes on to the next arrival.
    pub(super) fn advance(&mut self) {
        let gap = exponential(&mut self.random);
        let (fraction, carry) = self.place.fraction.overflowing_add(gap.fraction);
        let whole = self.place.whole.saturating_add(gap.whole).saturating_add(carry.into());
        self.place = Place { whole, fraction };
        self.number += 1;
    }
}

/// An exponentially distributed number of mean 1, by comparisons alone: J. von Neumann, "Various techniques used in
/// connection with random digits", 1951. A logarithm would differ in its last bits from one C library to another.
///
/// Uniform numbers are drawn for as long as they fall. If the run that falls is of odd length, which for a first number x
/// has probability 1 − x + x²/2! − … = e⁻ˣ, then x is the fraction; otherwise the whole part grows by one.
fn exponential(random: &mut SplitMix64) -> Place {
    let mut whole = 0;
    loop {
        let fraction = random.next();
        let (mut last, mut length) = (fraction, 1_u32);
        loop {
            let next = random.next();
            if next >= last {
                break;
            }
            (last, length) = (next, length + 1);
        }
        if length % 2 == 1 {
            return Place { whole, fraction };
        }
        whole += 1;
    }
}
