//! Where a series has settled: [`mser5`].

/// Values averaged into one, so that neighbours that resemble each other do not look like a trend.
const BATCH: usize = 5;
/// With fewer batches kept, their spread is small by luck.
const FEWEST_KEPT_BATCHES: usize = 5;

/// How many values at the beginning of a series to leave out, for what is left to tell its mean best: MSER-5. At most
/// half of them; `None` of fewer than 25 values, which are too few to tell.
///
/// The squared standard error of the mean falls with every value that is left out while these are unlike the rest, and
/// rises where they are like it (K. P. White, M. Cobb, S. Spratt, "A Comparison of Five Steady-State Truncation
/// Heuristics for Simulation", Winter Simulation Conference 2000).
#[must_use]
pub fn mser5(series: &[f64]) -> Option<usize> {
    let batches: Vec<f64> =
        series.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    let most_left_out = batches.len().checked_sub(FEWEST_KEPT_BATCHES)?.min(batches.len() / 2);
    let by_error = |left_out: &usize| squared_standard_error(&batches[*left_out..]);
    let best = (0..=most_left_out).min_by(|left, right| by_error(left).total_cmp(&by_error(right)))?;
    Some(best * BATCH)
}

fn squared_standard_error(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count.powi(2)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde::Deserialize;

    use super::super::reference::cases;
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        series: Vec<f64>,
        left_out: usize,
    }

    #[test]
    fn agrees_with_numpy() {
        for case in cases::<Case>("mser5") {
            assert_eq!(mser5(&case.series), Some(case.left_out), "{:?}", case.series);
        }
    }

    #[rstest]
    #[case::too_short(&[1.0; 24], None)]
    #[case::flat(&[1.0; 60], Some(0))]
    #[case::a_late_start(&[&[9.0; 10][..], &[1.0; 50]].concat(), Some(10))]
    #[case::a_late_change_is_no_start(&[&[9.0; 40][..], &[1.0; 20]].concat(), Some(0))]
    fn what_is_left_out(#[case] series: &[f64], #[case] left_out: Option<usize>) {
        assert_eq!(mser5(series), left_out);
    }
}
