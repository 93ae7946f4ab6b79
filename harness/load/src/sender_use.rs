//! What the sending threads use of the machine: [`SenderReading`], read from outside so that it costs them nothing.

use std::io;

use meshbench_core::recording::SenderUse;
use procfs::ProcResult;
use procfs::process::Process;
use rustix::thread::Pid;

/// The counters of sending threads at one instant.
#[derive(Debug, Clone)]
pub(crate) struct SenderReading(Vec<Counters>);

#[derive(Debug, Clone, Copy)]
struct Counters {
    cpu_ns: u64,
    involuntary_context_switches: u64,
}

impl SenderReading {
    /// Reads the counters of the threads with these ids, all of which must be alive.
    pub(crate) fn now(threads: &[Pid]) -> io::Result<Self> {
        let read = || {
            let process = Process::myself()?;
            threads.iter().map(|thread| read(&process, *thread)).collect::<ProcResult<_>>()
        };
        read().map(Self).map_err(io::Error::other)
    }

    /// What was used between `earlier` and this reading of the same threads, times `scale`.
    pub(crate) fn since(&self, earlier: &Self, scale: f64) -> Vec<SenderUse> {
        let used = |(now, before): (&Counters, &Counters)| SenderUse {
            cpu_seconds: now.cpu_ns.saturating_sub(before.cpu_ns) as f64 / 1e9 * scale,
            involuntary_context_switches: now
                .involuntary_context_switches
                .saturating_sub(before.involuntary_context_switches),
        };
        self.0.iter().zip(&earlier.0).map(used).collect()
    }
}

fn read(process: &Process, thread: Pid) -> ProcResult<Counters> {
    let task = process.task_from_tid(thread.as_raw_nonzero().get())?;
    Ok(Counters {
        cpu_ns: task.schedstat()?.sum_exec_runtime,
        involuntary_context_switches: task.status()?.nonvoluntary_ctxt_switches.unwrap_or(0),
    })
}
