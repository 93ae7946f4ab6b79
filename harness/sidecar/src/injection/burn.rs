//! Burning CPU time by the thread's own clock, so that being preempted does not count.

use std::io;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Keeps this thread busy until it has used `cpu_time` more.
pub(super) fn burn_cpu(cpu_time: Duration) -> io::Result<()> {
    let until = thread_cpu_time()? + cpu_time;
    while thread_cpu_time()? < until {
        std::hint::spin_loop();
    }
    Ok(())
}

fn thread_cpu_time() -> io::Result<Duration> {
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_the_asked_cpu_time_is_used() {
        let asked = Duration::from_millis(3);
        let before = thread_cpu_time().unwrap();
        burn_cpu(asked).unwrap();
        assert!(thread_cpu_time().unwrap() - before >= asked);
    }
}
