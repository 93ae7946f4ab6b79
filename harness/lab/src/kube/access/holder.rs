//! Who holds the Lease of a cluster, and whether he is alive: [`Holder`].

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::api::ObjectMeta;
use procfs::process::Process;

use crate::kube::labels::CAMPAIGN;

/// How long a claim holds that is not renewed.
pub(super) const DURATION: Duration = Duration::from_secs(60);

const HOST: &str = "meshbench.dev/host";
const BOOT: &str = "meshbench.dev/boot-id";
const PROCESSES: &str = "meshbench.dev/pid-namespace";
const PID: &str = "meshbench.dev/pid";
const STARTED: &str = "meshbench.dev/pid-start";

/// A campaign and its process, as the annotations of its Lease say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// The campaign's id.
    pub(super) campaign: String,
    /// The host name of its machine, for people.
    host: String,
    process: ProcessName,
}

/// What no other process of any machine has in common, now or later.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ProcessName {
    table: ProcessTable,
    pid: i32,
    /// In clock ticks since the machine's start: a number used again has another.
    started: u64,
}

/// A table of processes: the machine since it was started, and the pid namespace in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ProcessTable {
    boot_id: String,
    pid_namespace: String,
}

/// What is known of whoever holds a Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// His process runs, or he renewed his claim in time.
    Alive,
    /// By our clock he did not renew his claim, and of his process we know nothing.
    Silent,
    /// His process is gone.
    Dead,
}

impl Holder {
    /// This process, for a campaign.
    ///
    /// # Errors
    /// When `/proc` does not say who we are.
    pub(super) fn this_process(campaign: &str) -> io::Result<Self> {
        let me = Process::myself().and_then(|process| process.stat()).map_err(io::Error::other)?;
        let process = ProcessName { table: ProcessTable::here()?, pid: me.pid, started: me.starttime };
        Ok(Self { campaign: campaign.to_owned(), host: line_of("/proc/sys/kernel/hostname")?, process })
    }

    /// Whoever a Lease names; nothing if somebody else than meshbench wrote it.
    pub(super) fn of(lease: &Lease) -> Option<Self> {
        let said = lease.annotations();
        let text = |key: &str| said.get(key).cloned();
        let table = ProcessTable { boot_id: text(BOOT)?, pid_namespace: text(PROCESSES)? };
        let process = ProcessName {
            table,
            pid: said.get(PID)?.parse().ok()?,
            started: said.get(STARTED)?.parse().ok()?,
        };
        Some(Self { campaign: lease.labels().get(CAMPAIGN)?.clone(), host: text(HOST)?, process })
    }

    /// The claim as it stands in the cluster, made at `now`.
    pub(super) fn lease(&self, name: &str, namespace: &str, now: Timestamp) -> Lease {
        let ProcessName { table, pid, started } = &self.process;
        let annotations = BTreeMap::from([
            (HOST.to_owned(), self.host.clone()),
            (BOOT.to_owned(), table.boot_id.clone()),
            (PROCESSES.to_owned(), table.pid_namespace.clone()),
            (PID.to_owned(), pid.to_string()),
            (STARTED.to_owned(), started.to_string()),
        ]);
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(BTreeMap::from([(CAMPAIGN.to_owned(), self.campaign.clone())])),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        };
        let spec = LeaseSpec {
            holder_identity: Some(format!("{}@{}", self.campaign, self.host)),
            lease_duration_seconds: Some(DURATION.as_secs() as i32),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            ..LeaseSpec::default()
        };
        Lease { metadata, spec: Some(spec) }
    }
}

impl ProcessTable {
    fn here() -> io::Result<Self> {
        let namespace = std::fs::read_link("/proc/self/ns/pid")?;
        let boot_id = line_of("/proc/sys/kernel/random/boot_id")?;
        Ok(Self { boot_id, pid_namespace: namespace.to_string_lossy().into_owned() })
    }
}

fn line_of(path: &str) -> io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim_end().to_owned())
}

/// Whether the holder of a Lease is alive at `now`, as far as `us` can know: a process of our own table is looked for, by
/// `start_of` its pid, whatever its claim says; any other is alive as long as its claim holds.
pub(super) fn life(
    lease: &Lease,
    us: &Holder,
    now: Timestamp,
    start_of: impl Fn(i32) -> Option<u64>,
) -> Life {
    match Holder::of(lease).map(|holder| holder.process) {
        Some(ProcessName { table, pid, started }) if table == us.process.table => {
            if start_of(pid) == Some(started) { Life::Alive } else { Life::Dead }
        }
        _ if ran_out(lease, now) => Life::Silent,
        _ => Life::Alive,
    }
}

/// When the process with this pid was started, in clock ticks since the machine's start; nothing if there is none.
pub(super) fn start_of(pid: i32) -> Option<u64> {
    let stat = Process::new(pid).and_then(|process| process.stat()).ok()?;
    // One that only waits to be collected by its parent does nothing more.
    (stat.state != 'Z').then_some(stat.starttime)
}

fn ran_out(lease: &Lease, now: Timestamp) -> bool {
    let Some(LeaseSpec { renew_time: Some(renewed), lease_duration_seconds: duration, .. }) = &lease.spec
    else {
        return true;
    };
    let duration = duration.map_or(DURATION.as_secs() as i64, i64::from);
    now.duration_since(renewed.0) > SignedDuration::from_secs(duration)
}

/// Who holds a Lease, since when, and when he was last heard of, at `now`.
pub(super) fn describe(lease: &Lease, now: Timestamp) -> String {
    let spec = lease.spec.clone().unwrap_or_default();
    let who = match Holder::of(lease) {
        Some(Holder { campaign, host, process: ProcessName { pid, .. } }) => {
            format!("campaign {campaign} on {host} (process {pid})")
        }
        None => spec.holder_identity.unwrap_or_else(|| "somebody unnamed".to_owned()),
    };
    let ago = |time: Option<MicroTime>| match time {
        Some(MicroTime(time)) => {
            let seconds = now.duration_since(time).as_secs().max(0).unsigned_abs();
            format!("{} ago", humantime::format_duration(Duration::from_secs(seconds)))
        }
        None => "at an unknown time".to_owned(),
    };
    format!("{who}, begun {}, last heard of {}", ago(spec.acquire_time), ago(spec.renew_time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use rstest::rstest;

    const START: i64 = 1_764_000_000;

    fn holder(boot_id: &str, pid_namespace: &str) -> Holder {
        let table = ProcessTable { boot_id: boot_id.to_owned(), pid_namespace: pid_namespace.to_owned() };
        let process = ProcessName { table, pid: 7, started: 100 };
        Holder { campaign: "monday".to_owned(), host: "lab".to_owned(), process }
    }

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_second(START + seconds).unwrap()
    }

    #[rstest]
    #[case::runs_here("boot", "pid:[1]", Some(100), 20, Life::Alive)]
    #[case::runs_here_and_does_not_renew("boot", "pid:[1]", Some(100), 6_000, Life::Alive)]
    #[case::ended_here("boot", "pid:[1]", None, 1, Life::Dead)]
    #[case::its_number_is_anothers("boot", "pid:[1]", Some(101), 1, Life::Dead)]
    #[case::in_another_container("boot", "pid:[2]", None, 60, Life::Alive)]
    #[case::on_another_machine("other", "pid:[1]", None, 60, Life::Alive)]
    #[case::on_another_machine_and_silent("other", "pid:[1]", None, 61, Life::Silent)]
    #[case::from_a_clock_that_is_ahead("other", "pid:[1]", None, -30, Life::Alive)]
    fn a_holder_is_dead_if_his_process_is_gone_and_silent_if_his_claim_ran_out(
        #[case] boot_id: &str,
        #[case] pid_namespace: &str,
        #[case] start: Option<u64>,
        #[case] seconds: i64,
        #[case] expected: Life,
    ) {
        let lease = holder(boot_id, pid_namespace).lease("campaign", "default", after(0));
        assert_eq!(life(&lease, &holder("boot", "pid:[1]"), after(seconds), |_| start), expected);
    }

    #[test]
    fn a_lease_says_who_holds_it() {
        let me = Holder::this_process("monday").unwrap();
        assert_eq!(Holder::of(&me.lease("campaign", "default", after(0))), Some(me.clone()));
        assert_eq!(start_of(me.process.pid), Some(me.process.started));
    }

    #[rstest]
    #[case::without_a_time(None, Life::Silent)]
    #[case::within_its_time(Some(MicroTime(after(-10))), Life::Alive)]
    fn a_lease_that_somebody_else_wrote_counts_by_its_time(
        #[case] renew_time: Option<MicroTime>,
        #[case] expected: Life,
    ) {
        let spec = LeaseSpec { renew_time, ..LeaseSpec::default() };
        let lease = Lease { spec: Some(spec), ..Lease::default() };
        assert_eq!(life(&lease, &holder("boot", "pid:[1]"), after(0), |_| None), expected);
    }

    #[test]
    fn people_read_who_it_is() {
        let lease = holder("boot", "pid:[1]").lease("campaign", "default", after(0));
        assert_snapshot!(describe(&lease, after(192)), @"campaign monday on lab (process 7), begun 3m 12s ago, last heard of 3m 12s ago");
    }
}
