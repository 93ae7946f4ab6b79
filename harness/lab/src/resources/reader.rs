//! Reading the CPU and memory of process groups from the kernel.
//!
//! CPU time comes from each process's CPU clock (`clock_getcpuclockid(3)`): it
//! counts in nanoseconds and includes threads that have ended, where
//! `/proc/<pid>/stat` rounds to hundredths of a second. Memory is `VmRSS` and
//! `VmHWM` of `/proc/<pid>/status`.

use std::collections::BTreeMap;
use std::time::Duration;

use meshbench_core::resources::{Group, Sample};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use procfs::process::{Process, all_processes};

/// A container (here: a process group) whose use is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watched {
    /// Its name in samples.
    pub container: String,
    /// Whose cost it is.
    pub group: Group,
    /// The process group its processes are in.
    pub process_group: i32,
}

/// Reads counters of a fixed set of process groups.
///
/// A process that ends keeps its last reading in its group's sum, so that CPU
/// counters never go backwards.
#[derive(Debug)]
pub(crate) struct ResourceReader {
    containers: Vec<WatchedState>,
}

#[derive(Debug)]
struct WatchedState {
    watched: Watched,
    processes: BTreeMap<i32, Reading>,
    last_peak_bytes: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    cpu: Duration,
    resident_bytes: u64,
    peak_bytes: u64,
    is_running: bool,
    has_ended: bool,
}

impl ResourceReader {
    /// Watches these containers from now on.
    #[must_use]
    pub(crate) fn new(containers: Vec<Watched>) -> Self {
        let containers = containers
            .into_iter()
            .map(|watched| WatchedState { watched, processes: BTreeMap::new(), last_peak_bytes: 0 })
            .collect();
        Self { containers }
    }

    /// Looks for processes that joined the groups since the last look; needed
    /// before a first reading, and now and then for proxies that fork.
    pub(crate) fn discover(&mut self) {
        for process in all_processes().into_iter().flatten().flatten() {
            let Ok(stat) = process.stat() else { continue };
            let owner = self.containers.iter_mut().find(|c| c.watched.process_group == stat.pgrp);
            if let Some(container) = owner {
                container.processes.entry(process.pid).or_default();
            }
        }
    }

    /// Reads all containers; `now_ns` is asked beside each one, so that a
    /// sample's time is its own and not that of the round.
    pub(crate) fn read(&mut self, now_ns: impl Fn() -> i64) -> Vec<Sample> {
        self.containers.iter_mut().map(|container| container.read(&now_ns)).collect()
    }
}

impl WatchedState {
    fn read(&mut self, now_ns: impl Fn() -> i64) -> Sample {
        let at_ns = now_ns();
        for (&pid, reading) in &mut self.processes {
            match read_process(pid) {
                Some(fresh) => *reading = fresh,
                None => {
                    *reading = Reading { resident_bytes: 0, is_running: false, has_ended: true, ..*reading };
                }
            }
        }
        let sum = |value: fn(&Reading) -> u64| self.processes.values().map(value).sum::<u64>();
        self.last_peak_bytes = self.last_peak_bytes.max(sum(|reading| reading.peak_bytes));
        let resident_bytes = sum(|reading| reading.resident_bytes);
        Sample {
            at_ns,
            container: self.watched.container.clone(),
            group: self.watched.group,
            cpu_ns: sum(|reading| u64::try_from(reading.cpu.as_nanos()).unwrap_or(u64::MAX)),
            cpu_error_ns: 0,
            resident_bytes,
            rss_bytes: resident_bytes,
            peak_bytes: self.last_peak_bytes,
            processes: count(self.processes.values().filter(|reading| reading.is_running)),
            ended_processes: count(self.processes.values().filter(|reading| reading.has_ended)),
        }
    }
}

fn count(readings: impl Iterator) -> u32 {
    u32::try_from(readings.count()).unwrap_or(u32::MAX)
}

fn read_process(pid: i32) -> Option<Reading> {
    let cpu = clock_getcpuclockid(Pid::from_raw(pid)).ok()?.now().ok()?;
    let status = Process::new(pid).ok()?.status().ok()?;
    // A zombie has no memory left: it has ended, whatever its parent waits for.
    let resident = status.vmrss?;
    Some(Reading {
        cpu: cpu.into(),
        resident_bytes: resident * 1024,
        peak_bytes: status.vmhwm.unwrap_or(resident) * 1024,
        is_running: true,
        has_ended: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    fn start(script: &str) -> (Child, Watched) {
        let child = Command::new("sh").args(["-c", script]).process_group(0).spawn().unwrap();
        let process_group = i32::try_from(child.id()).unwrap();
        let watched = Watched { container: "busy".into(), group: Group::Application, process_group };
        (child, watched)
    }

    #[test]
    fn cpu_of_a_busy_process_grows_in_less_than_a_clock_tick() {
        let (mut child, watched) = start("while :; do :; done");
        let mut reader = ResourceReader::new(vec![watched]);
        reader.discover();
        let first = reader.read(|| 0)[0].clone();
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        let (mut last, mut steps) = (first.cpu_ns, Vec::new());
        while steps.len() < 20 && std::time::Instant::now() < deadline {
            let now = reader.read(|| 1)[0].cpu_ns;
            steps.extend((now > last).then(|| now - last));
            last = now;
        }
        // The reader itself may be held back between two readings, though not between all.
        let least = steps.iter().min();
        assert!(
            least.is_some_and(|&least| least < 10_000_000),
            "grew by {steps:?} ns between readings in a row"
        );
        assert!(first.resident_bytes > 0 && first.peak_bytes >= first.resident_bytes);
        assert_eq!(first.processes, 1);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_vanished_process_keeps_its_cpu_and_is_reported() {
        let (mut child, watched) = start("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 600");
        let mut reader = ResourceReader::new(vec![watched]);
        reader.discover();
        let before = reader.read(|| 0)[0].clone();
        child.kill().unwrap();
        child.wait().unwrap();
        let after = reader.read(|| 1)[0].clone();
        assert_eq!((before.processes, before.ended_processes), (1, 0));
        assert_eq!((after.processes, after.ended_processes), (0, 1));
        assert!(after.cpu_ns >= before.cpu_ns);
        assert_eq!(after.resident_bytes, 0);
        assert_eq!(after.peak_bytes, before.peak_bytes);
    }
}
