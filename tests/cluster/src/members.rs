//! The processes of a cluster, found by what they cannot shed, and their end.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};
use procfs::process::{Process, all_processes};

use crate::cgroups;
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::wait;

/// The variable that marks a cluster's own processes, for the moments before they are in its control groups.
pub const MARK_VARIABLE: &str = "MESHBENCH_TESTCLUSTER";

/// How long processes may take to be gone after SIGKILL.
const KILL_LIMIT: Duration = Duration::from_secs(60);

/// All processes of a cluster: whoever is in its control groups, as every process of a pod is, or carries its mark.
///
/// # Errors
/// [`Error::Unusable`] when the tables of mounts or processes cannot be read.
pub fn of(cluster: &Cluster) -> Result<BTreeSet<i32>> {
    let mut found = cgroups::processes(&cluster.cgroup())?;
    let table = all_processes()
        .map_err(|error| Error::Unusable(format!("cannot read the table of processes: {error}")))?;
    // Zombies have no environment, and need no end.
    found.extend(
        table.flatten().filter(|process| carries_mark(process, cluster.id())).map(|process| process.pid),
    );
    found.remove(&getpid().as_raw());
    Ok(found)
}

/// Kills all processes of a cluster, and whatever these start meanwhile, and waits until they are gone.
///
/// # Errors
/// [`Error::TimedOut`] naming who is left.
pub fn kill_all(cluster: &Cluster) -> Result<()> {
    wait::until("ending the cluster's processes", KILL_LIMIT, || {
        let members = of(cluster).map_err(|error| error.chain())?;
        for &id in &members {
            // Gone is as good as killed.
            let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
        if members.is_empty() { Ok(()) } else { Err(described(&members)) }
    })
}

fn carries_mark(process: &Process, id: &str) -> bool {
    process
        .environ()
        .is_ok_and(|environment| environment.get(OsStr::new(MARK_VARIABLE)).is_some_and(|mark| mark == id))
}

fn described(processes: &BTreeSet<i32>) -> String {
    let name = |&id: &i32| {
        let stat = Process::new(id).and_then(|process| process.stat());
        stat.map_or_else(|_| format!("{id}"), |stat| format!("{} ({id}, {})", stat.comm, stat.state))
    };
    processes.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The process of a component: the one of this name in the component's control group, which may hold helpers too.
///
/// # Errors
/// As [`of`].
pub fn component(cluster: &Cluster, component: &str, program: &str) -> Result<Option<i32>> {
    let group = format!("{}/system/{component}", cluster.cgroup());
    let is_it = |&id: &i32| {
        let stat = Process::new(id).and_then(|process| process.stat());
        // A zombie has ended, and keeps its name until it is reaped.
        stat.is_ok_and(|stat| stat.comm == program && stat.state != 'Z')
    };
    Ok(cgroups::processes(&group)?.into_iter().find(is_it))
}
