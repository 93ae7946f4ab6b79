//! [`judge_limit`]: the plain comparison of one reading with one limit.

use std::fmt;

use super::Limit;
use crate::metric::Metric;
use crate::statistics::median;

/// What runs measured for one metric, in the metric's base unit: nanoseconds, fraction or bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The value under test: the median over the runs.
    pub value: f64,
    /// How it stands to `bare`.
    pub over_bare: Option<OverBare>,
    /// How many requests the value rests on.
    pub requests: u64,
}

/// How runs stand to those of `bare` in the same blocks.
///
/// Block by block, because what disturbs a block disturbs both of its runs: the difference of two medians would be that of
/// runs that nothing but chance brought together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverBare {
    /// The median over the blocks of what is above `bare`.
    pub difference: f64,
    /// The median over the blocks of the ratio to `bare`.
    pub ratio: f64,
    /// The median of `bare` itself.
    pub bare: f64,
}

impl OverBare {
    /// Sums up pairs of (bare, value), one a block; `None` of no pair.
    #[must_use]
    pub fn of_blocks(pairs: &[(f64, f64)]) -> Option<Self> {
        let over = |figure: fn(&(f64, f64)) -> f64| median(&pairs.iter().map(figure).collect::<Vec<_>>());
        Some(Self {
            difference: over(|(bare, value)| value - bare)?,
            // Nothing is as much as nothing.
            ratio: over(|(bare, value)| if value == bare { 1.0 } else { value / bare })?,
            bare: over(|(bare, _)| *bare)?,
        })
    }
}

/// What comparing a reading with a limit gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitOutcome {
    /// The limit is kept.
    Within,
    /// The limit is broken; the sentence says how.
    Breached(String),
    /// Too few requests to read this quantile at all.
    TooFewRequests {
        /// How many it takes.
        needed: u64,
        /// How many there were.
        had: u64,
    },
    /// The limit is over `bare`, and there is no reading of `bare`.
    NoControl,
}

impl fmt::Display for LimitOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within => formatter.write_str("within its limit"),
            Self::Breached(sentence) => formatter.write_str(sentence),
            Self::TooFewRequests { needed, had } => {
                write!(formatter, "not judged: {had} requests, and it takes {needed} to read this quantile")
            }
            Self::NoControl => {
                formatter.write_str("not judged: nothing was measured under bare to compare with")
            }
        }
    }
}

/// Compares a reading with a limit. Exactly at the limit is within it.
#[must_use]
pub fn judge_limit(metric: Metric, limit: Limit, reading: Reading) -> LimitOutcome {
    let Reading { value, over_bare, requests } = reading;
    let needed = metric.minimum_requests();
    if requests < needed {
        return LimitOutcome::TooFewRequests { needed, had: requests };
    }
    let breach = match (limit, over_bare) {
        (Limit::AtMost(most), _) => {
            let most = most.in_base_unit();
            (value > most).then(|| absolute_breach(metric, value, "above", most))
        }
        (Limit::AtLeast(least), _) => {
            let least = least.in_base_unit();
            (value < least).then(|| absolute_breach(metric, value, "below", least))
        }
        (Limit::OverBareDifference(_) | Limit::OverBareRatio(_) | Limit::OfBare(_), None) => {
            return LimitOutcome::NoControl;
        }
        (Limit::OverBareDifference(allowed), Some(over)) => {
            let allowed = allowed.in_base_unit();
            (over.difference > allowed).then(|| difference_breach(metric, value, over, allowed))
        }
        (Limit::OverBareRatio(allowed), Some(over)) => {
            (over.ratio > allowed).then(|| ratio_breach(metric, value, over, allowed))
        }
        (Limit::OfBare(least), Some(over)) => (over.ratio < least).then(|| {
            let (value, bare) = told_apart(metric, value, over.bare);
            format!("{metric} is {:.3} of bare's ({value} of {bare}); the budget wants {least}", over.ratio)
        }),
    };
    breach.map_or(LimitOutcome::Within, LimitOutcome::Breached)
}

fn absolute_breach(metric: Metric, value: f64, side: &str, limit: f64) -> String {
    let (value, limit) = told_apart(metric, value, limit);
    format!("{metric} {value} is {side} its limit {limit}")
}

fn difference_breach(metric: Metric, value: f64, over: OverBare, allowed: f64) -> String {
    let (difference, allowed) = told_apart(metric, over.difference, allowed);
    let (value, bare) = told_apart(metric, value, over.bare);
    format!(
        "{metric} is {difference} above bare in the same block ({value} against {bare} at the median); the budget allows \
         +{allowed}"
    )
}

fn ratio_breach(metric: Metric, value: f64, over: OverBare, allowed: f64) -> String {
    let (shown_value, shown_bare) = told_apart(metric, value, over.bare);
    if over.bare == 0.0 {
        return format!("{metric} is {shown_value} where bare has none; the budget allows ×{allowed}");
    }
    let ratio = [2, 4, 9]
        .into_iter()
        .map(|decimals| format!("{:.decimals$}", over.ratio))
        .find(|shown| shown.parse() != Ok(allowed))
        .unwrap_or_else(|| over.ratio.to_string());
    format!(
        "{metric} is ×{ratio} of bare in the same block ({shown_value} against {shown_bare} at the median); the budget \
         allows ×{allowed}"
    )
}

/// Shows two different values with as many digits as it takes for them to look different.
fn told_apart(metric: Metric, left: f64, right: f64) -> (String, String) {
    const FEWEST_DIGITS: u32 = 3;
    const MOST_DIGITS: u32 = 12;
    let shown = |digits| (metric.unit().show(left, digits), metric.unit().show(right, digits));
    (FEWEST_DIGITS..MOST_DIGITS)
        .map(shown)
        .find(|(left, right)| left != right)
        .unwrap_or_else(|| shown(FEWEST_DIGITS))
}
