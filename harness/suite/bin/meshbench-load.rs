//! The load generator; everything is in the crate `meshbench-load`.

use std::process::ExitCode;

fn main() -> ExitCode {
    meshbench_load::cli::main()
}
