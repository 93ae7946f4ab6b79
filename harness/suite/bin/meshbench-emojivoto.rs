//! The workload's binary: see `meshbench_emojivoto`.

use std::process::ExitCode;

fn main() -> ExitCode {
    meshbench_emojivoto::run(std::env::args_os(), &mut std::io::stderr())
}
