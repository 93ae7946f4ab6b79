//! Checks which clusters a scenario runs on.

use super::checker::Checker;
use crate::scenario::raw::{RawCluster, RawKube};
use crate::scenario::{ClusterRecipe, ClusterSource};
use crate::yaml::Path;

/// Either the contexts of clusters that are there, or how one is made; what is wrong is refused.
pub(super) fn check(checker: &mut Checker<'_>, kube: &Path, raw: &RawKube) -> ClusterSource {
    let path = kube.key("contexts");
    for (index, context) in raw.contexts.iter().enumerate() {
        let path = path.index(index);
        if context.trim().is_empty() {
            checker.refuse(&path, "nothing is written here; expected a kubeconfig context".to_owned(), None);
        } else if raw.contexts[..index].contains(context) {
            let message = format!("\"{context}\" is there twice, so that cases would have the same name");
            checker.refuse(&path, message, Some("remove one of the two".to_owned()));
        }
    }
    let Some(cluster) = &raw.cluster else { return ClusterSource::Contexts(raw.contexts.clone()) };
    let own = kube.key("cluster");
    if !raw.contexts.is_empty() {
        let message =
            "the scenario runs on clusters that are there, which `contexts` names, or on one made for it";
        checker.refuse_key(&own, message.to_owned(), Some("remove one of the two".to_owned()));
    }
    ClusterSource::Made(check_recipe(checker, &own, cluster))
}

fn check_recipe(checker: &mut Checker<'_>, cluster: &Path, raw: &RawCluster) -> ClusterRecipe {
    for (field, command) in [("create", &raw.create), ("delete", &raw.delete)] {
        let path = cluster.key(field);
        if command.first().is_none_or(|program| program.trim().is_empty()) {
            checker.refuse(&path, "no program is named; expected it and its arguments".to_owned(), None);
        } else if !command.iter().any(|word| word.contains(ClusterRecipe::NAME)) {
            let message = format!(
                "nothing in it says {}, so that it is not the campaign's own cluster that is meant",
                ClusterRecipe::NAME
            );
            checker.refuse(&path, message, Some(format!("such as --name, \"{}\"", ClusterRecipe::NAME)));
        }
    }
    if raw.context.trim().is_empty() {
        let message = "nothing is written here; expected the context that `create` makes".to_owned();
        checker.refuse(&cluster.key("context"), message, None);
    }
    ClusterRecipe { create: raw.create.clone(), delete: raw.delete.clone(), context: raw.context.clone() }
}
