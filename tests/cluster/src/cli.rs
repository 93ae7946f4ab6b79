//! The command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::status::Status;
use crate::up::{AfterFailure, Outcome};
use crate::{artifacts, cache, down, images, inside, istio, network, up};

/// A real Kubernetes of several nodes on this machine, for tests.
///
/// Kubernetes' own components, etcd, containerd and runc, in namespaces without a way to the outside. Needs root.
#[derive(Debug, Parser)]
#[command(name = "meshbench-testcluster", version)]
struct Arguments {
    /// Where everything of the cluster is kept; another folder is another cluster [default: target/testcluster/default]
    #[arg(long, global = true, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring the cluster up, unless it is; builds Kubernetes the first time
    Up {
        /// How many nodes
        #[arg(long, value_name = "COUNT", default_value = "2",
              value_parser = clap::value_parser!(u8).range(1..=i64::from(network::MOST_NODES)))]
        nodes: u8,
        /// Leave a cluster that did not come up as it is, with its logs
        #[arg(long)]
        keep_failed: bool,
    },
    /// Remove the cluster and everything of it, whatever state it is in
    Down,
    /// Show what runs; fails unless everything does
    Status,
    /// Print the path of the administrator's kubeconfig
    Kubeconfig,
    /// Import images into all nodes: archives that `docker save` or `image` wrote
    LoadImage {
        /// The archives
        #[arg(required = true, value_name = "ARCHIVE")]
        archives: Vec<PathBuf>,
    },
    /// Pack our own programs into an image, for `load-image`, `kind load image-archive` and `docker load`
    Image {
        /// The archive to write
        #[arg(long, value_name = "ARCHIVE")]
        output: PathBuf,
        /// The image's name and tag
        #[arg(long, default_value = images::MESHBENCH)]
        name: String,
        /// Where the programs are, as cargo built them [default: where this program is]
        #[arg(long, value_name = "FOLDER")]
        programs: Option<PathBuf>,
    },
    /// Build Kubernetes and what else is needed, unless it is built: what `up` would do first
    Build,
    /// Build Istio and its images, unless they are built, and print their folder: see the README for what is in it
    Istio,
    #[command(subcommand, hide = true)]
    Inside(inside::Role),
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            say_error(&format!("error: {}", error.chain()));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let folder = match arguments.folder {
        Some(folder) => folder,
        None => cache::target_folder()?.join("default"),
    };
    let cluster = Cluster::in_folder(&folder)?;
    match arguments.command {
        Action::Up { nodes, keep_failed } => {
            let after_failure = if keep_failed { AfterFailure::Keep } else { AfterFailure::Remove };
            match up::up(&cluster, nodes, after_failure)? {
                Outcome::WasUp => say_error("the cluster is up already"),
                Outcome::Started(took) => {
                    say_error(&format!("the cluster is up after {:.1} s", took.as_secs_f64()));
                }
            }
            say(&format!("export KUBECONFIG={}", cluster.kubeconfig().display()))?;
        }
        Action::Down => down::down(&cluster)?,
        Action::Status => {
            let status = Status::of(&cluster)?;
            say(&status.to_string())?;
            if !status.is_whole() {
                return Ok(ExitCode::FAILURE);
            }
        }
        Action::Kubeconfig => {
            let path = cluster.kubeconfig();
            if !path.exists() {
                let folder = cluster.folder().display();
                return Err(Error::Unusable(format!("no cluster runs in {folder}: start it with `up`")));
            }
            say(&path.display().to_string())?;
        }
        Action::LoadImage { archives } => images::load(&cluster, &archives)?,
        Action::Image { output, name, programs } => {
            let own = std::env::current_exe().map_err(Error::file("find", "this program"))?;
            let beside = own.parent().unwrap_or(&own).to_owned();
            images::write_programs_image(&programs.unwrap_or(beside), &name, &output)?;
        }
        Action::Build => say(&artifacts::build()?.folder().display().to_string())?,
        Action::Istio => say(&istio::build()?.folder().display().to_string())?,
        Action::Inside(role) => match inside::play(role)? {},
    }
    Ok(ExitCode::SUCCESS)
}

fn say(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").map_err(Error::file("write to", "standard output"))
}

fn say_error(text: &str) {
    // Where standard error is closed, nobody is told.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_cluster_has_at_least_a_node() {
        assert!(Arguments::try_parse_from(["meshbench-testcluster", "up", "--nodes", "0"]).is_err());
        assert!(Arguments::try_parse_from(["meshbench-testcluster", "up"]).is_ok());
    }
}
