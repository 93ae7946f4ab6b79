//! The stages of a block group: its blocks, with more of them in place of bad ones, and those that confirm what was found.

use meshbench_core::comparison::blocks_to_replace;
use meshbench_core::judge::unfit_blocks;
use meshbench_core::run::Run;
use meshbench_lab::{GroupOutcome, GroupPlan};

use crate::case_reports::confirming_stage;

/// Carries out a group, and blocks that confirm what it flagged where its new version is one of the cases. The plan it
/// comes back with is that of the first stage.
pub(crate) async fn carry_out_stages<'a>(
    plan: GroupPlan<'a>,
    is_compared: bool,
    carry_out: &mut impl AsyncFnMut(&GroupPlan<'a>) -> GroupOutcome,
) -> (GroupPlan<'a>, GroupOutcome) {
    let (plan, mut outcome) = carry_out_stage(plan, carry_out).await;
    if let Some(confirming) = confirming_stage(&plan, &outcome).filter(|_| is_compared) {
        outcome.extend(carry_out_stage(confirming, carry_out).await.1);
    }
    (plan, outcome)
}

/// Carries out a stage and, in place of bad blocks, at most a quarter as many once more. The plan it comes back with
/// has these too.
async fn carry_out_stage<'a>(
    mut plan: GroupPlan<'a>,
    carry_out: &mut impl AsyncFnMut(&GroupPlan<'a>) -> GroupOutcome,
) -> (GroupPlan<'a>, GroupOutcome) {
    let (first, planned_last) = plan.blocks.clone().into_inner();
    let mut outcome = carry_out(&plan).await;
    loop {
        let last = *plan.blocks.end();
        let bad = bad_blocks(&plan, &outcome.runs);
        let more = blocks_to_replace(planned_last + 1 - first, bad, last - planned_last);
        if outcome.interrupted || more == 0 {
            return (plan, outcome);
        }
        let replacements = GroupPlan { arms: plan.arms.clone(), blocks: last + 1..=last + more, ..plan };
        outcome.extend(carry_out(&replacements).await);
        plan = GroupPlan { blocks: first..=last + more, ..replacements };
    }
}

/// How many blocks say nothing of some mesh.
fn bad_blocks(plan: &GroupPlan<'_>, runs: &[Run]) -> u32 {
    let bare: Vec<&Run> = runs.iter().filter(|run| run.mesh.is_bare()).collect();
    let all: Vec<&Run> = runs.iter().collect();
    let mut bad = unfit_blocks(&all, &bare);
    bad.extend(plan.scenario.compare.iter().flat_map(|compare| compare.unfit_blocks(runs)));
    let bad = bad.into_keys().filter(|block| plan.blocks.contains(block));
    u32::try_from(bad.count()).unwrap_or(u32::MAX)
}
