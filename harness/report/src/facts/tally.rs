//! [`Tally`]: how many cases came to what.

use std::fmt;

use meshbench_core::judge::Verdict;
use meshbench_core::report::Report;

/// Counts of the cases that were asked for. Controls nobody asked for do not count.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Every budget that could be judged was kept, and nothing became worse.
    pub(crate) passed: usize,
    /// Of these, the ones without a baseline to compare with.
    pub(crate) new: usize,
    /// A budget was broken, or something became worse.
    pub(crate) failed: usize,
    /// The instrument was not up to it.
    pub(crate) invalid: usize,
    /// The blocks do not tell whether it became worse.
    pub(crate) inconclusive: usize,
    /// A run could not be carried out, or a scenario file is wrong.
    pub(crate) errors: usize,
    /// Not run, because a lower rate was already too much.
    pub(crate) not_run: usize,
    /// Not run, because nobody asked for it or it cannot run here.
    pub(crate) ignored: usize,
}

impl Tally {
    /// Counts a report's cases.
    pub(crate) fn of(report: &Report) -> Self {
        let (ignored, errors) = (report.ignored.len(), report.broken_scenarios.len());
        let mut tally = Self { ignored, errors, ..Self::default() };
        for case in report.cases.iter().filter(|case| case.selected) {
            let count = match case.verdict {
                Verdict::Pass
                | Verdict::NoChange
                | Verdict::Improved { .. }
                | Verdict::NewBaseline { .. } => &mut tally.passed,
                Verdict::Fail { .. } | Verdict::Regressed { .. } => &mut tally.failed,
                Verdict::Invalid { .. } => &mut tally.invalid,
                Verdict::Inconclusive { .. } => &mut tally.inconclusive,
                Verdict::Error { .. } => &mut tally.errors,
                Verdict::NotRun { .. } => &mut tally.not_run,
            };
            *count += 1;
            tally.new += usize::from(matches!(case.verdict, Verdict::NewBaseline { .. }));
        }
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, new, failed, invalid, inconclusive, errors, not_run, ignored } = self;
        let noun = if *errors == 1 { "error" } else { "errors" };
        write!(formatter, "{passed} passed")?;
        if *new > 0 {
            write!(formatter, " ({new} without a baseline)")?;
        }
        write!(formatter, ", {failed} failed, {invalid} invalid, ")?;
        if *inconclusive > 0 {
            write!(formatter, "{inconclusive} inconclusive, ")?;
        }
        write!(formatter, "{errors} {noun}, ")?;
        if *not_run > 0 {
            write!(formatter, "{not_run} not run, ")?;
        }
        write!(formatter, "{ignored} ignored")
    }
}
