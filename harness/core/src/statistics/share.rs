//! How sure a share is that was counted: [`share_bounds`].

use statrs::distribution::{Beta, ContinuousCDF};

/// Bounds of a chance of which `count` of `trials` came true, each missed with at most the chance `alpha`.
///
/// Exact, so that the bounds of none of 40 say something too (C. Clopper, E. Pearson, "The Use of Confidence or Fiducial
/// Limits Illustrated in the Case of the Binomial", Biometrika 26, 1934).
#[must_use]
pub fn share_bounds(count: u64, trials: u64, alpha: f64) -> (f64, f64) {
    let (succeeded, failed) = (count as f64, trials.saturating_sub(count) as f64);
    let quantile =
        |a: f64, b: f64, probability| Beta::new(a, b).ok().map(|beta| beta.inverse_cdf(probability));
    // Neither distribution exists where all trials went one way, and there the bound is the end of the scale.
    let low = quantile(succeeded, failed + 1.0, alpha).unwrap_or(0.0);
    let high = quantile(succeeded + 1.0, failed, 1.0 - alpha).unwrap_or(1.0);
    (low, high)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::reference::{assert_near, cases};
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        count: u64,
        trials: u64,
        low: f64,
        high: f64,
    }

    #[test]
    fn agrees_with_scipy() {
        for Case { count, trials, low, high } in cases("share") {
            let bounds = share_bounds(count, trials, 0.025);
            assert_near(bounds.0, low);
            assert_near(bounds.1, high);
        }
        assert_eq!(share_bounds(0, 0, 0.025), (0.0, 1.0));
    }
}
