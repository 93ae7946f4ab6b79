//! [`Decision`]: what is injected into the n-th request, as a pure function of settings, seed and n.

use std::time::Duration;

use super::settings::{Delay, DirectionInjections};

/// What is injected into one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) fail: bool,
    pub(super) delay: Duration,
    pub(super) cpu_burn: Duration,
}

/// What a random number is drawn for; each purpose has numbers of its own, so that turning one injection on
/// does not change the decisions of another.
#[derive(Clone, Copy)]
enum Purpose {
    Error,
    Delay,
}

const PURPOSES: u64 = 2;

impl Decision {
    /// Decides about request number `request_index`.
    pub(super) fn of(settings: &DirectionInjections, seed: u64, request_index: u64) -> Self {
        let draw = |purpose| unit_interval(seed, request_index, purpose);
        Self {
            fail: settings.error_share.is_some_and(|share| draw(Purpose::Error) < share.get()),
            delay: settings
                .delay
                .as_ref()
                .map_or(Duration::ZERO, |delay| sample(delay, draw(Purpose::Delay))),
            cpu_burn: settings.cpu_burn.unwrap_or_default(),
        }
    }
}

/// The delay at `position` (0 ≤ position < 1) of the distribution's inverse.
fn sample(delay: &Delay, position: f64) -> Duration {
    match delay {
        Delay::Fixed(delay) => *delay,
        Delay::Uniform(bounds) => bounds.from() + bounds.width().mul_f64(position),
        Delay::Exponential { mean } => mean.mul_f64(-(1.0 - position).ln()),
        Delay::Share(share) if position < share.of_requests.get() => share.delay,
        Delay::Share(_) => Duration::ZERO,
    }
}

/// A number in [0, 1), evenly distributed over request indices.
fn unit_interval(seed: u64, request_index: u64, purpose: Purpose) -> f64 {
    const BITS_OF_A_DOUBLE: u32 = 53;
    let position = request_index.wrapping_mul(PURPOSES).wrapping_add(purpose as u64);
    let bits = split_mix(split_mix_start(seed), position) >> (u64::BITS - BITS_OF_A_DOUBLE);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds exactly")]
    let numerator = bits as f64;
    numerator / 2f64.powi(BITS_OF_A_DOUBLE.cast_signed())
}

/// Seeds are small numbers that people choose; scattered, their streams do not overlap.
fn split_mix_start(seed: u64) -> u64 {
    split_mix(seed, 0)
}

/// The `position`-th output of `SplitMix64` started at `state`.
fn split_mix(state: u64, position: u64) -> u64 {
    const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut word = state.wrapping_add(position.wrapping_add(1).wrapping_mul(GOLDEN_GAMMA));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::injection::settings::{Share, ShareOfRequests, Uniform};
    use proptest::prelude::*;

    const REQUESTS: u64 = 4_000;
    const MEAN: Duration = Duration::from_millis(1);
    /// With this many standard errors, one of a thousand fair runs in ten thousand would stray.
    const STANDARD_ERRORS: f64 = 5.0;

    fn with_delay(delay: Delay) -> DirectionInjections {
        DirectionInjections { delay: Some(delay), ..DirectionInjections::default() }
    }

    fn delays(delay: Delay, seed: u64) -> Vec<f64> {
        let settings = with_delay(delay);
        (0..REQUESTS).map(|index| Decision::of(&settings, seed, index).delay.as_secs_f64()).collect()
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / REQUESTS as f64
    }

    fn standard_error(standard_deviation: f64) -> f64 {
        standard_deviation / (REQUESTS as f64).sqrt()
    }

    #[test]
    fn the_generator_is_split_mix_64() {
        // The published first outputs for the seed 1234567.
        let outputs = [0, 1, 2].map(|position| split_mix(1_234_567, position));
        assert_eq!(
            outputs,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn nothing_set_is_nothing_injected() {
        let nothing = Decision { fail: false, delay: Duration::ZERO, cpu_burn: Duration::ZERO };
        assert!(
            (0..REQUESTS).all(|index| Decision::of(&DirectionInjections::default(), 1, index) == nothing)
        );
    }

    #[test]
    fn an_error_share_does_not_change_the_delays() {
        let plain = with_delay(Delay::Exponential { mean: MEAN });
        let failing = DirectionInjections { error_share: Share::try_from(0.5).ok(), ..plain.clone() };
        assert!(
            (0..REQUESTS).all(|index| {
                Decision::of(&plain, 7, index).delay == Decision::of(&failing, 7, index).delay
            })
        );
    }

    proptest! {
        #[test]
        fn errors_come_in_the_asked_share(share in 0.0..=1.0f64, seed: u64) {
            let settings = DirectionInjections { error_share: Share::try_from(share).ok(), ..Default::default() };
            let failed = (0..REQUESTS).filter(|index| Decision::of(&settings, seed, *index).fail).count();
            let error = (failed as f64 / REQUESTS as f64 - share).abs();
            prop_assert!(error <= STANDARD_ERRORS * standard_error((share * (1.0 - share)).sqrt()) + 1e-3);
        }

        #[test]
        fn a_fixed_delay_is_every_requests(seed: u64, index: u64) {
            prop_assert_eq!(Decision::of(&with_delay(Delay::Fixed(MEAN)), seed, index).delay, MEAN);
        }

        #[test]
        fn a_uniform_delay_keeps_its_bounds_and_mean(from_us in 0u64..5_000, width_us in 0u64..5_000, seed: u64) {
            let from = Duration::from_micros(from_us);
            let to = from + Duration::from_micros(width_us);
            let delays = delays(Delay::Uniform(Uniform::try_new(from, to).unwrap()), seed);
            prop_assert!(delays.iter().all(|delay| (from.as_secs_f64()..=to.as_secs_f64()).contains(delay)));
            let width = (to - from).as_secs_f64();
            let error = (mean(&delays) - (from.as_secs_f64() + width / 2.0)).abs();
            prop_assert!(error <= STANDARD_ERRORS * standard_error(width / 12f64.sqrt()) + 1e-9);
        }

        #[test]
        fn an_exponential_delay_keeps_its_mean(seed: u64) {
            let error = (mean(&delays(Delay::Exponential { mean: MEAN }, seed)) - MEAN.as_secs_f64()).abs();
            prop_assert!(error <= STANDARD_ERRORS * standard_error(MEAN.as_secs_f64()));
        }

        #[test]
        fn a_shared_delay_hits_the_asked_share(share in 0.0..=1.0f64, seed: u64) {
            let of_requests = Share::try_from(share).unwrap();
            let delays = delays(Delay::Share(ShareOfRequests { of_requests, delay: MEAN }), seed);
            let hit = delays.iter().filter(|delay| **delay > 0.0).count() as f64 / REQUESTS as f64;
            let bound = STANDARD_ERRORS * standard_error((share * (1.0 - share)).sqrt()) + 1e-3;
            prop_assert!((hit - share).abs() <= bound);
        }
    }
}
