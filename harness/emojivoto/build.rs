//! Compiles the two contracts under `proto/` without `protoc`.

use std::path::PathBuf;
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let emoji = protox::compile(["Emoji.proto"], ["proto"])?;
    let voting = protox::compile(["Voting.proto"], ["proto"])?;

    let builder = tonic_prost_build::configure;
    builder().out_dir(folder("emoji")?).compile_fds(emoji)?;
    // The crate serves and calls the hundred vote methods from one table, so it
    // needs the messages alone ...
    builder()
        .build_client(false)
        .build_server(false)
        .out_dir(folder("voting")?)
        .compile_fds(voting.clone())?;
    // ... and its tests prove that table against the client of the full contract.
    builder().build_server(false).out_dir(folder("voting_client")?).compile_fds(voting)?;
    Ok(())
}

/// A folder of its own for each output, because all share one file name: the package's.
fn folder(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = PathBuf::from(env::var("OUT_DIR")?).join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
