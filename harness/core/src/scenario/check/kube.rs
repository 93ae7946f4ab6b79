//! Checks how a cluster is to be used.

use super::bounds;
use super::checker::Checker;
use super::{cluster, distinct};
use crate::scenario::raw::{RawKube, RawPlacements, RawWorkloadImages};
use crate::scenario::{InstallCycle, KubeSettings, ProviderKind, ServicePlacement, Workload, WorkloadImages};
use crate::yaml::Path;

pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: Option<&RawKube>,
    provider: Option<ProviderKind>,
    workload: Option<&Workload>,
    load: LoadOrder,
) -> Option<KubeSettings> {
    let path = Path::of("kube");
    if raw.is_some() && provider == Some(ProviderKind::Local) {
        let message = "this scenario runs on one machine, which has no cluster; expected `provider: kube`";
        checker.refuse_key(&path, message.to_owned(), Some("remove it, or write provider: kube".to_owned()));
    }
    let default = RawKube::default();
    let raw = raw.unwrap_or(&default);
    let clusters = cluster::check(checker, &path, raw);
    image(checker, &path.key("image"), &raw.image);
    let workload_images = raw.workload_images.as_ref().map(|raw| {
        workload.iter().for_each(|workload| refuse_votes_that_nobody_casts(checker, workload));
        workload_images(checker, &path.key("workload_images"), raw)
    });
    let generators = checker.read_count(&path.key("generators"), &raw.generators, bounds::MOST_GENERATORS);
    let generator_node = checker.read(&path.key("generator_node"), &raw.generator_node);
    let services = services(checker, &path.key("services"), &raw.services);
    let service_cpu_millicores = checker.read_count(
        &path.key("service_cpu_millicores"),
        &raw.service_cpu_millicores,
        bounds::MOST_MILLICORES,
    );
    let namespaces = checker.read(&path.key("namespaces"), &raw.namespaces);
    let install = checker.read(&path.key("install"), &raw.install);
    if raw.install.text == InstallCycle::PerBlock.name() {
        refuse_one_installation(checker, &path.key("install"), load);
    }
    let step_limit = checker.read(&path.key("step_limit"), &raw.step_limit);
    if let Some(limit) = &step_limit {
        checker.bound(&path.key("step_limit"), limit, bounds::LONGEST_STEP);
    }
    Some(KubeSettings {
        clusters,
        image: raw.image.clone(),
        workload_images,
        generators: generators?,
        generator_node: generator_node?,
        generator_meshed: raw.generator_meshed,
        services,
        service_cpu_millicores: service_cpu_millicores?,
        namespaces: namespaces?,
        install: install?,
        step_limit: step_limit?,
    })
}

/// In which order rates follow each other, where that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoadOrder {
    /// Any order does.
    Any,
    /// What came of lower rates decides on higher ones.
    Ascending,
    /// What came of one decides on the next.
    Search,
    /// What is found worse at a rate is confirmed there alone.
    Confirmed,
}

/// One installation for all rates of a block takes these in any order.
fn refuse_one_installation(checker: &mut Checker<'_>, path: &Path, load: LoadOrder) {
    let why = match load {
        LoadOrder::Any => return,
        LoadOrder::Ascending => "stop_at_collapse runs all blocks of a rate before the next",
        LoadOrder::Confirmed => {
            "blocks that confirm a change are of one rate, installed for it alone, and must be as the first"
        }
        LoadOrder::Search => "the probes of a limit are each on a mesh that no other has strained",
    };
    let message = format!("{why}; expected \"per_run\"");
    checker.refuse(path, message, Some("remove it".to_owned()));
}

/// Where it is wrong, the checker knows.
fn services(checker: &mut Checker<'_>, path: &Path, raw: &RawPlacements) -> Vec<ServicePlacement> {
    match raw {
        RawPlacements::One(placement) => checker.read(path, placement).into_iter().collect(),
        RawPlacements::Several(list) => distinct(checker, path, "placement", list),
    }
}

fn workload_images(checker: &mut Checker<'_>, path: &Path, raw: &RawWorkloadImages) -> WorkloadImages {
    let RawWorkloadImages { web, emoji, voting } = raw;
    for (field, text) in [("web", web), ("emoji", emoji), ("voting", voting)] {
        image(checker, &path.key(field), text);
    }
    WorkloadImages { web: web.clone(), emoji: emoji.clone(), voting: voting.clone() }
}

fn image(checker: &mut Checker<'_>, path: &Path, text: &str) {
    if text.is_empty() || text.contains(char::is_whitespace) {
        let default = RawKube::default().image;
        checker.refuse(path, format!("{text:?} is no image; expected one such as {default:?}"), None);
    }
}

/// Upstream's voting service starts empty: what is on its leaderboard was voted for by the mix, in the warm-up.
fn refuse_votes_that_nobody_casts(checker: &mut Checker<'_>, workload: &Workload) {
    for emoji in workload.votes.keys() {
        let choice = format!("choice={emoji}");
        let casts = |path: &str| path.split(['?', '&']).any(|part| part == choice);
        if !workload.requests.iter().any(|request| casts(&request.path)) {
            let message = "upstream's voting service cannot start with votes, and no request votes for this; expected only \
                           what workload.requests votes for, or no kube.workload_images";
            let path = Path::of("workload").key("votes").key(emoji);
            checker.refuse_key(&path, message.to_owned(), Some("remove it".to_owned()));
        }
    }
}
