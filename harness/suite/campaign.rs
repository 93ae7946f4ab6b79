//! One invocation's campaign: its folder, its block groups, and what they came to.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use meshbench_core::event::Event;
use meshbench_core::judge::{Verdict, judge};
use meshbench_core::report::{CaseHeading, CaseReport, IgnoredCase, REPORT_VERSION, Report};
use meshbench_core::run::Run;
use meshbench_core::scenario::MeshName;
use meshbench_lab::local::LocalProvider;
use meshbench_lab::mesh::{BinaryFinder, MeshCatalog, MeshDefinition};
use meshbench_lab::process::{LiveCampaign, Placement, Swept, move_this_thread, sweep};
use meshbench_lab::{GroupOutcome, GroupPlan};
use meshbench_report::csv::{SampledRun, SamplesWriter};
use meshbench_report::progress::Progress;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::discovery::PlannedCase;
use crate::environment::read_environment;
use crate::settings::Settings;

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
}

/// A running campaign. [`Campaign::finish`] turns it into its report.
pub(crate) struct Campaign {
    catalog: MeshCatalog,
    provider: LocalProvider,
    runtime: Runtime,
    live: LiveCampaign,
    folder: PathBuf,
    cancelled: CancellationToken,
    progress: Progress,
    samples: Option<SamplesWriter<fs::File>>,
    started: (SystemTime, Instant),
    groups: BTreeMap<String, Vec<CaseReport>>,
    order: Vec<String>,
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
        let swept = sweep(&output).map_err(file("sweep what a killed campaign left in"))?;
        if let Some(what) = describe(&swept) {
            progress.observe(&Event::Swept { what });
        }
        let now = SystemTime::now();
        let id = campaign_id(now);
        let live = LiveCampaign::claim(&output, &id).map_err(file("claim a campaign in"))?;
        let folder = output.join(&id);
        fs::create_dir_all(&folder).map_err(file("create a campaign's folder in"))?;
        let system = |doing| move |source| CampaignError::System { doing, source };
        let placement = Placement::of_this_machine()
            .map_err(|error| system("read which cores may be used")(error.into()))?;
        // The harness must not wake up on the generator's core.
        move_this_thread(&placement.measured)
            .map_err(|error| system("leave the load generator's core")(error.into()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(system("start the asynchronous runtime"))?;
        let provider = LocalProvider {
            load: settings.programs.load.clone(),
            emojivoto: settings.programs.emojivoto.clone(),
            sidecar: settings.programs.sidecar.clone(),
            binaries: BinaryFinder { cache: settings.cache() },
            placement,
        };
        Ok(Self {
            catalog,
            provider,
            runtime,
            live,
            folder,
            cancelled,
            progress,
            samples: None,
            started: (now, Instant::now()),
            groups: BTreeMap::new(),
            order: Vec::new(),
            interrupted: false,
            unwritten: None,
        })
    }

    /// The report of one case, running its block group if that has not run yet.
    /// `selected` names every case of this invocation: those of the group run together.
    ///
    /// # Errors
    /// A text for the trial's failure when the group could not run at all.
    pub(crate) fn case(
        &mut self,
        case: &PlannedCase,
        selected: &[PlannedCase],
    ) -> Result<CaseReport, String> {
        definition(&self.catalog, &case.case.mesh)?;
        let group = group_name(case);
        if !self.groups.contains_key(&group) {
            if self.interrupted || self.cancelled.is_cancelled() {
                self.interrupted = true;
                return Err("interrupted before it ran".to_owned());
            }
            let reports = self.run_group(case, selected)?;
            if let Entry::Vacant(place) = self.groups.entry(group.clone()) {
                self.order.push(group.clone());
                place.insert(reports);
            }
        }
        let reports = self.groups.get(&group).into_iter().flatten();
        reports
            .clone()
            .find(|report| report.name == case.name)
            .cloned()
            .ok_or_else(|| "interrupted before it ran".to_owned())
    }

    fn run_group(&mut self, case: &PlannedCase, selected: &[PlannedCase]) -> Result<Vec<CaseReport>, String> {
        let group = group_name(case);
        let members: Vec<_> = selected.iter().filter(|other| group_name(other) == group).collect();
        let mut arms = vec![definition(&self.catalog, &MeshName::bare())?];
        for member in members.iter().filter(|member| !member.case.mesh.is_bare()) {
            // One that is wrong fails its own trial and takes no other down.
            arms.extend(definition(&self.catalog, &member.case.mesh));
        }
        let plan =
            GroupPlan { scenario: &case.scenario, rate: case.case.rate, duration: case.case.duration, arms };
        let Self { runtime, provider, live, folder, cancelled, progress, .. } = self;
        let mut observe = |event: Event| progress.observe(&event);
        let outcome = runtime.block_on(plan.carry_out(provider, live, folder, cancelled, &mut observe));
        let stragglers = live.end_stragglers();
        if !stragglers.is_empty() {
            let what = format!("processes that outlived their run were ended: {}", stragglers.join(", "));
            progress.observe(&Event::Swept { what });
        }
        let reports = group_reports(&plan, &outcome, &members);
        self.interrupted |= outcome.interrupted;
        // What was measured stands: measuring again because a file is missing would be selection.
        if let Err(error) = self.write_samples(&outcome) {
            self.unwritten.get_or_insert(error);
        }
        Ok(reports)
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

    /// Ends the campaign; its scratch folder goes with it.
    #[must_use]
    pub(crate) fn finish(mut self, ignored: Vec<IgnoredCase>) -> Report {
        let (started_at, since) = self.started;
        Report {
            version: REPORT_VERSION,
            campaign: self.live.id().to_owned(),
            started_at: humantime::format_rfc3339_seconds(started_at).to_string(),
            took_seconds: since.elapsed().as_secs_f64(),
            interrupted: self.interrupted || self.cancelled.is_cancelled(),
            environment: read_environment(&self.provider.placement),
            cases: self.order.iter().filter_map(|group| self.groups.remove(group)).flatten().collect(),
            ignored,
        }
    }
}

/// `scenario::rate::duration`.
fn group_name(case: &PlannedCase) -> String {
    format!("{}::{}::{}", case.case.scenario, case.case.rate, case.case.duration)
}

fn definition<'a>(catalog: &'a MeshCatalog, mesh: &MeshName) -> Result<&'a MeshDefinition, String> {
    match catalog.get(mesh) {
        Some(Ok(definition)) => Ok(definition),
        Some(Err(problem)) => Err(problem.to_string()),
        None => Err(format!("there is no folder scenarios/meshes/{mesh}")),
    }
}

/// A report for every arm that has a run or a failure; of an interrupted group
/// only for arms with something to show.
fn group_reports(plan: &GroupPlan<'_>, outcome: &GroupOutcome, members: &[&PlannedCase]) -> Vec<CaseReport> {
    let runs_of =
        |mesh: &MeshName| outcome.runs.iter().filter(|run| run.mesh == *mesh).collect::<Vec<&Run>>();
    let bare = runs_of(&MeshName::bare());
    let report = |mesh: &&MeshDefinition| {
        let runs = runs_of(&mesh.name);
        let failed = outcome.failed.iter().filter(|failed| failed.mesh == mesh.name);
        let mut causes: Vec<_> =
            failed.map(|failed| format!("block {}: {}", failed.block, failed.why)).collect();
        let (done, blocks) = (runs.len(), plan.scenario.repeats);
        if outcome.interrupted && done < blocks.get() as usize && done > 0 {
            causes.push(format!("interrupted after {done} of {blocks} blocks"));
        }
        if runs.is_empty() && causes.is_empty() {
            return None;
        }
        let judgement = judge(&mesh.name, &runs, &bare, &plan.scenario.budgets, causes);
        let name = format!("{}::{}::{}::{}", plan.scenario.name, mesh.name, plan.rate, plan.duration);
        let heading = CaseHeading {
            selected: members.iter().any(|member| member.name == name),
            name,
            group: plan.name(),
            mesh: mesh.name.to_string(),
            mesh_version: mesh.version.clone(),
        };
        Some(CaseReport::new(heading, &runs, &bare, judgement))
    };
    plan.arms.iter().filter_map(report).collect()
}

/// Unique, sortable, and safe in a file name.
fn campaign_id(now: SystemTime) -> String {
    let time = humantime::format_rfc3339_millis(now).to_string().replace([':', '.'], "-");
    format!("{time}-{}", std::process::id())
}

fn describe(swept: &Swept) -> Option<String> {
    if swept.campaigns.is_empty() {
        return None;
    }
    let processes = match swept.processes.as_slice() {
        [] => "no process of it was left".to_owned(),
        left => format!("ended {}", left.join(", ")),
    };
    Some(format!("removed what was left of {}: {processes}", swept.campaigns.join(", ")))
}

/// Whether a verdict fails its trial.
#[must_use]
pub(crate) fn fails(verdict: &Verdict, strict: bool) -> bool {
    match verdict {
        Verdict::Pass => false,
        Verdict::Invalid { .. } => strict,
        Verdict::Fail { .. } | Verdict::Error { .. } => true,
    }
}
