//! Cases as libtest trials: `cargo test --test meshes` and `meshbench run` alike.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Completion, Conclusion, Failed, FormatSetting, Trial};
use meshbench_core::judge::{Gate, Verdict};
use meshbench_core::report::{BrokenScenario, IgnoredCase};
use meshbench_core::scenario::ProviderKind;
use meshbench_lab::error_chain;
use meshbench_report::progress::{Progress, Verbosity};

use crate::campaign::Campaign;
use crate::discovery::{Discovery, HeldBack, PlannedCase};
use crate::output;
use crate::settings::Settings;
use crate::signals::Interruption;

/// The flags of ours that libtest does not know.
const STRICT_FLAG: &str = "--strict";
const REQUIRE_BASELINE_FLAG: &str = "--require-baseline";

/// Why a case that was selected has no result, where no signal came.
const NOT_REACHED: &str = "not run: standard output could not be written to before its turn";
/// What a person who asked for cases and got none is told.
const NOTHING_RUN: &str = "no case was run: `meshbench list` shows their names";

/// What an invocation that runs no case at all comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenNothingRuns {
    /// Success, as libtest has it.
    Pass,
    /// A failure: somebody asked for cases and got none.
    Fail,
}

/// Reads libtest's arguments, and ours: `--strict`, by which nothing passes that says nothing, and `--require-baseline`.
#[must_use]
pub fn arguments(given: impl IntoIterator<Item = String>) -> (Arguments, Gate) {
    let ours = |argument: &String| [STRICT_FLAG, REQUIRE_BASELINE_FLAG].contains(&argument.as_str());
    let (ours, known): (Vec<_>, Vec<_>) = given.into_iter().partition(ours);
    let is_given = |flag: &str| ours.iter().any(|given| given == flag);
    let gate = Gate { strict: is_given(STRICT_FLAG), require_baseline: is_given(REQUIRE_BASELINE_FLAG) };
    (Arguments::from_iter(known), gate)
}

/// Lists or runs the cases that `arguments` select, and says what they came to.
///
/// Listing reads files and nothing else.
#[must_use]
pub fn run(settings: &Settings, arguments: Arguments, when_nothing_runs: WhenNothingRuns) -> ExitCode {
    let discovery = match Discovery::load(&settings.scenarios) {
        Ok(discovery) => discovery,
        Err(error) => return refuse(&error_chain(&error)),
    };
    run_discovered(settings, discovery, arguments, when_nothing_runs)
}

/// Runs every case there is, and says what they came to.
#[must_use]
pub(crate) fn run_all(settings: &Settings, discovery: Discovery) -> ExitCode {
    let arguments = Arguments { include_ignored: true, ..Arguments::default() };
    run_discovered(settings, discovery, arguments, WhenNothingRuns::Fail)
}

fn run_discovered(
    settings: &Settings,
    discovery: Discovery,
    mut arguments: Arguments,
    when_nothing_runs: WhenNothingRuns,
) -> ExitCode {
    // Two cases at once would measure each other; and processes are bound to the
    // life of the thread that starts them, which must be the main one.
    arguments.test_threads = Some(1);
    let planned = discovery.cases(settings);
    let session = Session { settings: settings.clone(), discovery, planned };
    if arguments.list {
        return conclude_trials(&arguments, session.listing()).map_or(ExitCode::SUCCESS, |c| c.exit_code());
    }
    if session.selects_nothing(&arguments) {
        return session.run_nothing(&arguments, when_nothing_runs);
    }
    match Interruption::listen() {
        Ok(interruption) => session.run(&arguments, &interruption, when_nothing_runs),
        Err(error) => refuse(&format!("cannot listen for signals: {error}")),
    }
}

/// What one invocation knows before anything runs.
struct Session {
    settings: Settings,
    discovery: Discovery,
    planned: Vec<PlannedCase>,
}

/// The campaign, taken out when it is over.
type SharedCampaign = Arc<Mutex<Option<Campaign>>>;

impl Session {
    fn listing(&self) -> Vec<Trial> {
        let broken = self.discovery.broken.iter().map(|broken| listed(&broken.name, false));
        let planned = self.planned.iter().map(|case| listed(&case.name, case.held_back.is_some()));
        broken.chain(planned).collect()
    }

    fn selects_nothing(&self, arguments: &Arguments) -> bool {
        self.selected_broken(arguments).is_empty()
            && !self.planned.iter().any(|case| is_selected(arguments, case))
    }

    /// Shows, as libtest would, that nothing runs, and why.
    fn run_nothing(&self, arguments: &Arguments, when_nothing_runs: WhenNothingRuns) -> ExitCode {
        output::announce_ignored(&mut io::stderr(), &self.ignored(arguments));
        let conclusion = conclude_trials(arguments, self.listing());
        match when_nothing_runs {
            WhenNothingRuns::Pass => {
                conclusion.map_or(ExitCode::FAILURE, |conclusion| conclusion.exit_code())
            }
            WhenNothingRuns::Fail => refuse(NOTHING_RUN),
        }
    }

    fn run(
        mut self,
        arguments: &Arguments,
        interruption: &Interruption,
        when_nothing_runs: WhenNothingRuns,
    ) -> ExitCode {
        let progress = Progress::on_stderr(Verbosity::Normal);
        let cancelled = interruption.token().clone();
        let begun = Campaign::begin(&self.settings, self.discovery.catalog.clone(), cancelled, progress);
        let mut campaign = match begun {
            Ok(campaign) => campaign,
            Err(error) => return refuse(&error_chain(&error)),
        };
        self.provision(arguments, &mut campaign);
        let ignored = self.ignored(arguments);
        output::announce_ignored(&mut io::stderr(), &ignored);
        let selected: Arc<[_]> =
            self.planned.iter().filter(|case| is_selected(arguments, case)).cloned().collect();

        let campaign: SharedCampaign = Arc::new(Mutex::new(Some(campaign)));
        let conclusion = conclude_trials(arguments, self.trials(&campaign, &selected));
        let campaign = campaign.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut written = true;
        if let Some(mut campaign) = campaign {
            campaign.account_for(&selected, NOT_REACHED);
            written = self.conclude(campaign, ignored, arguments);
        }
        let ran = !selected.is_empty() || !self.selected_broken(arguments).is_empty();
        if !ran && when_nothing_runs == WhenNothingRuns::Fail && interruption.exit_code().is_none() {
            return refuse(NOTHING_RUN);
        }
        match (interruption.exit_code(), conclusion, written) {
            (Some(interrupted), _, _) => interrupted,
            (None, Some(conclusion), true) => conclusion.exit_code(),
            (None, _, _) => ExitCode::FAILURE,
        }
    }

    fn trials(&self, campaign: &SharedCampaign, selected: &Arc<[PlannedCase]>) -> Vec<Trial> {
        let broken = self.discovery.broken.iter().map(|broken| {
            let problems = broken.problems.join("\n");
            Trial::test(broken.name.clone(), move || Err(problems.into()))
        });
        let gate = self.settings.gate;
        let planned = self.planned.iter().map(|case| {
            let (case, selected, campaign) = (case.clone(), Arc::clone(selected), Arc::clone(campaign));
            let (name, ignored) = (case.name.clone(), case.held_back.is_some());
            let trial = Trial::ignorable_test(name, move || run_case(&case, &selected, &campaign, gate));
            trial.with_ignored_flag(ignored)
        });
        broken.chain(planned).collect()
    }

    /// Obtains the proxies of selected cases. A case whose proxy is not to be had
    /// is ignored, unless somebody named the executable: then its trial fails.
    fn provision(&mut self, arguments: &Arguments, campaign: &mut Campaign) {
        // On a cluster the images have them.
        let is_local = |case: &&PlannedCase| case.scenario.provider == ProviderKind::Local;
        let wanted = self.planned.iter().filter(|case| is_selected(arguments, case) && case.can_run());
        let wanted = wanted.filter(is_local);
        let meshes = wanted.flat_map(|case| [Some(&case.case.mesh), case.compared_with()]);
        let mut missing = campaign.provision(meshes.flatten().cloned().collect());
        missing.retain(|_, unavailable| !unavailable.was_asked_for);
        let of_this_machine = self.planned.iter_mut();
        for case in of_this_machine.filter(|case| case.scenario.provider == ProviderKind::Local) {
            if let Some(unavailable) = missing.get(&case.case.mesh) {
                let (reason, cure) = (unavailable.reason.clone(), unavailable.cure.clone());
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

    fn selected_broken(&self, arguments: &Arguments) -> Vec<BrokenScenario> {
        let is_selected = |broken: &&BrokenScenario| {
            !arguments.ignored && !arguments.is_filtered_out(&listed(&broken.name, false))
        };
        self.discovery.broken.iter().filter(is_selected).cloned().collect()
    }

    /// Writes and shows the report; whether everything could be written.
    fn conclude(&self, campaign: Campaign, ignored: Vec<IgnoredCase>, arguments: &Arguments) -> bool {
        let folder = campaign.folder().to_owned();
        let unwritten = campaign.unwritten().map(|error| error_chain(error));
        let (report, remains) = campaign.finish(ignored, self.selected_broken(arguments));
        let written = output::write_files(&report, &folder, self.settings.gate);
        // Removing a cluster takes minutes, in which somebody may lose patience.
        let left = remains.leave();
        // JSON on standard output must stay JSON.
        let to_error = arguments.format == Some(FormatSetting::Json);
        output::show(&report, written.is_ok().then_some(folder.as_path()), to_error);
        output::write_step_summary(&report);
        output::write_textfile(&report, self.settings.textfile.as_deref());
        let unwritten = [unwritten, written.err().map(|error| error_chain(&error))];
        let failures: Vec<_> = unwritten.into_iter().flatten().chain(left).collect();
        failures.iter().for_each(|failure| complain(failure));
        failures.is_empty()
    }
}

fn run_case(
    case: &PlannedCase,
    selected: &[PlannedCase],
    campaign: &Mutex<Option<Campaign>>,
    gate: Gate,
) -> Result<Completion, Failed> {
    let mut campaign = campaign.lock().unwrap_or_else(PoisonError::into_inner);
    let campaign = campaign.as_mut().ok_or("the campaign is over")?;
    let verdict = campaign.verdict(case, selected);
    if gate.fails(&verdict) {
        return Err(format!("{}: {}", verdict.word(), verdict.sentences().join("\n")).into());
    }
    Ok(match verdict {
        // Nothing was tried, so it neither passed nor failed; the case that stopped it failed already.
        Verdict::NotRun { reasons } => Completion::ignored_with(format!("not run: {}", reasons.join("; "))),
        _ => Completion::Completed,
    })
}

/// Runs trials; `None` when standard output could not be written to, at which
/// libtest-mimic panics.
fn conclude_trials(arguments: &Arguments, trials: Vec<Trial>) -> Option<Conclusion> {
    // Its message names a line of the library; ours below says what happened.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| libtest_mimic::run(arguments, trials)));
    set_hook(hook);
    if outcome.is_err() && !arguments.list {
        complain("standard output was closed or is full; what was measured until then is reported");
    }
    outcome.ok()
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
    complain(why);
    ExitCode::FAILURE
}

fn complain(why: &str) {
    // Nobody is left to tell when standard error is closed.
    let _: io::Result<()> = writeln!(io::stderr(), "error: {why}");
}
