//! [`Sweep`]: rates from one to another, step by step.

use std::num::{NonZeroU32, NonZeroU64};

use crate::units::OfferedRate;

/// Up to so many steps a decade, two significant digits tell neighbours apart.
const MOST_STEPS_OF_TWO_DIGITS: u32 = 24;

/// Rates from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sweep {
    /// The lowest.
    pub(super) from: OfferedRate,
    /// The highest.
    pub(super) to: OfferedRate,
    /// What lies between.
    pub(super) steps: Steps,
}

/// How the rates of a sweep follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steps {
    /// Each so much above the one before.
    Apart(OfferedRate),
    /// So many to each factor of ten, each above the one before by the same factor.
    PerDecade(NonZeroU32),
}

impl Sweep {
    /// The rates in ascending order: `from`, every step that is below `to`, and `to`, each once.
    ///
    /// Steps per decade are rounded to two significant digits, or three where two would not tell them apart, as the
    /// preferred numbers of IEC 60063 are: people read and write these rates.
    pub(super) fn rates(self) -> impl Iterator<Item = OfferedRate> {
        let Self { from, to, .. } = self;
        let between = (1..).map(move |step| self.step(step)).take_while(move |rate| *rate < to);
        let mut last = from;
        // Rates have a finest unit, in which neighbours may coincide.
        let between = between.filter(move |rate| std::mem::replace(&mut last, *rate) < *rate);
        [from].into_iter().chain(between).chain((from < to).then_some(to))
    }

    /// The rate after so many steps; the highest there is beyond that.
    fn step(self, step: u32) -> OfferedRate {
        let from = self.from.millirequests_per_second();
        let thousandths = match self.steps {
            Steps::Apart(apart) => {
                let above = apart.millirequests_per_second().get().saturating_mul(step.into());
                from.saturating_add(above)
            }
            Steps::PerDecade(steps) => {
                let exact = from.get() as f64 * 10_f64.powf(f64::from(step) / f64::from(steps.get()));
                let digits = if steps.get() <= MOST_STEPS_OF_TWO_DIGITS { 2 } else { 3 };
                NonZeroU64::new(rounded(exact, digits) as u64).unwrap_or(from)
            }
        };
        OfferedRate::from_millirequests_per_second(thousandths)
    }
}

/// A number of one or more with so many significant digits.
fn rounded(value: f64, digits: i32) -> f64 {
    let last_digit = 10_f64.powi((value.log10().floor() as i32 + 1 - digits).max(0));
    (value / last_digit).round() * last_digit
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn rate(text: &str) -> OfferedRate {
        text.parse().unwrap()
    }

    fn shown(from: &str, to: &str, steps: Steps) -> String {
        let sweep = Sweep { from: rate(from), to: rate(to), steps };
        sweep.rates().map(|rate| rate.to_string().replace("rps", "")).collect::<Vec<_>>().join(" ")
    }

    #[rstest]
    #[case::of_the_study("500rps", "3krps", "500rps", "500 1000 1500 2000 2500 3000")]
    #[case::beside_the_last("100rps", "1krps", "400rps", "100 500 900 1000")]
    #[case::one_step_beyond("100rps", "150rps", "400rps", "100 150")]
    #[case::fractions("0.5rps", "1.5rps", "0.25rps", "0.5 0.75 1 1.25 1.5")]
    fn steps_of_one_size(#[case] from: &str, #[case] to: &str, #[case] step: &str, #[case] rates: &str) {
        assert_eq!(shown(from, to, Steps::Apart(rate(step))), rates);
    }

    #[rstest]
    #[case::five("100rps", "20krps", 5, "100 160 250 400 630 1000 1600 2500 4000 6300 10000 16000 20000")]
    #[case::ten("10rps", "100rps", 10, "10 13 16 20 25 32 40 50 63 79 100")]
    #[case::one("3rps", "1krps", 1, "3 30 300 1000")]
    #[case::from_between("150rps", "1krps", 4, "150 270 470 840 1000")]
    #[case::three_digits("1krps", "1.3krps", 25, "1000 1100 1200 1300")]
    #[case::finest_unit("0.001rps", "0.004rps", 10, "0.001 0.002 0.003 0.004")]
    fn steps_by_one_factor(#[case] from: &str, #[case] to: &str, #[case] steps: u32, #[case] rates: &str) {
        assert_eq!(shown(from, to, Steps::PerDecade(steps.try_into().unwrap())), rates);
    }

    fn any_sweep() -> impl Strategy<Value = Sweep> {
        let thousandths = 1_u64..10_000_000_000;
        let steps = prop_oneof![
            (1_u64..10_000_000_000).prop_map(|apart| Steps::Apart(of(apart))),
            (1_u32..=100).prop_map(|steps| Steps::PerDecade(steps.try_into().unwrap())),
        ];
        (thousandths.clone(), thousandths, steps).prop_map(|(one, other, steps)| Sweep {
            from: of(one.min(other)),
            to: of(one.max(other)),
            steps,
        })
    }

    fn of(thousandths: u64) -> OfferedRate {
        OfferedRate::from_millirequests_per_second(thousandths.try_into().unwrap())
    }

    proptest! {
        #[test]
        fn rates_ascend_from_the_lowest_to_the_highest(sweep in any_sweep()) {
            let rates: Vec<_> = sweep.rates().take(2_000).collect();
            prop_assert!(rates.is_sorted_by(|one, next| one < next), "{rates:?}");
            prop_assert_eq!(rates[0], sweep.from);
            prop_assert!(rates.len() == 2_000 || rates.last() == Some(&sweep.to));
        }

        #[test]
        fn no_rate_of_a_decade_needs_more_than_three_digits(from in 1_u32..1_000, steps in 1_u32..=100) {
            let from = of(u64::from(from) * 1_000);
            let steps = Steps::PerDecade(steps.try_into().unwrap());
            for rate in (Sweep { from, to: of(10_000_000_000), steps }).rates() {
                let digits = rate.millirequests_per_second().to_string();
                prop_assert!(digits.trim_end_matches('0').len() <= 3, "{rate}");
            }
        }
    }
}
