//! Checks the rates of a matrix.

use super::checker::Checker;
use super::{bounds, distinct};
use crate::scenario::raw::{RawRates, RawScenario, RawSweep, Written};
use crate::scenario::sweep::{Steps, Sweep};
use crate::units::OfferedRate;
use crate::yaml::Path;

const FIELD: &str = "rates";

/// The rates, each once, in the order of the file, or none where a limit is looked for; and whether a mesh stops at the first
/// that it cannot carry.
pub(super) fn check(checker: &mut Checker<'_>, raw: &RawScenario) -> (Vec<OfferedRate>, bool) {
    match &raw.rates {
        None => {
            if raw.limit.is_none() {
                let message = "nothing says what is offered; expected `rates`, or `limit` to find out how much is carried";
                checker.refuse_file(message.to_owned());
            }
            (Vec::new(), false)
        }
        Some(RawRates::List(list)) => {
            let rates = distinct(checker, &Path::of(FIELD), "rate", list);
            for (index, rate) in rates.iter().enumerate() {
                checker.bound(&Path::of(FIELD).index(index), rate, bounds::HIGHEST_RATE);
            }
            (rates, false)
        }
        Some(RawRates::Sweep(raw)) => {
            let rates = sweep(checker, raw).map(|(sweep, path)| expanded(checker, sweep, &path));
            (rates.unwrap_or_default(), raw.stop_at_collapse)
        }
    }
}

/// The sweep, and the field that says how many rates it has.
fn sweep(checker: &mut Checker<'_>, raw: &RawSweep) -> Option<(Sweep, Path)> {
    let path = Path::of(FIELD);
    let from = checker.read(&path.key("from"), &raw.from);
    let to = highest(checker, &path.key("to"), &raw.to, from);
    let (step, per_decade) = (path.key("step"), path.key("per_decade"));
    let (steps, path) = match (&raw.step, &raw.per_decade) {
        (Some(apart), None) => (checker.read(&step, apart).map(Steps::Apart), step),
        (None, Some(steps)) => {
            let steps = checker.read_count(&per_decade, steps, bounds::MOST_STEPS_PER_DECADE);
            (steps.map(Steps::PerDecade), per_decade)
        }
        (Some(_), Some(_)) => {
            let message = "`step` says already how the rates follow each other; expected one of the two";
            checker.refuse_key(&per_decade, message.to_owned(), Some("remove one of the two".to_owned()));
            return None;
        }
        (None, None) => {
            let message = "nothing says how the rates follow each other; expected `step` or `per_decade`";
            let hint = "add step: 500rps, or per_decade: 5";
            checker.refuse(&path, message.to_owned(), Some(hint.to_owned()));
            return None;
        }
    };
    Some((Sweep { from: from?, to: to?, steps: steps? }, path))
}

/// The last rate of a sweep, which is above the first.
fn highest(
    checker: &mut Checker<'_>,
    path: &Path,
    written: &Written<OfferedRate>,
    from: Option<OfferedRate>,
) -> Option<OfferedRate> {
    let to = checker.read(path, written)?;
    if let Some(from) = from.filter(|from| *from >= to) {
        let message = format!("{to} is not above {from}, where the rates begin; expected the highest rate");
        checker.refuse(path, message, None);
        return None;
    }
    checker.bound(path, &to, bounds::HIGHEST_RATE).then_some(to)
}

fn expanded(checker: &mut Checker<'_>, sweep: Sweep, path: &Path) -> Vec<OfferedRate> {
    let most = bounds::MOST_RATES_OF_A_SWEEP;
    let rates: Vec<_> = sweep.rates().take(most + 1).collect();
    if rates.len() > most {
        let (from, to) = (sweep.from, sweep.to);
        let message =
            format!("from {from} to {to} these are more than {most} rates; expected at most {most}");
        let hint = match sweep.steps {
            Steps::Apart(_) => "write a larger step",
            Steps::PerDecade(_) => "write fewer per decade",
        };
        checker.refuse(path, message, Some(hint.to_owned()));
    }
    rates
}
