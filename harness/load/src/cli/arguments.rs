//! What can be said on the command line: [`Arguments`].

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use clap::{Parser, ValueEnum};
use meshbench_core::load_plan::{
    ClientIdentity, DEFAULT_STREAMS, LOAD_PLAN_VERSION, LoadPlanSettings, PlannedRate, Protocol,
    RequestHeader, ShardOfPlan, TlsSettings,
};
use meshbench_core::node_traces::NodeMarks;
use meshbench_core::schedule::Arrivals;
use meshbench_core::units::{OfferedRate, Span, TextError};

use super::CommandError;
use super::url;

const DEFAULT_CONNECTIONS: u32 = 16;

const LOAD: &str = "Load";
const REQUEST: &str = "Requests";
const TLS: &str = "TLS";
const CLIENT: &str = "This generator";
const TOGETHER: &str = "Several generators as one";
const RESULTS: &str = "Results";

const AFTER_HELP: &str = "\
Examples:
  1,000 requests per second for a minute, measured after 5 s of warm-up:
    meshbench-load --url http://127.0.0.1:8080/ --rate 1000 --duration 1m --warmup 5s
  As many as two servers can answer:
    meshbench-load --url http://a:8080/ --url http://b:8080/ --rate max --duration 30s
  From 100 to 2,000 per second within ten minutes, sent as independent users would:
    meshbench-load --url http://a:8080/ --rate 100 --ramp-to 2000 --arrivals poisson --duration 10m
  Unary gRPC calls with an empty message:
    meshbench-load --url http://a:8080/emojivoto.v1.EmojiService/ListAll --protocol grpc --rate 100 --duration 1m
  Half of 100,000 per second, the other half from another machine as 2/2:
    meshbench-load --url http://a:8080/ --rate 100000 --duration 1m --threads 2 \\
      --start-at 2026-01-31T12:00:00Z --shard 1/2 --output 1.json
    meshbench merge 1.json 2.json > both.json

Exit codes: 0 done, valid or not (the verdict says which); 1 failed; 2 wrong usage; 130 interrupted.";

/// Sends HTTP/1.1, HTTP/2 or gRPC requests at a constant rate and measures each from when it was due.
///
/// Open loop: a server that stalls does not slow the load down, and the wait it causes is in every latency. Requests take
/// turns over all URLs, evenly. Results are printed, and kept with --output, --hlog and --hgrm. Ctrl-C ends the run early
/// and keeps what it has.
#[derive(Debug, Parser)]
#[command(name = "meshbench-load", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// What to send requests to, such as `http://127.0.0.1:8080/path`; give it several times for several
    #[arg(long = "url", value_name = "URL", required_unless_present_any = ["plan", "attended", "look_at_node"], conflicts_with = "plan", help_heading = LOAD)]
    urls: Vec<String>,

    /// Requests per second in all, or `max` to send as fast as answers come
    #[arg(long, value_name = "N|max", value_parser = rate, allow_negative_numbers = true, required_unless_present_any = ["plan", "attended", "look_at_node"], conflicts_with = "plan", help_heading = LOAD)]
    rate: Option<PlannedRate>,

    /// Change the rate linearly while measuring, to end with this one; the warm-up keeps to --rate
    #[arg(long, value_name = "N", value_parser = offered_rate, allow_negative_numbers = true, conflicts_with = "plan", help_heading = LOAD)]
    ramp_to: Option<OfferedRate>,

    /// How requests follow each other: `constant` for even gaps, `poisson` for those of independent users
    #[arg(long, value_name = "KIND", default_value_t, conflicts_with = "plan", help_heading = LOAD)]
    arrivals: Arrivals,

    /// How long to measure, such as 10s or 5m
    #[arg(long, value_name = "TIME", required_unless_present_any = ["plan", "attended", "look_at_node"], conflicts_with = "plan", help_heading = LOAD)]
    duration: Option<Span>,

    /// The method of every request [default: GET, or POST where there is a body]
    #[arg(long, value_name = "METHOD", conflicts_with = "plan", help_heading = REQUEST)]
    method: Option<String>,

    /// A header of every request; may be given several times. The recording keeps the plan, but leaves out bodies and the
    /// values of headers whose names hold assertion, auth, client-cert, cookie, credential, csrf, jwt, key, passwd, password,
    /// secret, session, signature, token or xsrf; URLs it keeps whole
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header, conflicts_with = "plan", help_heading = REQUEST)]
    headers: Vec<RequestHeader>,

    /// A file with the body of every request; with gRPC, its message in protobuf
    #[arg(long, value_name = "FILE", conflicts_with = "plan", help_heading = REQUEST)]
    body: Option<PathBuf>,

    /// What to speak with the servers
    #[arg(long, value_enum, value_name = "PROTOCOL", default_value_t = SpokenProtocol::H1, conflicts_with = "plan", help_heading = REQUEST)]
    protocol: SpokenProtocol,

    /// The most requests at once on a connection of HTTP/2
    #[arg(long, value_name = "N", default_value_t = DEFAULT_STREAMS, conflicts_with = "plan", help_heading = CLIENT)]
    streams: u32,

    /// PEM file with the CA that signed the certificates of https:// servers
    #[arg(long, value_name = "FILE", conflicts_with = "plan", help_heading = TLS)]
    cacert: Option<PathBuf>,

    /// PEM file with the certificate to show servers that ask for one (mutual TLS)
    #[arg(long, value_name = "FILE", requires_all = ["key", "cacert"], conflicts_with = "plan", help_heading = TLS)]
    cert: Option<PathBuf>,

    /// PEM file with the private key of --cert
    #[arg(long, value_name = "FILE", requires = "cert", conflicts_with = "plan", help_heading = TLS)]
    key: Option<PathBuf>,

    /// The name that servers' certificates must have [default: the host of the URL]
    #[arg(long, value_name = "NAME", requires = "cacert", conflicts_with = "plan", help_heading = TLS)]
    server_name: Option<String>,

    /// Kept-alive connections in all, spread evenly over the servers [default: 16, or one for each server and thread]
    #[arg(long, value_name = "N", conflicts_with = "plan", help_heading = CLIENT)]
    connections: Option<u32>,

    /// Open more connections when requests have to wait for one, up to this many in all, as a crowd of new clients would
    #[arg(long, value_name = "N", conflicts_with = "plan", help_heading = CLIENT)]
    max_connections: Option<u32>,

    /// Threads that send
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "plan", help_heading = CLIENT)]
    threads: u32,

    /// How long to send the same load before measuring
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration, conflicts_with = "plan", help_heading = LOAD)]
    warmup: Duration,

    /// When a request has failed, counted from when it was due
    #[arg(long, value_name = "TIME", default_value = "5s", conflicts_with = "plan", help_heading = CLIENT)]
    timeout: Span,

    /// Stop sleeping this long before a request is due and watch the clock instead, such as 50us; takes a core of its own
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration, conflicts_with = "plan", help_heading = CLIENT)]
    spin: Duration,

    /// Decides the order in which URLs take turns, and when Poisson arrivals come
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "plan", help_heading = LOAD)]
    seed: u64,

    /// When to start, warm-up first: a UTC time such as 2026-01-31T12:00:00Z, or nanoseconds since 1970
    #[arg(long, value_name = "TIME", value_parser = unix_ns, conflicts_with = "plan", help_heading = TOGETHER)]
    start_at: Option<u64>,

    /// Send one of several interleaved shares of the load, such as 1/4; run all four with the same other flags, and put
    /// their outputs together with `meshbench merge`
    #[arg(long, value_name = "I/N", default_value_t = ShardOfPlan::WHOLE, requires = "start_at", conflicts_with = "plan", help_heading = TOGETHER)]
    shard: ShardOfPlan,

    /// Read all of this from a load plan in JSON instead
    #[arg(long, value_name = "FILE", help_heading = LOAD)]
    pub(crate) plan: Option<PathBuf>,

    /// Wait for a plan on standard input and hand the recording over on standard output, both as lines of JSON: for a
    /// program that runs this one elsewhere, as in a pod
    #[arg(long, exclusive = true, help_heading = TOGETHER)]
    pub(crate) attended: bool,

    /// Send nothing, and print as JSON what a mesh's agents have changed on the node of this pod, which has the node's file
    /// system at /host; for meshbench itself
    #[arg(long, value_name = "MARKS", value_parser = node_marks, exclusive = true, hide = true)]
    pub(crate) look_at_node: Option<NodeMarks>,

    /// Write the recording as JSON
    #[arg(long, value_name = "FILE", help_heading = RESULTS)]
    pub(crate) output: Option<PathBuf>,

    /// Write a histogram a second as an HDR interval log
    #[arg(long, value_name = "FILE", help_heading = RESULTS)]
    pub(crate) hlog: Option<PathBuf>,

    /// Write the distribution of latencies over percentiles, for HdrHistogram's plotters
    #[arg(long, value_name = "FILE", help_heading = RESULTS)]
    pub(crate) hgrm: Option<PathBuf>,

    /// Print what happens as lines of JSON while it happens, instead of a summary at the end
    #[arg(long, help_heading = RESULTS)]
    pub(crate) events: bool,
}

/// What `--protocol` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SpokenProtocol {
    /// HTTP/1.1
    H1,
    /// HTTP/2: with http:// servers by prior knowledge, with https:// servers as agreed by ALPN
    #[value(alias = "h2")]
    H2c,
    /// Unary gRPC calls: a URL's path is /package.Service/Method
    Grpc,
}

impl From<SpokenProtocol> for Protocol {
    fn from(spoken: SpokenProtocol) -> Self {
        match spoken {
            SpokenProtocol::H1 => Self::Http1,
            SpokenProtocol::H2c => Self::Http2,
            SpokenProtocol::Grpc => Self::Grpc,
        }
    }
}

impl Arguments {
    /// The plan that the flags describe.
    pub(crate) fn settings(&self) -> Result<LoadPlanSettings, CommandError> {
        let tls = self.tls();
        let mut targets = url::targets(&self.urls, tls.as_ref())?;
        let body = self.body.as_deref().map(read_body).transpose()?.unwrap_or_default();
        let default_method = if body.is_empty() { "GET" } else { "POST" };
        for request in targets.iter_mut().flat_map(|target| &mut target.requests) {
            request.method = self.method.as_deref().unwrap_or(default_method).to_owned();
            request.headers.clone_from(&self.headers);
            request.body.clone_from(&body);
        }
        let one_each = (targets.len() as u32).saturating_mul(self.threads);
        Ok(LoadPlanSettings {
            version: LOAD_PLAN_VERSION,
            connections: self.connections.unwrap_or(DEFAULT_CONNECTIONS.max(one_each)),
            targets,
            // Both are there, or clap had refused.
            rate: self.rate.unwrap_or(PlannedRate::Max),
            duration: self.duration.map(Duration::from).unwrap_or_default(),
            warm_up: self.warmup,
            timeout: self.timeout.into(),
            // Long enough that every request is answered or times out.
            drain: self.timeout.into(),
            max_connections: self.max_connections,
            protocol: self.protocol.into(),
            streams: self.streams,
            threads: self.threads,
            spin: self.spin,
            seed: self.seed,
            ramp_to: self.ramp_to,
            arrivals: self.arrivals,
            start_at_unix_ns: self.start_at,
            shard: self.shard,
        })
    }
}

impl Arguments {
    fn tls(&self) -> Option<TlsSettings> {
        let (certificate_file, key_file) = (self.cert.clone(), self.key.clone());
        Some(TlsSettings {
            ca_file: self.cacert.clone()?,
            client: certificate_file
                .zip(key_file)
                .map(|(certificate_file, key_file)| ClientIdentity { certificate_file, key_file }),
            server_name: self.server_name.clone(),
        })
    }
}

fn read_body(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|source| CommandError::ReadBody { path: path.to_owned(), source })
}

/// A header as written in a request's head.
fn header(text: &str) -> Result<RequestHeader, String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| "expected a header such as \"accept: text/html\"".to_owned())?;
    Ok(RequestHeader { name: name.to_owned(), value: value.trim().to_owned() })
}

/// What to look for on a node, in JSON.
fn node_marks(text: &str) -> Result<NodeMarks, serde_json::Error> {
    serde_json::from_str(text)
}

/// A rate or `max`; on the command line the unit goes without saying.
fn rate(text: &str) -> Result<PlannedRate, TextError> {
    with_unit(text).parse()
}

fn offered_rate(text: &str) -> Result<OfferedRate, TextError> {
    with_unit(text).parse()
}

fn with_unit(text: &str) -> String {
    let is_bare = text.ends_with(|last: char| last.is_ascii_digit());
    if is_bare { format!("{text}rps") } else { text.to_owned() }
}

/// An instant, in nanoseconds since 1970-01-01 UTC.
fn unix_ns(text: &str) -> Result<u64, String> {
    if let Ok(ns) = text.parse() {
        return Ok(ns);
    }
    let instant =
        humantime::parse_rfc3339(text).ok().and_then(|instant| instant.duration_since(UNIX_EPOCH).ok());
    instant.and_then(|since_epoch| u64::try_from(since_epoch.as_nanos()).ok()).ok_or_else(|| {
        format!("\"{text}\" is not a time; expected one such as \"2026-01-31T12:00:00Z\", or nanoseconds since 1970")
    })
}
