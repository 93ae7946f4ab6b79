//! [`run`]: the command line of `meshbench-sidecar`, from arguments to exit code.

use std::ffi::OsString;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::config::SidecarConfig;
use crate::error::{SidecarError, chain};
use crate::sidecar::Sidecar;

/// A transparent pair proxy with mutual TLS at a known cost: meshbench's reference mesh.
#[derive(Debug, Parser)]
#[command(name = "meshbench-sidecar", version)]
struct Arguments {
    /// Configuration file (JSON): identity, certificates, ports, peers, injections.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// Threads that carry traffic.
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,
}

/// Runs a sidecar until SIGTERM or SIGINT; what went wrong is written to `errors`.
pub fn run(arguments: impl IntoIterator<Item = OsString>, errors: &mut dyn Write) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(help_or_error) => {
            // Nothing is left to do if the terminal is gone.
            let _ = help_or_error.print();
            return if help_or_error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    log_if_asked();
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(errors, "meshbench-sidecar: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments) -> Result<(), SidecarError> {
    let config = SidecarConfig::read(&arguments.config)?;
    let runtime = runtime(arguments.threads).map_err(SidecarError::Runtime)?;
    runtime.block_on(async {
        // Before the ports open, so that whoever sees one open may already send a signal.
        let signals = Signals::catch().map_err(SidecarError::Runtime)?;
        let sidecar = Sidecar::bind(config).await?;
        let stop = CancellationToken::new();
        tokio::spawn(signals.cancel(stop.clone()));
        sidecar.serve(stop).await;
        Ok(())
    })
}

fn runtime(threads: NonZeroUsize) -> io::Result<Runtime> {
    match threads.get() {
        1 => Builder::new_current_thread().enable_all().build(),
        several => Builder::new_multi_thread().worker_threads(several).enable_all().build(),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn cancel(mut self, stop: CancellationToken) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        stop.cancel();
    }
}

/// Diagnostics cost time on the data path, so they are off unless `RUST_LOG` is set.
fn log_if_asked() {
    if let Ok(filter) = EnvFilter::try_from_default_env() {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    }
}
