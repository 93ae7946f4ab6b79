//! Which processor cores the generator and everything else run on.

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Cores set aside for the load generator and those left for what it measures.
///
/// With one core there is nothing to set aside and both share it; reports say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Cores of the load generator.
    pub generator: Vec<usize>,
    /// Cores of the applications, the proxies and the harness itself.
    pub measured: Vec<usize>,
}

impl Placement {
    /// Divides the cores this process may use: the last one for the generator,
    /// the others for everything else.
    ///
    /// # Errors
    /// The kernel's, when the affinity mask cannot be read.
    pub fn of_this_machine() -> Result<Self, Errno> {
        let allowed = sched_getaffinity(Pid::from_raw(0))?;
        let cores = (0..CpuSet::count()).filter(|&core| allowed.is_set(core).unwrap_or(false)).collect();
        Ok(Self::divide(cores))
    }

    /// All cores that this process may use.
    #[must_use]
    pub fn all(&self) -> Vec<usize> {
        let mut all = [self.measured.as_slice(), self.generator.as_slice()].concat();
        all.dedup();
        all
    }

    /// Whether the generator has a core that nothing measured runs on.
    #[must_use]
    pub fn is_separate(&self) -> bool {
        self.generator != self.measured
    }

    fn divide(mut cores: Vec<usize>) -> Self {
        match cores.pop() {
            Some(last) if !cores.is_empty() => Self { generator: vec![last], measured: cores },
            Some(only) => Self { generator: vec![only], measured: vec![only] },
            None => Self { generator: Vec::new(), measured: Vec::new() },
        }
    }
}

/// Moves the calling thread, and every process it starts from now on, to `cores`.
///
/// # Errors
/// The kernel's, when a core does not exist or may not be used.
pub fn move_this_thread(cores: &[usize]) -> Result<(), Errno> {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::one_core(vec![3], vec![3], vec![3], false)]
    #[case::two_cores(vec![0, 1], vec![1], vec![0], true)]
    #[case::gaps(vec![0, 2, 5], vec![5], vec![0, 2], true)]
    fn the_last_core_goes_to_the_generator(
        #[case] cores: Vec<usize>,
        #[case] generator: Vec<usize>,
        #[case] measured: Vec<usize>,
        #[case] separate: bool,
    ) {
        let placement = Placement::divide(cores);
        assert_eq!(placement, Placement { generator, measured });
        assert_eq!(placement.is_separate(), separate);
    }
}
