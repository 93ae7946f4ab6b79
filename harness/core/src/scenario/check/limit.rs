//! Checks what limit is to be looked for: that there is one to find, and that probes can tell.

use std::fmt::Display;

use super::bounds;
use super::checker::Checker;
use crate::limit::{LimitPlan, ServiceLevel};
use crate::metric::Metric;
use crate::scenario::raw::{RawLimit, RawScenario, RawServiceLevel};
use crate::units::{OfferedRate, Span};
use crate::yaml::Path;

/// Reads the limit of a scenario; `None` where it asks for none, or it was refused.
pub(super) fn check(checker: &mut Checker<'_>, raw: &RawScenario, durations: &[Span]) -> Option<LimitPlan> {
    let limit = raw.limit.as_ref()?;
    refuse_what_a_limit_has_no_use_for(checker, raw);
    plan(checker, limit, durations)
}

fn plan(checker: &mut Checker<'_>, raw: &RawLimit, durations: &[Span]) -> Option<LimitPlan> {
    let path = Path::of("limit");
    let service_level = service_level(checker, &path.key("slo"), &raw.slo);
    let [from, to] = [("from", &raw.from), ("to", &raw.to)].map(|(key, written)| {
        let rate: OfferedRate = checker.read(&path.key(key), written)?;
        checker.bound(&path.key(key), &rate, bounds::HIGHEST_RATE).then_some(rate)
    });
    let precision = checker.read(&path.key("precision"), &raw.precision);
    if let Some(precision) = &precision {
        checker.bound(&path.key("precision"), precision, bounds::COARSEST_PRECISION);
        checker.bound_below(&path.key("precision"), precision, bounds::FINEST_PRECISION);
    }
    let confirmations =
        checker.read_count(&path.key("confirmations"), &raw.confirmations, bounds::MOST_CONFIRMATIONS);
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        let message = format!("{to} is not above `from`, {from}; expected a range in which to look");
        checker.refuse(&path.key("to"), message, None);
    }
    let plan = LimitPlan {
        service_level: service_level?,
        from: from?,
        to: to?,
        precision: precision?,
        confirmations: confirmations?,
    };
    refuse_too_few_requests(checker, &path.key("from"), &plan, durations);
    Some(plan)
}

fn service_level(checker: &mut Checker<'_>, path: &Path, raw: &RawServiceLevel) -> Option<ServiceLevel> {
    let written = [
        (Metric::P50, &raw.p50),
        (Metric::P75, &raw.p75),
        (Metric::P90, &raw.p90),
        (Metric::P99, &raw.p99),
        (Metric::P99_9, &raw.p99_9),
    ];
    let latencies = written
        .into_iter()
        .filter_map(|(metric, most)| Some((metric, checker.read(&path.key(metric.name()), most.as_ref()?)?)));
    let latencies = latencies.collect();
    let errors = checker.read(&path.key("errors"), &raw.errors);
    let achieved = checker.read(&path.key("achieved"), &raw.achieved);
    if let Some(errors) = &errors {
        checker.bound(&path.key("errors"), errors, bounds::MOST_ERRORS_OF_A_LIMIT);
    }
    if let Some(achieved) = &achieved {
        checker.bound_below(&path.key("achieved"), achieved, bounds::LEAST_ACHIEVED_OF_A_LIMIT);
        checker.bound(&path.key("achieved"), achieved, bounds::MOST_ACHIEVED_OF_A_LIMIT);
    }
    Some(ServiceLevel { latencies, errors: errors?, achieved: achieved? })
}

/// A request that takes as long as the timeout has failed, and no success is slower: nothing would ever miss such a latency.
pub(super) fn refuse_what_no_success_exceeds(checker: &mut Checker<'_>, plan: &LimitPlan, timeout: Span) {
    for (metric, most) in &plan.service_level.latencies {
        if most.as_duration() >= timeout.as_duration() {
            let path = Path::of("limit").key("slo").key(metric.name());
            let message =
                format!("{most} is not below the timeout, {timeout}, after which a request has failed");
            checker.refuse(&path, message, Some("lower it, or raise `workload.timeout`".to_owned()));
        }
    }
}

/// At the lowest rate, the shortest window must still have requests beyond every quantile.
fn refuse_too_few_requests(checker: &mut Checker<'_>, path: &Path, plan: &LimitPlan, durations: &[Span]) {
    let needed = plan.service_level.fewest_requests();
    let Some(shortest) = durations.iter().min() else { return };
    let requests = plan.from.requests_per_second() * shortest.as_duration().as_secs_f64();
    if requests < needed as f64 {
        let message = format!(
            "{} for {shortest} are {requests:.0} requests, and the service level takes {needed} to be read",
            plan.from
        );
        let enough = needed as f64 / shortest.as_duration().as_secs_f64();
        let hint = format!("write from: {:.0}rps, or lengthen `durations`", enough.ceil());
        checker.refuse(path, message, Some(hint));
    }
}

fn refuse_what_a_limit_has_no_use_for(checker: &mut Checker<'_>, raw: &RawScenario) {
    let mut refuse = |field: &str, why: &dyn Display| {
        checker.refuse_key(
            &Path::of(field),
            format!("a scenario with `limit` has no use for this: {why}"),
            None,
        );
    };
    if raw.rates.is_some() {
        refuse("rates", &"which rates are offered is what is looked for");
    }
    if raw.compare.is_some() {
        refuse("compare", &"limits are compared with their baselines");
    }
    if raw.repeats.text != "1" {
        refuse("repeats", &"`limit.confirmations` says how many runs confirm it");
    }
}
