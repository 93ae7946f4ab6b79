//! [`Posterior`]: what probes tell of a limit, as a distribution over the logarithm of its rate.
//!
//! Probabilistic bisection (R. Waeber, P. Frazier, S. Henderson, "Bisection Search with Noisy Responses", SIAM J. Control
//! Optim. 51, 2013): every answer moves probability to the side that it points to, by as much as it can be trusted. What an
//! answer is worth follows the psychometric function of A. Watson and D. Pelli ("QUEST", Perception & Psychophysics 33,
//! 1983): a steep slope around the limit, and everywhere a small chance that the answer is wrong for a reason of its own.

use std::ops::Range;

/// The width of the edge between rates that hold and rates that do not: at a rate above the limit by as much, one
/// probe in four still holds.
const EDGE: f64 = 0.01;
/// The chance that a probe far from the limit answers wrongly: a disturbed machine.
const LAPSE: f64 = 0.01;
/// Cells to one step of the precision.
const CELLS_PER_STEP: f64 = 8.0;
/// What is believed beforehand of each end: that the limit lies beyond it.
const BEYOND_AN_END: f64 = 0.05;

/// A distribution over ln(rate) of a limit, in cells of equal width.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Posterior {
    /// The middle of the first cell.
    first: f64,
    width: f64,
    /// Sum to one.
    weights: Vec<f64>,
}

impl Posterior {
    /// Every ln(rate) of `range` as likely as any other; `step` is the precision as a difference of logarithms. A limit
    /// beyond an end is kept in the cells of one step there.
    pub(super) fn uniform(range: Range<f64>, step: f64) -> Self {
        let width = step / CELLS_PER_STEP;
        let beyond = CELLS_PER_STEP as usize;
        let within = ((range.end - range.start) / width).ceil().max(1.0) as usize;
        let end = std::iter::repeat_n(BEYOND_AN_END / beyond as f64, beyond);
        let middle = std::iter::repeat_n((1.0 - 2.0 * BEYOND_AN_END) / within as f64, within);
        let first = range.start - (beyond as f64 - 0.5) * width;
        Self { first, width, weights: end.clone().chain(middle).chain(end).collect() }
    }

    /// Learns from a probe at `log_rate`.
    pub(super) fn learn(&mut self, log_rate: f64, held: bool) {
        let (first, width) = (self.first, self.width);
        for (cell, weight) in self.weights.iter_mut().enumerate() {
            let log_limit = first + cell as f64 * width;
            let holds = LAPSE + (1.0 - 2.0 * LAPSE) / (1.0 + ((log_rate - log_limit) / EDGE).exp());
            *weight *= if held { holds } else { 1.0 - holds };
        }
        let total: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight /= total);
    }

    /// The ln(rate) below which the limit lies with this probability.
    pub(super) fn quantile(&self, probability: f64) -> f64 {
        let mut below = 0.0;
        for (cell, weight) in self.weights.iter().enumerate() {
            if below + weight >= probability && *weight > 0.0 {
                let into = ((probability - below) / weight).clamp(0.0, 1.0);
                return self.middle(cell) + (into - 0.5) * self.width;
            }
            below += weight;
        }
        self.middle(self.weights.len().saturating_sub(1))
    }

    /// The probability that the limit lies above this ln(rate).
    pub(super) fn above(&self, log_rate: f64) -> f64 {
        let cells = self.weights.iter().enumerate();
        cells.filter(|(cell, _)| self.middle(*cell) > log_rate).map(|(_, weight)| weight).sum()
    }

    /// The values that divide it into as many equally likely parts: what two of them are combined by.
    pub(super) fn parts(&self, count: u32) -> impl Iterator<Item = f64> {
        (0..count).map(move |part| self.quantile((f64::from(part) + 0.5) / f64::from(count)))
    }

    fn middle(&self, cell: usize) -> f64 {
        self.first + cell as f64 * self.width
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn posterior() -> Posterior {
        Posterior::uniform(50_f64.ln()..5_000_f64.ln(), 1.03_f64.ln())
    }

    #[test]
    fn nothing_learnt_is_the_middle_of_the_range() {
        let posterior = posterior();
        assert!((posterior.quantile(0.5).exp() / 500.0 - 1.0).abs() < 0.01);
        assert!((posterior.above(50_f64.ln()) - 0.95).abs() < 0.01);
        assert!((posterior.above(5_000_f64.ln()) - 0.05).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn it_stays_a_distribution_and_an_answer_moves_it_to_its_side(
            answers in prop::collection::vec((50_f64..5_000.0, any::<bool>()), 0..40),
            rate in 50_f64..5_000.0,
        ) {
            let mut posterior = posterior();
            answers.iter().for_each(|(rate, held)| posterior.learn(rate.ln(), *held));
            prop_assert!((posterior.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(posterior.quantile(0.025) <= posterior.quantile(0.975));
            let before = posterior.above(rate.ln());
            let [mut held, mut missed] = [posterior.clone(), posterior];
            held.learn(rate.ln(), true);
            missed.learn(rate.ln(), false);
            prop_assert!(missed.above(rate.ln()) <= before + 1e-9);
            prop_assert!(held.above(rate.ln()) + 1e-9 >= before);
        }
    }
}
