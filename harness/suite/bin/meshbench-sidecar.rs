//! The built-in reference sidecar; everything is in the crate `meshbench-sidecar`.

use std::process::ExitCode;

fn main() -> ExitCode {
    meshbench_sidecar::cli::run(std::env::args_os(), &mut std::io::stderr())
}
