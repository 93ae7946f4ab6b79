//! What the hypervisor took from the cores in use: [`CoreTime`].

use std::collections::BTreeSet;

use procfs::{CurrentSI, KernelStats};

/// The time of some cores since the machine started, in clock ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CoreTime {
    total: u64,
    stolen: u64,
}

impl CoreTime {
    /// Reads `/proc/stat`; `None` where it cannot be read or does not tell.
    pub(crate) fn of(cores: &BTreeSet<usize>) -> Option<Self> {
        let all = KernelStats::current().ok()?.cpu_time;
        let mut sum = Self { total: 0, stolen: 0 };
        for core in cores {
            let time = all.get(*core)?;
            let stolen = time.steal?;
            let waiting = [time.iowait, time.irq, time.softirq].into_iter().flatten().sum::<u64>();
            sum.total += time.user + time.nice + time.system + time.idle + waiting + stolen;
            sum.stolen += stolen;
        }
        Some(sum)
    }

    /// The share of the time since `earlier` that others had; `None` where no tick has passed.
    pub(crate) fn steal_share_since(self, earlier: Self) -> Option<f64> {
        let passed = |now: u64, then: u64| now.saturating_sub(then);
        let total = passed(self.total, earlier.total);
        (total > 0).then(|| passed(self.stolen, earlier.stolen) as f64 / total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_the_time_between_two_readings() {
        let at = |total, stolen| CoreTime { total, stolen };
        assert_eq!(at(300, 30).steal_share_since(at(100, 10)), Some(0.1));
        assert_eq!(at(100, 10).steal_share_since(at(100, 10)), None);
    }

    #[test]
    fn this_machine_tells_its_time_and_not_that_of_a_core_it_lacks() {
        let now = CoreTime::of(&BTreeSet::from([0])).unwrap();
        assert!(now.total > 0 && now.stolen <= now.total, "{now:?}");
        assert_eq!(CoreTime::of(&BTreeSet::from([1 << 20])), None);
    }
}
