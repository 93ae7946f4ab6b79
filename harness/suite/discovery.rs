//! What there is to run: scenario files, mesh definitions, and the cases they make.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use meshbench_core::problem::{Problem, Problems};
use meshbench_core::report::BrokenScenario;
use meshbench_core::scenario::{
    Case, CaseLoad, Conditions, InstallCycle, Known, MeshName, ProviderKind, Scenario, Tier,
};
use meshbench_core::yaml;
use meshbench_emojivoto::catalog as emoji;
use meshbench_lab::mesh::{BinaryFinder, CatalogError, LocalMesh, MeshCatalog};
use meshbench_lab::{read_definition, shown_path};

use crate::clusters::ClusterChoice;
use crate::settings::{CONTEXT_VARIABLE, Settings};

/// Everything under the scenarios folder.
#[derive(Debug)]
pub(crate) struct Discovery {
    /// The meshes.
    pub catalog: MeshCatalog,
    /// The scenarios that can be read, by name.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The scenario files that are wrong; each is one failing trial.
    pub broken: Vec<BrokenScenario>,
}

/// A case with what decides whether it runs.
#[derive(Debug, Clone)]
pub(crate) struct PlannedCase {
    /// The case.
    pub case: Case,
    /// Its name, `scenario::mesh::rate::duration`, and `@context` where it runs on several clusters.
    pub name: String,
    /// The cluster that it runs on, where it runs on one and somebody named it.
    pub cluster: Option<ClusterChoice>,
    /// Whether it runs on others too.
    pub is_one_of_several: bool,
    /// Its scenario.
    pub scenario: Arc<Scenario>,
    /// Why it does not run unless asked for; `None` for one that runs by default.
    pub held_back: Option<HeldBack>,
}

/// Why a case does not run by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeldBack {
    /// It takes long and runs when asked for.
    Tier(Tier),
    /// It cannot run here.
    CannotRun {
        /// Why.
        reason: String,
        /// What would let it.
        cure: String,
    },
}

/// Why scenarios could not be looked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    /// The folder cannot be read.
    #[error("cannot read scenarios from {} (is this the project's root? MESHBENCH_SCENARIOS names another folder)", path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// The file system's reason.
        source: io::Error,
    },
    /// The meshes folder cannot be read.
    #[error(transparent)]
    Meshes(#[from] CatalogError),
}

impl HeldBack {
    /// Why, and what to do about it.
    #[must_use]
    pub(crate) fn explain(&self, scenario: &str) -> (String, String) {
        match self {
            Self::Tier(tier) => (
                format!("`{scenario}` is of the {tier} tier and runs only when asked for"),
                format!(
                    "cargo test --test meshes -- --include-ignored {scenario}, or meshbench run --include-ignored {scenario}"
                ),
            ),
            Self::CannotRun { reason, cure } => (reason.clone(), cure.clone()),
        }
    }
}

impl PlannedCase {
    /// `scenario::rate::duration` or as the conditions are: the cases of one name run at once, on whatever clusters.
    #[must_use]
    pub(crate) fn blocks(&self) -> String {
        format!("{}::{}", self.case.scenario, self.case.conditions)
    }

    /// The cases of one batch run together: those of one name of blocks, or all of a scenario whose meshes stay installed.
    #[must_use]
    pub(crate) fn batch(&self) -> String {
        match self.scenario.kube.install {
            InstallCycle::PerRun => self.blocks(),
            InstallCycle::PerBlock => self.case.scenario.clone(),
        }
    }

    /// The context of its cluster, where it runs on others too.
    #[must_use]
    pub(crate) fn cluster_of_several(&self) -> Option<&str> {
        self.cluster.as_ref().filter(|_| self.is_one_of_several)?.context()
    }

    /// The older version that its mesh is compared with, where it is.
    #[must_use]
    pub(crate) fn compared_with(&self) -> Option<&MeshName> {
        let compare = self.scenario.compare.as_ref()?;
        (compare.new == self.case.mesh).then_some(&compare.old)
    }

    /// Of the `selected`, those that have to be run first, lowest rate first: the same scenario under conditions that differ in
    /// a lower rate alone, where these decide which meshes go on. Those on other clusters too, for all of a rate run at once.
    pub(crate) fn lower_rates<'a>(&self, selected: &'a [Self]) -> Vec<&'a Self> {
        let Case { scenario, conditions, .. } = &self.case;
        let is_lower = |other: &&Self| {
            let its = other.case.conditions;
            &other.case.scenario == scenario
                && Conditions { load: conditions.load, ..its } == *conditions
                && matches!((its.load, conditions.load), (CaseLoad::Rate(its), CaseLoad::Rate(rate)) if its < rate)
        };
        let mut lower: Vec<_> =
            selected.iter().filter(|_| self.scenario.stop_at_collapse).filter(is_lower).collect();
        lower.sort_by_key(|other| other.case.conditions.load);
        lower
    }

    /// Whether it can run here, asked for or not.
    #[must_use]
    pub(crate) fn can_run(&self) -> bool {
        !matches!(self.held_back, Some(HeldBack::CannotRun { .. }))
    }
}

impl Discovery {
    /// Reads all scenarios and mesh definitions. A wrong or unreadable file is kept as its problems.
    ///
    /// # Errors
    /// [`DiscoveryError`] when a folder cannot be read.
    pub(crate) fn load(folder: &Path) -> Result<Self, DiscoveryError> {
        let failed = |source| DiscoveryError::Read { path: folder.to_owned(), source };
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        files.retain(|file| is_meant_as_scenario(file));
        files.sort();
        let mut catalog = MeshCatalog::load(&folder.join("meshes"))?;
        let meshes = catalog.names();
        let emoji = shortcodes();
        let known = Known { meshes: &meshes, emoji: &emoji };
        let (mut scenarios, mut broken) = (Vec::new(), Vec::new());
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match load_scenario(&file, &name, known) {
                Ok(scenario) => scenarios.push(Arc::new(scenario)),
                Err(Problems(problems)) => {
                    let problems = problems.iter().map(ToString::to_string).collect();
                    broken.push(BrokenScenario { name: format!("{name}::scenario-is-invalid"), problems });
                }
            }
        }
        catalog.add_versions(scenarios.iter().flat_map(|scenario: &Arc<Scenario>| &scenario.meshes));
        Ok(Self { catalog, scenarios, broken })
    }

    /// The same with one scenario in place of all: the one called `name` with this `text`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn with_only(self, name: &str, text: &str) -> Result<Self, Problems> {
        let meshes = self.catalog.names();
        let emoji = shortcodes();
        let scenario = Scenario::parse(name, name, text, Known { meshes: &meshes, emoji: &emoji })?;
        Ok(Self { scenarios: vec![Arc::new(scenario)], broken: Vec::new(), ..self })
    }

    /// Every case of every scenario, in the order of files and matrices.
    #[must_use]
    pub(crate) fn cases(&self, settings: &Settings) -> Vec<PlannedCase> {
        let finder = BinaryFinder { cache: settings.cache() };
        let mut availability = Availability { catalog: &self.catalog, finder, known: BTreeMap::new() };
        let mut planned = Vec::new();
        for scenario in &self.scenarios {
            let clusters = ClusterChoice::of(&settings.contexts, scenario);
            for case in scenario.cases() {
                let held_back = availability
                    .held_back(scenario, &case.mesh, &clusters)
                    .or_else(|| (scenario.tier != Tier::Quick).then_some(HeldBack::Tier(scenario.tier)));
                planned.extend(placed(scenario, &case, &clusters, held_back.as_ref()));
            }
        }
        planned
    }
}

/// A case on each of its clusters, or where there are none.
fn placed(
    scenario: &Arc<Scenario>,
    case: &Case,
    clusters: &[ClusterChoice],
    held_back: Option<&HeldBack>,
) -> Vec<PlannedCase> {
    let is_one_of_several = clusters.len() > 1;
    let planned = |cluster: Option<&ClusterChoice>| {
        let context = cluster.filter(|_| is_one_of_several).and_then(ClusterChoice::context);
        PlannedCase {
            name: context.map_or_else(|| case.to_string(), |context| format!("{case}@{context}")),
            case: case.clone(),
            cluster: cluster.cloned(),
            is_one_of_several,
            scenario: Arc::clone(scenario),
            held_back: held_back.cloned(),
        }
    };
    match clusters {
        [] => vec![planned(None)],
        clusters => clusters.iter().map(|cluster| planned(Some(cluster))).collect(),
    }
}

/// What the workload can be voted with.
fn shortcodes() -> Vec<&'static str> {
    emoji::listed().iter().map(|emoji| emoji.shortcode).collect()
}

/// Editors' locks and backups begin with a dot; everything else in YAML is a scenario.
fn is_meant_as_scenario(file: &Path) -> bool {
    let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !is_hidden && [Some(OsStr::new("yaml")), Some(OsStr::new("yml"))].contains(&file.extension())
}

fn load_scenario(file: &Path, name: &str, known: Known<'_>) -> Result<Scenario, Problems> {
    let shown = shown_path(file);
    if file.extension() == Some(OsStr::new("yml")) {
        let hint = Some(format!("rename it to {name}.yaml"));
        return Err(
            Problem { hint, ..Problem::of_file(shown, "a scenario's file name ends in .yaml") }.into()
        );
    }
    let bytes = read_definition(file).map_err(|why| Problem::of_file(shown.clone(), why))?;
    Scenario::parse(&shown, name, yaml::text_of(&shown, &bytes)?, known)
}

/// What can run here, found out once per mesh.
struct Availability<'a> {
    catalog: &'a MeshCatalog,
    finder: BinaryFinder,
    known: BTreeMap<MeshName, Option<HeldBack>>,
}

impl Availability<'_> {
    fn held_back(
        &mut self,
        scenario: &Scenario,
        mesh: &MeshName,
        clusters: &[ClusterChoice],
    ) -> Option<HeldBack> {
        if scenario.provider == ProviderKind::Kube {
            return self.held_back_from_cluster(mesh, clusters);
        }
        if let Some(known) = self.known.get(mesh) {
            return known.clone();
        }
        let found = self.look(mesh);
        self.known.insert(mesh.clone(), found.clone());
        found
    }

    fn held_back_from_cluster(&self, mesh: &MeshName, clusters: &[ClusterChoice]) -> Option<HeldBack> {
        if clusters.is_empty() {
            return Some(HeldBack::CannotRun {
                reason: "it runs on a Kubernetes cluster, and none is named".to_owned(),
                cure: format!(
                    "name a kubeconfig context: {CONTEXT_VARIABLE}=NAME, or meshbench run --context NAME; \
                     meshbench doctor --context NAME says whether it will do"
                ),
            });
        }
        let definition = self.catalog.get(mesh)?.as_ref().ok()?;
        definition.kube.is_none().then(|| HeldBack::CannotRun {
            reason: format!("{mesh} runs on one machine only, and the scenario says `provider: kube`"),
            cure: "choose a mesh with a `kube` section: meshbench list".to_owned(),
        })
    }

    /// A broken definition does not hold a case back: its trial fails and says so.
    fn look(&self, mesh: &MeshName) -> Option<HeldBack> {
        let definition = self.catalog.get(mesh)?.as_ref().ok()?;
        let Some(local) = &definition.local else {
            return Some(HeldBack::CannotRun {
                reason: format!("{mesh} runs on Kubernetes only, and the scenario says `provider: local`"),
                cure: "choose a mesh with a `local` section: meshbench list".to_owned(),
            });
        };
        let LocalMesh { binary: Some(source), .. } = local else { return None };
        source
            .check(&self.finder)
            .err()
            .map(|unavailable| HeldBack::CannotRun { reason: unavailable.reason, cure: unavailable.cure })
    }
}
