//! From what a block group gave to the reports of its cases.

use meshbench_core::comparison::{Comparison, FirstStage};
use meshbench_core::histogram::LatencyHistogram;
use meshbench_core::judge::{LeftOut, Verdict, drift_finding, judge, losses, rough_cpu_finding};
use meshbench_core::report::{CaseHeading, CaseReport, ClusterEnvironment, Executable};
use meshbench_core::run::Run;
use meshbench_core::scenario::{MeshName, ProviderKind, Scenario};
use meshbench_lab::local::LocalProvider;
use meshbench_lab::mesh::{MeshCatalog, MeshDefinition};
use meshbench_lab::{GroupOutcome, GroupPlan};

use crate::baselines::{Baselines, Measured};
use crate::clusters::ClusterChoice;
use crate::discovery::PlannedCase;

pub(crate) fn definition<'a>(
    catalog: &'a MeshCatalog,
    mesh: &MeshName,
) -> Result<&'a MeshDefinition, String> {
    match catalog.get(mesh) {
        Some(Ok(definition)) => Ok(definition),
        Some(Err(problem)) => Err(problem.to_string()),
        None => Err(format!("there is no folder scenarios/meshes/{mesh}")),
    }
}

/// Who a case is. A definition that is wrong has no version.
pub(crate) fn heading(catalog: &MeshCatalog, provider: &LocalProvider, case: &PlannedCase) -> CaseHeading {
    let mesh = &case.case.mesh;
    let cluster = case.cluster_of_several().map_or_else(String::new, |cluster| format!("@{cluster}"));
    let version =
        definition(catalog, mesh).map_or_else(|_| "unknown".to_owned(), |mesh| mesh.version.clone());
    CaseHeading {
        name: case.name.clone(),
        group: format!("{}{cluster}", case.blocks()),
        mesh: mesh.to_string(),
        cluster: case.cluster.as_ref().and_then(ClusterChoice::context).map(str::to_owned),
        mesh_version: version,
        executable: executable(provider, &case.scenario, mesh),
        selected: true,
    }
}

/// Who a case is that was carried out, by the names of its group and its own.
pub(crate) fn carried_out(
    (group, name): (String, String),
    mesh: &MeshDefinition,
    scenario: &Scenario,
    members: &[&PlannedCase],
    provider: &LocalProvider,
    cluster: Option<&ClusterEnvironment>,
) -> CaseHeading {
    CaseHeading {
        selected: members.iter().any(|member| member.name == name),
        name,
        group,
        mesh: mesh.name.to_string(),
        cluster: cluster.map(|cluster| cluster.context.clone()),
        mesh_version: mesh.version.clone(),
        executable: executable(provider, scenario, &mesh.name),
    }
}

/// What runs a mesh on this machine; on a cluster its images do.
fn executable(provider: &LocalProvider, scenario: &Scenario, mesh: &MeshName) -> Option<Executable> {
    if scenario.provider == ProviderKind::Kube {
        return None;
    }
    provider.proxies.get(mesh)?.as_ref().ok().cloned()
}

/// A case's report, with what it leaves for others.
pub(crate) struct JudgedCase {
    /// The report.
    pub(crate) report: CaseReport,
    /// What later campaigns are compared with; `None` where nothing valid was measured.
    pub(crate) measured: Option<Measured>,
    /// All latencies that its figures rest on.
    pub(crate) latencies: LatencyHistogram,
}

impl JudgedCase {
    /// With the latencies of the `runs` that its figures rest on.
    pub(crate) fn new(report: CaseReport, measured: Option<Measured>, runs: &[&Run]) -> Self {
        let mut latencies = LatencyHistogram::new();
        runs.iter().for_each(|run| latencies.merge(&run.recording.latency_ns));
        Self { report, measured, latencies }
    }
}

/// A report for every arm that has a run or a failure; of an interrupted group
/// only for arms with something to show.
pub(crate) fn group_reports<'a>(
    plan: &GroupPlan<'_>,
    outcome: &'a GroupOutcome,
    members: &[&PlannedCase],
    provider: &LocalProvider,
    baselines: &Baselines,
    cluster: Option<&ClusterEnvironment>,
    share_of_alpha: f64,
) -> Vec<JudgedCase> {
    let runs_of =
        |mesh: &MeshName| outcome.runs.iter().filter(|run| run.mesh == *mesh).collect::<Vec<&'a Run>>();
    let bare = runs_of(&MeshName::bare());
    let report = |mesh: &&MeshDefinition| {
        let runs = runs_of(&mesh.name);
        let causes = causes(plan, outcome, &mesh.name, runs.len());
        let invalid = invalid_runs(outcome, &mesh.name);
        if runs.is_empty() && causes.is_empty() && invalid.is_empty() {
            return None;
        }
        let comparison = compare(plan, &outcome.runs, &mesh.name, share_of_alpha);
        let left_out = match &comparison {
            Some(comparison) => LeftOut::of_comparison(comparison),
            None => LeftOut::of(&runs, &bare, plan.scenario.repeats.get()),
        };
        let (fit, fit_bare) = (left_out.keeps(&runs), left_out.keeps(&bare));
        let judgement =
            judge(&mesh.name, &fit, &fit_bare, &plan.scenario.budgets, comparison.as_ref(), causes)
                .losing(losses(&runs))
                .invalid_for(invalid);
        let names = (plan.name(), plan.case_name(&mesh.name));
        let heading = carried_out(names, mesh, plan.scenario, members, provider, cluster);
        let is_comparable = !matches!(judgement.verdict, Verdict::Invalid { .. } | Verdict::Error { .. });
        let measured = baselines
            .measure(plan, &heading, &fit, &fit_bare, cluster)
            .filter(|_| heading.selected && is_comparable);
        let standing = measured
            .as_ref()
            .map(|measured| baselines.compare(measured, &plan.scenario.strictness, share_of_alpha));
        let unsteady = left_out.unsteady.as_deref().filter(|_| is_comparable);
        let judgement = judgement.against(standing.as_ref(), unsteady);
        let (measured, standing) =
            (measured.filter(|_| unsteady.is_none()), standing.filter(|_| unsteady.is_none()));
        let unsteady = unsteady.map(|why| format!("compared with no baseline, and makes none: {why}"));
        let findings = [drift_finding(&fit, &fit_bare), rough_cpu_finding(&fit), unsteady];
        let remarks = findings.into_iter().flatten().collect();
        let report = CaseReport::new(heading, &fit, &fit_bare, judgement);
        let report = report.leaving_out(left_out.blocks, &runs).remarking(remarks).compared(comparison);
        let report = match (&measured, standing) {
            (Some(measured), Some(standing)) => report.against(standing, measured.fingerprint().clone()),
            _ => report,
        };
        Some(JudgedCase::new(report, measured, &fit))
    };
    plan.arms.iter().filter_map(report).collect()
}

/// Fresh blocks of the two versions that a scenario compares, where the first blocks flag anything.
pub(crate) fn confirming_stage<'a>(plan: &GroupPlan<'a>, outcome: &GroupOutcome) -> Option<GroupPlan<'a>> {
    let compare = plan.scenario.compare.as_ref().filter(|_| !outcome.interrupted)?;
    let first = self::compare(plan, &outcome.runs, &compare.new, 1.0)?;
    if !first.is_worth_confirming() {
        return None;
    }
    let mut arms = plan.arms.clone();
    arms.retain(|mesh| mesh.name.is_bare() || [&compare.old, &compare.new].contains(&&mesh.name));
    let first = plan.blocks.end() + 1;
    let blocks = first..=plan.blocks.end() + compare.strictness.confirming_blocks.get();
    Some(GroupPlan { arms, blocks, ..*plan })
}

/// What falls to each of the cases of these meshes that can be called worse, of the tolerated false alarms: an equal share,
/// whether it is compared within its blocks or with its baseline. That is each but the control.
pub(crate) fn share_of_alpha<'a>(meshes: impl Iterator<Item = &'a MeshName>) -> f64 {
    1.0 / meshes.filter(|mesh| !mesh.is_bare()).count().max(1) as f64
}

fn compare(plan: &GroupPlan<'_>, runs: &[Run], mesh: &MeshName, share_of_alpha: f64) -> Option<Comparison> {
    let compare = plan.scenario.compare.as_ref().filter(|compare| compare.new == *mesh)?;
    let first_stage = FirstStage { planned: plan.scenario.repeats.get(), last_block: *plan.blocks.end() };
    Some(compare.compare(runs, first_stage, share_of_alpha))
}

/// What kept runs of a mesh from having a result, each in a sentence.
fn causes(plan: &GroupPlan<'_>, outcome: &GroupOutcome, mesh: &MeshName, done: usize) -> Vec<String> {
    let failed = outcome.failed.iter().filter(|failed| failed.mesh == *mesh && !failed.is_invalid);
    let mut causes: Vec<_> = failed.map(|failed| format!("block {}: {}", failed.block, failed.why)).collect();
    let blocks = plan.scenario.repeats.get();
    if outcome.interrupted && done > 0 && done < blocks as usize {
        causes.push(format!("interrupted after {done} of {blocks} blocks"));
    }
    causes
}

/// Why runs of a mesh, had they been measured, would have said nothing of it, each in a sentence.
fn invalid_runs(outcome: &GroupOutcome, mesh: &MeshName) -> Vec<String> {
    let failed = outcome.failed.iter().filter(|failed| failed.mesh == *mesh && failed.is_invalid);
    failed.map(|failed| format!("block {}: {}", failed.block, failed.why)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_that_can_be_called_worse_has_its_share_of_the_false_alarms() {
        let share = |meshes: &[&str]| {
            let meshes: Vec<MeshName> = meshes.iter().map(|mesh| mesh.parse().unwrap()).collect();
            share_of_alpha(meshes.iter())
        };
        // One of them compared within its blocks, and the others with their baselines: each can cry wolf.
        assert_eq!(share(&["bare", "old", "new", "reference", "haproxy"]), 0.25);
        assert_eq!(share(&["bare"]), 1.0);
    }
}
