//! Where a series of values seems to have moved to another level: Pettitt's test, again in each part.

/// Shifts that are seen less often than this in a series without any.
const ALPHA: f64 = 0.05;
/// A level of fewer values than this is none.
const SHORTEST_LEVEL: usize = 4;

/// From a value on, the level is another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The index of the first value of the new level.
    pub at: usize,
    /// The median of the new level less that of the one before.
    pub step: f64,
    /// The chance of a shift as clear as this in a series without any, by an approximation that is true for p below 0.5.
    pub p: f64,
}

/// The change points of a series, ascending.
///
/// A test on ranks, so that one campaign that went wrong is not mistaken for a new level (A. Pettitt, "A Non-Parametric
/// Approach to the Change-Point Problem", Applied Statistics 28, 1979), applied to each part again until none is found.
/// It looks at every place at once, which keeps the chance of a false alarm to that of one test for each part.
#[must_use]
pub fn change_points(values: &[f64]) -> Vec<ChangePoint> {
    let mut found = Vec::new();
    split(values, 0, &mut found);
    found.sort_by_key(|point| point.at);
    found
}

fn split(values: &[f64], offset: usize, found: &mut Vec<ChangePoint>) {
    let Some(point) = clearest(values).filter(|point| point.p < ALPHA) else { return };
    found.push(ChangePoint { at: offset + point.at, ..point });
    let (before, after) = values.split_at(point.at);
    split(before, offset, found);
    split(after, offset + point.at, found);
}

/// The clearest change point of a series, significant or not; `None` where no level would be long enough.
fn clearest(values: &[f64]) -> Option<ChangePoint> {
    let places = SHORTEST_LEVEL..(values.len() + 1).checked_sub(SHORTEST_LEVEL)?;
    let (at, statistic) = places
        .map(|at| (at, rank_difference(values.split_at(at))))
        .max_by_key(|(_, statistic)| statistic.abs())?;
    let (n, k) = (values.len() as f64, statistic as f64);
    let p = (2.0 * (-6.0 * k * k / (n.powi(3) + n.powi(2))).exp()).min(1.0);
    let (before, after) = values.split_at(at);
    Some(ChangePoint { at, step: median(after) - median(before), p })
}

/// How many pairs of a value before and one after rise, less how many fall.
fn rank_difference((before, after): (&[f64], &[f64])) -> i64 {
    let sign = |(before, after): (&f64, &f64)| match before.total_cmp(after) {
        std::cmp::Ordering::Less => 1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => -1,
    };
    before.iter().flat_map(|before| after.iter().map(move |after| sign((before, after)))).sum()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // By hand: every one of 6 × 6 pairs rises, so K = 36, and p = 2·exp(-6·36² / (12³ + 12²)).
    #[test]
    fn a_clear_step_has_the_p_of_the_formula() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0];
        let points = change_points(&values);
        assert_eq!(points.len(), 1, "{points:?}");
        assert_eq!(points[0].at, 6);
        assert!((points[0].step - 16.0).abs() < 1e-12);
        assert!((points[0].p - 2.0 * (-6.0 * 1296.0 / 1872.0_f64).exp()).abs() < 1e-12, "{points:?}");
    }

    #[test]
    fn two_steps_are_both_found() {
        let level = |height: f64| (0..12).map(move |n| height + f64::from(n % 3) * 0.01);
        let values: Vec<_> = level(1.0).chain(level(2.0)).chain(level(1.5)).collect();
        let places: Vec<_> = change_points(&values).iter().map(|point| point.at).collect();
        assert_eq!(places, [12, 24]);
    }

    #[test]
    fn one_wild_value_is_no_level() {
        let mut values: Vec<f64> = (0..20).map(|n| 1.0 + f64::from(n % 4) * 0.01).collect();
        values[10] = 90.0;
        assert_eq!(change_points(&values), []);
    }

    proptest! {
        #[test]
        fn equal_values_and_short_series_have_none(value in -9.0..9.0_f64, length in 0_usize..40) {
            prop_assert_eq!(change_points(&vec![value; length]), []);
        }

        #[test]
        fn only_order_matters(values in prop::collection::vec(-3.0..3.0_f64, 0..40)) {
            let stretched: Vec<f64> = values.iter().map(|value| value.exp()).collect();
            let places = |values: &[f64]| change_points(values).iter().map(|point| point.at).collect::<Vec<_>>();
            prop_assert_eq!(places(&values), places(&stretched));
        }
    }
}
