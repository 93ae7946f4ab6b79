//! Mounts of a process 1's own mount namespace, which nobody outside sees.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;

use super::OWN_PROGRAM;
use crate::error::{Error, Result};

/// Puts an empty /run over the machine's, with `folders` (from, to) and this program in it.
///
/// Sources are opened before anything is covered: they may lie under /run themselves.
pub(super) fn cover_run(folders: &[(&Path, &str)]) -> Result<()> {
    let mut opened = Vec::new();
    for (from, to) in folders {
        let descriptor = open(*from, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(Error::system("open", *from))?;
        opened.push((descriptor, *to));
    }
    cover_with_memory("/run")?;
    for (descriptor, to) in &opened {
        fs::create_dir_all(to).map_err(Error::file("make", *to))?;
        bind(&PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd())), to)?;
    }
    File::create(OWN_PROGRAM).map_err(Error::file("make", OWN_PROGRAM))?;
    bind(Path::new("/proc/self/exe"), OWN_PROGRAM)
}

/// Puts an empty file system in memory over a folder.
pub(super) fn cover_with_memory(folder: &str) -> Result<()> {
    mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=755"))
        .map_err(Error::system("mount a tmpfs on", folder))
}

/// Shows `from` at `to` too.
pub(super) fn bind(from: &Path, to: &str) -> Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .map_err(Error::system("mount something on", to))
}

/// Lets writes to a folder of the machine go to `changes` instead.
pub(super) fn overlay(folder: &str, changes: &Path) -> Result<()> {
    let (upper, work) = (changes.join("upper"), changes.join("work"));
    for path in [&upper, &work] {
        fs::create_dir_all(path).map_err(Error::file("make", path))?;
    }
    let options = format!("lowerdir={folder},upperdir={},workdir={}", upper.display(), work.display());
    mount(Some("overlay"), folder, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
        .map_err(Error::system("mount an overlay on", folder))
}

/// Lets mounts reach the pods that ask for it, as kubelets expect.
pub(super) fn share_with_pods() -> Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_SHARED, None::<&str>)
        .map_err(Error::system("share mounts below", "/"))
}
