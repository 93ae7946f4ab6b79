//! `meshbench list`.

use std::io::{self, Write};

use crate::discovery::{Discovery, HeldBack};
use crate::settings::Settings;

/// Prints every scenario with its cases, then every mesh.
///
/// # Errors
/// The writer's.
pub(super) fn list(standard: &mut dyn Write, discovery: &Discovery, settings: &Settings) -> io::Result<()> {
    let cases = discovery.cases(settings);
    for scenario in &discovery.scenarios {
        writeln!(standard, "{}: {}", scenario.name, scenario.description)?;
        let own: Vec<_> = cases.iter().filter(|case| case.scenario.name == scenario.name).collect();
        for case in &own {
            let mark = match &case.held_back {
                None => "",
                Some(HeldBack::Tier(_)) => "  (when asked for)",
                Some(HeldBack::CannotRun { .. }) => "  (cannot run here)",
            };
            writeln!(standard, "  {}{mark}", case.name)?;
        }
        let mut reasons: Vec<_> =
            own.iter().filter_map(|case| Some(case.held_back.as_ref()?.explain(&scenario.name))).collect();
        reasons.dedup();
        for (reason, cure) in reasons {
            writeln!(standard, "  {reason}\n    cure: {cure}")?;
        }
        writeln!(standard)?;
    }
    for broken in &discovery.broken {
        writeln!(standard, "{}: this file is wrong\n  {}\n", broken.name, broken.problems.join("\n  "))?;
    }
    writeln!(standard, "meshes:")?;
    for (name, definition) in discovery.catalog.iter() {
        match definition {
            Ok(mesh) => writeln!(standard, "  {name:<14} {:<13} {}", mesh.version, mesh.description)?,
            Err(problem) => writeln!(standard, "  {name:<14} this definition is wrong: {problem}")?,
        }
    }
    for problem in discovery.catalog.misnamed() {
        writeln!(standard, "  {problem}")?;
    }
    Ok(())
}
