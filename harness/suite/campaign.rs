//! One invocation's campaign: its folder, its block groups, and what they came to.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use meshbench_core::collapse::Collapse;
use meshbench_core::digest::digest;
use meshbench_core::event::Event;
use meshbench_core::histogram::LatencyHistogram;
use meshbench_core::judge::Verdict;
use meshbench_core::pooling::Pooled;
use meshbench_core::report::{
    BrokenScenario, CaseHeading, CaseReport, Environment, Executable, IgnoredCase, REPORT_VERSION, Report,
    ScenarioSource,
};
use meshbench_core::scenario::MeshName;
use meshbench_lab::GroupOutcome;
use meshbench_lab::local::LocalProvider;
use meshbench_lab::mesh::{BinaryFinder, BinarySource, Found, MeshCatalog, Unavailable};
use meshbench_lab::process::{LiveCampaign, Placement, Swept, move_this_thread, sweep};
use meshbench_report::csv::{SampledRun, SamplesWriter};
use meshbench_report::progress::Progress;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::baselines::{Baselines, BaselinesError};
use crate::case_reports::{JudgedCase, definition, heading, share_of_alpha};
use crate::clusters::{Clusters, Running};
use crate::discovery::{HeldBack, PlannedCase};
use crate::environment::read_environment;
use crate::places::carry_out_at_once;
use crate::remains::Remains;
use crate::settings::Settings;

/// Why a case without a report has none: nothing else leaves one out.
const NOT_RUN: &str = "interrupted before it ran";

/// Why a campaign could not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CampaignError {
    /// A file or folder could not be made.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The file system's reason.
        source: std::io::Error,
    },
    /// The kernel or the runtime refused something.
    #[error("cannot {doing}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// Its reason.
        source: std::io::Error,
    },
    /// A baseline or a history could not be read or written.
    #[error(transparent)]
    Baselines(#[from] BaselinesError),
}

/// A running campaign. [`Campaign::finish`] turns it into its report.
pub(crate) struct Campaign {
    catalog: MeshCatalog,
    provider: LocalProvider,
    clusters: Clusters,
    finder: BinaryFinder,
    runtime: Runtime,
    live: LiveCampaign,
    folder: PathBuf,
    cancelled: CancellationToken,
    progress: Progress,
    samples: Option<SamplesWriter<fs::File>>,
    environment: Environment,
    baselines: Baselines,
    started: (SystemTime, Instant),
    reports: Vec<CaseReport>,
    /// The merged latencies of each case that ran on several clusters, by name.
    latencies: BTreeMap<String, LatencyHistogram>,
    scenarios: BTreeMap<String, ScenarioSource>,
    ran: BTreeSet<String>,
    interrupted: bool,
    unwritten: Option<CampaignError>,
}

impl Campaign {
    /// Sweeps what dead campaigns left, claims a folder, and takes its cores.
    ///
    /// # Errors
    /// [`CampaignError`].
    pub(crate) fn begin(
        settings: &Settings,
        catalog: MeshCatalog,
        cancelled: CancellationToken,
        mut progress: Progress,
    ) -> Result<Self, CampaignError> {
        let output = settings.output.clone();
        let file = |doing: &'static str| {
            let path = output.clone();
            move |source| CampaignError::File { doing, path, source }
        };
        fs::create_dir_all(&output).map_err(file("create the output folder"))?;
        let system = |doing| move |source| CampaignError::System { doing, source };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(system("start the asynchronous runtime"))?;
        let mut announce =
            |name: &str| progress.observe(None, &Event::RemovingCluster { context: name.to_owned() });
        let swept = runtime.block_on(sweep(&output, &cancelled, &mut announce));
        let swept = swept.map_err(file("sweep what a killed campaign left in"))?;
        if let Some(what) = describe(&swept) {
            progress.observe(None, &Event::Swept { what });
        }
        let now = SystemTime::now();
        let id = campaign_id(now);
        let live = LiveCampaign::claim(&output, &id).map_err(file("claim a campaign in"))?;
        let folder = output.join(&id);
        fs::create_dir_all(&folder).map_err(file("create a campaign's folder in"))?;
        let placement = Placement::of_this_machine()
            .map_err(|error| system("read which cores may be used")(error.into()))?;
        // The harness must not wake up on the generator's core.
        move_this_thread(&placement.measured)
            .map_err(|error| system("leave the load generator's core")(error.into()))?;
        let environment = read_environment(&placement);
        let baselines = Baselines::open(settings.snapshots(), &id, &folder, environment.clone())?;
        let provider = LocalProvider {
            load: settings.programs.load.clone(),
            emojivoto: settings.programs.emojivoto.clone(),
            sidecar: settings.programs.sidecar.clone(),
            proxies: BTreeMap::new(),
            placement,
        };
        Ok(Self {
            catalog,
            provider,
            clusters: Clusters::default(),
            finder: BinaryFinder { cache: settings.cache() },
            runtime,
            live,
            folder,
            cancelled,
            progress,
            samples: None,
            environment,
            baselines,
            started: (now, Instant::now()),
            reports: Vec::new(),
            latencies: BTreeMap::new(),
            scenarios: BTreeMap::new(),
            ran: BTreeSet::new(),
            interrupted: false,
            unwritten: None,
        })
    }

    /// Finds or installs the executables of `meshes`; those that are not to be had, with why.
    pub(crate) fn provision(&mut self, meshes: BTreeSet<MeshName>) -> BTreeMap<MeshName, Unavailable> {
        let mut missing = BTreeMap::new();
        for mesh in meshes {
            let Ok(definition) = definition(&self.catalog, &mesh) else { continue };
            let source = definition.local.as_ref().and_then(|local| local.binary.clone());
            let Some(source) = source.filter(|_| !self.cancelled.is_cancelled()) else { continue };
            let obtained = self.obtain(&mesh, &source);
            if self.cancelled.is_cancelled() {
                // Not a mesh that is missing: its cases end as interrupted.
                break;
            }
            if let Err(unavailable) = &obtained {
                missing.insert(mesh.clone(), unavailable.clone());
            }
            self.provider.proxies.insert(mesh, obtained);
        }
        missing
    }

    fn obtain(&mut self, mesh: &MeshName, source: &BinarySource) -> Result<Executable, Unavailable> {
        match source.find(&self.finder)? {
            Found::Here(executable) => Ok(executable),
            Found::Installable => {
                self.progress.observe(None, &Event::Provisioning { mesh: mesh.clone() });
                let Self { runtime, finder, live, provider, cancelled, .. } = self;
                runtime.block_on(source.install(finder, live, &provider.placement, cancelled))
            }
        }
    }

    /// What one case comes to, running its block group if that has not run yet.
    /// `selected` names every case of this invocation: those of the group run together.
    pub(crate) fn verdict(&mut self, case: &PlannedCase, selected: &[PlannedCase]) -> Verdict {
        for lower in case.lower_rates(selected) {
            // What keeps that one from running is said by its own trial.
            let _: Result<(), String> = self.run_group_of(lower, selected);
        }
        if let Err(why) = self.run_group_of(case, selected) {
            self.report_error(case, why);
        }
        match self.reports.iter().find(|report| report.name == case.name) {
            Some(report) => report.verdict.clone(),
            None => match self.stopping(case) {
                Some(reason) => self.report(CaseReport::not_run(self.heading(case), reason)),
                None => self.report_error(case, NOT_RUN.to_owned()),
            },
        }
    }

    /// Why the case is not run, where a lower rate was already too much on the same cluster.
    fn stopping(&self, case: &PlannedCase) -> Option<String> {
        let collapse =
            Collapse::stopping(&case.case, case.cluster_of_several(), &case.scenario, &self.reports)?;
        Some(collapse.reason(&case.case.mesh))
    }

    /// Reports an error for each of these cases that has no report yet.
    pub(crate) fn account_for(&mut self, selected: &[PlannedCase], why: &str) {
        for case in selected {
            if !self.reports.iter().any(|report| report.name == case.name) {
                self.report_error(case, why.to_owned());
            }
        }
    }

    fn report_error(&mut self, case: &PlannedCase, why: String) -> Verdict {
        self.report(CaseReport::without_runs(self.heading(case), why))
    }

    fn heading(&self, case: &PlannedCase) -> CaseHeading {
        heading(&self.catalog, &self.provider, case)
    }

    fn report(&mut self, report: CaseReport) -> Verdict {
        let verdict = report.verdict.clone();
        self.reports.push(report);
        verdict
    }

    /// Runs the case's block group, once, with those that share its blocks, on all clusters at once where there are several.
    ///
    /// # Errors
    /// Why this case cannot run, whatever becomes of the others.
    fn run_group_of(&mut self, case: &PlannedCase, selected: &[PlannedCase]) -> Result<(), String> {
        if let Some(HeldBack::CannotRun { reason, cure }) = &case.held_back {
            return Err(format!("{reason} (cure: {cure})"));
        }
        definition(&self.catalog, &case.case.mesh)?;
        if self.ran.contains(&case.batch()) || self.stopping(case).is_some() {
            return Ok(());
        }
        if self.interrupted || self.cancelled.is_cancelled() {
            self.interrupted = true;
            return Err(NOT_RUN.to_owned());
        }
        self.run_group(case, selected)
    }

    fn run_group(&mut self, case: &PlannedCase, selected: &[PlannedCase]) -> Result<(), String> {
        let batch = case.batch();
        let members = selected.iter().filter(|other| other.can_run() && other.batch() == batch);
        let members: Vec<_> = members.filter(|member| self.stopping(member).is_none()).collect();
        let Self {
            catalog, runtime, provider, clusters, live, folder, cancelled, progress, baselines, ..
        } = self;
        let shared = RefCell::new(&mut *progress);
        let cores = &provider.placement.all();
        let running = Running { live, folder, cores, cancelled, progress: &shared };
        let at_once = carry_out_at_once(&members, catalog, provider, clusters, running);
        let carried_out = runtime.block_on(at_once)?;
        let stragglers = live.end_stragglers();
        if !stragglers.is_empty() {
            let what = format!("processes that outlived their run were ended: {}", stragglers.join(", "));
            progress.observe(None, &Event::Swept { what });
        }
        let share = share_of_alpha(selected.iter().map(|case| &case.case.mesh));
        let (mut judged, mut outcomes) = (Vec::new(), Vec::new());
        for (place, outcome) in carried_out {
            match outcome {
                Ok(outcome) => {
                    let cluster = place.cluster.and_then(|choice| clusters.environment(choice));
                    judged.extend(outcome.reports(&place.members, provider, baselines, cluster, share));
                    outcomes.extend(outcome.into_measured());
                }
                Err(why) => {
                    // One whose definition is wrong says that instead, when its turn comes.
                    let whole = place.members.iter().filter(|it| definition(catalog, &it.case.mesh).is_ok());
                    let headings = whole.map(|case| heading(catalog, provider, case));
                    self.reports.extend(headings.map(|it| CaseReport::without_runs(it, why.clone())));
                }
            }
        }
        let (name, text, seed) = (case.scenario.name.clone(), case.scenario.text.clone(), case.scenario.seed);
        let digest = digest(text.as_bytes());
        self.scenarios.insert(name.clone(), ScenarioSource { name, text, digest, seed });
        self.interrupted |= outcomes.iter().any(|outcome| outcome.interrupted);
        self.ran.insert(batch);
        self.keep(judged, &outcomes);
        Ok(())
    }

    /// Keeps what was judged, and what it rests on.
    fn keep(&mut self, judged: Vec<JudgedCase>, outcomes: &[GroupOutcome]) {
        // What was measured stands: measuring again because a file is missing would be selection.
        let mut written = vec![self.keep_for_later(&judged)];
        written.extend(outcomes.iter().map(|outcome| self.write_samples(outcome)));
        self.unwritten = self.unwritten.take().or(written.into_iter().find_map(Result::err));
        for JudgedCase { report, latencies, .. } in judged {
            if report.cluster_of_several().is_some() {
                self.latencies.insert(report.name.clone(), latencies);
            }
            self.reports.push(report);
        }
    }

    /// Leaves what each case gives to be accepted, and adds it to the history.
    fn keep_for_later(&self, judged: &[JudgedCase]) -> Result<(), CampaignError> {
        for JudgedCase { report, measured, .. } in judged {
            if let (Some(measured), Some(standing)) = (measured, &report.against_baseline) {
                self.baselines.keep(measured, standing, &report.verdict)?;
            }
        }
        Ok(())
    }

    fn write_samples(&mut self, outcome: &GroupOutcome) -> Result<(), CampaignError> {
        let path = self.folder.join("samples.csv");
        let failed = |source| CampaignError::File { doing: "write", path: path.clone(), source };
        let writer = match &mut self.samples {
            Some(writer) => writer,
            none => {
                none.insert(SamplesWriter::new(fs::File::create(&path).map_err(failed)?).map_err(failed)?)
            }
        };
        for (run, samples) in outcome.runs.iter().zip(&outcome.samples) {
            let run = SampledRun { folder: &run.folder, mesh: run.mesh.as_str(), block: run.block };
            samples.iter().try_for_each(|sample| writer.write(run, sample)).map_err(failed)?;
        }
        Ok(())
    }

    /// The campaign's folder.
    #[must_use]
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Why samples could not be written, if they could not.
    pub(crate) fn unwritten(&self) -> Option<&CampaignError> {
        self.unwritten.as_ref()
    }

    /// What the campaign came to, and what it has in clusters still, which is to go once the report is safe.
    #[must_use]
    pub(crate) fn finish(
        self,
        ignored: Vec<IgnoredCase>,
        broken_scenarios: Vec<BrokenScenario>,
    ) -> (Report, Remains) {
        let (started_at, since) = self.started;
        let clusters = self.clusters.environments();
        let report = Report {
            version: REPORT_VERSION,
            campaign: self.live.id().to_owned(),
            started_at: humantime::format_rfc3339_seconds(started_at).to_string(),
            took_seconds: since.elapsed().as_secs_f64(),
            interrupted: self.interrupted || self.cancelled.is_cancelled(),
            environment: Environment { clusters, ..self.environment },
            cases: self.reports,
            pooled: None,
            ignored,
            scenarios: self.scenarios.into_values().collect(),
            broken_scenarios,
        };
        let pooled = Pooled::of_clusters(&report, &self.latencies);
        let Self { runtime, clusters, progress, live, .. } = self;
        (Report { pooled, ..report }, Remains { runtime, clusters, progress, _live: live })
    }
}

/// Unique, sortable, and safe in a file name.
fn campaign_id(now: SystemTime) -> String {
    let time = humantime::format_rfc3339_millis(now).to_string().replace([':', '.'], "-");
    format!("{time}-{}", std::process::id())
}

fn describe(swept: &Swept) -> Option<String> {
    let mut said = Vec::new();
    if !swept.campaigns.is_empty() {
        let processes = match swept.processes.as_slice() {
            [] => "no process of it was left".to_owned(),
            ended => format!("ended {}", ended.join(", ")),
        };
        said.push(format!("removed what was left of {}: {processes}", swept.campaigns.join(", ")));
    }
    said.extend(swept.undone.iter().map(|what| format!("removed {what}, which a killed campaign had made")));
    said.extend(swept.left.iter().map(|left| format!("left over from a killed campaign: {left}")));
    (!said.is_empty()).then(|| said.join("; "))
}
