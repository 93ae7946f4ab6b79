//! The whole program: [`run`].

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::{Cli, Role};
use crate::role::{RoleError, start};

/// Plays the role that `arguments` name, the program's name first, until SIGTERM or SIGINT. Writes
/// to `log` one line when it serves, and one if it fails; nothing about requests.
pub fn run<Arguments>(arguments: Arguments, log: &mut impl Write) -> ExitCode
where
    Arguments: IntoIterator<Item: Into<OsString> + Clone>,
{
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => return show_usage(&usage),
    };
    match play(&cli.role, log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where the log itself cannot be written to, the exit code still tells.
            let _ = writeln!(log, "{}: {}", cli.role.name(), with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

/// Help goes to standard output and exits with 0, a mistake to standard error with 2.
fn show_usage(usage: &clap::Error) -> ExitCode {
    match usage.print() {
        Ok(()) => u8::try_from(usage.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(_closed) => ExitCode::FAILURE,
    }
}

fn play(role: &Role, log: &mut impl Write) -> Result<(), RunError> {
    let runtime = runtime(role).map_err(RunError::Runtime)?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        cancel_on_signal(&stop).map_err(RunError::Signals)?;
        let running = start(role, &stop).await?;
        let _ = match running.metrics_address() {
            Some(metrics) => {
                writeln!(log, "{}: listening on {}, metrics on {metrics}", role.name(), running.address())
            }
            None => writeln!(log, "{}: listening on {}", role.name(), running.address()),
        };
        running.stopped().await?;
        Ok(())
    })
}

fn runtime(role: &Role) -> io::Result<Runtime> {
    match role.common().threads.get() {
        1 => Builder::new_current_thread().enable_all().build(),
        threads => Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
    }
}

/// Takes both signals over before any port is open, so that none is missed once one can connect.
fn cancel_on_signal(stop: &CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    Ok(())
}

fn with_causes(error: &dyn Error) -> String {
    std::iter::successors(error.source(), |cause| (*cause).source())
        .fold(error.to_string(), |message, cause| format!("{message}: {cause}"))
}

/// Why the program ended early.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("cannot start the async runtime; is this process out of file descriptors or threads?")]
    Runtime(#[source] io::Error),
    #[error("cannot take over SIGTERM and SIGINT")]
    Signals(#[source] io::Error),
    #[error(transparent)]
    Role(#[from] RoleError),
}
