//! [`Budgets`]: what a scenario may not exceed; [`judge_limit`] compares a reading with one [`Limit`].

mod judge;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use crate::metric::{Metric, Unit};
use crate::scenario::MeshName;
use crate::units::{Bytes, OfferedRate, Share, Span, TextError};

pub use judge::{LimitOutcome, OverBare, Reading, judge_limit};

/// The limits of a scenario, by metric, with replacements for single meshes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Budgets {
    every_mesh: LimitsByMetric,
    /// By the names of meshes' folders.
    overrides: BTreeMap<String, LimitsByMetric>,
}

/// The limits on each metric that has any.
pub type LimitsByMetric = BTreeMap<Metric, Vec<Limit>>;

impl Budgets {
    /// Budgets for every mesh, and those that replace them, metric by metric, for single meshes, by the names of their
    /// folders.
    #[must_use]
    pub const fn new(every_mesh: LimitsByMetric, overrides: BTreeMap<String, LimitsByMetric>) -> Self {
        Self { every_mesh, overrides }
    }

    /// The limits on one mesh, the same for all its versions. `bare` has no limits over `bare`.
    pub fn limits_for<'a>(&'a self, mesh: &'a MeshName) -> impl Iterator<Item = (Metric, Limit)> + 'a {
        let replaced = self.overrides.get(mesh.folder());
        Metric::ALL
            .into_iter()
            .filter_map(move |metric| {
                let limits = replaced.and_then(|limits| limits.get(&metric));
                Some((metric, limits.or_else(|| self.every_mesh.get(&metric))?))
            })
            .flat_map(|(metric, limits)| limits.iter().map(move |&limit| (metric, limit)))
            .filter(|(_, limit)| !(mesh.is_bare() && limit.is_over_bare()))
    }
}

/// One limit on one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// `at_most: 20ms`
    AtMost(Quantity),
    /// `at_least: 99%`
    AtLeast(Quantity),
    /// `over_bare: +10ms`
    OverBareDifference(Quantity),
    /// `over_bare: x1.5`
    OverBareRatio(f64),
    /// `of_bare: 0.6`: at least this part of what `bare` has.
    OfBare(f64),
}

impl Limit {
    /// Whether the limit needs a reading of `bare` to compare with.
    #[must_use]
    pub const fn is_over_bare(self) -> bool {
        matches!(self, Self::OverBareDifference(_) | Self::OverBareRatio(_) | Self::OfBare(_))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(formatter, "≤ {most}"),
            Self::AtLeast(least) => write!(formatter, "≥ {least}"),
            Self::OverBareDifference(difference) => write!(formatter, "bare +{difference}"),
            Self::OverBareRatio(ratio) => write!(formatter, "bare ×{ratio}"),
            Self::OfBare(part) => write!(formatter, "≥ {part} × bare"),
        }
    }
}

/// An amount in the unit of some metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Latency, or CPU time per request.
    Time(Span),
    /// A share of requests.
    Share(Share),
    /// Memory.
    Memory(Bytes),
    /// Requests per second.
    Rate(OfferedRate),
}

impl Quantity {
    /// Reads an amount as metrics of that unit are written.
    ///
    /// # Errors
    ///
    /// When the text is no amount of that unit.
    pub fn read(unit: Unit, text: &str) -> Result<Self, TextError> {
        let read = match unit {
            Unit::Latency | Unit::CpuPerRequest => text.parse().map(Self::Time),
            Unit::Share => text.parse().map(Self::Share),
            Unit::Memory => text.parse().map(Self::Memory),
            Unit::Rate => text.parse().map(Self::Rate),
        };
        read.map_err(|error| Self::refusal(unit, text, error))
    }

    /// Improves on an error where it is known that a limit was meant, and on what.
    fn refusal(unit: Unit, text: &str, error: TextError) -> TextError {
        if text.parse::<f64>().is_ok() {
            return error.did_you_mean(Some(format!("{text}{}", unit.usual_suffix())));
        }
        let other_kind = [
            (text.parse::<Span>().is_ok(), "a duration"),
            (text.parse::<Share>().is_ok(), "a share"),
            (text.parse::<Bytes>().is_ok(), "an amount of memory"),
            (text.parse::<OfferedRate>().is_ok(), "a rate"),
        ];
        match other_kind.into_iter().find(|(is_it, _)| *is_it) {
            Some((_, kind)) => {
                let message =
                    format!("\"{text}\" is {kind}; expected {} such as \"{}\"", unit.what(), unit.example());
                TextError { message, hint: None }
            }
            None => error,
        }
    }

    /// Nanoseconds, fraction, bytes or requests per second: what readings are compared in.
    #[must_use]
    pub fn in_base_unit(self) -> f64 {
        match self {
            Self::Time(span) => span.as_duration().as_nanos() as f64,
            Self::Share(share) => share.fraction(),
            Self::Memory(bytes) => bytes.get().get() as f64,
            Self::Rate(rate) => rate.requests_per_second(),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(span) => span.fmt(formatter),
            Self::Share(share) => share.fmt(formatter),
            Self::Memory(bytes) => bytes.fmt(formatter),
            Self::Rate(rate) => rate.fmt(formatter),
        }
    }
}
