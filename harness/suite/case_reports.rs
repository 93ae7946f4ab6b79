//! From what a block group gave to the reports of its cases.

use meshbench_core::comparison::{Comparison, DroppedBlock, FirstStage, most_bad_blocks};
use meshbench_core::judge::{Verdict, judge, unfit_blocks};
use meshbench_core::report::{CaseHeading, CaseReport, Executable};
use meshbench_core::run::Run;
use meshbench_core::scenario::MeshName;
use meshbench_lab::local::LocalProvider;
use meshbench_lab::mesh::{MeshCatalog, MeshDefinition};
use meshbench_lab::{GroupOutcome, GroupPlan};

use crate::discovery::PlannedCase;

/// `scenario::rate::duration`.
pub(crate) fn group_name(case: &PlannedCase) -> String {
    format!("{}::{}::{}", case.case.scenario, case.case.rate, case.case.duration)
}

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
    let version =
        definition(catalog, mesh).map_or_else(|_| "unknown".to_owned(), |mesh| mesh.version.clone());
    CaseHeading {
        name: case.name.clone(),
        group: group_name(case),
        mesh: mesh.to_string(),
        mesh_version: version,
        executable: executable(provider, mesh),
        selected: true,
    }
}

fn executable(provider: &LocalProvider, mesh: &MeshName) -> Option<Executable> {
    provider.proxies.get(mesh)?.as_ref().ok().cloned()
}

/// A report for every arm that has a run or a failure; of an interrupted group
/// only for arms with something to show.
pub(crate) fn group_reports<'a>(
    plan: &GroupPlan<'_>,
    outcome: &'a GroupOutcome,
    members: &[&PlannedCase],
    provider: &LocalProvider,
    comparisons: usize,
) -> Vec<CaseReport> {
    let runs_of =
        |mesh: &MeshName| outcome.runs.iter().filter(|run| run.mesh == *mesh).collect::<Vec<&'a Run>>();
    let bare = runs_of(&MeshName::bare());
    let report = |mesh: &&MeshDefinition| {
        let runs = runs_of(&mesh.name);
        let causes = causes(plan, outcome, &mesh.name, runs.len());
        if runs.is_empty() && causes.is_empty() {
            return None;
        }
        let comparison = compare(plan, &outcome.runs, &mesh.name, comparisons);
        let left_out = left_out(plan, comparison.as_ref(), &runs, &bare);
        let fit = |runs: &[&'a Run]| -> Vec<&'a Run> {
            let is_fit = |run: &&Run| !left_out.iter().any(|left_out| left_out.block == run.block);
            runs.iter().copied().filter(is_fit).collect()
        };
        let (fit, fit_bare) = (fit(&runs), fit(&bare));
        let judgement =
            judge(&mesh.name, &fit, &fit_bare, &plan.scenario.budgets, comparison.as_ref(), causes);
        let name = format!("{}::{}::{}::{}", plan.scenario.name, mesh.name, plan.rate, plan.duration);
        let heading = CaseHeading {
            selected: members.iter().any(|member| member.name == name),
            name,
            group: plan.name(),
            mesh: mesh.name.to_string(),
            mesh_version: mesh.version.clone(),
            executable: executable(provider, &mesh.name),
        };
        let report = CaseReport::new(heading, &fit, &fit_bare, judgement);
        Some(report.leaving_out(left_out, &runs).compared(comparison))
    };
    plan.arms.iter().filter_map(report).collect()
}

/// Fresh blocks of the two versions that a scenario compares, where the first blocks flag anything.
pub(crate) fn confirming_stage<'a>(plan: &GroupPlan<'a>, outcome: &GroupOutcome) -> Option<GroupPlan<'a>> {
    let compare = plan.scenario.compare.as_ref().filter(|_| !outcome.interrupted)?;
    if compare.flagged(&outcome.runs).is_empty() {
        return None;
    }
    let mut arms = plan.arms.clone();
    arms.retain(|mesh| mesh.name.is_bare() || [&compare.old, &compare.new].contains(&&mesh.name));
    let first = plan.blocks.end() + 1;
    let blocks = first..=plan.blocks.end() + compare.strictness.confirming_blocks.get();
    Some(GroupPlan { arms, blocks, ..*plan })
}

/// How many comparisons the selected cases come to; each gets its share of the tolerated false alarms.
pub(crate) fn count_comparisons(selected: &[PlannedCase]) -> usize {
    selected.iter().filter(|case| case.compared_with().is_some()).count()
}

fn compare(plan: &GroupPlan<'_>, runs: &[Run], mesh: &MeshName, comparisons: usize) -> Option<Comparison> {
    let compare = plan.scenario.compare.as_ref().filter(|compare| compare.new == *mesh)?;
    let first_stage = FirstStage { planned: plan.scenario.repeats.get(), last_block: *plan.blocks.end() };
    Some(compare.compare(runs, first_stage, 1.0 / comparisons.max(1) as f64))
}

/// The blocks that a case's figures and budgets are read without: bad ones, if they are few.
fn left_out(
    plan: &GroupPlan<'_>,
    comparison: Option<&Comparison>,
    runs: &[&Run],
    bare: &[&Run],
) -> Vec<DroppedBlock> {
    let (dropped, most) = match comparison {
        Some(comparison) => (comparison.dropped_blocks.clone(), comparison.most_dropped_blocks),
        None => {
            let unfit = unfit_blocks(runs, bare).into_iter();
            let dropped = unfit.map(|(block, why)| DroppedBlock { block, why }).collect();
            (dropped, most_bad_blocks(plan.scenario.repeats.get()))
        }
    };
    if dropped.len() <= most as usize { dropped } else { Vec::new() }
}

/// What kept runs of a mesh from having a result, each in a sentence.
fn causes(plan: &GroupPlan<'_>, outcome: &GroupOutcome, mesh: &MeshName, done: usize) -> Vec<String> {
    let failed = outcome.failed.iter().filter(|failed| failed.mesh == *mesh);
    let mut causes: Vec<_> = failed.map(|failed| format!("block {}: {}", failed.block, failed.why)).collect();
    let blocks = plan.scenario.repeats.get();
    if outcome.interrupted && done > 0 && done < blocks as usize {
        causes.push(format!("interrupted after {done} of {blocks} blocks"));
    }
    causes
}

/// Whether a verdict fails its trial.
#[must_use]
pub(crate) fn fails(verdict: &Verdict, strict: bool) -> bool {
    match verdict {
        Verdict::Pass | Verdict::NoChange | Verdict::Improved { .. } => false,
        Verdict::Invalid { .. } | Verdict::Inconclusive { .. } => strict,
        Verdict::Fail { .. } | Verdict::Regressed { .. } | Verdict::Error { .. } => true,
    }
}
