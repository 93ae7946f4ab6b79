//! All meshes there are: the folders under `scenarios/meshes/`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use meshbench_core::problem::Problem;
use meshbench_core::scenario::MeshName;
use meshbench_core::yaml;

use super::definition::MeshDefinition;
use crate::error::{read_definition, shown_path};

const DEFINITION_FILE: &str = "mesh.yaml";

/// Every mesh definition, the broken ones with what is wrong with them.
#[derive(Debug, Clone, Default)]
pub struct MeshCatalog {
    meshes: BTreeMap<MeshName, Result<MeshDefinition, Problem>>,
    misnamed: Vec<Problem>,
}

/// A meshes folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read mesh definitions from {}", path.display())]
pub struct CatalogError {
    /// The folder.
    path: PathBuf,
    /// The file system's reason.
    source: io::Error,
}

impl MeshCatalog {
    /// Reads every folder under `folder` that has a `mesh.yaml`.
    ///
    /// A definition that is wrong or unreadable does not take the others down: it
    /// is kept as its [`Problem`] and comes up when a scenario asks for it.
    ///
    /// # Errors
    /// [`CatalogError`] when `folder` itself cannot be read.
    pub fn load(folder: &Path) -> Result<Self, CatalogError> {
        let failed = |source| CatalogError { path: folder.to_owned(), source };
        let mut catalog = Self::default();
        for entry in fs::read_dir(folder).map_err(failed)? {
            catalog.add(&entry.map_err(failed)?.path());
        }
        catalog.misnamed.sort_by(|left, right| left.file.cmp(&right.file));
        Ok(catalog)
    }

    /// The names of all meshes, broken ones included.
    #[must_use]
    pub fn names(&self) -> Vec<MeshName> {
        self.meshes.keys().cloned().collect()
    }

    /// Adds these meshes at the versions in their names; those without one are there already.
    ///
    /// What is wrong with such a version is kept like what is wrong with a definition.
    pub fn add_versions<'a>(&mut self, names: impl IntoIterator<Item = &'a MeshName>) {
        for name in names {
            let version = name.version().and_then(|version| version.parse().ok());
            let (Some(version), Ok(folder)) = (version, name.folder().parse::<MeshName>()) else { continue };
            if let Some(definition) = self.meshes.get(&folder) {
                let definition = definition.clone().and_then(|mesh| mesh.at(&version));
                self.meshes.insert(name.clone(), definition);
            }
        }
    }

    /// One mesh's definition, or what is wrong with it; `None` when there is no such folder.
    #[must_use]
    pub fn get(&self, name: &MeshName) -> Option<&Result<MeshDefinition, Problem>> {
        self.meshes.get(name)
    }

    /// All meshes with their definitions or problems, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&MeshName, &Result<MeshDefinition, Problem>)> {
        self.meshes.iter()
    }

    /// Folders with a definition and a name that no mesh can have; no scenario can ask for them.
    #[must_use]
    pub fn misnamed(&self) -> &[Problem] {
        &self.misnamed
    }

    fn add(&mut self, folder: &Path) {
        let file = folder.join(DEFINITION_FILE);
        // Not `is_file`, which is false for a file that may not be read.
        if !folder.is_dir()
            || matches!(fs::symlink_metadata(&file), Err(error) if error.kind() == io::ErrorKind::NotFound)
        {
            return;
        }
        let written = folder.file_name().unwrap_or_default().to_string_lossy();
        let named = written.parse::<MeshName>().map_err(|error| error.to_string());
        let named = named.and_then(|name| match name.version() {
            None => Ok(name),
            Some(_) => Err("a folder has no version in its name; scenarios ask for versions".to_owned()),
        });
        match named {
            Ok(name) => {
                let definition = read(&name, folder, &file);
                self.meshes.insert(name, definition);
            }
            Err(error) => {
                let message = format!("this is not the folder of a mesh: {error}");
                self.misnamed.push(Problem::of_file(shown_path(folder), message));
            }
        }
    }
}

fn read(name: &MeshName, folder: &Path, file: &Path) -> Result<MeshDefinition, Problem> {
    let shown = shown_path(file);
    let bytes = read_definition(file).map_err(|why| Problem::of_file(shown.clone(), why))?;
    let text = yaml::text_of(&shown, &bytes)?;
    MeshDefinition::parse(name.clone(), folder, &shown, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_its_own_problem_and_no_others() {
        let meshes = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            fs::create_dir(meshes.path().join(name)).unwrap();
            meshes.path().join(name).join(DEFINITION_FILE)
        };
        fs::write(folder("good"), "description: a mesh\nversion: 1\n").unwrap();
        fs::write(folder("latin"), b"description: caf\xe9\nversion: 1\n").unwrap();
        for odd in ["Odd Name", "odd@1.0"] {
            fs::write(folder(odd), "description: a mesh\nversion: 1\n").unwrap();
        }
        fs::create_dir(folder("nested")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder("dangling")).unwrap();
        folder("no-definition");
        fs::write(meshes.path().join("README.md"), "").unwrap();

        let catalog = MeshCatalog::load(meshes.path()).unwrap();
        let problem =
            |name: &str| catalog.get(&name.parse().unwrap()).unwrap().as_ref().unwrap_err().to_string();
        let names: Vec<_> = catalog.names().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["dangling", "good", "latin", "nested"]);
        assert!(catalog.get(&"good".parse().unwrap()).unwrap().is_ok());
        assert!(
            problem("latin").ends_with("latin/mesh.yaml:1:17: not UTF-8 text (hint: save the file as UTF-8)")
        );
        assert!(problem("dangling").contains("dangling/mesh.yaml: the file cannot be read: No such file"));
        assert!(problem("nested").contains("nested/mesh.yaml: the file cannot be read: is a directory"));
        assert_eq!(catalog.misnamed().len(), 2);
        assert!(catalog.misnamed()[1].to_string().contains("odd@1.0: this is not the folder of a mesh"));
        assert!(catalog.misnamed()[0].to_string().contains("Odd Name: this is not the folder of a mesh"));
    }

    #[test]
    fn a_version_of_a_mesh_is_a_mesh_or_its_own_problem() {
        let meshes = tempfile::tempdir().unwrap();
        for (name, text) in
            [("whole", "description: a mesh\nversion: 1\n"), ("broken", "description: a mesh\n")]
        {
            fs::create_dir(meshes.path().join(name)).unwrap();
            fs::write(meshes.path().join(name).join(DEFINITION_FILE), text).unwrap();
        }
        let mut catalog = MeshCatalog::load(meshes.path()).unwrap();
        let names: [MeshName; 4] =
            ["whole", "whole@2.0", "broken@2.0", "unknown@2.0"].map(|name| name.parse().unwrap());
        catalog.add_versions(&names);
        let problem = |name: &MeshName| catalog.get(name).unwrap().as_ref().unwrap_err().to_string();
        assert!(catalog.get(&names[0]).unwrap().is_ok());
        assert!(
            problem(&names[1]).contains("whole/mesh.yaml: there is no `{version}`"),
            "{}",
            problem(&names[1])
        );
        assert!(problem(&names[2]).contains("version: this field is missing"), "{}", problem(&names[2]));
        assert!(catalog.get(&names[3]).is_none());
    }
}
