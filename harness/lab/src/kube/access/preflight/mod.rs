//! Whether a cluster is fit for a campaign: [`examine`] looks, [`try_images`] tries what looking does not tell.

mod capacity;
mod foreign;
mod images;
mod permitted;

use k8s_openapi::apimachinery::pkg::version::Info;
use meshbench_core::scenario::{GeneratorNode, Scenario};

use super::lease::{Claim, occupied};
use super::sweep::{LeftOvers, left_overs};
use crate::error::error_chain;
use crate::kube::cluster::Cluster;
use crate::kube::error::KubeError;
use crate::mesh::KubeMesh;

pub(super) use capacity::PodRequest;
pub use capacity::ROOM;
pub(in crate::kube) use images::examine_images;
pub use images::{KnownImages, TriedImages, try_images};

/// The first minor release of Kubernetes 1 that starts sidecars before, and ends them after, the containers of a pod.
const NATIVE_SIDECARS: u32 = 29;

/// What a campaign is going to ask of a cluster.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its meshes.
    pub meshes: &'a [&'a KubeMesh],
    /// Applications, each of three services with one pod.
    pub apps: u32,
    /// What a pod of an application requests.
    pub app_pod: PodRequest,
    /// Load generator pods, all on one node.
    pub generators: u32,
    /// What a load generator pod requests.
    pub generator_pod: PodRequest,
    /// Which node is kept for them.
    pub generator_node: &'a GeneratorNode,
}

/// The memory that a pod of an application needs by itself: what a mesh adds is known only once it has.
const APP_MEMORY_BYTES: u64 = 64 << 20;
/// What a pod of the load generator requests.
const GENERATOR_POD: PodRequest = PodRequest { cpu_millis: 100, memory_bytes: 64 << 20 };

impl<'a> Wanted<'a> {
    /// What a scenario asks for, with these meshes.
    #[must_use]
    pub fn of(scenario: &'a Scenario, meshes: &'a [&'a KubeMesh]) -> Self {
        Self {
            meshes,
            apps: scenario.workload.apps.get(),
            app_pod: PodRequest {
                cpu_millis: u64::from(scenario.kube.service_cpu_millicores.get()),
                memory_bytes: APP_MEMORY_BYTES,
            },
            generators: scenario.kube.generators.get(),
            generator_pod: GENERATOR_POD,
            generator_node: &scenario.kube.generator_node,
        }
    }
}

/// What was found out about a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// In the order in which a person would look.
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it was found.
    pub grade: Grade,
    /// What was looked at, in a word or two.
    pub subject: &'static str,
    /// What was found, and the cure where it is not good.
    pub text: String,
}

/// How a cluster does in one regard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// As it should be.
    Good,
    /// A campaign can run; its results, or the cluster, are not as one would expect.
    Warning,
    /// A campaign cannot run, or must not.
    Bad,
}

impl Preflight {
    /// Refuses a cluster that anything is bad about.
    ///
    /// # Errors
    /// [`KubeError::Unfit`] with all that is bad.
    pub fn refuse(&self) -> Result<(), KubeError> {
        let bad = self.findings.iter().filter(|finding| finding.grade == Grade::Bad);
        let texts: Vec<String> =
            bad.map(|Finding { subject, text, .. }| format!("{subject}: {text}")).collect();
        if texts.is_empty() { Ok(()) } else { Err(KubeError::Unfit(texts.join("\n"))) }
    }
}

impl Finding {
    fn good(subject: &'static str, text: impl Into<String>) -> Self {
        Self { grade: Grade::Good, subject, text: text.into() }
    }

    fn warning(subject: &'static str, text: impl Into<String>) -> Self {
        Self { grade: Grade::Warning, subject, text: text.into() }
    }

    fn bad(subject: &'static str, text: impl Into<String>) -> Self {
        Self { grade: Grade::Bad, subject, text: text.into() }
    }
}

/// Looks at everything that a campaign depends on, and changes nothing. What cannot be found out is bad, too.
pub async fn examine(cluster: &Cluster, wanted: &Wanted<'_>) -> Preflight {
    let version = match cluster.version().await {
        Ok(version) => judge_version(&version),
        // Nothing else can be asked then, and one cause is said once.
        Err(error) => {
            let (context, why) = (cluster.context().to_owned(), error_chain(&error));
            let text = KubeError::Unreachable { context, why }.to_string();
            return Preflight { findings: vec![Finding::bad("server", text)] };
        }
    };
    let (permitted, capacity, foreign, campaigns) = tokio::join!(
        permitted::examine(cluster, wanted.meshes),
        capacity::examine(cluster, wanted),
        foreign::examine(cluster, wanted.meshes),
        left_overs(cluster),
    );
    let mut findings = vec![version];
    findings.extend(said("permissions", permitted.map(|finding| vec![finding])));
    findings.extend(said("nodes", capacity));
    findings.extend(said("other meshes", foreign.map(|finding| vec![finding])));
    findings.extend(said("campaigns", campaigns.map(|found| judge_campaigns(&found))));
    Preflight { findings }
}

fn said(subject: &'static str, found: Result<Vec<Finding>, KubeError>) -> Vec<Finding> {
    found.unwrap_or_else(|error| vec![failed(subject, &error)])
}

fn failed(subject: &'static str, error: &KubeError) -> Finding {
    // The missing permission is a finding of its own, with its cure.
    let text = if is_forbidden(error) { "we may not look".to_owned() } else { error_chain(error) };
    Finding::bad(subject, text)
}

fn is_forbidden(error: &KubeError) -> bool {
    matches!(error, KubeError::Refused { status, .. } if status.is_forbidden())
}

fn judge_version(Info { major, minor, git_version, .. }: &Info) -> Finding {
    // Some vendors write `29+`.
    let digits = minor.trim_end_matches(|c: char| !c.is_ascii_digit());
    let old = major == "1" && digits.parse::<u32>().is_ok_and(|minor| minor < NATIVE_SIDECARS);
    if old {
        let text = format!(
            "Kubernetes {git_version} does not know native sidecars, which today's meshes use: a meshed load generator \
             never ends there. Upgrade to 1.{NATIVE_SIDECARS} or later"
        );
        return Finding::warning("server", text);
    }
    Finding::good("server", format!("Kubernetes {git_version}"))
}

fn judge_campaigns(LeftOvers { campaigns, claim }: &LeftOvers) -> Vec<Finding> {
    let subject = "campaigns";
    let mut findings = vec![match claim {
        Claim::Living { description, .. } => Finding::bad(subject, occupied(description)),
        Claim::Free | Claim::Ours => Finding::good(subject, "no other campaign measures here"),
        Claim::Dead { description, .. } => {
            Finding::good(subject, format!("none measures here; the last one died: {description}"))
        }
    }];
    findings.extend(campaigns.iter().map(|(campaign, count)| {
        let text = format!(
            "{count} objects and nodes carry the mark of the dead campaign {campaign}; the next campaign removes them, as \
             does `meshbench clean`"
        );
        Finding::warning("left-overs", text)
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1", "34", Grade::Good)]
    #[case("1", "29+", Grade::Good)]
    #[case("1", "28+", Grade::Warning)]
    #[case("2", "0", Grade::Good)]
    fn servers_without_native_sidecars_are_warned_of(
        #[case] major: &str,
        #[case] minor: &str,
        #[case] grade: Grade,
    ) {
        let info = Info { major: major.to_owned(), minor: minor.to_owned(), ..Info::default() };
        assert_eq!(judge_version(&info).grade, grade);
    }

    #[test]
    fn only_what_is_bad_keeps_a_campaign_from_running() {
        let (warning, good) = (Finding::warning("nodes", "one only"), Finding::good("server", "1.34"));
        let mut preflight = Preflight { findings: vec![warning, good] };
        assert!(preflight.refuse().is_ok());
        preflight.findings.push(Finding::bad("permissions", "none"));
        assert_eq!(preflight.refuse().unwrap_err().to_string(), "permissions: none");
    }
}
