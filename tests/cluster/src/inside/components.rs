//! The components that a process 1 starts: [`Components`].

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, wait};

use super::{CLUSTER, OWN_PROGRAM};
use crate::error::{Error, Result};

/// What was started, by process id, so that an end can be told by name.
pub(super) struct Components {
    cgroup: String,
    names: BTreeMap<i32, String>,
}

impl Components {
    /// None yet; each will be in a control group of its own below `cgroup`.
    pub(super) fn new(cgroup: &str) -> Self {
        Self { cgroup: cgroup.to_owned(), names: BTreeMap::new() }
    }

    /// Starts a program with its output in a log of its name.
    pub(super) fn start(&mut self, name: &str, program: &str, arguments: &[String]) -> Result<()> {
        self.start_with(name, program, arguments, Stdio::null())
    }

    /// As [`Components::start`], with something on standard input.
    pub(super) fn start_with_input(
        &mut self,
        name: &str,
        program: &str,
        arguments: &[String],
        input: OwnedFd,
    ) -> Result<()> {
        self.start_with(name, program, arguments, input.into())
    }

    fn start_with(&mut self, name: &str, program: &str, arguments: &[String], input: Stdio) -> Result<()> {
        let path = Path::new(CLUSTER).join("logs").join(format!("{name}.log"));
        let log = File::create(&path).map_err(Error::file("make", &path))?;
        let errors = log.try_clone().map_err(Error::file("write", &path))?;
        let child = Command::new(OWN_PROGRAM)
            .args(["inside", "run", "--cgroup", &format!("{}/system/{name}", self.cgroup), "--", program])
            .args(arguments)
            .stdin(input)
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|source| Error::Start { program: name.to_owned(), source })?;
        self.names.insert(i32::try_from(child.id()).unwrap_or_default(), name.to_owned());
        Ok(())
    }

    /// Reaps whoever ends, for ever: in a process namespace, orphans are its process 1's. A component that ends is noted
    /// and not started again, so that its absence can be tested.
    pub(super) fn reap(mut self) -> Result<Infallible> {
        loop {
            let (id, how) = match wait() {
                Ok(WaitStatus::Exited(id, code)) => (id, format!("exit status {code}")),
                Ok(WaitStatus::Signaled(id, signal, _)) => (id, signal.to_string()),
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(Errno::ECHILD) => return Err(Error::Unusable("everything has ended".to_owned())),
                Err(error) => return Err(Error::system("wait for", "children")(error)),
            };
            if let Some(name) = self.names.remove(&id.as_raw()) {
                note(&format!("{name} ended: {how}"));
            }
        }
    }
}

/// Writes to this process's log.
pub(super) fn note(text: &str) {
    use std::io::Write;
    // A log that cannot be written must not end the cluster.
    let _ = writeln!(std::io::stderr(), "{text}");
}
