//! Checks budgets: metrics that exist, and limits in the metric's own unit.

use std::collections::BTreeMap;

use super::checker::Checker;
use crate::budget::{Budgets, Limit, LimitsByMetric, Quantity};
use crate::metric::Metric;
use crate::near_miss;
use crate::scenario::MeshName;
use crate::scenario::raw::{Entries, OVERRIDES, RawBudgets, RawLimits};
use crate::units::TextError;
use crate::yaml::Path;

/// `looks_for_limit` says whether the scenario has a `limit` instead of `rates`.
pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: &RawBudgets,
    meshes: &[MeshName],
    looks_for_limit: bool,
) -> Budgets {
    let path = Path::of("budgets");
    let every_mesh = limits_by_metric(checker, &path, &raw.every_mesh, &[OVERRIDES], looks_for_limit);
    let path = path.key(OVERRIDES);
    let mut overrides = BTreeMap::new();
    for (name, limits) in raw.overrides.iter() {
        let path = path.key(name);
        let limits = limits_by_metric(checker, &path, limits, &[], looks_for_limit);
        if meshes.iter().any(|mesh| mesh.as_str() == name) {
            overrides.insert(name.to_owned(), limits);
        } else {
            refuse_mesh(checker, &path, name, meshes);
        }
    }
    Budgets::new(every_mesh, overrides)
}

fn refuse_mesh(checker: &mut Checker<'_>, path: &Path, name: &str, meshes: &[MeshName]) {
    let names: Vec<&str> = meshes.iter().map(MeshName::as_str).collect();
    let TextError { message, hint } = TextError::not_one_of("a mesh of this scenario", name, &names);
    checker.refuse_key(path, message, hint);
}

fn limits_by_metric(
    checker: &mut Checker<'_>,
    path: &Path,
    written: &Entries<RawLimits>,
    other_keys: &[&str],
    looks_for_limit: bool,
) -> LimitsByMetric {
    let mut limits = LimitsByMetric::new();
    for (name, raw) in written.iter() {
        let path = path.key(name);
        match name.parse::<Metric>() {
            Ok(metric) if (metric == Metric::Limit) != looks_for_limit => {
                let message = match looks_for_limit {
                    true => format!(
                        "a scenario with `limit` has no {metric} to judge; expected a budget on limit"
                    ),
                    false => "no limit is looked for; expected `limit` instead of `rates`".to_owned(),
                };
                checker.refuse_key(&path, message, None);
            }
            Ok(metric) => _ = limits.insert(metric, limits_on(checker, &path, metric, raw)),
            Err(TextError { message, hint }) => {
                let other = near_miss::nearest(name, other_keys.iter().copied());
                let hint = other.map(|key| format!("did you mean \"{key}\"?")).or(hint);
                checker.refuse_key(&path, message, hint);
            }
        }
    }
    limits
}

fn limits_on(checker: &mut Checker<'_>, path: &Path, metric: Metric, raw: &RawLimits) -> Vec<Limit> {
    let RawLimits { at_most, at_least, over_bare, of_bare } = raw;
    let mut read = |key: &str, text: &Option<String>, read: fn(Metric, &str) -> Result<Limit, TextError>| {
        let text = text.as_ref()?;
        read(metric, text).map_err(|error| checker.refuse_text(&path.key(key), error)).ok()
    };
    let at_most =
        read("at_most", at_most, |metric, text| Quantity::read(metric.unit(), text).map(Limit::AtMost));
    let at_least =
        read("at_least", at_least, |metric, text| Quantity::read(metric.unit(), text).map(Limit::AtLeast));
    let over_bare = read("over_bare", over_bare, over_bare_limit);
    let of_bare = read("of_bare", of_bare, of_bare_limit);
    if raw.is_empty() {
        let message = "this budget sets no limit; expected at_most, at_least or over_bare".to_owned();
        checker.refuse(path, message, None);
    }
    if let (Some(Limit::AtMost(most)), Some(Limit::AtLeast(least))) = (at_most, at_least)
        && most.in_base_unit() < least.in_base_unit()
    {
        let message = format!("nothing is both at most {most} and at least {least}");
        checker.refuse(path, message, None);
    }
    [at_most, at_least, over_bare, of_bare].into_iter().flatten().collect()
}

/// Reads `0.6`.
fn of_bare_limit(metric: Metric, text: &str) -> Result<Limit, TextError> {
    if metric != Metric::Limit {
        let message =
            format!("a part of bare's {metric} is no budget; expected at_most, at_least or over_bare");
        return Err(TextError { message, hint: None });
    }
    match text.trim().parse::<f64>() {
        Ok(part) if part > 0.0 && part <= 1.0 => Ok(Limit::OfBare(part)),
        _ => Err(TextError {
            message: format!(
                "\"{text}\" is no part of bare's limit; expected a number from 0 to 1 such as 0.6"
            ),
            hint: None,
        }),
    }
}

/// Reads `+10ms` or `x1.5`.
fn over_bare_limit(metric: Metric, text: &str) -> Result<Limit, TextError> {
    if let Some(why) = metric.why_not_over_bare() {
        let instead = if metric == Metric::Limit { "at_least or of_bare" } else { "at_most or at_least" };
        let message = format!("{metric} cannot be compared with bare: {why}; expected {instead}");
        return Err(TextError { message, hint: None });
    }
    let trimmed = text.trim();
    if let Some(difference) = trimmed.strip_prefix('+') {
        return Quantity::read(metric.unit(), difference).map(Limit::OverBareDifference);
    }
    let example = metric.unit().example();
    if let Some(ratio) = trimmed.strip_prefix(['x', '×']) {
        return match ratio.trim().parse::<f64>() {
            Ok(ratio) if ratio > 0.0 && ratio.is_finite() => Ok(Limit::OverBareRatio(ratio)),
            _ => Err(TextError {
                message: format!(
                    "\"{text}\" is not a ratio to bare; expected a ratio above zero such as \"x1.5\""
                ),
                hint: None,
            }),
        };
    }
    let meant = Quantity::read(metric.unit(), trimmed).ok().map(|difference| format!("+{difference}"));
    let message = format!(
        "\"{text}\" is neither a difference from bare nor a ratio to it; expected a difference such as \"+{example}\" \
         or a ratio such as \"x1.5\""
    );
    Err(TextError { message, hint: None }.did_you_mean(meant))
}
