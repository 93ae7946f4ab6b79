//! What an attended load generator is told on its standard input: one [`LoadCommand`] a line of JSON.

use serde::{Deserialize, Serialize};

use crate::load_plan::LoadPlan;

/// What a load generator is told that was started before its plan was known, as in a pod.
///
/// It answers with [`LoadEvent`](crate::load_event::LoadEvent)s on its standard output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum LoadCommand {
    /// Say what time it is where the generator runs.
    Clock {
        /// Comes back with the answer.
        id: u32,
    },
    /// Carry out this plan, hand the recording over, and end.
    Run {
        /// The plan.
        plan: Box<LoadPlan>,
    },
}
