//! The test cluster's command line; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    meshbench_testcluster::cli::main()
}
