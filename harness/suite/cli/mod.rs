//! `meshbench`: the command line for people.

mod baseline;
mod calibrate;
mod cluster;
mod compare;
mod doctor;
mod history;
mod limit;
mod list;
mod merge;
mod report;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{FalseyValueParser, OsStringValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use libtest_mimic::Arguments;
use meshbench_core::judge::Gate;
use meshbench_lab::error_chain;
use meshbench_lab::process::sweep;
use meshbench_report::console::disarmed;
use tokio_util::sync::CancellationToken;

use self::baseline::BaselineCommand;
use self::cluster::ClusterArguments;
use self::compare::Compared;
use crate::discovery::Discovery;
use crate::settings::{
    OUTPUT_VARIABLE, Programs, REQUIRE_BASELINE_VARIABLE, SCENARIOS_VARIABLE, STRICT_VARIABLE, Settings,
    TEXTFILE_VARIABLE,
};
use crate::trials::{self, WhenNothingRuns};

const DEFAULT_SCENARIOS: &str = "scenarios";
const DEFAULT_OUTPUT: &str = "target/meshbench";

/// Says what a service mesh costs and whether that changed, with numbers one can defend.
///
/// Scenarios are YAML files; each cell of mesh × rate × duration is a case named
/// `scenario::mesh::rate::duration`. `cargo test --test meshes` runs the same cases.
#[derive(Debug, Parser)]
#[command(name = "meshbench", version, arg_required_else_help = true)]
struct CommandLine {
    /// Folder with the scenario files and, in `meshes/`, the mesh definitions.
    #[arg(long, global = true, value_name = "FOLDER", default_value = DEFAULT_SCENARIOS, env = SCENARIOS_VARIABLE, value_parser = OsStringValueParser::new())]
    scenarios: OsString,

    /// Folder that takes results, one folder a campaign.
    #[arg(long, global = true, value_name = "FOLDER", default_value = DEFAULT_OUTPUT, env = OUTPUT_VARIABLE, value_parser = OsStringValueParser::new())]
    output: OsString,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show scenarios with their cases, and meshes, and what keeps any from running here.
    List(ClusterArguments),
    /// Run cases and judge them.
    Run(RunArguments),
    /// Find out how much meshes can carry: the highest rate at which each keeps a service level.
    ///
    /// The scenario behind it is printed first: kept under `scenarios/`, it can be run again, with budgets and a baseline.
    Limit(limit::LimitArguments),
    /// Check what can run on this machine, and on clusters, what is missing, and how to get it.
    Doctor(ClusterArguments),
    /// Print the role, for `kubectl apply`, that lets campaigns do what they must on a cluster and nothing else.
    ///
    /// It covers every mesh under `meshes/` with a `kube` section. Whoever installs a mesh must be able to grant what the
    /// mesh is granted, hence `escalate` and `bind`.
    Rbac,
    /// Print the JSON schema of a file format.
    Schema {
        /// Which format.
        #[arg(value_enum)]
        format: Format,
    },
    /// Put the recordings of all shards of a load plan together, and print the one they make.
    Merge {
        /// What each `meshbench-load --shard` wrote with `--output`.
        #[arg(required = true, value_name = "RECORDING")]
        files: Vec<PathBuf>,
    },
    /// Review what campaigns are compared with: the baselines in `snapshots`, beside the scenarios.
    ///
    /// A campaign proposes a baseline for a case that has none, or that changed. `cargo insta review --extensions toml`
    /// shows these as differences and takes them too. `INSTA_UPDATE` is respected: `no` proposes nothing, `unseen` and
    /// `always` accept at once. Where CI is set, nothing is proposed nor accepted.
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Show what became of each case from campaign to campaign.
    ///
    /// Every valid campaign adds its means to `snapshots/<environment class>/history.jsonl`; in CI it does so with
    /// `MESHBENCH_RECORD_HISTORY=1`. Where a metric seems to have shifted for good is marked, which is advisory.
    History {
        /// Only cases whose name contains this text.
        filter: Option<String>,
    },
    /// Compare two finished campaigns, as a campaign is compared with what was accepted.
    ///
    /// Where environment, load or workload differ, it is refused and said why. The history says how much campaigns differ
    /// from each other; where it holds fewer than eight, the figures are advisory.
    Compare {
        /// The folder that the earlier campaign left.
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The folder that the later campaign left.
        #[arg(value_name = "NEW")]
        new: PathBuf,
    },
    /// Write the page of finished campaigns, `report.html`, from what they left in their folders.
    ///
    /// Latencies are read from the recordings anew. Several campaigns, such as those of clusters in parallel, stand on one
    /// page, each alone and all together: merged histograms, without those whose `bare` differs from that of the others by
    /// more than its runs do.
    Report {
        /// Folders that campaigns left.
        #[arg(required = true, value_name = "FOLDER")]
        folders: Vec<PathBuf>,
        /// Where the page goes; needed for several campaigns, and the folder of a single one otherwise.
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
    },
    /// Find out how often the judge is right: compare the reference mesh with itself, unchanged and with known changes.
    ///
    /// Each gate is a campaign of `bare`, `reference` and a copy of it. Gates are kept under `calibration/` in the output
    /// folder with every recording; those that are finished are not run again, so that a calibration goes on where it was
    /// interrupted. The table goes to standard output, `calibration.md` and `calibration.json`.
    Calibrate(calibrate::CalibrateArguments),
    /// End and remove what killed campaigns left behind, on this machine and, where any are named, on clusters.
    Clean(ClusterArguments),
}

/// Which cases, and how strictly.
#[derive(Debug, clap::Args)]
struct RunArguments {
    /// Only cases whose name contains this text.
    filter: Option<String>,
    /// The filter is a case's whole name.
    #[arg(long)]
    exact: bool,
    /// Not the cases whose name contains this text; may be repeated.
    #[arg(long, value_name = "FILTER")]
    skip: Vec<String>,
    /// Also cases of the nightly and full tiers.
    #[arg(long)]
    include_ignored: bool,
    /// Fail on cases that say nothing too: invalid, inconclusive, or not run.
    #[arg(long, env = STRICT_VARIABLE, value_parser = FalseyValueParser::new())]
    strict: bool,
    /// Fail on cases without a baseline that they can be compared with.
    #[arg(long, env = REQUIRE_BASELINE_VARIABLE, value_parser = FalseyValueParser::new())]
    require_baseline: bool,
    /// Replace this file with the metrics of the campaign when it ends, for `node_exporter`'s textfile collector.
    #[arg(long, value_name = "FILE", env = TEXTFILE_VARIABLE, value_parser = OsStringValueParser::new())]
    textfile: Option<OsString>,
    #[command(flatten)]
    clusters: ClusterArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Scenario files, for editors.
    Scenario,
    /// `report.json`.
    Report,
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    match carry_out(line) {
        Ok(code) => code,
        // Whoever read the output has seen enough: `meshbench list | head`.
        Err(CommandError::Print(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(why) => {
            let _: io::Result<()> = writeln!(io::stderr(), "error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Why a command could not do what it says.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// Standard output is closed or full.
    #[error("cannot write to standard output: {0}")]
    Print(#[from] io::Error),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

fn carry_out(line: CommandLine) -> Result<ExitCode, CommandError> {
    let programs = programs_beside_this_one()
        .map_err(|error| CommandError::Other(format!("cannot find its own folder: {error}")))?;
    // A variable that is set and empty says nothing, as for the main job.
    let or = |given: OsString, default: &str| match given.is_empty() {
        true => PathBuf::from(default),
        false => PathBuf::from(given),
    };
    let (scenarios, output) = (or(line.scenarios, DEFAULT_SCENARIOS), or(line.output, DEFAULT_OUTPUT));
    let settings = Settings::new(scenarios, output, programs, Gate::default());
    let mut standard = io::stdout().lock();
    match line.command {
        Command::List(clusters) => {
            let mut page = Vec::new();
            let settings = settings.with_contexts(clusters.contexts());
            list::list(&mut page, &discover(&settings)?, &settings)?;
            standard.write_all(disarmed(&String::from_utf8_lossy(&page)).as_bytes())?;
        }
        Command::Run(arguments) => {
            drop(standard);
            return Ok(run(settings, arguments));
        }
        Command::Limit(arguments) => {
            let discovery = discover(&settings)?;
            let (discovery, scenario) = arguments.scenario(discovery).map_err(CommandError::Other)?;
            standard.write_all(disarmed(&scenario).as_bytes())?;
            drop(standard);
            // Who asks and gets no answer is told so.
            let gate = Gate { strict: true, ..Gate::default() };
            let settings = Settings { gate, ..settings }.with_contexts(arguments.contexts());
            return Ok(trials::run_all(&settings, discovery));
        }
        Command::Doctor(clusters) => {
            let mut page = Vec::new();
            let discovery = discover(&settings)?;
            let mut healthy = doctor::examine(&mut page, &discovery, &settings)?;
            for context in clusters.contexts() {
                healthy &= cluster::examine_cluster(&mut page, &discovery, &context)?;
            }
            standard.write_all(disarmed(&String::from_utf8_lossy(&page)).as_bytes())?;
            return Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Schema { format } => {
            let schema = match format {
                Format::Scenario => meshbench_core::scenario::json_schema(),
                Format::Report => meshbench_core::report::json_schema(),
            };
            writeln!(standard, "{schema:#}")?;
        }
        Command::Merge { files } => {
            let merged = merge::merge(&files).map_err(|error| CommandError::Other(error_chain(&error)))?;
            serde_json::to_writer(&mut standard, &merged).map_err(io::Error::from)?;
            writeln!(standard)?;
        }
        Command::Baseline(command) => {
            let mut page = Vec::new();
            let done = baseline::carry_out(&mut page, &settings.snapshots(), command);
            standard.write_all(disarmed(&String::from_utf8_lossy(&page)).as_bytes())?;
            done.map_err(|error| CommandError::Other(error_chain(&error)))?;
        }
        Command::History { filter } => {
            let mut page = Vec::new();
            history::show(&mut page, &settings.snapshots(), filter.as_deref())
                .map_err(|error| CommandError::Other(error_chain(&error)))?;
            standard.write_all(disarmed(&String::from_utf8_lossy(&page)).as_bytes())?;
        }
        Command::Compare { old, new } => {
            let mut page = Vec::new();
            let compared =
                compare::compare(&mut page, &settings.snapshots(), &discover(&settings)?, &old, &new)
                    .map_err(|error| CommandError::Other(error_chain(&error)))?;
            standard.write_all(disarmed(&String::from_utf8_lossy(&page)).as_bytes())?;
            return Ok(match compared {
                Compared::Fine => ExitCode::SUCCESS,
                Compared::Failed => ExitCode::FAILURE,
            });
        }
        Command::Report { folders, to } => {
            let mut page = Vec::new();
            let done = report::report(&mut page, &folders, to.as_deref());
            standard.write_all(disarmed(&String::from_utf8_lossy(&page)).as_bytes())?;
            done.map_err(|error| CommandError::Other(error_chain(&error)))?;
        }
        Command::Calibrate(arguments) => {
            return arguments
                .carry_out(&settings, &mut standard)
                .map_err(|error| CommandError::Other(error_chain(&error)));
        }
        Command::Rbac => cluster::print_role(&mut standard, &discover(&settings)?)?,
        Command::Clean(clusters) => {
            clean(&mut standard, &settings)?;
            cluster::clean_clusters(&mut standard, &clusters.contexts())
                .map_err(|error| CommandError::Other(error.to_string()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn run(settings: Settings, given: RunArguments) -> ExitCode {
    let gate = Gate { strict: given.strict, require_baseline: given.require_baseline };
    let settings = Settings { gate, ..settings }
        .with_textfile(given.textfile.map(PathBuf::from))
        .with_contexts(given.clusters.contexts());
    let arguments = Arguments {
        filter: given.filter,
        exact: given.exact,
        skip: given.skip,
        include_ignored: given.include_ignored,
        ..Arguments::default()
    };
    trials::run(&settings, arguments, WhenNothingRuns::Fail)
}

fn clean(standard: &mut dyn Write, settings: &Settings) -> Result<(), CommandError> {
    // Said at once: a program that removes a cluster may take minutes.
    let mut announce = |name: &str| _ = writeln!(standard, "removing {name}").and_then(|()| standard.flush());
    let swept =
        cluster::runtime()?.block_on(sweep(&settings.output, &CancellationToken::new(), &mut announce));
    let swept = swept.map_err(|error| {
        CommandError::Other(format!("cannot sweep {}: {error}", settings.output.display()))
    })?;
    for process in &swept.processes {
        writeln!(standard, "ended {process}")?;
    }
    for campaign in &swept.campaigns {
        writeln!(standard, "removed what was left of {campaign}")?;
    }
    for undone in &swept.undone {
        writeln!(standard, "removed {undone}, which a killed campaign had made")?;
    }
    for left in &swept.left {
        writeln!(standard, "still there: {left}")?;
    }
    if !settings.output.exists() {
        writeln!(standard, "nothing to clean: there is no folder {}", settings.output.display())?;
    } else if !settings.output.is_dir() {
        return Err(CommandError::Other(format!("{} is not a folder", settings.output.display())));
    } else if swept.campaigns.is_empty() && swept.left.is_empty() {
        writeln!(standard, "nothing to clean: no killed campaign left anything behind")?;
    }
    Ok(())
}

fn discover(settings: &Settings) -> Result<Discovery, CommandError> {
    Discovery::load(&settings.scenarios).map_err(|error| CommandError::Other(error_chain(&error)))
}

/// The other programs are built and installed beside this one.
fn programs_beside_this_one() -> io::Result<Programs> {
    let folder = std::env::current_exe()?;
    let beside = |name: &str| folder.with_file_name(name);
    Ok(Programs {
        load: beside("meshbench-load"),
        emojivoto: beside("meshbench-emojivoto"),
        sidecar: beside("meshbench-sidecar"),
    })
}
