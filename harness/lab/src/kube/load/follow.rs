//! What a generator tells, from its log: [`follow`].

use std::time::Duration;

use futures_util::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};
use meshbench_core::load_event::LoadEvent;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};

use super::job::NAME;
use crate::error::error_chain;
use crate::kube::KubeError;

/// How long after a log broke off it is asked for again.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// For how long it is asked for again: longer than an API server takes to be started anew.
const PATIENCE: Duration = Duration::from_secs(120);
/// The condition of a pod that was ended for others' sake: evicted, preempted, or drained with its node.
const DISRUPTION: &str = "DisruptionTarget";
/// The last words of a generator that failed.
const LAST_LINES: usize = 5;

/// Something that one of several generators told.
pub(super) struct Told {
    /// Which.
    pub index: usize,
    /// What, or why nothing more comes.
    pub event: Result<LoadEvent, KubeError>,
}

/// Sends on what the generator of a pod tells, to the last. A log that breaks off, as when the API server is gone for a
/// while, is asked for again and what was told already is left out.
pub(super) async fn follow(pods: Api<Pod>, pod: String, index: usize, told: Sender<Told>) {
    let mut log = Log { pod, lines_read: 0, errors: Vec::new(), is_finished: false };
    let mut since_progress = Instant::now();
    loop {
        let before = log.lines_read;
        let read = log.read(&pods, index, &told).await;
        if log.is_finished || told.is_closed() {
            return;
        }
        if log.lines_read > before {
            since_progress = Instant::now();
        }
        let ended = exit_of(&pods, &log.pod).await;
        let why = match (ended, read) {
            (Some(exit), _) => Some(format!("ended before its load was done ({exit}){}", log.last_words())),
            (None, Err(error)) if since_progress.elapsed() > PATIENCE => {
                Some(format!("cannot be followed any longer: {}", error_chain(&error)))
            }
            (None, _) => None,
        };
        if let Some(why) = why {
            let event = Err(KubeError::generator(&log.pod, &why));
            // Nobody listens any more: the run is over.
            let _ = told.send(Told { index, event }).await;
            return;
        }
        sleep(RETRY_AFTER).await;
    }
}

struct Log {
    pod: String,
    lines_read: usize,
    /// Lines that are no events: what it said on standard error.
    errors: Vec<String>,
    is_finished: bool,
}

impl Log {
    async fn read(&mut self, pods: &Api<Pod>, index: usize, told: &Sender<Told>) -> Result<(), kube::Error> {
        let parameters = LogParams { follow: true, container: Some(NAME.to_owned()), ..LogParams::default() };
        let mut lines = pods.log_stream(&self.pod, &parameters).await?.lines();
        let mut position = 0;
        while let Some(line) = lines.try_next().await.map_err(kube::Error::ReadEvents)? {
            position += 1;
            if position <= self.lines_read {
                continue;
            }
            self.lines_read = position;
            match serde_json::from_str::<LoadEvent>(&line) {
                Ok(event) => {
                    self.is_finished = event == LoadEvent::Finished;
                    let received = told.send(Told { index, event: Ok(event) }).await.is_ok();
                    if self.is_finished || !received {
                        break;
                    }
                }
                Err(_) => self.errors.push(line),
            }
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        let from = self.errors.len().saturating_sub(LAST_LINES);
        match &self.errors[from..] {
            [] => String::new(),
            lines => format!(": {}", lines.join("; ")),
        }
    }
}

/// How the generator's container, or its pod, ended; `None` while it has not, or where nobody can say.
async fn exit_of(pods: &Api<Pod>, pod: &str) -> Option<String> {
    match pods.get_opt(pod).await {
        Ok(Some(found)) => end_of(found),
        Ok(None) => Some("its pod is gone: was it evicted, or its node drained?".to_owned()),
        Err(_) => None,
    }
}

fn end_of(pod: Pod) -> Option<String> {
    let status = pod.status.unwrap_or_default();
    let disruption =
        status.conditions.into_iter().flatten().find(|it| it.type_ == DISRUPTION && it.status == "True");
    let disrupted = disruption.map_or_else(String::new, |it| {
        let (reason, message) = (it.reason.unwrap_or_default(), it.message.unwrap_or_default());
        format!("evicted or displaced, {reason}: {message}; ")
    });
    if let Some(reason) = status.reason {
        return Some(format!("{disrupted}{reason}: {}", status.message.unwrap_or_default()));
    }
    let containers = status.container_statuses.unwrap_or_default();
    let ended = containers.into_iter().find(|container| container.name == NAME)?.state?.terminated?;
    let reason = ended.reason.unwrap_or_else(|| "ended".to_owned());
    Some(format!("{disrupted}{reason}, exit code {}", ended.exit_code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(conditions: &serde_json::Value, state: &serde_json::Value) -> Pod {
        let container = json!({"name": NAME, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state});
        let status = json!({"phase": "Failed", "conditions": conditions, "containerStatuses": [container]});
        serde_json::from_value(json!({"status": status})).unwrap()
    }

    #[test]
    fn an_end_is_told_with_what_brought_it_about() {
        let killed = json!({"terminated": {"reason": "Error", "exitCode": 137}});
        assert_eq!(end_of(pod(&json!([]), &json!({"running": {}}))), None);
        assert_eq!(end_of(pod(&json!([]), &killed)).unwrap(), "Error, exit code 137");
        let evicted = json!([{"type": DISRUPTION, "status": "True", "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting"}]);
        assert_eq!(
            end_of(pod(&evicted, &killed)).unwrap(),
            "evicted or displaced, EvictionByEvictionAPI: Eviction API: evicting; Error, exit code 137"
        );
    }
}
