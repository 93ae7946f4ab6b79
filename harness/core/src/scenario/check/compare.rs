//! Checks what is to be compared with what.

use std::num::NonZeroU32;

use super::checker::Checker;
use crate::comparison::{ComparisonPlan, FEWEST_PAIRS, Strictness};
use crate::scenario::raw::{RawCompare, RawVersions, Written};
use crate::scenario::{MeshName, ProviderKind};
use crate::units::TextError;
use crate::yaml::Path;

/// Two meshes, the new one against the old.
struct Pair {
    old: MeshName,
    new: MeshName,
}

/// Checks the comparison, and puts both versions of a mesh that is compared with itself in its place among `meshes`.
pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: &RawCompare,
    meshes: &mut Vec<MeshName>,
    provider: Option<ProviderKind>,
    repeats: Option<NonZeroU32>,
    strictness: Option<Strictness>,
) -> Option<ComparisonPlan> {
    let path = Path::of("compare");
    if let Some(repeats) = repeats.filter(|repeats| (repeats.get() as usize) < FEWEST_PAIRS) {
        let message =
            format!("{repeats} blocks tell nothing of a change; a comparison needs {FEWEST_PAIRS} at least");
        checker.refuse(&Path::of("repeats"), message, Some("write repeats: 8".to_owned()));
    }
    let Pair { old, new } = match raw {
        RawCompare { old: Some(old), new: Some(new), mesh: None, version: None } => {
            two_meshes(checker, &path, [old, new], meshes)?
        }
        RawCompare { old: None, new: None, mesh: Some(mesh), version: Some(versions) } => {
            two_versions(checker, &path, (mesh, versions), meshes, provider)?
        }
        RawCompare { .. } => {
            let message = "expected either two meshes, {old: envoy-1-39, new: envoy-1-40}, or one mesh at two versions, \
                           {mesh: istio-stock, version: {old: 1.30.2, new: 1.31.0}}";
            checker.refuse(&path, message.to_owned(), None);
            return None;
        }
    };
    Some(ComparisonPlan { old, new, strictness: strictness? })
}

fn two_meshes(
    checker: &mut Checker<'_>,
    path: &Path,
    [old, new]: [&Written<MeshName>; 2],
    meshes: &[MeshName],
) -> Option<Pair> {
    let old = mesh(checker, &path.key("old"), old, meshes);
    let new = mesh(checker, &path.key("new"), new, meshes);
    if old.is_some() && old == new {
        let message = "a mesh cannot be compared with itself; expected two versions, each a mesh of its own";
        checker.refuse(&path.key("new"), message.to_owned(), None);
    }
    Some(Pair { old: old?, new: new? })
}

fn two_versions(
    checker: &mut Checker<'_>,
    path: &Path,
    (written, versions): (&Written<MeshName>, &RawVersions),
    meshes: &mut Vec<MeshName>,
    provider: Option<ProviderKind>,
) -> Option<Pair> {
    let mesh = mesh(checker, &path.key("mesh"), written, meshes);
    let path = path.key("version");
    if provider == Some(ProviderKind::Local) {
        let message = "on one machine the versions of a mesh are meshes of their own, each with its executable; expected \
                       {old: …, new: …} with two meshes, or provider: kube";
        checker.refuse_key(&path, message.to_owned(), None);
    }
    let old = checker.read(&path.key("old"), &versions.old);
    let new = checker.read(&path.key("new"), &versions.new);
    if old.is_some() && old == new {
        let message = "a version cannot be compared with itself; expected two versions";
        checker.refuse(&path.key("new"), message.to_owned(), None);
    }
    let mesh = mesh?;
    let pair = Pair { old: mesh.at(&old?), new: mesh.at(&new?) };
    if let Some(place) = meshes.iter().position(|listed| *listed == mesh) {
        meshes.splice(place..=place, [pair.old.clone(), pair.new.clone()]);
    }
    Some(pair)
}

/// A mesh of this scenario other than `bare`.
fn mesh(
    checker: &mut Checker<'_>,
    path: &Path,
    written: &Written<MeshName>,
    meshes: &[MeshName],
) -> Option<MeshName> {
    let mesh = checker.read(path, written)?;
    if mesh.is_bare() {
        let message = "bare is the control of every case; expected two versions of a mesh";
        checker.refuse(path, message.to_owned(), None);
        return None;
    }
    if !meshes.contains(&mesh) {
        let names: Vec<&str> = meshes.iter().map(MeshName::as_str).collect();
        checker.refuse_text(path, TextError::not_one_of("a mesh of this scenario", &written.text, &names));
        return None;
    }
    Some(mesh)
}
