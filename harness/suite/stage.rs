//! One stage of a block group: its blocks, and more of them in place of bad ones.

use meshbench_core::comparison::most_bad_blocks;
use meshbench_core::judge::unfit_blocks;
use meshbench_core::run::Run;
use meshbench_lab::{GroupOutcome, GroupPlan};

/// Carries out a stage and, in place of bad blocks, at most a quarter as many once more. The plan it comes back with
/// has these too.
///
/// Where more are bad, something is wrong that measuring longer does not cure.
pub(crate) fn carry_out_stage<'a>(
    plan: GroupPlan<'a>,
    carry_out: &mut impl FnMut(&GroupPlan<'a>) -> GroupOutcome,
) -> (GroupPlan<'a>, GroupOutcome) {
    let (first, planned) = (*plan.blocks.start(), plan.blocks.clone().count());
    let most_bad = most_bad_blocks(u32::try_from(planned).unwrap_or(u32::MAX));
    let mut outcome = carry_out(&plan);
    let (mut plan, mut replaced) = (plan, 0);
    loop {
        let bad = bad_blocks(&plan, &outcome.runs);
        if outcome.interrupted || bad <= replaced || bad > most_bad {
            return (plan, outcome);
        }
        let last = *plan.blocks.end();
        let until = last + (bad - replaced);
        let fresh = GroupPlan { arms: plan.arms.clone(), blocks: last + 1..=until, ..plan };
        outcome.extend(carry_out(&fresh));
        plan = GroupPlan { blocks: first..=until, ..fresh };
        replaced = bad;
    }
}

/// How many blocks say nothing of some mesh.
fn bad_blocks(plan: &GroupPlan<'_>, runs: &[Run]) -> u32 {
    let bare: Vec<&Run> = runs.iter().filter(|run| run.mesh.is_bare()).collect();
    let all: Vec<&Run> = runs.iter().collect();
    let bad = unfit_blocks(&all, &bare).into_keys().filter(|block| plan.blocks.contains(block));
    u32::try_from(bad.count()).unwrap_or(u32::MAX)
}
