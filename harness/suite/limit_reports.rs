//! From what the probes of a group gave to the reports of its cases.

use meshbench_core::judge::{Verdict, judge_limit_of};
use meshbench_core::limit::Search;
use meshbench_core::report::{CaseHeading, CaseReport, ClusterEnvironment, LimitReport};
use meshbench_core::run::Run;
use meshbench_lab::local::LocalProvider;
use meshbench_lab::{LimitGroup, LimitsOutcome, MeshSearch};

use crate::baselines::Baselines;
use crate::case_reports::{JudgedCase, carried_out};
use crate::discovery::PlannedCase;

/// The name of the scenario behind `meshbench limit`, which nobody keeps: what it finds is compared with nothing.
pub(crate) const ASKED_FOR: &str = "limit-asked-for";

/// A report for every mesh that has a probe or a failure.
pub(crate) fn limit_reports(
    group: &LimitGroup<'_>,
    outcome: &LimitsOutcome,
    members: &[&PlannedCase],
    provider: &LocalProvider,
    baselines: &Baselines,
    cluster: Option<&ClusterEnvironment>,
    share_of_alpha: f64,
) -> Vec<JudgedCase> {
    let bare = outcome.searches.iter().find(|searched| searched.mesh.is_bare());
    let reported = group.arms.iter().zip(&outcome.searches).filter_map(|(mesh, searched)| {
        let failed = outcome.measured.failed.iter().any(|failed| failed.mesh == mesh.name);
        if searched.probes.is_empty() && !failed {
            return None;
        }
        let names = (group.name(), group.case_name(&mesh.name));
        let heading = carried_out(names, mesh, group.scenario, members, provider, cluster);
        let control = bare.filter(|_| !mesh.name.is_bare()).map(|bare| &bare.search);
        let report = report(group, outcome, searched, control, heading.clone());
        let limit = report.limit.as_ref()?;
        let is_comparable = !matches!(report.verdict, Verdict::Invalid { .. } | Verdict::Error { .. });
        let confirming = confirming(limit, outcome, searched);
        let measured = baselines
            .measure_limit(group, &heading, limit, &confirming, cluster)
            .filter(|_| heading.selected && is_comparable && group.scenario.name != ASKED_FOR);
        let Some(measured) = measured else { return Some(JudgedCase::new(report, None, &confirming)) };
        let standing = baselines.compare(&measured, &group.scenario.strictness, share_of_alpha);
        let judgement = report.judgement().against(Some(&standing), None);
        let report = CaseReport { verdict: judgement.verdict, ..report };
        let report = report.against(standing, measured.fingerprint().clone());
        Some(JudgedCase::new(report, Some(measured), &confirming))
    });
    reported.collect()
}

/// The report by what was found and by the budgets; what was stored of earlier campaigns has no part in it yet.
fn report(
    group: &LimitGroup<'_>,
    outcome: &LimitsOutcome,
    searched: &MeshSearch,
    bare: Option<&Search>,
    heading: CaseHeading,
) -> CaseReport {
    let runs = runs_of(outcome, searched);
    let limit = LimitReport::new(group.limit, &searched.search, &searched.probes, bare, &runs);
    let (causes, invalid) = failures(outcome, searched);
    let judgement = judge_limit_of(&searched.mesh, &limit, &group.scenario.budgets, causes);
    let judgement = judgement.invalid_for(invalid);
    let summary = Some(limit.summary(searched.mesh.as_str()));
    // A verdict that is explained says it already.
    let remarks = summary.filter(|summary| !judgement.verdict.sentences().contains(summary));
    let confirming = confirming(&limit, outcome, searched);
    CaseReport::new(heading, &confirming, &[], judgement)
        .remarking(remarks.into_iter().collect())
        .limited(limit, &runs)
}

fn runs_of<'a>(outcome: &'a LimitsOutcome, searched: &MeshSearch) -> Vec<&'a Run> {
    outcome.measured.runs.iter().filter(|run| run.mesh == searched.mesh).collect()
}

/// The runs that confirmed the limit: what the case's figures are read from.
fn confirming<'a>(limit: &LimitReport, outcome: &'a LimitsOutcome, searched: &MeshSearch) -> Vec<&'a Run> {
    let mut runs = runs_of(outcome, searched);
    runs.retain(|run| limit.confirming_blocks().any(|block| block == run.block));
    runs
}

/// What ended a search early, each in a sentence: what broke, and what would have made its probes invalid.
fn failures(outcome: &LimitsOutcome, searched: &MeshSearch) -> (Vec<String>, Vec<String>) {
    let measured = &outcome.measured;
    let (mut causes, mut invalid) = (Vec::new(), Vec::new());
    if searched.is_given_up() {
        for failed in measured.failed.iter().filter(|failed| failed.mesh == searched.mesh) {
            let sentence = format!("probe {}: {}", failed.block, failed.why);
            if failed.is_invalid { &mut invalid } else { &mut causes }.push(sentence);
        }
    } else if measured.interrupted && searched.search.next().is_some() {
        causes.push(format!("interrupted after {} probes", searched.probes.len()));
    }
    (causes, invalid)
}
