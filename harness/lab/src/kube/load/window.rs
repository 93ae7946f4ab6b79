//! What several generators tell, as one account: [`watch`].

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use meshbench_core::digest::digest;
use meshbench_core::event::{Event, Step};
use meshbench_core::load_event::LoadEvent;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Window;
use super::follow::{Told, follow};
use crate::kube::KubeError;

/// Events that may wait to be looked at.
const QUEUED: usize = 64;

/// What one pod recorded, as it wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kube) struct PodRecording {
    /// The pod.
    pub pod: String,
    /// The recording's JSON.
    pub recording: String,
    /// Its interval log.
    pub interval_log: String,
}

/// What came of a load.
#[derive(Debug)]
pub(in crate::kube) struct LoadOutcome {
    /// By the pods' index.
    pub recordings: Vec<PodRecording>,
    /// When the window was.
    pub window: Window,
    /// The most by which two of the generators' clocks differ, in nanoseconds.
    pub clock_spread_ns: u64,
    /// By how much that may be wrong, in nanoseconds.
    pub clock_error_ns: u64,
}

/// Follows all generators to their end; the first that is lost ends it.
pub(super) async fn watch(
    pods: &Api<Pod>,
    names: &[String],
    window: Window,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<PodRecording>, KubeError> {
    let (sender, mut told) = mpsc::channel(QUEUED);
    // Aborted when it goes, whatever way.
    let mut followers = JoinSet::new();
    for (index, name) in names.iter().enumerate() {
        followers.spawn(follow(pods.clone(), name.clone(), index, sender.clone()));
    }
    drop(sender);
    let mut accounts = vec![Account::default(); names.len()];
    let mut stage = Stage::default();
    while let Some(Told { index, event }) = told.recv().await {
        let event = event?;
        if let LoadEvent::Recorded { recording, digest: told, interval_log } = event {
            if digest(recording.as_bytes()) != told {
                return Err(KubeError::generator(
                    &names[index],
                    "left a recording that did not come back whole",
                ));
            }
            let pod = names[index].clone();
            accounts[index].recorded = Some(PodRecording { pod, recording, interval_log });
            continue;
        }
        stage.tell(&event, window, observe);
        if let LoadEvent::Progress { .. } = event {
            accounts[index].progress = Some(event);
            if let Some(together) = together(&accounts) {
                observe(together);
                accounts.iter_mut().for_each(|account| account.progress = None);
            }
        }
    }
    let recorded = accounts.into_iter().zip(names).map(|(account, pod)| {
        account.recorded.ok_or_else(|| KubeError::generator(pod, "ended without a recording"))
    });
    recorded.collect()
}

#[derive(Debug, Clone, Default)]
struct Account {
    /// Its last second, until all have told theirs.
    progress: Option<LoadEvent>,
    recorded: Option<PodRecording>,
}

/// How far the load has come, by the first generator that says so.
#[derive(Debug, Default)]
struct Stage {
    is_started: bool,
    is_open: bool,
}

impl Stage {
    fn tell(&mut self, event: &LoadEvent, window: Window, observe: &mut dyn FnMut(Event)) {
        match event {
            LoadEvent::Started { .. } if !self.is_started => {
                self.is_started = true;
                observe(Event::Step(Step::WarmingUp(window.warm_up)));
            }
            LoadEvent::WindowOpened { .. } if !self.is_open => {
                self.is_open = true;
                observe(Event::Step(Step::Measuring(window.duration())));
            }
            _ => {}
        }
    }
}

/// The second of all generators together, once all have told it. Of quantiles, which cannot be put together without their
/// histograms, the worst generator's is shown; results rest on the merged histograms.
fn together(accounts: &[Account]) -> Option<Event> {
    let mut sum = [0_u64; 2];
    let mut worst = [0_u64; 4];
    let mut elapsed = Duration::ZERO;
    for account in accounts {
        let LoadEvent::Progress {
            elapsed_ms,
            requests,
            errors,
            p50_ns,
            p99_ns,
            p50_so_far_ns,
            p99_so_far_ns,
        } = *account.progress.as_ref()?
        else {
            return None;
        };
        sum = [sum[0] + requests, sum[1] + errors];
        let quantiles = [p50_ns, p99_ns, p50_so_far_ns, p99_so_far_ns];
        worst.iter_mut().zip(quantiles).for_each(|(worst, found)| *worst = (*worst).max(found));
        elapsed = elapsed.max(Duration::from_millis(elapsed_ms));
    }
    let [requests, errors] = sum;
    let [p50_ns, p99_ns, p50_so_far_ns, p99_so_far_ns] = worst;
    let requests_per_second = requests as f64 / elapsed.as_secs_f64().max(1e-3);
    Some(Event::Progress {
        elapsed,
        requests,
        errors,
        p50_ns,
        p99_ns,
        requests_per_second,
        p50_so_far_ns,
        p99_so_far_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(requests: u64, p99_ns: u64) -> Account {
        let progress = LoadEvent::Progress {
            elapsed_ms: 2_000,
            requests,
            errors: 1,
            p50_ns: 10,
            p99_ns,
            p50_so_far_ns: 10,
            p99_so_far_ns: p99_ns,
        };
        Account { progress: Some(progress), recorded: None }
    }

    #[test]
    fn a_second_is_shown_once_all_generators_have_told_it() {
        assert_eq!(together(&[account(100, 50), Account::default()]), None);
        let Some(Event::Progress { requests, errors, p99_ns, requests_per_second, .. }) =
            together(&[account(100, 50), account(120, 70)])
        else {
            panic!("no progress");
        };
        assert_eq!((requests, errors, p99_ns), (220, 2, 70));
        assert!((requests_per_second - 110.0).abs() < 1e-9);
    }
}
