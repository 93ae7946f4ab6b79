//! The main job: every scenario's cases as trials. `cargo test --test meshes -- --help` shows how to choose.

use std::path::Path;
use std::process::ExitCode;

use meshbench::trials::{self, WhenNothingRuns};
use meshbench::{Programs, Settings};

fn main() -> ExitCode {
    let programs = Programs {
        load: env!("CARGO_BIN_EXE_meshbench-load").into(),
        emojivoto: env!("CARGO_BIN_EXE_meshbench-emojivoto").into(),
        sidecar: env!("CARGO_BIN_EXE_meshbench-sidecar").into(),
    };
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    // Cargo's folder for tests lies in the target folder, wherever that is.
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("meshbench");
    let (arguments, gate) = trials::arguments(std::env::args());
    let settings = Settings::from_environment(scenarios, output, programs, gate);
    trials::run(&settings, arguments, WhenNothingRuns::Pass)
}
