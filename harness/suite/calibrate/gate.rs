//! Running gates and the pilot as the campaigns that they are: [`GateRunner`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use meshbench_core::calibration::{GateSettings, Pilot};
use meshbench_core::metric::Metric;
use meshbench_core::report::Report;
use meshbench_core::units::OfferedRate;
use meshbench_lab::error_chain;
use meshbench_lab::process::{Placement, move_this_thread};
use meshbench_report::progress::{Progress, Verbosity};
use meshbench_sidecar::{Injections, SettingError};
use tokio_util::sync::CancellationToken;

use super::files::{self, OLD};
use super::plan::{CalibrationPlan, Gate};
use crate::campaign::{Campaign, CampaignError};
use crate::discovery::{Discovery, DiscoveryError};
use crate::output::{self, OutputError};
use crate::settings::Settings;

/// The folder of the pilot, beside those of the changes.
const PILOT: &str = "pilot";
/// The name of every gate's scenario.
const SCENARIO: &str = "gate";

/// Why a calibration cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CalibrateError {
    /// A file or folder cannot be used.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The file system's reason.
        source: io::Error,
    },
    /// A file of an earlier invocation is damaged.
    #[error("{} is damaged: {why}; remove the folder it is in, and what it stands for is run again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: serde_json::Error,
    },
    /// A recording cannot be read.
    #[error("cannot score {}; remove its gate's folder, and the gate is run again", path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: meshbench_core::recording::RecordingError,
    },
    /// The gates that are there were run otherwise.
    #[error(
        "{} says that its gates were run with {}, {}, a warm-up of {}, {} blocks and seed {}: use the same settings, or another --output",
        path.display(), found.rate, found.duration, found.warm_up, found.blocks, found.seed
    )]
    OtherSettings {
        /// The file with their settings.
        path: PathBuf,
        /// These.
        found: GateSettings,
    },
    /// A comparison says nothing of so few blocks.
    #[error("a comparison needs {} blocks: raise --blocks", meshbench_core::comparison::FEWEST_PAIRS)]
    TooFewBlocks,
    /// A change is in proportion to what was never measured.
    #[error(
        "the pilot has no figures of the reference mesh: see its report, and remove its folder to have it run again"
    )]
    NoPilot,
    /// An injection is none.
    #[error("cannot inject a change")]
    Injection(#[source] SettingError),
    /// The reference mesh's configuration has no place for a change.
    #[error("{} is no JSON object that an injection could be written into: is this the shipped `reference` mesh?", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
    },
    /// A gate's files were made and cannot be read.
    #[error("a gate's scenario is wrong: {0}")]
    Scenario(String),
    /// A gate's folder cannot be read.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// A campaign could not begin.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// A gate without all of its files is not one that others could score again.
    #[error("not everything of a gate could be kept: {0}")]
    Unkept(String),
    /// A report could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The cores of this machine cannot be read or taken.
    #[error("cannot read or take this machine's cores")]
    Cores(#[source] io::Error),
    /// Nothing would end what runs in order.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// Standard output is closed or full.
    #[error("cannot write to standard output")]
    Print(#[source] io::Error),
}

impl CalibrateError {
    /// Makes an error of what the file system says.
    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }
}

/// Where a gate, or the pilot, is.
#[derive(Debug, Clone)]
pub(super) struct GateFolder(PathBuf);

impl GateFolder {
    /// Of a gate.
    pub(super) fn of(calibration: &Path, gate: &Gate) -> Self {
        Self(calibration.join(gate.change.name()).join(gate.number.to_string()))
    }

    /// Of the pilot.
    pub(super) fn of_pilot(calibration: &Path) -> Self {
        Self(calibration.join(PILOT))
    }

    /// The scenario and the meshes that it runs from.
    fn scenarios(&self) -> PathBuf {
        self.0.join("scenarios")
    }

    /// Its campaign's folder, when it is over.
    pub(super) fn campaign(&self) -> PathBuf {
        self.0.join("campaign")
    }

    fn report_file(&self) -> PathBuf {
        self.campaign().join("report.json")
    }

    /// Whether its campaign is over.
    pub(super) fn is_finished(&self) -> bool {
        self.report_file().is_file()
    }

    /// The report of its campaign.
    pub(super) fn report(&self) -> Result<Report, CalibrateError> {
        let path = self.report_file();
        let text = fs::read_to_string(&path).map_err(CalibrateError::file("read", &path))?;
        serde_json::from_str(&text).map_err(|why| CalibrateError::Format { path, why })
    }

    /// Removes what is left of an attempt that did not come to its end.
    fn clear(&self) -> Result<(), CalibrateError> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(CalibrateError::file("remove what an interrupted gate left in", &self.0)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Runs gates one after another.
pub(super) struct GateRunner<'a> {
    settings: &'a Settings,
    gates: GateSettings,
    rate: OfferedRate,
    cancelled: &'a CancellationToken,
    /// All that this process may use: each campaign divides them anew.
    cores: Vec<usize>,
}

impl<'a> GateRunner<'a> {
    /// # Errors
    /// [`CalibrateError::Cores`].
    pub(super) fn new(
        settings: &'a Settings,
        plan: &CalibrationPlan,
        cancelled: &'a CancellationToken,
    ) -> Result<Self, CalibrateError> {
        let placement = Placement::of_this_machine().map_err(|error| CalibrateError::Cores(error.into()))?;
        let cores = [placement.measured, placement.generator].concat();
        Ok(Self { settings, gates: plan.settings(), rate: plan.rate, cancelled, cores })
    }

    /// What the reference mesh costs, measured once; `None` when a signal came first.
    pub(super) fn pilot(&self, calibration: &Path) -> Result<Option<Pilot>, CalibrateError> {
        let folder = GateFolder::of_pilot(calibration);
        if !folder.is_finished() {
            self.carry_out(&folder, &files::pilot_scenario(&self.gates), None)?;
        }
        if folder.is_finished() {
            figures(&folder.report()?).ok_or(CalibrateError::NoPilot).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Runs one gate; one that a signal ends stays unfinished.
    pub(super) fn run(
        &self,
        calibration: &Path,
        gate: &Gate,
        pilot: Option<Pilot>,
    ) -> Result<(), CalibrateError> {
        let injections = files::injections(gate, self.rate, pilot)?;
        let scenario = files::gate_scenario(&self.gates, gate);
        self.carry_out(&GateFolder::of(calibration, gate), &scenario, injections.as_ref())
    }

    fn carry_out(
        &self,
        folder: &GateFolder,
        scenario: &str,
        injections: Option<&Injections>,
    ) -> Result<(), CalibrateError> {
        folder.clear()?;
        files::lay_out(&folder.scenarios(), &self.settings.scenarios, (SCENARIO, scenario), injections)?;
        let discovery = Discovery::load(&folder.scenarios())?;
        if let Some(broken) = discovery.broken.first() {
            return Err(CalibrateError::Scenario(broken.problems.join("; ")));
        }
        // Baselines and histories are beside the scenarios: those of gates stay with them.
        let settings = Settings { scenarios: folder.scenarios(), ..self.settings.clone() };
        let cases = discovery.cases(&settings);
        // The campaign before has left the generator's core.
        move_this_thread(&self.cores).map_err(|error| CalibrateError::Cores(error.into()))?;
        let progress = Progress::on_stderr(Verbosity::Normal);
        let mut campaign =
            Campaign::begin(&settings, discovery.catalog.clone(), self.cancelled.clone(), progress)?;
        for case in &cases {
            // Its report says the same, and is read with those of the other gates.
            let _ = campaign.verdict(case, &cases);
        }
        let place = campaign.folder().to_owned();
        if let Some(why) = campaign.unwritten() {
            return Err(CalibrateError::Unkept(error_chain(why)));
        }
        let (report, _) = campaign.finish(Vec::new(), Vec::new());
        if report.interrupted {
            return fs::remove_dir_all(&place).map_err(CalibrateError::file("remove", &place));
        }
        output::write_files(&report, &place, settings.gate)?;
        fs::rename(&place, folder.campaign())
            .map_err(CalibrateError::file("move a finished gate from", &place))
    }
}

/// What the reference mesh costs by a report.
pub(super) fn figures(report: &Report) -> Option<Pilot> {
    let case = report.cases.iter().find(|case| case.mesh == OLD)?;
    let median = |metric| Some(case.metric(metric)?.median);
    Some(Pilot { p50_ns: median(Metric::P50)?, cpu_ns_per_request: median(Metric::CpuPerRequest)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshbench_core::calibration::KnownChange;

    #[test]
    fn a_gate_is_finished_by_its_report_and_else_begins_anew() {
        let calibration = tempfile::tempdir().unwrap();
        let gate = Gate { change: KnownChange::Cpu, number: 7, seed: 1 };
        let folder = GateFolder::of(calibration.path(), &gate);
        folder.clear().unwrap();
        assert!(!folder.is_finished());

        // What a gate leaves that was killed: what it ran from, and perhaps a folder.
        fs::create_dir_all(folder.scenarios()).unwrap();
        fs::create_dir_all(folder.campaign()).unwrap();
        assert!(!folder.is_finished());
        folder.clear().unwrap();
        assert!(!calibration.path().join("cpu/7").exists());

        fs::create_dir_all(folder.campaign()).unwrap();
        fs::write(calibration.path().join("cpu/7/campaign/report.json"), "{}").unwrap();
        assert!(folder.is_finished());
        let other = GateFolder::of(calibration.path(), &Gate { number: 8, ..gate });
        assert!(!other.is_finished() && !GateFolder::of_pilot(calibration.path()).is_finished());
    }
}
