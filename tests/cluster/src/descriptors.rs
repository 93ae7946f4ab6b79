//! Files that this process was started with and did not ask for.

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::error::{Error, Result};

const OWN_FILES: &str = "/proc/self/fd";

/// Keeps what the caller left open, such as a lock or a pipe, from the programs that are started: a cluster outlives its
/// caller, who would wait for the end of that file as long as the cluster runs.
///
/// # Errors
/// [`Error::File`] when the table of open files cannot be read.
#[expect(unsafe_code, reason = "descriptors that somebody else opened have no owner here")]
pub fn keep_from_children() -> Result<()> {
    let entries = fs::read_dir(OWN_FILES).map_err(Error::file("read", OWN_FILES))?;
    let inherited: Vec<RawFd> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&descriptor| descriptor > 2)
        .collect();
    for descriptor in inherited {
        // SAFETY: only its flags are read and set; one that was closed meanwhile, as that of the table, is an error.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let _ = fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }
    Ok(())
}
