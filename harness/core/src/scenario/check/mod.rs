//! Makes a valid [`Scenario`] of a [`RawScenario`], or says everything that is wrong with it.

mod bounds;
mod budgets;
mod checker;
mod cluster;
mod compare;
mod kube;
mod limit;
mod rates;
mod strictness;
mod workload;

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::str::FromStr;

use super::mesh_name::is_plain_name;
use super::raw::{RawScenario, Seed, Written};
use super::{Known, MeshName, Resources, Scenario};
use crate::problem::Problems;
use crate::units::TextError;
use crate::yaml::Path;
use checker::Checker;
use kube::LoadOrder;

/// Checks what one file says.
pub(super) fn check(
    file: &str,
    name: &str,
    text: &str,
    raw: &RawScenario,
    known: Known<'_>,
) -> Result<Scenario, Problems> {
    let mut checker = Checker::new(file, text);
    if name.len() > bounds::LONGEST_NAME {
        checker.refuse_file(format!("the file's name has more than {} letters", bounds::LONGEST_NAME));
    }
    if !is_plain_name(name) {
        checker.refuse_file(format!(
            "\"{name}\" cannot be part of case names; expected a file name of lower-case letters, digits and dashes"
        ));
    }
    // Lists show it on one line.
    let description = raw.description.split_whitespace().collect::<Vec<_>>().join(" ");
    if description.is_empty() {
        let message = "nothing is written here; expected a sentence on what the scenario is for";
        checker.refuse(&Path::of("description"), message.to_owned(), None);
    }
    let tier = checker.read(&Path::of("tier"), &raw.tier);
    let provider = checker.read(&Path::of("provider"), &raw.provider);
    let mut meshes = meshes(&mut checker, &raw.meshes, known.meshes);
    let (rates, stop_at_collapse) = rates::check(&mut checker, raw);
    let durations = distinct(&mut checker, &Path::of("durations"), "duration", &raw.durations);
    for (index, duration) in durations.iter().enumerate() {
        checker.bound(&Path::of("durations").index(index), duration, bounds::LONGEST);
        checker.bound_below(&Path::of("durations").index(index), duration, bounds::SHORTEST_WINDOW);
    }
    let limit = limit::check(&mut checker, raw, &durations);
    let warm_up = checker.read(&Path::of("warm_up"), &raw.warm_up);
    if let Some(warm_up) = &warm_up {
        checker.bound(&Path::of("warm_up"), warm_up, bounds::LONGEST);
    }
    let repeats = checker.read_count(&Path::of("repeats"), &raw.repeats, bounds::MOST_BLOCKS);
    let seed = checker.read(&Path::of("seed"), &raw.seed);
    let workload = workload::check(&mut checker, &raw.workload, known.emoji);
    if let (Some(limit), Some(workload)) = (&limit, &workload) {
        limit::refuse_what_no_success_exceeds(&mut checker, limit, workload.timeout);
    }
    let path = Path::of("resources").key("interval");
    let interval = checker.read(&path, &raw.resources.interval);
    if let Some(interval) = &interval {
        checker.bound_below(&path, interval, bounds::SHORTEST_INTERVAL);
    }
    let load = match raw.limit {
        Some(_) => LoadOrder::Search,
        None if stop_at_collapse => LoadOrder::Ascending,
        None if raw.compare.is_some() => LoadOrder::Confirmed,
        None => LoadOrder::Any,
    };
    let kube = kube::check(&mut checker, raw.kube.as_ref(), provider, workload.as_ref(), load);
    let strictness = strictness::check(&mut checker, &raw.judge);
    // Before versions take the place of a mesh: a budget is for the mesh, whatever its version.
    let budgets = budgets::check(&mut checker, &raw.budgets, &meshes, raw.limit.is_some());
    let compare = raw
        .compare
        .as_ref()
        .map(|compare| compare::check(&mut checker, compare, &mut meshes, provider, repeats, strictness));
    checker.finish(|| {
        Some(Scenario {
            name: name.to_owned(),
            text: text.to_owned(),
            description,
            tier: tier?,
            provider: provider?,
            meshes,
            rates,
            stop_at_collapse,
            limit: raw.limit.as_ref().map_or(Some(None), |_| limit.map(Some))?,
            durations,
            warm_up: warm_up?,
            repeats: repeats?,
            seed: seed.map(|Seed(seed)| seed)?,
            workload: workload?,
            compare: compare.map_or(Some(None), |plan| plan.map(Some))?,
            strictness: strictness?,
            kube: kube?,
            resources: Resources { interval: interval? },
            budgets,
        })
    })
}

fn meshes(checker: &mut Checker<'_>, written: &[Written<MeshName>], known: &[MeshName]) -> Vec<MeshName> {
    let meshes = distinct(checker, &Path::of("meshes"), "mesh", written);
    let mut names: Vec<&str> = known.iter().map(MeshName::as_str).collect();
    if !known.iter().any(MeshName::is_bare) {
        names.insert(0, "bare");
    }
    for (index, mesh) in written.iter().enumerate() {
        let path = Path::of("meshes").index(index);
        match mesh.text.parse::<MeshName>() {
            Ok(name) if name.version().is_some() => {
                let message = "a mesh has the version of its folder; to have two, write compare: {mesh: …, version: {old: \
                               …, new: …}}";
                checker.refuse(&path, message.to_owned(), None);
            }
            Ok(_) if !names.contains(&mesh.text.as_str()) => {
                checker.refuse_text(&path, TextError::not_one_of("a mesh that exists", &mesh.text, &names));
            }
            Ok(_) | Err(_) => {}
        }
    }
    meshes
}

/// Reads one axis of the matrix. A value that comes twice would give two cases the same name.
fn distinct<T>(checker: &mut Checker<'_>, path: &Path, what: &str, written: &[Written<T>]) -> Vec<T>
where
    T: FromStr<Err = TextError> + Clone + Eq + Hash + Display,
{
    if written.is_empty() {
        checker.refuse(path, format!("the list is empty; expected at least one {what}"), None);
    }
    let mut first_at: HashMap<T, usize> = HashMap::with_capacity(written.len());
    let mut values = Vec::with_capacity(written.len());
    for (index, text) in written.iter().enumerate() {
        let Some(value) = checker.read(&path.index(index), text) else {
            continue;
        };
        if let Some(first) = first_at.get(&value) {
            let message = format!(
                "\"{}\" is the same {what} as {path}[{first}], so that cases would have the same name; expected each {what} once",
                text.text
            );
            checker.refuse(&path.index(index), message, Some("remove one of the two".to_owned()));
        } else {
            first_at.insert(value.clone(), index);
            values.push(value);
        }
    }
    values
}
