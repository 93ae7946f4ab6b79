//! How long a step of a run may take, whatever it waits for: [`StepLimit`].

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::error::KubeError;
use crate::wait::TimedOut;

/// How long after its limit a step may ask the cluster why it failed.
const FINDING_OUT: Duration = Duration::from_secs(10);

/// The time that a step has, running since it began.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepLimit {
    limit: Duration,
    ends: Instant,
}

impl StepLimit {
    /// Begins a step that may take so long.
    pub(super) fn begin(limit: Duration) -> Self {
        Self { limit, ends: Instant::now() + limit }
    }

    /// Begins a step whose parts keep to this limit by themselves as long as the API server answers, and have a little more
    /// time to find out why it ran out.
    pub(super) fn around(limit: Duration) -> Self {
        Self { limit, ends: Instant::now() + limit + FINDING_OUT }
    }

    /// What is left of it.
    pub(super) fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// What comes of a part of the step; `None` when the limit runs out before.
    pub(super) async fn within<T>(&self, part: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.ends, part).await.ok()
    }

    /// What comes of a part of the step that asks the API server for one thing only.
    ///
    /// # Errors
    /// [`KubeError::TimedOut`] when the limit runs out before, with what did not come about.
    pub(super) async fn keep<T, E: From<KubeError>>(
        &self,
        what: &str,
        part: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let silence = || Err(KubeError::timed_out(what)(self.ran_out("no answer of the API server")).into());
        self.within(part).await.unwrap_or_else(silence)
    }

    /// That it ran out, the whole of it, and what was last seen.
    pub(super) fn ran_out(&self, last_seen: impl Into<String>) -> TimedOut {
        TimedOut { limit: self.limit, last_seen: last_seen.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn parts_share_the_limit_of_their_step() {
        let step = StepLimit::begin(Duration::from_secs(30));
        let waits = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok::<_, KubeError>(1)
        };
        assert_eq!(step.keep("the first part is not done", waits).await.unwrap(), 1);
        assert_eq!(step.left(), Duration::from_secs(10));
        let hangs = pending::<Result<(), KubeError>>();
        let error = step.keep("the second part is not done", hangs).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the second part is not done: after 30s; last seen: no answer of the API server"
        );
        assert_eq!(step.left(), Duration::ZERO);
    }
}
