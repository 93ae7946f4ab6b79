//! The command line of meshbench.

use std::process::ExitCode;

fn main() -> ExitCode {
    meshbench::cli::main()
}
