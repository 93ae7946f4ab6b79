//! [`Pauser`]: waiting with the kernel's high-resolution timers, because tokio's tick in milliseconds.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;

/// Waits for requests, each on a timer of its own; timers are kept for reuse.
#[derive(Debug, Default)]
pub(super) struct Pauser {
    idle: Mutex<Vec<AsyncFd<Timer>>>,
}

impl Pauser {
    /// Waits for `duration`, which must not be zero: that would disarm the timer for good.
    pub(super) async fn pause(&self, duration: Duration) -> io::Result<()> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let timer = idle.map_or_else(new_timer, Ok)?;
        timer.get_ref().0.set(Expiration::OneShot(duration.into()), TimerSetTimeFlags::empty())?;
        wait(&timer).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(timer);
        Ok(())
    }
}

/// A kernel timer in the form that tokio can watch.
#[derive(Debug)]
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[expect(deprecated, reason = "the replacement is unsafe; a Timer owns its descriptor, as that one demands")]
fn new_timer() -> io::Result<AsyncFd<Timer>> {
    let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
    AsyncFd::new(Timer(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?))
}

async fn wait(timer: &AsyncFd<Timer>) -> io::Result<()> {
    loop {
        let mut ready = timer.readable().await?;
        // An inner error means "not yet expired": the readiness was a leftover and is cleared by now.
        if let Ok(expired) = ready.try_io(|timer| Ok(timer.get_ref().0.wait()?)) {
            return expired;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn a_pause_never_ends_early_and_reuses_its_timer() {
        let pauser = Pauser::default();
        for microseconds in [1, 150, 900, 2_500] {
            let asked = Duration::from_micros(microseconds);
            let start = Instant::now();
            pauser.pause(asked).await.unwrap();
            assert!(start.elapsed() >= asked);
        }
        assert_eq!(pauser.idle.lock().unwrap().len(), 1);
    }
}
