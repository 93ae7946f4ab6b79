//! All meshes there are: the folders under `scenarios/meshes/`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use meshbench_core::problem::Problem;
use meshbench_core::scenario::MeshName;
use meshbench_core::units::TextError;

use super::definition::MeshDefinition;

const DEFINITION_FILE: &str = "mesh.yaml";

/// Every mesh definition, the broken ones with what is wrong with them.
#[derive(Debug, Clone, Default)]
pub struct MeshCatalog {
    meshes: BTreeMap<MeshName, Result<MeshDefinition, Problem>>,
}

/// A meshes folder that cannot be taken for one.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A file or folder cannot be read.
    #[error("cannot read mesh definitions from {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The file system's reason.
        source: io::Error,
    },
    /// A folder has a definition and a name that no mesh can have.
    #[error("{} is not the folder of a mesh", path.display())]
    Name {
        /// The folder.
        path: PathBuf,
        /// What a mesh's name looks like.
        source: TextError,
    },
}

impl MeshCatalog {
    /// Reads every folder under `folder` that has a `mesh.yaml`.
    ///
    /// A definition that is wrong does not take the others down: it is kept as
    /// its [`Problem`] and comes up when a scenario asks for it.
    ///
    /// # Errors
    /// [`CatalogError`] when a file or folder cannot be read at all.
    pub fn load(folder: &Path) -> Result<Self, CatalogError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| CatalogError::Read { path, source }
        };
        let mut meshes = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let folder = entry.map_err(failed(folder))?.path();
            let file = folder.join(DEFINITION_FILE);
            if !file.is_file() {
                continue;
            }
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let name: MeshName =
                name.parse().map_err(|source| CatalogError::Name { path: folder.clone(), source })?;
            let text = fs::read_to_string(&file).map_err(failed(&file))?;
            let definition = MeshDefinition::parse(name.clone(), &folder, &file.display().to_string(), &text);
            meshes.insert(name, definition);
        }
        Ok(Self { meshes })
    }

    /// The names of all meshes, broken ones included.
    #[must_use]
    pub fn names(&self) -> Vec<MeshName> {
        self.meshes.keys().cloned().collect()
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
}
