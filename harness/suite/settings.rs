//! Where everything is, and how strict to be.

use std::path::PathBuf;

use meshbench_core::judge::Gate;

/// What an invocation is told by its surroundings rather than by scenarios.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of scenario files, with `meshes/` in it.
    pub scenarios: PathBuf,
    /// Where campaigns leave their folders.
    pub output: PathBuf,
    /// The programs that are run.
    pub programs: Programs,
    /// What fails besides what always does.
    pub gate: Gate,
    /// The file that takes the metrics of each campaign when it ends, for Prometheus.
    pub textfile: Option<PathBuf>,
    /// The kubeconfig contexts of the clusters for scenarios that run on any, whatever they say themselves.
    pub contexts: Vec<String>,
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
/// Makes cases without a baseline fail, unless it is empty, `0`, `false`, `no` or `off`.
pub const REQUIRE_BASELINE_VARIABLE: &str = "MESHBENCH_REQUIRE_BASELINE";
/// Names the kubeconfig contexts of the clusters that scenarios with `provider: kube` run on, with commas between them.
pub const CONTEXT_VARIABLE: &str = "MESHBENCH_CONTEXT";
/// Names a file that takes the metrics of each campaign when it ends, for `node_exporter`'s textfile collector.
pub const TEXTFILE_VARIABLE: &str = "MESHBENCH_TEXTFILE";

impl Settings {
    /// Settings for these folders, made absolute because what is started runs in folders of its own.
    #[must_use]
    pub fn new(scenarios: PathBuf, output: PathBuf, programs: Programs, gate: Gate) -> Self {
        let absolute = |folder: PathBuf| std::path::absolute(&folder).unwrap_or(folder);
        Self {
            scenarios: absolute(scenarios),
            output: absolute(output),
            programs,
            gate,
            textfile: None,
            contexts: Vec::new(),
        }
    }

    /// As [`Settings::new`], where the environment may name other folders and ask for more to fail.
    #[must_use]
    pub fn from_environment(scenarios: PathBuf, output: PathBuf, programs: Programs, gate: Gate) -> Self {
        let overruled = |variable: &str, default: PathBuf| {
            std::env::var_os(variable).filter(|value| !value.is_empty()).map_or(default, PathBuf::from)
        };
        let asked = |variable: &str| std::env::var(variable).is_ok_and(|value| is_yes(&value));
        let gate = Gate {
            strict: gate.strict || asked(STRICT_VARIABLE),
            require_baseline: gate.require_baseline || asked(REQUIRE_BASELINE_VARIABLE),
        };
        let (scenarios, output) =
            (overruled(SCENARIOS_VARIABLE, scenarios), overruled(OUTPUT_VARIABLE, output));
        let textfile = std::env::var_os(TEXTFILE_VARIABLE).map(PathBuf::from);
        let contexts = std::env::var(CONTEXT_VARIABLE).unwrap_or_default();
        let contexts = contexts.split(',').map(str::to_owned);
        Self::new(scenarios, output, programs, gate).with_textfile(textfile).with_contexts(contexts)
    }

    /// The same with a file for Prometheus; an empty name is none.
    #[must_use]
    pub fn with_textfile(self, textfile: Option<PathBuf>) -> Self {
        Self { textfile: textfile.filter(|path| !path.as_os_str().is_empty()), ..self }
    }

    /// The same with clusters for scenarios that run on any; an empty name is none, and one that comes twice is one.
    #[must_use]
    pub fn with_contexts(self, named: impl IntoIterator<Item = String>) -> Self {
        Self { contexts: distinct(named), ..self }
    }

    /// Where baselines and histories are: beside the folder of scenarios.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.scenarios.with_file_name("snapshots")
    }

    /// Where provisioned proxies are kept from one campaign to the next.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.output.join(".cache")
    }
}

/// The names that are not empty, each once, in their order.
pub(crate) fn distinct(named: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for name in named {
        let name = name.trim();
        if !name.is_empty() && !distinct.iter().any(|known| known == name) {
            distinct.push(name.to_owned());
        }
    }
    distinct
}

/// As clap reads `MESHBENCH_STRICT` for `meshbench run`.
pub(crate) fn is_yes(value: &str) -> bool {
    !["", "0", "f", "false", "n", "no", "off"].contains(&value.to_ascii_lowercase().as_str())
}
