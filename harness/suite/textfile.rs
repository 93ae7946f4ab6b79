//! [`replace`]: a file that others read whenever they like.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Replaces `path` by `text` at once: whoever reads it gets the one or the other, and never a part.
///
/// The new text is written beside it under a name that collectors do not read, and with the permissions of any new file, for
/// collectors run as users of their own.
///
/// # Errors
///
/// The file system's reason; what stood at `path` is still there.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = beside(path)?;
    let replaced = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    if replaced.is_err() {
        // It is there or it is not; the reason to tell is the first.
        let _: io::Result<()> = fs::remove_file(&beside);
    }
    replaced
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or_else(|| io::Error::other("it names no file"))?);
    name.push(format!(".{}.new", std::process::id()));
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn it_replaces_what_was_there_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meshbench.prom");
        replace(&path, "the first, which is longer").unwrap();
        replace(&path, "the second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the second");
        assert_eq!(names_in(folder.path()), ["meshbench.prom"]);
    }

    /// A reader who has it open while it is replaced still reads what was there.
    #[test]
    fn a_reader_never_sees_a_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meshbench.prom");
        replace(&path, "the first").unwrap();
        let open = fs::File::open(&path).unwrap();
        replace(&path, "the second").unwrap();
        assert_eq!(io::read_to_string(open).unwrap(), "the first");
    }

    #[test]
    fn what_cannot_be_replaced_stays_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("meshbench.prom");
        fs::create_dir(&taken).unwrap();
        assert!(replace(&taken, "metrics").is_err());
        assert_eq!(names_in(folder.path()), ["meshbench.prom"]);
        assert!(replace(&folder.path().join("absent/meshbench.prom"), "metrics").is_err());
        assert!(replace(Path::new("/"), "metrics").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (replaced, new) = (folder.path().join("a.prom"), folder.path().join("b"));
        replace(&replaced, "metrics").unwrap();
        fs::write(&new, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&replaced), mode(&new));
    }
}
