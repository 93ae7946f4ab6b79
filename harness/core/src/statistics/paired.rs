//! How one system compares with another that ran in the same blocks: [`Paired`].

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The differences between two systems over the blocks that both ran in, summed up.
///
/// Whatever disturbs a block disturbs both of its runs, so that their difference says more than either of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    pairs: usize,
    mean: f64,
    deviation: f64,
}

impl Paired {
    /// Sums up ln(new/old) over pairs of (old, new); `None` for fewer than two pairs, or where a value is not above zero.
    ///
    /// Logarithms, because disturbances act in proportion, and a doubling and a halving must cancel out.
    /// `least_deviation` is taken where the sample's standard deviation is smaller: a few equal readings are luck, not
    /// certainty.
    #[must_use]
    pub fn log_ratios(pairs: &[(f64, f64)], least_deviation: f64) -> Option<Self> {
        let are_positive = pairs.iter().all(|&(old, new)| old > 0.0 && new > 0.0);
        are_positive.then(|| Self::of(pairs.iter().map(|(old, new)| (new / old).ln()), least_deviation))?
    }

    /// Sums up new − old over pairs of (old, new), as [`Paired::log_ratios`] does.
    #[must_use]
    pub fn differences(pairs: &[(f64, f64)], least_deviation: f64) -> Option<Self> {
        Self::of(pairs.iter().map(|(old, new)| new - old), least_deviation)
    }

    fn of(differences: impl ExactSizeIterator<Item = f64> + Clone, least_deviation: f64) -> Option<Self> {
        let pairs = differences.len();
        if pairs < 2 {
            return None;
        }
        let mean = differences.clone().sum::<f64>() / pairs as f64;
        let squares: f64 = differences.map(|difference| (difference - mean).powi(2)).sum();
        let deviation = (squares / (pairs - 1) as f64).sqrt().max(least_deviation);
        Some(Self { pairs, mean, deviation })
    }

    /// How many pairs there are.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// The mean difference.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The chance of a mean this high or higher if both were equal: Student's paired t test, one-sided.
    #[must_use]
    pub fn p_above(&self) -> f64 {
        self.t_distribution().map_or(1.0, |t| t.sf(self.mean / self.standard_error()))
    }

    /// The chance of a mean this low or lower if both were equal.
    #[must_use]
    pub fn p_below(&self) -> f64 {
        self.t_distribution().map_or(1.0, |t| t.cdf(self.mean / self.standard_error()))
    }

    /// Bounds that each miss the true mean with the chance `alpha`.
    #[must_use]
    pub fn interval(&self, alpha: f64) -> (f64, f64) {
        let reach = self.quantile(1.0 - alpha) * self.standard_error();
        (self.mean - reach, self.mean + reach)
    }

    /// The smallest mean above zero that as many pairs as these find with the chance `power`, testing at `alpha`.
    ///
    /// The usual approximation by the sum of two t quantiles (H. Bloom, "Minimum Detectable Effects", Evaluation
    /// Review 19, 1995).
    #[must_use]
    pub fn smallest_detectable(&self, alpha: f64, power: f64) -> f64 {
        (self.quantile(1.0 - alpha) + self.quantile(power)) * self.standard_error()
    }

    fn standard_error(&self) -> f64 {
        self.deviation / (self.pairs as f64).sqrt()
    }

    fn quantile(&self, probability: f64) -> f64 {
        self.t_distribution().map_or(f64::INFINITY, |t| t.inverse_cdf(probability))
    }

    /// It exists, for there are at least two pairs.
    fn t_distribution(&self) -> Option<StudentsT> {
        StudentsT::new(0.0, 1.0, (self.pairs - 1) as f64).ok()
    }
}

#[cfg(test)]
mod tests;
