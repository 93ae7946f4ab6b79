//! `meshbench calibrate`: gates of the reference mesh against itself, and what every judge says of them: [`calibrate`].
//!
//! A gate is an ordinary campaign. Its folder holds the scenario and the meshes it ran from, and the campaign's own folder,
//! which is moved there when it is over: a gate is finished when that is there, and else it is run again.

mod evidence;
mod files;
mod gate;
mod plan;

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use meshbench_report::calibration::render;

pub(crate) use gate::CalibrateError;
pub(crate) use plan::CalibrationPlan;

use crate::calibrate::gate::{GateFolder, GateRunner};
use crate::settings::Settings;
use crate::signals::Interruption;

/// Where all gates are, within the output folder.
const FOLDER: &str = "calibration";

/// Runs the gates that are not finished, and writes and shows what all finished ones come to.
///
/// # Errors
/// [`CalibrateError`]; what was finished before is shown all the same.
pub(crate) fn calibrate(
    settings: &Settings,
    plan: &CalibrationPlan,
    interruption: &Interruption,
    standard: &mut dyn Write,
) -> Result<(), CalibrateError> {
    let folder = settings.output.join(FOLDER);
    plan.agree_with(&folder)?;
    let ran = run_gates(settings, plan, interruption, &folder);
    let shown = show(&folder, plan, standard);
    ran.and(shown)
}

fn run_gates(
    settings: &Settings,
    plan: &CalibrationPlan,
    interruption: &Interruption,
    folder: &Path,
) -> Result<(), CalibrateError> {
    let gates = plan.gates();
    let left: Vec<_> = gates.iter().filter(|gate| !GateFolder::of(folder, gate).is_finished()).collect();
    let takes = plan.longest_gate().saturating_mul(u32::try_from(left.len()).unwrap_or(u32::MAX));
    let shown = |time: Duration| humantime::format_duration(Duration::from_secs(time.as_secs()));
    announce(&format!(
        "{} of {} gates are left: about {} each at most, {} in all",
        left.len(),
        gates.len(),
        shown(plan.longest_gate()),
        shown(takes),
    ));
    if left.is_empty() {
        return Ok(());
    }
    let runner = GateRunner::new(settings, plan, interruption.token())?;
    let pilot = if plan.needs_pilot() { runner.pilot(folder)? } else { None };
    for (index, gate) in left.iter().enumerate() {
        if interruption.exit_code().is_some() {
            break;
        }
        let (number, change) = (gate.number, gate.change.description());
        announce(&format!("gate {} of {} left: {change}, number {number}", index + 1, left.len()));
        runner.run(folder, gate, pilot)?;
    }
    Ok(())
}

/// What the finished gates come to, as Markdown on `standard` and in files.
fn show(folder: &Path, plan: &CalibrationPlan, standard: &mut dyn Write) -> Result<(), CalibrateError> {
    let Some(calibration) = evidence::read(folder, plan.settings())? else {
        announce("no gate is finished, so that there is nothing to show");
        return Ok(());
    };
    let table = render(&calibration);
    let json = serde_json::to_string_pretty(&calibration)
        .map_err(|why| CalibrateError::Format { path: folder.join("calibration.json"), why })?;
    for (name, text) in [("calibration.json", json + "\n"), ("calibration.md", table.clone())] {
        files::write(&folder.join(name), &text)?;
    }
    let place = folder.join("calibration.md");
    writeln!(standard, "{table}\n{}", place.display()).map_err(CalibrateError::Print)
}

/// Says on standard error what goes on; nobody is left to tell when that is closed.
fn announce(what: &str) {
    let _: io::Result<()> = writeln!(io::stderr(), "{what}");
}
