//! Which programs the meshes ran, as they named themselves.

use meshbench_core::report::{Executable, Report};

/// One sentence per program, with the meshes that ran it.
pub(crate) fn versions(report: &Report) -> Vec<String> {
    let mut programs: Vec<(&Executable, Vec<&str>)> = Vec::new();
    for case in report.cases.iter().filter(|case| !case.runs.is_empty()) {
        let Some(executable) = &case.executable else { continue };
        match programs.iter_mut().find(|(known, _)| *known == executable) {
            Some((_, meshes)) if meshes.contains(&case.mesh.as_str()) => {}
            Some((_, meshes)) => meshes.push(&case.mesh),
            None => programs.push((executable, vec![&case.mesh])),
        }
    }
    let sentence = |(executable, meshes): &(&Executable, Vec<&str>)| {
        format!("{} ran {} ({})", meshes.join(", "), executable.version, executable.path.display())
    };
    programs.iter().map(sentence).collect()
}
