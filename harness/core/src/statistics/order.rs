//! What sorted values say by their ranks alone: [`median`], and [`median_bounds`].

use statrs::distribution::{Binomial, DiscreteCDF};

/// The median; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// Two of the values, each of which misses the true median with at most the chance `alpha`, whatever the distribution;
/// `None` of too few values for that: six are enough for 2.5%.
///
/// As many values lie below the true median as a fair coin shows heads (H. David, H. Nagaraja, "Order Statistics",
/// 2003, section 7.1). For display: a judgement has better tests.
#[must_use]
pub fn median_bounds(values: &[f64], alpha: f64) -> Option<(f64, f64)> {
    let sorted = sorted(values);
    let below = Binomial::new(0.5, sorted.len() as u64).ok()?;
    let excluded = (0..sorted.len() / 2).take_while(|&rank| below.cdf(rank as u64) <= alpha).count();
    let lowest = excluded.checked_sub(1)?;
    Some((sorted[lowest], sorted[sorted.len() - 1 - lowest]))
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::super::reference::cases;
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        values: Vec<f64>,
        median: f64,
        low: Option<f64>,
        high: Option<f64>,
    }

    #[test]
    fn agrees_with_scipy() {
        for case in cases::<Case>("median") {
            assert_eq!(median(&case.values), Some(case.median));
            assert_eq!(median_bounds(&case.values, 0.025), case.low.zip(case.high), "{:?}", case.values);
        }
        assert_eq!((median(&[]), median_bounds(&[], 0.025)), (None, None));
    }

    proptest! {
        #[test]
        fn the_median_lies_within_its_bounds(values in prop::collection::vec(0.0..9.0_f64, 6..40)) {
            let (low, high) = median_bounds(&values, 0.025).unwrap();
            let median = median(&values).unwrap();
            prop_assert!(low <= median && median <= high);
        }
    }
}
