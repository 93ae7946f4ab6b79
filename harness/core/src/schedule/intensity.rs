//! How the rate goes over time: [`Intensity`], in whole numbers throughout.

use std::time::Duration;

use crate::units::OfferedRate;

/// This many nanoseconds times millirequests per second make one request.
const NANOSECOND_MILLIREQUESTS: u128 = 1_000_000_000_000;

/// The rate at every instant after the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intensity {
    Constant(OfferedRate),
    Ramp(Ramp),
}

impl Intensity {
    /// When the integral of the rate reaches `n`, in nanoseconds, rounded down.
    pub(super) fn due_ns(self, n: u64) -> u64 {
        let due = match self {
            Self::Constant(rate) => u128::from(n) * NANOSECOND_MILLIREQUESTS / thousandths(rate),
            Self::Ramp(ramp) => ramp.due_ns(n.into()),
        };
        // Only a run of more than 584 years gets here.
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    /// How many of the whole numbers from 0 on the integral reaches before `elapsed_ns`.
    pub(super) fn due_before(self, elapsed_ns: u64) -> u64 {
        let count = match self {
            Self::Constant(rate) => {
                (u128::from(elapsed_ns) * thousandths(rate)).div_ceil(NANOSECOND_MILLIREQUESTS)
            }
            Self::Ramp(ramp) => ramp.integral(elapsed_ns.into()).div_ceil(ramp.unit()),
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

fn thousandths(rate: OfferedRate) -> u128 {
    rate.millirequests_per_second().get().into()
}

/// A rate that stays at `from` during `hold`, changes linearly during `over` and stays at `to` afterwards.
///
/// Within the ramp, `s` nanoseconds after the hold, the rate is `from + (to − from) × s / over` and its integral
/// `s × (from × (2 × over − s) + to × s) / (2 × over)`. All integrals are kept multiplied by `2 × over`, and so are whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ramp {
    /// Thousandths of a request per second.
    from: u128,
    /// Thousandths of a request per second.
    to: u128,
    hold_ns: u128,
    over_ns: u128,
}

impl Ramp {
    /// None where 128 bits do not hold the integral up to the end of the ramp, or there is no time for it.
    pub(super) fn try_new(
        from: OfferedRate,
        to: OfferedRate,
        hold: Duration,
        over: Duration,
    ) -> Option<Self> {
        let ramp = Self {
            from: thousandths(from),
            to: thousandths(to),
            hold_ns: hold.as_nanos(),
            over_ns: over.as_nanos(),
        };
        let most = ramp.from.max(ramp.to);
        let end_ns = ramp.hold_ns.checked_add(ramp.over_ns)?;
        let largest_integral = end_ns.checked_mul(ramp.over_ns)?.checked_mul(2)?.checked_mul(most)?;
        (ramp.over_ns > 0 && largest_integral < u128::MAX / 4).then_some(ramp)
    }

    /// What the integral grows by for one request.
    fn unit(self) -> u128 {
        2 * self.over_ns * NANOSECOND_MILLIREQUESTS
    }

    /// The integral of the rate up to `elapsed_ns`.
    fn integral(self, elapsed_ns: u128) -> u128 {
        let held_ns = elapsed_ns.min(self.hold_ns);
        let ramped_ns = (elapsed_ns - held_ns).min(self.over_ns);
        let after_ns = elapsed_ns - held_ns - ramped_ns;
        let beyond = (2 * self.over_ns * self.to).saturating_mul(after_ns);
        (2 * self.over_ns * self.from * held_ns + self.ramped(ramped_ns)).saturating_add(beyond)
    }

    /// The integral from the start of the ramp to `s_ns` after it.
    fn ramped(self, s_ns: u128) -> u128 {
        s_ns * (self.from * (2 * self.over_ns - s_ns) + self.to * s_ns)
    }

    fn due_ns(self, n: u128) -> u128 {
        let Some(wanted) = n.checked_mul(self.unit()) else { return u128::MAX };
        let (from_speed, to_speed) = (2 * self.over_ns * self.from, 2 * self.over_ns * self.to);
        let held = from_speed * self.hold_ns;
        if wanted < held {
            return wanted / from_speed;
        }
        let wanted = wanted - held;
        let full = self.ramped(self.over_ns);
        if wanted >= full {
            return self.hold_ns + self.over_ns + (wanted - full) / to_speed;
        }
        self.hold_ns + largest_within(self.estimate(wanted), self.over_ns, |s_ns| self.ramped(s_ns) <= wanted)
    }

    /// About how long the ramp takes for its integral to come to `wanted`: the root of `(to − from) s² + 2 over from s =
    /// wanted`, in the form in which nothing cancels out. Being off costs steps, not exactness.
    fn estimate(self, wanted: u128) -> u128 {
        let half = self.over_ns as f64 * self.from as f64;
        let growth = self.to as f64 - self.from as f64;
        let root = (half * half + growth * wanted as f64).max(0.0).sqrt();
        (wanted as f64 / (half + root)) as u128
    }
}

/// The largest number up to `most` that is `within`, where 0 is and none is beyond one that is not.
fn largest_within(estimate: u128, most: u128, within: impl Fn(u128) -> bool) -> u128 {
    let (mut inside, mut outside) = (0, most + 1);
    let mut probe = estimate.min(most);
    let mut step = 1;
    while outside - inside > 1 {
        let was_inside = within(probe);
        if was_inside {
            inside = probe;
        } else {
            outside = probe;
        }
        // Away from the estimate in growing steps until the answer is between two probes, then halving what is left.
        let next = if was_inside { inside + step } else { outside.saturating_sub(step) };
        probe = if next > inside && next < outside { next } else { inside.midpoint(outside) };
        step *= 2;
    }
    inside
}
