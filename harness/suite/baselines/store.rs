//! The files of baselines: [`BaselineStore`].
//!
//! `<environment class>/<scenario>/<case>.toml` and `.hlog`; what waits for review is called the same with `.new` behind
//! it. `cargo insta review --extensions toml` knows the tables among these; what it accepts or rejects of the two files of
//! a case, [`BaselineStore::settle`] does to the other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use meshbench_core::baseline::{Baseline, BaselineError};
use meshbench_core::digest::digest;
use meshbench_core::file_name;
use meshbench_core::scenario::ServicePlacement;
use meshbench_lab::{error_chain, shown_path};

/// Stands between a case and its cluster in the names of files. A single `@` would not do: it stands before the version in
/// the name of a mesh.
const BEFORE_CONTEXT: &str = "@@";

/// A folder of baselines.
#[derive(Debug, Clone)]
pub(crate) struct BaselineStore {
    folder: PathBuf,
}

/// Which baseline: a case in an environment class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The environment class.
    pub class: String,
    /// `scenario::mesh::rate::duration`, and `@context` of a case on several clusters.
    pub case: String,
}

/// A baseline that cannot be used, or a file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file system refused.
    #[error("cannot {doing} {}", shown_path(path))]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The two files are no baseline of the case.
    #[error(
        "the baseline {0} cannot be used: {reason}; restore it and the .hlog beside it from version control, \
         or remove both and accept a new one; nothing was written over it",
        shown_path(path)
    )]
    Damaged {
        /// The table.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// What is there of a baseline.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Which.
    pub key: Key,
    /// The accepted one.
    pub accepted: Option<Result<Baseline, StoreError>>,
    /// The one that waits for review.
    pub pending: Option<Result<Baseline, StoreError>>,
}

/// The files of one baseline.
struct Files {
    table: PathBuf,
    log: PathBuf,
    pending_table: PathBuf,
    pending_log: PathBuf,
}

impl Key {
    /// That of a baseline.
    pub(crate) fn of(baseline: &Baseline) -> Self {
        Self { class: baseline.subject.fingerprint.environment_class(), case: baseline.subject.case.clone() }
    }
}

impl BaselineStore {
    /// The baselines under `folder`, which need not exist.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The accepted baseline, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] where its files cannot be read or are damaged.
    pub(crate) fn read(&self, key: &Key) -> Result<Option<Baseline>, StoreError> {
        let files = self.files(key);
        let Some(baseline) = read_table(&files.table, &key.case)? else { return Ok(None) };
        // Accepted by `cargo insta review` and not yet settled.
        let log = match files.pending_table.exists() {
            true => None,
            false => read_optional(&files.pending_log)?.filter(|log| digest(log) == baseline.recordings),
        };
        check_log(&files.table, &files.log, &baseline, log)?;
        Ok(Some(baseline))
    }

    /// The baseline that waits for review, if one does.
    ///
    /// # Errors
    /// [`StoreError`] where its files cannot be read or are damaged.
    pub(crate) fn read_pending(&self, key: &Key) -> Result<Option<Baseline>, StoreError> {
        let files = self.files(key);
        let Some(baseline) = read_table(&files.pending_table, &key.case)? else { return Ok(None) };
        check_log(&files.pending_table, &files.pending_log, &baseline, None)?;
        Ok(Some(baseline))
    }

    /// The text of a baseline's log, whether it waits for review or was accepted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn read_log(&self, key: &Key) -> Result<String, StoreError> {
        let log = self.files(key).log;
        fs::read_to_string(&log).map_err(|source| StoreError::File { doing: "read", path: log, source })
    }

    /// Leaves a baseline for somebody to review, with `why` it is another.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub(crate) fn propose(&self, baseline: &Baseline, log: &str, why: &str) -> Result<(), StoreError> {
        let files = self.files(&Key::of(baseline));
        // The table last: where it is, the log is too.
        write(&files.pending_log, log)?;
        write(&files.pending_table, &baseline.to_pending(why))
    }

    /// Puts a baseline in the place of the accepted one, and of any that waits.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub(crate) fn put(&self, baseline: &Baseline, log: &str) -> Result<(), StoreError> {
        let key = Key::of(baseline);
        let files = self.files(&key);
        write(&files.log, log)?;
        write(&files.table, &baseline.to_toml())?;
        self.reject(&key)
    }

    /// Accepts what waits for review.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read, is damaged, or cannot be written.
    pub(crate) fn accept(&self, key: &Key) -> Result<(), StoreError> {
        let Some(baseline) = self.read_pending(key)? else { return Ok(()) };
        let files = self.files(key);
        rename(&files.pending_log, &files.log)?;
        write(&files.table, &baseline.to_toml())?;
        remove(&files.pending_table)
    }

    /// Forgets what waits for review.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub(crate) fn reject(&self, key: &Key) -> Result<(), StoreError> {
        let files = self.files(key);
        remove(&files.pending_table)?;
        remove(&files.pending_log)
    }

    /// Finishes what `cargo insta review` began: it knows the table and not the log.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        for key in self.keys()? {
            let files = self.files(&key);
            if files.pending_table.exists() {
                continue;
            }
            let Some(log) = read_optional(&files.pending_log)? else { continue };
            match read_table(&files.table, &key.case) {
                Ok(Some(baseline)) if digest(&log) == baseline.recordings => {
                    rename(&files.pending_log, &files.log)?;
                    write(&files.table, &baseline.to_toml())?;
                }
                // It was rejected; or the table is damaged, and says so when it is read.
                Ok(_) => remove(&files.pending_log)?,
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Everything there is.
    ///
    /// # Errors
    /// [`StoreError::File`] where a folder cannot be read.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let entry = |key: Key| Entry {
            accepted: self.read(&key).transpose(),
            pending: self.read_pending(&key).transpose(),
            key,
        };
        Ok(self.keys()?.into_iter().map(entry).collect())
    }

    /// The baselines of which there is any file, in their order.
    fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        for class in subfolders(&self.folder)? {
            for scenario in subfolders(&class)? {
                for file in names(&scenario)? {
                    let stem =
                        [".toml", ".toml.new", ".hlog.new"].iter().find_map(|end| file.strip_suffix(end));
                    keys.extend(stem.and_then(|stem| {
                        let case = case_of(&name_of(&scenario)?, stem)?;
                        Some(Key { class: name_of(&class)?, case })
                    }));
                }
            }
        }
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    fn files(&self, key: &Key) -> Files {
        let (scenario, rest) = key.case.split_once("::").unwrap_or(("", &key.case));
        let folder = self.folder.join(&key.class).join(scenario);
        let stem = stem_of(rest);
        let file = |end: &str| folder.join(format!("{stem}{end}"));
        Files {
            table: file(".toml"),
            log: file(".hlog"),
            pending_table: file(".toml.new"),
            pending_log: file(".hlog.new"),
        }
    }
}

/// The stem of the files of a case, given as `mesh::rate::duration`, with a placement behind it where there are several, and
/// `@context` on several clusters.
fn stem_of(case: &str) -> String {
    let plain = |case: &str| case.replace("::", "-");
    // Colons are no part of a file's name everywhere.
    let [mesh, load, rest] = case.splitn(3, "::").collect::<Vec<_>>()[..] else {
        return plain(case);
    };
    match rest.split_once('@') {
        Some((rest, context)) => {
            format!("{mesh}-{load}-{}{BEFORE_CONTEXT}{}", plain(rest), file_name::encode(context))
        }
        None => format!("{mesh}-{load}-{}", plain(rest)),
    }
}

/// The case whose files have this stem: rate, duration and placement have no hyphen, meshes may.
fn case_of(scenario: &str, stem: &str) -> Option<String> {
    let (stem, context) = match stem.split_once(BEFORE_CONTEXT) {
        Some((stem, context)) => (stem, format!("@{}", file_name::decode(context)?)),
        None => (stem, String::new()),
    };
    let (stem, services) = match stem.rsplit_once('-') {
        Some((stem, services)) if services.parse::<ServicePlacement>().is_ok() => {
            (stem, format!("::{services}"))
        }
        _ => (stem, String::new()),
    };
    let (rest, duration) = stem.rsplit_once('-')?;
    let (mesh, rate) = rest.rsplit_once('-')?;
    Some(format!("{scenario}::{mesh}::{rate}::{duration}{services}{context}"))
}

fn read_table(path: &Path, case: &str) -> Result<Option<Baseline>, StoreError> {
    let damaged = |reason: String| StoreError::Damaged { path: path.to_owned(), reason };
    let Some(bytes) = read_optional(path)? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is no text".to_owned()))?;
    Baseline::from_toml(&text, case).map(Some).map_err(|error| damaged(error_chain(&error)))
}

fn check_log(
    table: &Path,
    log: &Path,
    baseline: &Baseline,
    settled: Option<Vec<u8>>,
) -> Result<(), StoreError> {
    let damaged = |reason: String| StoreError::Damaged { path: table.to_owned(), reason };
    let Some(bytes) = settled.map_or_else(|| read_optional(log), |log| Ok(Some(log)))? else {
        return Err(damaged(format!("the log of its runs, {}, is missing", shown_path(log))));
    };
    let checked: Result<(), BaselineError> = baseline.check_recordings(&bytes);
    checked.map_err(|error| damaged(error_chain(&error)))
}

fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::File { doing: "read", path: path.to_owned(), source }),
    }
}

/// Under its name there is the whole text or none of it, whenever this is interrupted.
fn write(path: &Path, text: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::File { doing: "write", path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    fs::write(&partial, text).and_then(|()| fs::rename(&partial, path)).map_err(failed)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::File { doing: "rename", path: from.to_owned(), source })
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::File { doing: "remove", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let names = names(folder)?;
    Ok(names.iter().map(|name| folder.join(name)).filter(|path| path.is_dir()).collect())
}

/// What is in a folder; nothing where there is no folder.
fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |source| StoreError::File { doing: "read", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

fn name_of(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("envoy-tuned::500rps::10s", "envoy-tuned-500rps-10s")]
    #[case("istio-stock@1.31.0-rc.1::limit::1m", "istio-stock@1.31.0-rc.1-limit-1m")]
    #[case("bare::500rps::10s@admin@eks:x", "bare-500rps-10s@@admin@eks%3ax")]
    #[case("istio-stock@1.31.0::limit::1m@a::b", "istio-stock@1.31.0-limit-1m@@a%3a%3ab")]
    #[case("bare::500rps::10s::same_node", "bare-500rps-10s-same_node")]
    #[case("bare::500rps::10s::across_nodes@east", "bare-500rps-10s-across_nodes@@east")]
    fn a_case_is_known_by_the_name_of_its_files(#[case] case: &str, #[case] stem: &str) {
        assert_eq!(stem_of(case), stem);
        assert_eq!(case_of("quick", stem), Some(format!("quick::{case}")));
    }
}
