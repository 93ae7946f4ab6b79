//! Ctrl-C, SIGTERM and a closed terminal: the first signal ends what is running in order, the second at once.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What shells add to a signal's number for the exit code of what it ended.
const ENDED_BY_SIGNAL: u8 = 128;
const SIGHUP: u8 = 1;
const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;

/// Whether, and by which signal, the invocation was interrupted.
#[derive(Debug, Clone)]
pub(crate) struct Interruption {
    token: CancellationToken,
    number: Arc<AtomicU8>,
}

impl Interruption {
    /// Listens for SIGHUP, SIGINT and SIGTERM from now on, whatever the main thread is doing.
    ///
    /// # Errors
    /// The kernel's, when signals cannot be listened for.
    pub(crate) fn listen() -> io::Result<Self> {
        let interruption = Self { token: CancellationToken::new(), number: Arc::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let mut signals = Signals {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        };
        drop(entered);
        let heard = interruption.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let number = runtime.block_on(signals.next());
            heard.number.store(number, Ordering::Release);
            heard.token.cancel();
            let number = runtime.block_on(signals.next());
            // Nobody is left to tell when standard error is closed.
            let _: io::Result<()> = writeln!(
                io::stderr(),
                "\na second signal: ending at once; the next start removes what is left"
            );
            #[expect(
                clippy::disallowed_methods,
                reason = "somebody insists; the kernel ends with this process what it started"
            )]
            std::process::exit(i32::from(ENDED_BY_SIGNAL + number));
        })?;
        Ok(interruption)
    }

    /// Cancelled by the first signal.
    #[must_use]
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// 128 and the signal's number, as shells have it; `None` when no signal came.
    #[must_use]
    pub(crate) fn exit_code(&self) -> Option<ExitCode> {
        match self.number.load(Ordering::Acquire) {
            0 => None,
            number => Some(ExitCode::from(ENDED_BY_SIGNAL + number)),
        }
    }
}

struct Signals {
    hang_up: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// The number of the next one.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.hang_up.recv() => SIGHUP,
            _ = self.interrupt.recv() => SIGINT,
            _ = self.terminate.recv() => SIGTERM,
        }
    }
}
