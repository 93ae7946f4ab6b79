//! The stages of a block group: its blocks, with more of them in place of bad ones, and those that confirm what was found.

use meshbench_core::comparison::blocks_to_replace;
use meshbench_core::judge::unfit_blocks;
use meshbench_core::run::Run;
use meshbench_lab::{GroupOutcome, GroupPlan};

use crate::case_reports::confirming_stage;

/// Carries out groups that share their blocks, and of each of them blocks that confirm what it flagged, where `is_compared`
/// says that its new version is one of the cases. The plans it comes back with are those of the first stage.
pub(crate) async fn carry_out_stages<'a>(
    plans: Vec<GroupPlan<'a>>,
    is_compared: impl Fn(&GroupPlan<'a>) -> bool,
    carry_out: &mut impl AsyncFnMut(&[GroupPlan<'a>]) -> Vec<GroupOutcome>,
) -> Vec<(GroupPlan<'a>, GroupOutcome)> {
    let first = carry_out(&plans).await;
    let mut groups = Vec::with_capacity(plans.len());
    for (plan, outcome) in plans.into_iter().zip(first) {
        let (plan, mut outcome) = replace_bad_blocks(plan, outcome, carry_out).await;
        if let Some(confirming) = confirming_stage(&plan, &outcome).filter(|_| is_compared(&plan)) {
            let confirmed = carry_out_one(&confirming, carry_out).await;
            outcome.extend(replace_bad_blocks(confirming, confirmed, carry_out).await.1);
        }
        groups.push((plan, outcome));
    }
    groups
}

/// Carries out, in place of a stage's bad blocks, at most a quarter as many once more. The plan it comes back with has these
/// too.
async fn replace_bad_blocks<'a>(
    mut plan: GroupPlan<'a>,
    mut outcome: GroupOutcome,
    carry_out: &mut impl AsyncFnMut(&[GroupPlan<'a>]) -> Vec<GroupOutcome>,
) -> (GroupPlan<'a>, GroupOutcome) {
    let (first, planned_last) = plan.blocks.clone().into_inner();
    loop {
        let last = *plan.blocks.end();
        let bad = bad_blocks(&plan, &outcome.runs);
        let more = blocks_to_replace(planned_last + 1 - first, bad, last - planned_last);
        if outcome.interrupted || more == 0 {
            return (plan, outcome);
        }
        let replacements = GroupPlan { arms: plan.arms.clone(), blocks: last + 1..=last + more, ..plan };
        outcome.extend(carry_out_one(&replacements, carry_out).await);
        plan = GroupPlan { blocks: first..=last + more, ..replacements };
    }
}

async fn carry_out_one<'a>(
    plan: &GroupPlan<'a>,
    carry_out: &mut impl AsyncFnMut(&[GroupPlan<'a>]) -> Vec<GroupOutcome>,
) -> GroupOutcome {
    carry_out(std::slice::from_ref(plan)).await.into_iter().next().unwrap_or_default()
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
