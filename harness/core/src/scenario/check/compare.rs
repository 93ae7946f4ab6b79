//! Checks what is to be compared with what.

use std::num::NonZeroU32;

use super::checker::Checker;
use crate::comparison::{ComparisonPlan, FEWEST_PAIRS, Strictness};
use crate::scenario::MeshName;
use crate::scenario::raw::{RawCompare, Written};
use crate::units::TextError;
use crate::yaml::Path;

pub(super) fn check(
    checker: &mut Checker<'_>,
    raw: &RawCompare,
    meshes: &[MeshName],
    repeats: Option<NonZeroU32>,
    strictness: Option<Strictness>,
) -> Option<ComparisonPlan> {
    let path = Path::of("compare");
    let old = mesh(checker, &path.key("old"), &raw.old, meshes);
    let new = mesh(checker, &path.key("new"), &raw.new, meshes);
    if old.is_some() && old == new {
        let message = "a mesh cannot be compared with itself; expected two versions, each a mesh of its own";
        checker.refuse(&path.key("new"), message.to_owned(), None);
    }
    if let Some(repeats) = repeats.filter(|repeats| (repeats.get() as usize) < FEWEST_PAIRS) {
        let message =
            format!("{repeats} blocks tell nothing of a change; a comparison needs {FEWEST_PAIRS} at least");
        checker.refuse(&Path::of("repeats"), message, Some("write repeats: 8".to_owned()));
    }
    Some(ComparisonPlan { old: old?, new: new?, strictness: strictness? })
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
