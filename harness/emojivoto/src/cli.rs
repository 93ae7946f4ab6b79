//! The command line: [`Cli`], with each flag's environment variable named as upstream names it.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tonic::codegen::http::Uri;
use tonic::transport::Endpoint;

use crate::voting::{FailureShare, SeedVotes};

/// The command line of `meshbench-emojivoto`.
#[derive(Debug, Parser)]
#[command(
    name = "meshbench-emojivoto",
    version,
    about = "Emojivoto, the workload that meshbench measures: one role a process",
    long_about = "Emojivoto, the workload that meshbench measures: one role a process.\n\n\
        `web` answers HTTP and asks `emoji` and `voting` over gRPC (emojivoto.v1), so one \
        HTTP request makes a known number of calls through the mesh. Each role can stand \
        beside upstream's own services. SIGTERM or SIGINT stops a role: it takes no new \
        connections, finishes what is in flight within two seconds and exits with 0.",
    after_help = "Example:\n  \
        meshbench-emojivoto emoji  --grpc-port 9001\n  \
        meshbench-emojivoto voting --grpc-port 9002 --seed-votes ':flushed:=2,:policeman:=1'\n  \
        meshbench-emojivoto web    --web-port 9000 --emojisvc-host 127.0.0.1:9001 \
        --votingsvc-host 127.0.0.1:9002\n  \
        curl http://127.0.0.1:9000/api/leaderboard"
)]
pub struct Cli {
    /// The role this process plays.
    #[command(subcommand)]
    pub role: Role,
}

/// What a process does.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// The site and its JSON API, over HTTP/1.1.
    Web(WebOptions),
    /// The emoji there are, over gRPC.
    Emoji(EmojiOptions),
    /// The votes and their counts, over gRPC.
    Voting(VotingOptions),
}

impl Role {
    /// The options every role has.
    #[must_use]
    pub fn common(&self) -> &CommonOptions {
        match self {
            Role::Web(options) => &options.common,
            Role::Emoji(options) => &options.common,
            Role::Voting(options) => &options.common,
        }
    }

    /// The role's name, as on the command line.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Role::Web(_) => "web",
            Role::Emoji(_) => "emoji",
            Role::Voting(_) => "voting",
        }
    }
}

/// Options of `web`.
#[derive(Debug, Args)]
pub struct WebOptions {
    /// Port to answer HTTP on; 0 lets the kernel choose
    #[arg(long, env = "WEB_PORT", value_name = "PORT")]
    pub web_port: u16,
    /// Where the emoji service is
    #[arg(long, env = "EMOJISVC_HOST", value_name = "HOST:PORT")]
    pub emojisvc_host: ServiceHost,
    /// Where the voting service is
    #[arg(long, env = "VOTINGSVC_HOST", value_name = "HOST:PORT")]
    pub votingsvc_host: ServiceHost,
    /// Options every role has.
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Options of `emoji`.
#[derive(Debug, Args)]
pub struct EmojiOptions {
    /// Port to answer gRPC on; 0 lets the kernel choose
    #[arg(long, env = "GRPC_PORT", value_name = "PORT")]
    pub grpc_port: u16,
    /// Options every role has.
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Options of `voting`.
#[derive(Debug, Args)]
pub struct VotingOptions {
    /// Port to answer gRPC on; 0 lets the kernel choose
    #[arg(long, env = "GRPC_PORT", value_name = "PORT")]
    pub grpc_port: u16,
    /// Share of the votes for :doughnut: that fail, from 0 to 1
    ///
    /// Failures are spread evenly, so the share is exact. Other emoji never fail. Upstream's
    /// released images (v11) fail every vote for :doughnut:, its later source fails this share.
    #[arg(long, env = "FAILURE_RATE", value_name = "SHARE", default_value = "1")]
    pub failure_rate: FailureShare,
    /// Wait this long before each vote is counted, for example 20ms
    #[arg(long, env = "ARTIFICIAL_DELAY", value_name = "DURATION", default_value = "0ms",
          value_parser = humantime::parse_duration)]
    pub artificial_delay: Duration,
    /// Votes there are from the start, for example ':flushed:=2,:policeman:=1'
    ///
    /// The leaderboard makes one gRPC call for each emoji that has votes: seed every emoji that
    /// will be voted for, and its cost stays the same from the first request to the last.
    #[arg(long, env = "SEED_VOTES", value_name = "VOTES", default_value = "", hide_default_value = true)]
    pub seed_votes: SeedVotes,
    /// Options every role has.
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Options every role has.
#[derive(Debug, Args)]
pub struct CommonOptions {
    /// Address to listen on, for every port of this process
    #[arg(long, env = "LISTEN_ADDRESS", value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED))]
    pub listen_address: IpAddr,
    /// Port for /metrics and /ready over HTTP; 0 lets the kernel choose; not opened when not given
    #[arg(long, env = "PROM_PORT", value_name = "PORT")]
    pub prom_port: Option<u16>,
    /// Worker threads; one suits many processes on few cores
    #[arg(long, value_name = "COUNT", default_value = "1")]
    pub threads: NonZeroUsize,
}

/// Where a gRPC service is: a host and a port.
#[derive(Debug, Clone)]
pub struct ServiceHost(Uri);

impl ServiceHost {
    /// The endpoint to open a channel to.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::from(self.0.clone())
    }
}

impl FromStr for ServiceHost {
    type Err = ServiceHostError;

    fn from_str(host: &str) -> Result<Self, Self::Err> {
        let uri: Uri = format!("http://{host}").parse().map_err(|_| ServiceHostError)?;
        let is_bare = uri.authority().is_some_and(|authority| authority.as_str() == host);
        if is_bare && uri.port_u16().is_some() { Ok(Self(uri)) } else { Err(ServiceHostError) }
    }
}

/// Why a text is not a [`ServiceHost`].
#[derive(Debug, thiserror::Error)]
#[error("expected a host and a port such as \"emoji-svc:8080\"")]
pub struct ServiceHostError;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[rstest]
    #[case::name("emoji-svc.emojivoto:8080")]
    #[case::address("127.0.0.1:1")]
    #[case::version_6_address("[::1]:8080")]
    fn a_service_host_is_a_host_and_a_port(#[case] host: &str) {
        assert!(host.parse::<ServiceHost>().is_ok());
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_port("emoji-svc")]
    #[case::scheme("http://emoji-svc:8080")]
    #[case::path("emoji-svc:8080/path")]
    #[case::port_too_large("emoji-svc:65536")]
    fn anything_else_is_refused(#[case] host: &str) {
        assert!(host.parse::<ServiceHost>().is_err());
    }

    #[test]
    fn each_role_has_its_own_flags() {
        let role = |arguments: &[&str]| Cli::try_parse_from(arguments).map(|cli| cli.role.name());
        assert_eq!(role(&["meshbench-emojivoto", "emoji", "--grpc-port=0"]).ok(), Some("emoji"));
        assert_eq!(role(&["meshbench-emojivoto", "voting", "--grpc-port=0"]).ok(), Some("voting"));
        assert!(role(&["meshbench-emojivoto", "emoji", "--grpc-port=0", "--seed-votes=:joy:=1"]).is_err());
        assert!(role(&["meshbench-emojivoto", "web", "--web-port=0"]).is_err());
    }
}
