//! How much higher one system's values are than another's, and how sure that is: [`Estimate`].

use statrs::distribution::{ContinuousCDF, StudentsT};

/// A difference of means with its uncertainty, judged by Student's t distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    count: usize,
    mean: f64,
    standard_error: f64,
}

impl Estimate {
    /// The mean of ln(new/old) over pairs of (old, new): Student's paired t test. `None` for fewer than two pairs, or
    /// where a value is not above zero.
    ///
    /// Whatever disturbs a block disturbs both of its runs, so that their difference says more than either of them.
    /// Logarithms, because disturbances act in proportion, and a doubling and a halving must cancel out.
    /// `least_deviation` is taken where the sample's standard deviation is smaller: a few equal readings are luck, not
    /// certainty.
    #[must_use]
    pub fn of_log_ratios(pairs: &[(f64, f64)], least_deviation: f64) -> Option<Self> {
        let are_positive = pairs.iter().all(|&(old, new)| old > 0.0 && new > 0.0);
        let ratios: Vec<f64> = pairs.iter().map(|(old, new)| (new / old).ln()).collect();
        are_positive.then(|| Self::of_mean(&ratios, least_deviation))?
    }

    /// The mean of new − old over pairs of (old, new), as [`Estimate::of_log_ratios`] has it.
    #[must_use]
    pub fn of_differences(pairs: &[(f64, f64)], least_deviation: f64) -> Option<Self> {
        let differences: Vec<f64> = pairs.iter().map(|(old, new)| new - old).collect();
        Self::of_mean(&differences, least_deviation)
    }

    /// How far `new`, one more value, is above the mean of the `stored` ones: t = (x − m) / (s·√(1 + 1/K)). `None` for
    /// fewer than two stored values.
    ///
    /// The values are whole campaigns, for example each one's mean log ratio over `bare`. The uncertainty is that of a
    /// prediction: besides not knowing the mean of all campaigns, a new one has a deviation of its own (G. Hahn,
    /// "Factors for Calculating Two-Sided Prediction Intervals for Samples from a Normal Distribution", Journal of the
    /// American Statistical Association 64, 1969). `least_deviation` as in [`Estimate::of_log_ratios`].
    #[must_use]
    pub fn of_new_against_stored(new: f64, stored: &[f64], least_deviation: f64) -> Option<Self> {
        let (mean, deviation) = moments(stored, least_deviation)?;
        let standard_error = deviation * (1.0 + 1.0 / stored.len() as f64).sqrt();
        Some(Self { count: stored.len(), mean: new - mean, standard_error })
    }

    fn of_mean(values: &[f64], least_deviation: f64) -> Option<Self> {
        let (mean, deviation) = moments(values, least_deviation)?;
        Some(Self { count: values.len(), mean, standard_error: deviation / (values.len() as f64).sqrt() })
    }

    /// How many values its uncertainty rests on: pairs, or stored campaigns.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The mean difference.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The chance of a mean this high or higher if there were no difference; one-sided.
    #[must_use]
    pub fn p_above(&self) -> f64 {
        self.t_distribution().map_or(1.0, |t| t.sf(self.mean / self.standard_error))
    }

    /// The chance of a mean this low or lower if there were no difference.
    #[must_use]
    pub fn p_below(&self) -> f64 {
        self.t_distribution().map_or(1.0, |t| t.cdf(self.mean / self.standard_error))
    }

    /// Bounds that each miss the true mean with the chance `alpha`.
    #[must_use]
    pub fn interval(&self, alpha: f64) -> (f64, f64) {
        let reach = self.quantile(1.0 - alpha) * self.standard_error;
        (self.mean - reach, self.mean + reach)
    }

    /// The smallest mean above zero that is found with the chance `power`, testing at `alpha`.
    ///
    /// The usual approximation of the noncentral t distribution by the sum of two t quantiles (H. Bloom, "Minimum
    /// Detectable Effects", Evaluation Review 19, 1995). From five values on the power is true to two percent points.
    #[must_use]
    pub fn smallest_detectable(&self, alpha: f64, power: f64) -> f64 {
        (self.quantile(1.0 - alpha) + self.quantile(power)) * self.standard_error
    }

    fn quantile(&self, probability: f64) -> f64 {
        self.t_distribution().map_or(f64::INFINITY, |t| t.inverse_cdf(probability))
    }

    /// It exists, for there are at least two values.
    fn t_distribution(&self) -> Option<StudentsT> {
        StudentsT::new(0.0, 1.0, (self.count - 1) as f64).ok()
    }
}

/// Mean and standard deviation; `None` for fewer than two values.
fn moments(values: &[f64], least_deviation: f64) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (squares / (values.len() - 1) as f64).sqrt().max(least_deviation)))
}

#[cfg(test)]
mod tests;
