//! Talking with a generator that waits for its plan, over its standard input and output: [`Attended`].

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, AttachParams, AttachedProcess};
use meshbench_core::load_command::LoadCommand;
use meshbench_core::load_event::LoadEvent;
use meshbench_core::load_plan::LoadPlan;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Lines};
use tokio::time::timeout;

use super::clock::{ClockReading, unix_ns};
use super::job::NAME;
use crate::kube::KubeError;

/// How often a clock is asked for: the quickest answer counts.
const QUESTIONS: u32 = 8;
/// Longer than an answer takes through a busy API server.
const LIMIT: Duration = Duration::from_secs(30);

/// A generator that is listening.
pub(super) struct Attended {
    pod: String,
    commands: Box<dyn AsyncWrite + Unpin + Send>,
    events: Lines<BufReader<Box<dyn AsyncRead + Unpin + Send>>>,
    // Ends the connection when it goes.
    _attached: AttachedProcess,
}

impl Attended {
    /// Attaches to a pod that runs.
    ///
    /// # Errors
    /// [`KubeError::Refused`], [`KubeError::Api`], or [`KubeError::Generator`] where nothing comes, or it has nothing to
    /// attach to.
    pub(super) async fn attach(pods: &Api<Pod>, pod: &str) -> Result<Self, KubeError> {
        let parameters = AttachParams::default().stdin(true).stdout(true).stderr(false).container(NAME);
        let doing = format!("attach to the load generator {pod}");
        let attached = timeout(LIMIT, pods.attach(pod, &parameters)).await;
        let attached = attached
            .map_err(|_| KubeError::generator(pod, &format!("cannot be attached to: {}", silence())))?;
        let mut attached = attached.map_err(KubeError::api(doing))?;
        let deaf = || KubeError::generator(pod, "has no standard input and output to talk over");
        let commands = Box::new(attached.stdin().ok_or_else(deaf)?);
        let events: Box<dyn AsyncRead + Unpin + Send> = Box::new(attached.stdout().ok_or_else(deaf)?);
        let events = BufReader::new(events).lines();
        Ok(Self { pod: pod.to_owned(), commands, events, _attached: attached })
    }

    /// Reads its clock.
    ///
    /// # Errors
    /// [`KubeError::Generator`] when it does not answer.
    pub(super) async fn clock(&mut self) -> Result<ClockReading, KubeError> {
        let mut best = ClockReading { offset_ns: 0, error_ns: u64::MAX };
        for question in 0..QUESTIONS {
            let asked = unix_ns();
            self.say(&LoadCommand::Clock { id: question }).await?;
            let is_answer = |event: &LoadEvent| match *event {
                LoadEvent::Clock { id, unix_ns } if id == question => Some(unix_ns),
                _ => None,
            };
            let theirs = self.hear("tell its clock", is_answer).await?;
            best = best.better(ClockReading::of(asked, unix_ns(), theirs));
        }
        Ok(best)
    }

    /// Hands the plan over, and waits until it was read.
    ///
    /// # Errors
    /// [`KubeError::Generator`] when it was not.
    pub(super) async fn carry_out(mut self, plan: LoadPlan) -> Result<(), KubeError> {
        self.say(&LoadCommand::Run { plan: Box::new(plan) }).await?;
        let is_read = |event: &LoadEvent| (*event == LoadEvent::Planned).then_some(());
        self.hear("take its plan", is_read).await
    }

    async fn say(&mut self, command: &LoadCommand) -> Result<(), KubeError> {
        let failed =
            |why: String| KubeError::generator(&self.pod, &format!("cannot be told anything: {why}"));
        let mut line = serde_json::to_vec(command).map_err(|error| failed(error.to_string()))?;
        line.push(b'\n');
        let said = async {
            self.commands.write_all(&line).await?;
            self.commands.flush().await
        };
        let said = timeout(LIMIT, said).await.map_err(|_| failed(silence()))?;
        said.map_err(|error| failed(error.to_string()))
    }

    async fn hear<T>(
        &mut self,
        what: &str,
        mut is_it: impl FnMut(&LoadEvent) -> Option<T>,
    ) -> Result<T, KubeError> {
        let pod = self.pod.clone();
        let failed = |why: &str| KubeError::generator(&pod, &format!("did not {what}: {why}"));
        let heard = timeout(LIMIT, async {
            while let Some(line) =
                self.events.next_line().await.map_err(|error| failed(&error.to_string()))?
            {
                let event: LoadEvent = serde_json::from_str(&line)
                    .map_err(|error| failed(&format!("{line:?} is no event: {error}")))?;
                if let Some(found) = is_it(&event) {
                    return Ok(found);
                }
            }
            Err(failed("the connection ended; is meshbench in the image another version?"))
        });
        heard.await.map_err(|_| failed(&silence()))?
    }
}

fn silence() -> String {
    format!("nothing came within {}", humantime::format_duration(LIMIT))
}
