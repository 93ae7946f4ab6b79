//! Which blocks the figures of a case are read without: [`LeftOut`].

use super::unfit_blocks;
use crate::comparison::{Comparison, DroppedBlock, most_bad_blocks};
use crate::run::Run;

/// The blocks that a case's figures and budgets are read without, and what to say where there are too many for that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Bad ones, if they are few.
    pub blocks: Vec<DroppedBlock>,
    /// Why the figures, which rest on bad blocks then, are compared with no baseline and make none; a sentence.
    pub unsteady: Option<String>,
}

impl LeftOut {
    /// Of a case that is judged by itself, in `planned` blocks.
    #[must_use]
    pub fn of(runs: &[&Run], bare: &[&Run], planned: u32) -> Self {
        let unfit = unfit_blocks(runs, bare).into_iter();
        let blocks: Vec<_> = unfit.map(|(block, why)| DroppedBlock { block, why }).collect();
        let (most, unsteady) = (most_bad_blocks(planned), blocks.len());
        match blocks.first().filter(|_| unsteady > most as usize) {
            None => Self { blocks, unsteady: None },
            Some(DroppedBlock { why, .. }) => {
                let why = format!(
                    "{unsteady} of {} blocks say too little, where {most} may be left out; {why}",
                    runs.len()
                );
                Self { blocks: Vec::new(), unsteady: Some(why) }
            }
        }
    }

    /// Of a case that is compared with an older version, which is invalid where too many blocks are bad.
    #[must_use]
    pub fn of_comparison(comparison: &Comparison) -> Self {
        let few = comparison.unfit_stage.is_none().then(|| comparison.dropped_blocks.clone());
        Self { blocks: few.unwrap_or_default(), unsteady: None }
    }

    /// Those of the runs that the figures are read from.
    #[must_use]
    pub fn keeps<'a>(&self, runs: &[&'a Run]) -> Vec<&'a Run> {
        let is_kept = |run: &&Run| !self.blocks.iter().any(|left_out| left_out.block == run.block);
        runs.iter().copied().filter(is_kept).collect()
    }
}
