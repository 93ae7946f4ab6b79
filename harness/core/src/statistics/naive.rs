//! The tests that are often used in place of paired ones, to be scored beside them.
//!
//! Both are right about samples that are independent. Requests of a run are not, and neither are runs of one day.

use statrs::stats_tests::ks_test::{KSTwoSampleAlternativeMethod, ks_twosample};
use statrs::stats_tests::mannwhitneyu::{MannWhitneyUMethod, mannwhitneyu};
use statrs::stats_tests::{Alternative, NaNPolicy};

/// The chance of two samples as different as these from one distribution: the two-sided Kolmogorov–Smirnov test, by its
/// asymptotic distribution. `None` where a sample is empty or holds a value that is none.
#[must_use]
pub fn kolmogorov_smirnov_p(old: &[f64], new: &[f64]) -> Option<f64> {
    let test = |method| ks_twosample(old.to_vec(), new.to_vec(), method, NaNPolicy::Error).ok();
    let (above, _) = test(KSTwoSampleAlternativeMethod::LessAsymptotic)?;
    let (below, _) = test(KSTwoSampleAlternativeMethod::GreaterAsymptotic)?;
    // Distributions that differ do so by a multiple of this at least. Where none is, the library's sum never ends.
    let smallest_difference = 1.0 / (old.len() as f64 * new.len() as f64);
    if above.max(below) < smallest_difference / 2.0 {
        return Some(1.0);
    }
    test(KSTwoSampleAlternativeMethod::TwoSidedAsymptotic).map(|(_, p)| p)
}

/// The chance of `new` values ranking this high among the `old`, or higher, if both came from one distribution: the
/// one-sided Mann–Whitney test, by the normal distribution with the corrections for continuity and ties. `None` as in
/// [`kolmogorov_smirnov_p`].
#[must_use]
pub fn mann_whitney_p_above(old: &[f64], new: &[f64]) -> Option<f64> {
    // The library's exact method gives the chance of the opposite, and takes for ever from forty values on.
    let method = MannWhitneyUMethod::AsymptoticInclContinuityCorrection;
    mannwhitneyu(new, old, method, Alternative::Greater).ok().map(|(_, p)| p)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::reference::{assert_near, cases};
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        old: Vec<f64>,
        new: Vec<f64>,
        p: f64,
    }

    #[test]
    fn kolmogorov_smirnov_agrees_with_scipy() {
        for Case { old, new, p } in cases("kolmogorov_smirnov") {
            assert_near(kolmogorov_smirnov_p(&old, &new).unwrap(), p);
        }
        assert_eq!(kolmogorov_smirnov_p(&[], &[1.0]), None);
        assert_eq!(kolmogorov_smirnov_p(&[2.0, 1.0], &[1.0, 2.0]), Some(1.0));
        assert_eq!(kolmogorov_smirnov_p(&[1.0, 2.0, 3.0], &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]), Some(1.0));
        assert_eq!(kolmogorov_smirnov_p(&[1.0], &[f64::NAN]), None);
    }

    #[test]
    fn mann_whitney_agrees_with_scipy() {
        for Case { old, new, p } in cases("mann_whitney") {
            assert_near(mann_whitney_p_above(&old, &new).unwrap(), p);
        }
        assert_eq!(mann_whitney_p_above(&[], &[1.0]), None);
        assert_eq!(mann_whitney_p_above(&[1.0], &[f64::NAN]), None);
    }
}
