//! Driving the load generator as a process, and reading counters at the edges it announces.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use meshbench_core::course::{Course, Stretch};
use meshbench_core::digest::digest;
use meshbench_core::event::{Event, Step};
use meshbench_core::load_event::LoadEvent;
use meshbench_core::load_plan::LoadPlan;
use meshbench_core::recording::Recording;
use meshbench_core::resources::{Group, Sample};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::MissedTickBehavior;

use super::deployment::{Deployment, keep_log};
use crate::error::{LabError, error_chain};
use crate::process::{Component, ComponentSpec};
use crate::resources::{CoreTime, ResourceReader, Watched};

/// What the generator needs besides the plan.
#[derive(Debug, Clone)]
pub(super) struct GeneratorSettings {
    /// `meshbench-load`.
    pub program: PathBuf,
    /// The cores set aside for it.
    pub cores: Vec<usize>,
    /// The cores of everything that is measured.
    pub measured_cores: Vec<usize>,
    /// The id of the campaign, which marks the process.
    pub campaign: String,
    /// Its working directory, removed after the run.
    pub scratch: PathBuf,
    /// Where `recording.json` and `run.hlog` are kept.
    pub folder: PathBuf,
    /// The time between two readings of CPU and memory.
    pub sampling_interval: Duration,
}

/// What one window of load gave.
#[derive(Debug)]
pub(super) struct Measured {
    /// The generator's own account.
    pub recording: Recording,
    /// CPU and memory readings of the window, its edges first and last.
    pub samples: Vec<Sample>,
    /// How long after the window's edges they were read there, the later of the two.
    pub edge_lateness_ns: u64,
    /// How it went, second by second.
    pub course: Course,
    /// The digest of the recording's file.
    pub recording_digest: String,
}

/// The file a run's recording is kept in.
const RECORDING_FILE: &str = "recording.json";

/// The file a run's interval log is kept in.
const INTERVAL_LOG_FILE: &str = "run.hlog";

/// Runs the plan against a deployment that is ready.
///
/// # Errors
/// [`LabError`] when the generator or anything deployed ends early, or when the
/// recording is not one.
pub(super) async fn measure(
    deployment: &mut Deployment,
    plan: &LoadPlan,
    settings: &GeneratorSettings,
    observe: &mut dyn FnMut(Event),
) -> Result<Measured, LabError> {
    let plan_file = settings.scratch.join("plan.json");
    let plan_text =
        serde_json::to_vec_pretty(plan).map_err(|error| LabError::Generator(error.to_string()))?;
    fs::write(&plan_file, plan_text).map_err(LabError::file("write", &plan_file))?;
    let mut generator = Component::start(&spec(settings, &plan_file), &settings.campaign)?;
    let outcome = watch(deployment, &mut generator, plan, settings, observe).await;
    match outcome {
        Ok(window) => {
            let status = generator
                .wait()
                .await
                .map_err(|source| LabError::System { doing: "wait for the load generator", source })?;
            if !status.success() {
                generator.check_running("with an error")?;
            }
            let (recording, recording_digest) = read_recording(&settings.folder.join(RECORDING_FILE))?;
            let Window { samples, edge_lateness_ns, course, .. } = window;
            let course = course.with_readings(&samples);
            Ok(Measured { recording, samples, edge_lateness_ns, course, recording_digest })
        }
        Err(error) => {
            keep_log(&generator, &settings.folder.join("logs"));
            generator.stop().await;
            Err(error)
        }
    }
}

fn spec(settings: &GeneratorSettings, plan: &Path) -> ComponentSpec {
    let file = |name: &str| settings.folder.join(name).into_os_string();
    let arguments: Vec<OsString> = vec![
        "--plan".into(),
        plan.into(),
        "--output".into(),
        file(RECORDING_FILE),
        "--hlog".into(),
        file(INTERVAL_LOG_FILE),
        "--events".into(),
    ];
    ComponentSpec {
        name: "load".into(),
        group: Group::LoadGenerator,
        program: settings.program.clone(),
        arguments,
        environment: Vec::new(),
        directory: settings.scratch.clone(),
        cores: settings.cores.clone(),
        standard_output_piped: true,
    }
}

/// Follows the generator's events until it has finished.
async fn watch(
    deployment: &mut Deployment,
    generator: &mut Component,
    plan: &LoadPlan,
    settings: &GeneratorSettings,
    observe: &mut dyn FnMut(Event),
) -> Result<Window, LabError> {
    // First, because it ends soon after its window closes.
    let mut watched = vec![Watched {
        container: generator.name().to_owned(),
        group: Group::LoadGenerator,
        process_group: generator.process_group(),
    }];
    watched.extend(deployment.watched());
    let cores = settings.cores.iter().chain(&settings.measured_cores).copied().collect();
    let mut window = Window::of(watched, cores);
    let mut events = EventLines::of(generator)?;
    let mut tick = tokio::time::interval(settings.sampling_interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // Events first: they mark the window's edges.
            biased;
            event = events.next() => match event? {
                None => {
                    // The pipe closes a moment before the process is gone.
                    let _: std::io::Result<_> = generator.wait().await;
                    generator.check_running("before the load was done")?;
                }
                Some(LoadEvent::Finished) => return Ok(window),
                Some(event) => window.follow(&event, plan, observe),
            },
            _ = tick.tick() => {
                deployment.check_running("during the run").map_err(LabError::under_load)?;
                window.tick();
            }
        }
    }
}

/// The measured window as far as it has come.
struct Window {
    reader: ResourceReader,
    opened: Option<Instant>,
    samples: Vec<Sample>,
    edge_lateness_ns: u64,
    cores: BTreeSet<usize>,
    core_time_at_opening: Option<CoreTime>,
    course: Course,
    /// Requests and errors by the last progress.
    counted: [u64; 2],
}

impl Window {
    fn of(watched: Vec<Watched>, cores: BTreeSet<usize>) -> Self {
        Self {
            reader: ResourceReader::new(watched),
            opened: None,
            samples: Vec::new(),
            edge_lateness_ns: 0,
            cores,
            core_time_at_opening: None,
            course: Course::default(),
            counted: [0; 2],
        }
    }

    fn follow(&mut self, event: &LoadEvent, plan: &LoadPlan, observe: &mut dyn FnMut(Event)) {
        match *event {
            LoadEvent::Started { .. } => {
                self.reader.discover();
                observe(Event::Step(Step::WarmingUp(plan.settings().warm_up)));
            }
            LoadEvent::WindowOpened { unix_ns } => {
                self.opened = Some(Instant::now());
                self.course.warm_up_seconds = plan.settings().warm_up.as_secs_f64();
                self.read_edge(unix_ns);
                self.core_time_at_opening = CoreTime::of(&self.cores);
                observe(Event::Step(Step::Measuring(plan.settings().duration)));
            }
            LoadEvent::Progress {
                elapsed_ms,
                requests,
                errors,
                p50_ns,
                p99_ns,
                p50_so_far_ns,
                p99_so_far_ns,
            } => {
                let elapsed = Duration::from_millis(elapsed_ms);
                let [requests_before, errors_before] =
                    std::mem::replace(&mut self.counted, [requests, errors]);
                let stretch = Stretch {
                    until_seconds: elapsed.as_secs_f64(),
                    requests: requests.saturating_sub(requests_before),
                    errors: errors.saturating_sub(errors_before),
                    p50_ns,
                    p99_ns,
                };
                let since = self.course.stretches.last().map_or(0.0, |last| last.until_seconds);
                let lasted = (stretch.until_seconds - since).max(1e-3);
                let requests_per_second = stretch.requests as f64 / lasted;
                // What ends after the window belongs to no second of it.
                if elapsed <= plan.settings().duration {
                    self.course.stretches.push(stretch);
                }
                observe(Event::Progress {
                    elapsed,
                    requests,
                    errors,
                    p50_ns,
                    p99_ns,
                    requests_per_second,
                    p50_so_far_ns,
                    p99_so_far_ns,
                });
            }
            LoadEvent::WindowClosed { unix_ns } => {
                self.read_edge(unix_ns);
                self.opened = None;
                let at_opening = self.core_time_at_opening.take();
                self.course.steal_share = at_opening
                    .and_then(|at_opening| CoreTime::of(&self.cores)?.steal_share_since(at_opening));
            }
            LoadEvent::Attended { .. }
            | LoadEvent::Clock { .. }
            | LoadEvent::Planned
            | LoadEvent::Recorded { .. }
            | LoadEvent::Finished => {}
        }
    }

    /// A reading between the edges, if the window is open.
    fn tick(&mut self) {
        if self.opened.is_some() {
            self.read();
        }
        self.reader.discover();
    }

    /// A reading at an edge that the generator passed at `edge_unix_ns`.
    fn read_edge(&mut self, edge_unix_ns: u64) {
        self.read();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let late = u64::try_from(now).unwrap_or(u64::MAX).saturating_sub(edge_unix_ns);
        self.edge_lateness_ns = self.edge_lateness_ns.max(late);
    }

    fn read(&mut self) {
        let Some(opened) = self.opened else { return };
        let since_opened = || i64::try_from(opened.elapsed().as_nanos()).unwrap_or(i64::MAX);
        self.samples.extend(self.reader.read(since_opened));
    }
}

/// The generator's standard output as events.
struct EventLines {
    lines: Lines<BufReader<ChildStdout>>,
}

impl EventLines {
    fn of(generator: &mut Component) -> Result<Self, LabError> {
        let output = generator.take_standard_output();
        let output = output.ok_or_else(|| LabError::Generator("has no standard output to read".into()))?;
        Ok(Self { lines: BufReader::new(output).lines() })
    }

    async fn next(&mut self) -> Result<Option<LoadEvent>, LabError> {
        let line = self
            .lines
            .next_line()
            .await
            .map_err(|source| LabError::System { doing: "read the load generator's events", source })?;
        let parse = |line: String| {
            serde_json::from_str(&line)
                .map_err(|error| LabError::Generator(format!("wrote {line:?}, which is no event: {error}")))
        };
        line.map(parse).transpose()
    }
}

/// The recording in a file, and the file's digest.
fn read_recording(path: &Path) -> Result<(Recording, String), LabError> {
    let text = fs::read_to_string(path).map_err(LabError::file("read", path))?;
    let recording = Recording::from_json(&text).map_err(|error| {
        let why = error_chain(&error);
        LabError::Generator(format!("left a recording that cannot be read ({}): {why}", path.display()))
    })?;
    Ok((recording, digest(text.as_bytes())))
}
