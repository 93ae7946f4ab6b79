//! Holm's correction for looking at several things at once.

/// Which of several tests stay significant at `alpha` when all are looked at together.
///
/// The chance that any test of a true null hypothesis stays is at most `alpha`, whatever the tests have to do with
/// each other (S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics
/// 6, 1979).
#[must_use]
pub fn holm(p_values: &[f64], alpha: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let mut rejected = vec![false; p_values.len()];
    for (rank, &index) in order.iter().enumerate() {
        let remaining = (p_values.len() - rank) as f64;
        if p_values[index] > alpha / remaining {
            break;
        }
        rejected[index] = true;
    }
    rejected
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")` in R gives 0.03, 0.06, 0.06, 0.02.
    #[test]
    fn agrees_with_r() {
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005], 0.05), [true, false, false, true]);
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005], 0.025), [false, false, false, true]);
        assert_eq!(holm(&[], 0.05), [false; 0]);
    }

    proptest! {
        #[test]
        fn lies_between_bonferroni_and_no_correction(p_values in prop::collection::vec(0.0..1.0_f64, 1..20)) {
            let kept = holm(&p_values, 0.05);
            for (&p, &kept) in p_values.iter().zip(&kept) {
                prop_assert!(!kept || p <= 0.05);
                prop_assert!(kept || p > 0.05 / p_values.len() as f64);
            }
        }
    }
}
