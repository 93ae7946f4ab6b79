//! [`judge_limit_of`]: from what a mesh can carry to a verdict.

use super::{JudgedLimit, Judgement, Verdict};
use crate::budget::{Budgets, Limit, LimitOutcome, OverBare, Reading, judge_limit};
use crate::limit::Owner;
use crate::metric::Metric;
use crate::report::{LimitOutcome as Outcome, LimitReport};
use crate::scenario::MeshName;

/// Judges what a mesh can carry against its budgets. `causes` are what kept its probes from being carried out, each in a
/// sentence.
///
/// Where something else gave out first, a budget that is not reached is not broken: the mesh may well carry it.
#[must_use]
pub fn judge_limit_of(
    mesh: &MeshName,
    found: &LimitReport,
    budgets: &Budgets,
    causes: Vec<String>,
) -> Judgement {
    if !causes.is_empty() {
        return Judgement { verdict: Verdict::Error { causes }, limits: Vec::new() };
    }
    let limits: Vec<_> = budgets.limits_for(mesh).map(|(_, limit)| judged(limit, found)).collect();
    let remarks = |kept: Option<bool>| -> Vec<String> {
        limits.iter().filter(|limit| limit.kept == kept).map(|limit| limit.remark.clone()).collect()
    };
    let (broken, open) = (remarks(Some(false)), remarks(None));
    let verdict = match found.outcome {
        Outcome::BelowRange { limit_of: Owner::Mesh | Owner::Range } => {
            Verdict::Fail { breaches: vec![found.summary(mesh.as_str())] }
        }
        Outcome::BelowRange { .. } => Verdict::Invalid { reasons: vec![found.summary(mesh.as_str())] },
        Outcome::Unsettled | Outcome::Unfinished => {
            Verdict::Inconclusive { findings: vec![found.summary(mesh.as_str())] }
        }
        _ if !broken.is_empty() => Verdict::Fail { breaches: broken },
        _ if !open.is_empty() => Verdict::Inconclusive { findings: open },
        Outcome::Found | Outcome::AtLeast { .. } => Verdict::Pass,
    };
    Judgement { verdict, limits }
}

fn judged(limit: Limit, found: &LimitReport) -> JudgedLimit {
    let (kept, remark) = match found.rps {
        None => (None, "no limit was found to judge".to_owned()),
        Some(rps) => outcome(limit, rps, found),
    };
    JudgedLimit { metric: Metric::Limit.name().to_owned(), limit: limit.to_string(), kept, remark }
}

fn outcome(limit: Limit, rps: f64, found: &LimitReport) -> (Option<bool>, String) {
    let over_bare = found.of_bare.map(|part| {
        let bare = rps / part.median;
        OverBare { difference: rps - bare, ratio: part.median, bare }
    });
    let is_lower_bound = matches!(found.outcome, Outcome::AtLeast { .. });
    // A search is no run: what it rests on are its probes, however many requests these had.
    let requests = Metric::Limit.minimum_requests();
    match judge_limit(Metric::Limit, limit, Reading { value: rps, over_bare, requests }) {
        LimitOutcome::Breached(sentence) if is_lower_bound && !matches!(limit, Limit::AtMost(_)) => {
            (None, format!("not judged: {sentence}, and something else than the mesh gave out there"))
        }
        LimitOutcome::Within if matches!(limit, Limit::OfBare(_)) && found.bare_carries_more => {
            (None, "not judged: how much more bare carries was not found out".to_owned())
        }
        LimitOutcome::Within => (Some(true), String::new()),
        LimitOutcome::Breached(sentence) => (Some(false), sentence),
        LimitOutcome::NoControl => (None, "not judged: there is no limit of bare to compare with".to_owned()),
        unread @ LimitOutcome::TooFewRequests { .. } => (None, unread.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::budget::LimitsByMetric;
    use crate::limit::Credible;

    fn found(outcome: Outcome, bare_carries_more: bool) -> LimitReport {
        LimitReport {
            service_level: [].into(),
            from_rps: 100.0,
            to_rps: 10_000.0,
            precision: 0.03,
            outcome,
            rps: Some(1_800.0),
            interval_rps: None,
            of_bare: Some(Credible { low: 0.58, median: 0.6, high: 0.62 }),
            bare_carries_more,
            confirmed_by: 3,
            probes: Vec::new(),
        }
    }

    fn verdict(found: &LimitReport, limit: Limit) -> Verdict {
        let limits = LimitsByMetric::from([(Metric::Limit, vec![limit])]);
        let budgets = Budgets::new(limits, [].into());
        judge_limit_of(&"haproxy".parse().unwrap(), found, &budgets, Vec::new()).verdict
    }

    #[rstest]
    #[case::kept("1500rps", Outcome::Found, "pass")]
    #[case::broken("2000rps", Outcome::Found, "FAIL")]
    #[case::kept_by_a_lower_bound("1500rps", Outcome::AtLeast { limit_of: Owner::Generator }, "pass")]
    #[case::open("2000rps", Outcome::AtLeast { limit_of: Owner::Generator }, "INCONCLUSIVE")]
    #[case::below("1500rps", Outcome::BelowRange { limit_of: Owner::Mesh }, "FAIL")]
    #[case::below_for_the_generator("1500rps", Outcome::BelowRange { limit_of: Owner::Generator }, "INVALID")]
    #[case::unsettled("1500rps", Outcome::Unsettled, "INCONCLUSIVE")]
    fn a_budget_is_judged_by_what_is_known(
        #[case] least: &str,
        #[case] outcome: Outcome,
        #[case] word: &str,
    ) {
        let limit = Limit::AtLeast(crate::budget::Quantity::Rate(least.parse().unwrap()));
        assert_eq!(verdict(&found(outcome, false), limit).word(), word);
    }

    #[rstest]
    #[case::kept(0.5, false, "pass")]
    #[case::broken(0.7, false, "FAIL")]
    #[case::at_most_as_much(0.5, true, "INCONCLUSIVE")]
    #[case::broken_all_the_more(0.7, true, "FAIL")]
    fn so_is_a_part_of_bare(#[case] least: f64, #[case] bare_carries_more: bool, #[case] word: &str) {
        assert_eq!(verdict(&found(Outcome::Found, bare_carries_more), Limit::OfBare(least)).word(), word);
    }

    #[test]
    fn a_broken_budget_says_by_how_much() {
        let Verdict::Fail { breaches } = verdict(&found(Outcome::Found, false), Limit::OfBare(0.7)) else {
            panic!("it is broken");
        };
        insta::assert_snapshot!(breaches.join("\n"), @"limit is 0.600 of bare's (1800rps of 3000rps); the budget wants 0.7");
    }
}
