//! Where everything is, and how strict to be.

use std::path::PathBuf;

/// What an invocation is told by its surroundings rather than by scenarios.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of scenario files, with `meshes/` in it.
    pub scenarios: PathBuf,
    /// Where campaigns leave their folders.
    pub output: PathBuf,
    /// The programs that are run.
    pub programs: Programs,
    /// Whether an invalid case fails.
    pub strict: bool,
}

/// This project's own programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `meshbench-load`.
    pub load: PathBuf,
    /// `meshbench-emojivoto`.
    pub emojivoto: PathBuf,
    /// `meshbench-sidecar`.
    pub sidecar: PathBuf,
}

/// Names another folder of scenarios.
pub const SCENARIOS_VARIABLE: &str = "MESHBENCH_SCENARIOS";
/// Names another folder for results.
pub const OUTPUT_VARIABLE: &str = "MESHBENCH_OUTPUT";
/// Makes invalid cases fail, unless it is empty, `0`, `false`, `no` or `off`.
pub const STRICT_VARIABLE: &str = "MESHBENCH_STRICT";

impl Settings {
    /// Settings for these folders, made absolute because what is started runs in folders of its own.
    #[must_use]
    pub fn new(scenarios: PathBuf, output: PathBuf, programs: Programs, strict: bool) -> Self {
        let absolute = |folder: PathBuf| std::path::absolute(&folder).unwrap_or(folder);
        Self { scenarios: absolute(scenarios), output: absolute(output), programs, strict }
    }

    /// As [`Settings::new`], where the environment may name other folders and ask for strictness.
    #[must_use]
    pub fn from_environment(scenarios: PathBuf, output: PathBuf, programs: Programs, strict: bool) -> Self {
        let overruled = |variable: &str, default: PathBuf| {
            std::env::var_os(variable).filter(|value| !value.is_empty()).map_or(default, PathBuf::from)
        };
        let asked = std::env::var(STRICT_VARIABLE).is_ok_and(|value| is_yes(&value));
        let (scenarios, output) =
            (overruled(SCENARIOS_VARIABLE, scenarios), overruled(OUTPUT_VARIABLE, output));
        Self::new(scenarios, output, programs, strict || asked)
    }

    /// Where provisioned proxies are kept from one campaign to the next.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.output.join(".cache")
    }
}

/// As clap reads `MESHBENCH_STRICT` for `meshbench run`.
fn is_yes(value: &str) -> bool {
    !["", "0", "f", "false", "n", "no", "off"].contains(&value.to_ascii_lowercase().as_str())
}
