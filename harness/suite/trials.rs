//! Cases as libtest trials: `cargo test --test meshes` and `meshbench run` alike.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Conclusion, Failed, FormatSetting, Trial};
use meshbench_core::event::Event;
use meshbench_core::report::IgnoredCase;
use meshbench_core::scenario::MeshName;
use meshbench_lab::error_chain;
use meshbench_lab::mesh::{BinaryFinder, MeshDefinition, Unavailable};
use meshbench_report::progress::{Progress, Verbosity};
use tokio_util::sync::CancellationToken;

use crate::campaign::{Campaign, fails};
use crate::discovery::{BrokenScenario, Discovery, HeldBack, PlannedCase};
use crate::output;
use crate::settings::Settings;
use crate::signals::cancelled_by_signals;

/// The exit code of a run that a signal ended: 128 + SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// The flag of ours that libtest does not know.
const STRICT_FLAG: &str = "--strict";

/// Reads libtest's arguments, and `--strict`, which makes invalid cases fail.
#[must_use]
pub fn arguments(given: impl IntoIterator<Item = String>) -> (Arguments, bool) {
    let (strict, known): (Vec<_>, Vec<_>) = given.into_iter().partition(|argument| argument == STRICT_FLAG);
    (Arguments::from_iter(known), !strict.is_empty())
}

/// Lists or runs the cases that `arguments` select, and says what they came to.
///
/// Listing reads files and nothing else.
#[must_use]
pub fn run(settings: &Settings, mut arguments: Arguments) -> ExitCode {
    let discovery = match Discovery::load(&settings.scenarios) {
        Ok(discovery) => discovery,
        Err(error) => return refuse(&error_chain(&error)),
    };
    // Two cases at once would measure each other; and processes are bound to the
    // life of the thread that starts them, which must be the main one.
    arguments.test_threads = Some(1);
    let planned = discovery.cases(settings);
    if arguments.list {
        let trials = planned.iter().map(|case| listed(&case.name, case.held_back.is_some()));
        let broken = discovery.broken.iter().map(|scenario| listed(&broken_name(scenario), false));
        return libtest_mimic::run(&arguments, broken.chain(trials).collect()).exit_code();
    }
    match cancelled_by_signals() {
        Ok(cancelled) => Session::new(settings, discovery, planned, cancelled).run(&arguments),
        Err(error) => refuse(&format!("cannot listen for signals: {error}")),
    }
}

/// One invocation that runs cases.
struct Session {
    settings: Settings,
    discovery: Discovery,
    planned: Vec<PlannedCase>,
    cancelled: CancellationToken,
}

/// The campaign, begun by the first trial that runs.
type SharedCampaign = Arc<Mutex<Option<Campaign>>>;

impl Session {
    fn new(
        settings: &Settings,
        discovery: Discovery,
        planned: Vec<PlannedCase>,
        cancelled: CancellationToken,
    ) -> Self {
        Self { settings: settings.clone(), discovery, planned, cancelled }
    }

    fn run(mut self, arguments: &Arguments) -> ExitCode {
        let mut progress = Progress::on_stderr(Verbosity::Normal);
        self.provision(arguments, &mut progress);
        let selected: Arc<[_]> = self
            .planned
            .iter()
            .filter(|case| case.can_run() && is_selected(arguments, case))
            .cloned()
            .collect();
        let ignored = self.ignored(arguments);
        output::announce_ignored(&mut io::stderr(), &ignored);

        let shared = SharedCampaign::default();
        let begin = Arc::new(Mutex::new(Some(Beginning {
            settings: self.settings.clone(),
            catalog: self.discovery.catalog.clone(),
            cancelled: self.cancelled.clone(),
            progress,
        })));
        let mut trials: Vec<_> = self.discovery.broken.iter().map(broken_trial).collect();
        for case in &self.planned {
            let (case, selected) = (case.clone(), Arc::clone(&selected));
            let (shared, begin, strict) = (Arc::clone(&shared), Arc::clone(&begin), self.settings.strict);
            let (name, ignored) = (case.name.clone(), case.held_back.is_some());
            let trial = Trial::test(name, move || run_case(&case, &selected, &shared, &begin, strict));
            trials.push(trial.with_ignored_flag(ignored));
        }
        let conclusion = libtest_mimic::run(arguments, trials);
        let campaign = shared.lock().unwrap_or_else(PoisonError::into_inner).take();
        let failed_to_write = campaign.is_some_and(|campaign| self.conclude(campaign, ignored, arguments));
        self.exit_code(&conclusion, failed_to_write)
    }

    /// Obtains the proxies of selected cases. A case whose proxy is not to be had
    /// is ignored, unless somebody named the executable: then its trial fails.
    fn provision(&mut self, arguments: &Arguments, progress: &mut Progress) {
        let finder = BinaryFinder { cache: self.settings.cache() };
        let wanted: BTreeSet<_> = self
            .planned
            .iter()
            .filter(|case| is_selected(arguments, case) && case.can_run())
            .map(|case| case.case.mesh.clone())
            .collect();
        let mut missing: BTreeMap<MeshName, Unavailable> = BTreeMap::new();
        for mesh in wanted {
            let Some(Ok(definition)) = self.discovery.catalog.get(&mesh) else { continue };
            let Err(unavailable) = obtain(definition, &finder, progress) else { continue };
            if !unavailable.was_asked_for {
                missing.insert(mesh, unavailable);
            }
        }
        for case in &mut self.planned {
            if let Some(Unavailable { reason, cure, .. }) = missing.get(&case.case.mesh) {
                let (reason, cure) = (reason.clone(), cure.clone());
                case.held_back = Some(HeldBack::CannotRun { reason, cure });
            }
        }
    }

    /// The cases that match the filters and are not run, with why.
    fn ignored(&self, arguments: &Arguments) -> Vec<IgnoredCase> {
        let matching = self.planned.iter().filter(|case| matches_filters(arguments, case));
        matching
            .filter(|case| !is_selected(arguments, case))
            .filter_map(|case| {
                let (reason, cure) = case.held_back.as_ref()?.explain(&case.case.scenario);
                Some(IgnoredCase { name: case.name.clone(), reason, cure })
            })
            .collect()
    }

    /// Writes and shows the report; whether something could not be written.
    fn conclude(&self, campaign: Campaign, ignored: Vec<IgnoredCase>, arguments: &Arguments) -> bool {
        let folder = campaign.folder().to_owned();
        let unwritten = campaign.unwritten().map(|error| error_chain(error));
        let report = campaign.finish(ignored);
        let written = output::write_files(&report, &folder, self.settings.strict);
        // JSON on standard output must stay JSON.
        let to_error = arguments.format == Some(FormatSetting::Json);
        let mut standard: Box<dyn Write> =
            if to_error { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        let colour = if to_error { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
        output::show(&mut standard, &report, &folder, colour);
        let failures = [unwritten, written.err().map(|error| error_chain(&error))];
        for failure in failures.iter().flatten() {
            let _: io::Result<()> = writeln!(io::stderr(), "error: {failure}");
        }
        failures.iter().any(Option::is_some)
    }

    fn exit_code(&self, conclusion: &Conclusion, failed_to_write: bool) -> ExitCode {
        if self.cancelled.is_cancelled() {
            return ExitCode::from(INTERRUPTED);
        }
        if failed_to_write { ExitCode::FAILURE } else { conclusion.exit_code() }
    }
}

/// What the first trial needs to begin the campaign.
struct Beginning {
    settings: Settings,
    catalog: meshbench_lab::mesh::MeshCatalog,
    cancelled: CancellationToken,
    progress: Progress,
}

fn run_case(
    case: &PlannedCase,
    selected: &[PlannedCase],
    shared: &Mutex<Option<Campaign>>,
    begin: &Mutex<Option<Beginning>>,
    strict: bool,
) -> Result<(), Failed> {
    if let Some(HeldBack::CannotRun { reason, cure }) = &case.held_back {
        return Err(format!("{reason} (cure: {cure})").into());
    }
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let campaign = match &mut *shared {
        Some(campaign) => campaign,
        none => {
            let beginning = begin.lock().unwrap_or_else(PoisonError::into_inner).take();
            let beginning = beginning.ok_or("the campaign could not begin; the first case says why")?;
            let Beginning { settings, catalog, cancelled, progress } = beginning;
            let begun = Campaign::begin(&settings, catalog, cancelled, progress);
            none.insert(begun.map_err(|error| Failed::from(error_chain(&error)))?)
        }
    };
    let report = campaign.case(case, selected)?;
    if fails(&report.verdict, strict) {
        return Err(format!("{}: {}", report.verdict.word(), report.verdict.sentences().join("\n")).into());
    }
    Ok(())
}

fn obtain(
    definition: &MeshDefinition,
    finder: &BinaryFinder,
    progress: &mut Progress,
) -> Result<(), Unavailable> {
    let Some(source) = definition.local.as_ref().and_then(|local| local.binary.as_ref()) else {
        return Ok(());
    };
    if source.needs_provisioning(finder) {
        progress.observe(&Event::Provisioning { mesh: definition.name.clone() });
    }
    source.obtain(finder).map(|_| ())
}

fn broken_trial(scenario: &BrokenScenario) -> Trial {
    let problems = scenario.problems.to_string();
    Trial::test(broken_name(scenario), move || Err(problems.into()))
}

fn broken_name(scenario: &BrokenScenario) -> String {
    format!("{}::scenario-is-invalid", scenario.name)
}

fn listed(name: &str, ignored: bool) -> Trial {
    Trial::test(name, || Ok(())).with_ignored_flag(ignored)
}

fn matches_filters(arguments: &Arguments, case: &PlannedCase) -> bool {
    !arguments.is_filtered_out(&listed(&case.name, case.held_back.is_some()))
}

fn is_selected(arguments: &Arguments, case: &PlannedCase) -> bool {
    let runs = case.held_back.is_none() || arguments.ignored || arguments.include_ignored;
    runs && matches_filters(arguments, case)
}

/// Says what is wrong before anything could begin.
fn refuse(why: &str) -> ExitCode {
    let _: io::Result<()> = writeln!(io::stderr(), "error: {why}");
    ExitCode::FAILURE
}
