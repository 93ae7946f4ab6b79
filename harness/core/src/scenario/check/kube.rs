//! Checks how a cluster is to be used.

use super::bounds;
use super::checker::Checker;
use super::cluster;
use crate::scenario::raw::RawKube;
use crate::scenario::{KubeSettings, ProviderKind};
use crate::yaml::Path;

pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: Option<&RawKube>,
    provider: Option<ProviderKind>,
) -> Option<KubeSettings> {
    let path = Path::of("kube");
    if raw.is_some() && provider == Some(ProviderKind::Local) {
        let message = "this scenario runs on one machine, which has no cluster; expected `provider: kube`";
        checker.refuse_key(&path, message.to_owned(), Some("remove it, or write provider: kube".to_owned()));
    }
    let default = RawKube::default();
    let raw = raw.unwrap_or(&default);
    let clusters = cluster::check(checker, &path, raw);
    let has_spaces = raw.image.is_empty() || raw.image.contains(char::is_whitespace);
    if has_spaces {
        let message = format!("{:?} is no image; expected one such as {:?}", raw.image, default.image);
        checker.refuse(&path.key("image"), message, None);
    }
    let generators = checker.read_count(&path.key("generators"), &raw.generators, bounds::MOST_GENERATORS);
    let generator_node = checker.read(&path.key("generator_node"), &raw.generator_node);
    let services = checker.read(&path.key("services"), &raw.services);
    let namespaces = checker.read(&path.key("namespaces"), &raw.namespaces);
    let step_limit = checker.read(&path.key("step_limit"), &raw.step_limit);
    if let Some(limit) = &step_limit {
        checker.bound(&path.key("step_limit"), limit, bounds::LONGEST_STEP);
    }
    Some(KubeSettings {
        clusters,
        image: raw.image.clone(),
        generators: generators?,
        generator_node: generator_node?,
        generator_meshed: raw.generator_meshed,
        services: services?,
        namespaces: namespaces?,
        step_limit: step_limit?,
    })
}
