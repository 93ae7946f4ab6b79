//! What is built from sources and takes minutes: made once, kept until the sources change.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// A folder that is made from sources.
#[derive(Debug, Clone)]
pub struct Cached {
    /// What its name begins with.
    pub name: &'static str,
    /// Raised when something else is made of the same sources.
    pub recipe: &'static str,
    /// The files whose content decides whether what was made is still of use.
    pub sources: Vec<PathBuf>,
}

impl Cached {
    /// The folder, if it was made from the present sources.
    ///
    /// # Errors
    /// [`Error::File`] when the sources cannot be read.
    pub fn made(&self) -> Result<Option<PathBuf>> {
        Ok(Some(self.folder()?).filter(|folder| folder.is_dir()))
    }

    /// The folder; `make` fills it if it is not there yet.
    ///
    /// # Errors
    /// What `make` says, or [`Error::File`].
    pub fn make(&self, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let folder = self.folder()?;
        let cache = folder.parent().unwrap_or(&folder);
        fs::create_dir_all(cache).map_err(Error::file("make", cache))?;
        let lock = cache.join("lock");
        let file = File::create(&lock).map_err(Error::file("make", &lock))?;
        // One build at a time: a second would only take the cores from the first, and find it done.
        let _lock = Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, source)| Error::system("lock", &lock)(source))?;
        if !folder.is_dir() {
            // Made aside and moved, so that an interrupted build is never taken for a whole one.
            let staging = tempfile::Builder::new()
                .prefix("building-")
                .tempdir_in(cache)
                .map_err(Error::file("make a folder in", cache))?;
            make(staging.path())?;
            fs::rename(staging.path(), &folder).map_err(Error::file("move what was built to", &folder))?;
            // The staging folder has moved: there is nothing to remove.
            let _ = staging.keep();
        }
        Ok(folder)
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(target_folder()?.join(".cache").join(format!("{}-{}", self.name, self.digest()?)))
    }

    fn digest(&self) -> Result<String> {
        let mut digest = Sha256::new_with_prefix(self.recipe);
        for path in &self.sources {
            let content = fs::read(path).map_err(Error::file("read", path))?;
            digest.update(content.len().to_le_bytes());
            digest.update(content);
        }
        Ok(digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The folder under which everything is kept: beside this program's own build.
///
/// # Errors
/// [`Error::File`] when this program's place cannot be found.
pub fn target_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::file("find", "this program"))?;
    // <target>/<profile>/meshbench-testcluster, or <target>/<profile>/deps/<test>
    let profile = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    Ok(profile.and_then(Path::parent).unwrap_or(Path::new("target")).join("testcluster"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sources_or_another_recipe_make_another_folder() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("go.mod");
        fs::write(&source, "module a").unwrap();
        let cached = Cached { name: "example", recipe: "1", sources: vec![source.clone()] };
        let first = cached.folder().unwrap();
        assert_eq!(cached.folder().unwrap(), first);
        let raised = Cached { recipe: "2", ..cached.clone() };
        assert_ne!(raised.folder().unwrap(), first);
        fs::write(&source, "module b").unwrap();
        assert_ne!(cached.folder().unwrap(), first);
    }
}
