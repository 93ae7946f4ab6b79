//! The programs as a person meets them: help, refusals, exit codes, signals.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshbench_core::recording::Recording;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use support::{eventually, start, text_of};

const EMOJIVOTO: &str = env!("CARGO_BIN_EXE_meshbench-emojivoto");
const LOAD: &str = env!("CARGO_BIN_EXE_meshbench-load");
const MESHBENCH: &str = env!("CARGO_BIN_EXE_meshbench");
const SIDECAR: &str = env!("CARGO_BIN_EXE_meshbench-sidecar");

fn send(signal: Signal, child: &Child) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[rstest]
#[case::meshbench(MESHBENCH, &[])]
#[case::meshbench_run(MESHBENCH, &["run"])]
#[case::meshbench_limit(MESHBENCH, &["limit"])]
#[case::meshbench_calibrate(MESHBENCH, &["calibrate"])]
#[case::load(LOAD, &[])]
#[case::emojivoto(EMOJIVOTO, &[])]
#[case::emojivoto_voting(EMOJIVOTO, &["voting"])]
#[case::sidecar(SIDECAR, &[])]
fn help_reads_well(#[case] program: &str, #[case] command: &[&str]) {
    let output = Command::new(program)
        .args(command)
        .arg("--help")
        .env("COLUMNS", "100")
        .env_remove("MESHBENCH_SCENARIOS")
        .env_remove("MESHBENCH_OUTPUT")
        .env_remove("MESHBENCH_STRICT")
        .env_remove("MESHBENCH_TEXTFILE")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
    let name = program.rsplit('/').next().unwrap();
    let name = [&[name], command, &["help"]].concat().join("-");
    insta::with_settings!({ snapshot_path => "../snapshots/help", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, String::from_utf8(output.stdout).unwrap());
    });
}

#[rstest]
#[case::web("web", &["--web-port", "0", "--emojisvc-host", "127.0.0.1:1", "--votingsvc-host", "127.0.0.1:1"])]
#[case::emoji("emoji", &["--grpc-port", "0"])]
#[case::voting("voting", &["--grpc-port", "0"])]
fn a_service_ends_in_order_when_it_is_told_to(
    #[case] role: &str,
    #[case] arguments: &[&str],
    #[values(Signal::SIGINT, Signal::SIGTERM)] signal: Signal,
) {
    let mut command = Command::new(EMOJIVOTO);
    command.arg(role).args(arguments).args(["--listen-address", "127.0.0.1", "--prom-port", "0"]);
    let mut service = start(&mut command);
    let mut errors = BufReader::new(service.stderr.take().unwrap());
    let mut first_line = String::new();
    errors.read_line(&mut first_line).unwrap();
    assert!(first_line.contains("listening on 127.0.0.1:"), "{first_line}");
    send(signal, &service);
    assert_eq!(service.wait().unwrap().code(), Some(0), "{role} after {signal}");
}

#[test]
fn a_service_names_the_port_that_is_taken() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    let output = Command::new(EMOJIVOTO)
        .args(["emoji", "--listen-address", "127.0.0.1", "--grpc-port", &address.port().to_string()])
        .output()
        .unwrap();
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("cannot listen on {address} (GRPC_PORT)")), "{text}");
}

/// Wrong usage is told from what went wrong: 2 and 1, as shells and scripts expect.
#[rstest]
#[case::rate_zero(&["--rate", "0", "--url", "http://127.0.0.1:1/"], 2, "\"0rps\" is zero")]
#[case::unknown_flag(&["--rats", "1"], 2, "--rats")]
#[case::no_url(&["--rate", "1"], 2, "--url")]
#[case::shard_without_start(&["--rate", "1", "--url", "http://127.0.0.1:1/", "--shard", "1/2"], 2, "--start-at")]
#[case::no_such_scheme(&["--rate", "1", "--url", "ftp://127.0.0.1:1/"], 1, "`ftp`")]
#[case::no_such_host(&["--rate", "1", "--url", "http://no-such-host.invalid/"], 1, "check the spelling")]
#[case::start_is_over(&["--rate", "1", "--url", "http://127.0.0.1:1/", "--start-at", "1"], 1, "give a later one")]
#[case::no_such_folder(&["--rate", "1", "--url", "http://127.0.0.1:1/", "--hgrm", "no-such-folder/a.hgrm"], 1, "does the folder exist")]
fn the_generator_refuses_what_makes_no_sense(
    #[case] arguments: &[&str],
    #[case] code: i32,
    #[case] expected: &str,
) {
    let output = Command::new(LOAD).args(arguments).args(["--duration", "1s"]).output().unwrap();
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(output.stdout.is_empty() && text.contains(expected), "{text}");
}

#[test]
fn the_generator_names_a_server_that_refuses() {
    let unused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let url = format!("http://{unused}/");
    let output =
        Command::new(LOAD).args(["--rate", "10", "--duration", "1s", "--url", &url]).output().unwrap();
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&unused.to_string()) && text.contains("refused"), "{text}");
}

/// A workload's web service without the services behind it: it answers what needs none.
struct Web {
    process: Child,
    url: String,
}

impl Web {
    fn start() -> Self {
        let mut process = Command::new(EMOJIVOTO)
            .args(["web", "--listen-address", "127.0.0.1", "--web-port", "0"])
            .args(["--emojisvc-host", "127.0.0.1:1", "--votingsvc-host", "127.0.0.1:1"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first_line = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut first_line).unwrap();
        let address = first_line.split("listening on ").nth(1).unwrap().split([',', '\n']).next().unwrap();
        Self { url: format!("http://{address}/"), process }
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_generator_makes_grpc_calls() {
    let mut service = Command::new(EMOJIVOTO)
        .args(["emoji", "--listen-address", "127.0.0.1", "--grpc-port", "0"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first_line = String::new();
    BufReader::new(service.stderr.take().unwrap()).read_line(&mut first_line).unwrap();
    let address = first_line.split("listening on ").nth(1).unwrap().split([',', '\n']).next().unwrap();
    let result = tempfile::NamedTempFile::new().unwrap();
    let call = |method: &str| {
        let url = format!("http://{address}/emojivoto.v1.EmojiService/{method}");
        let mut command = Command::new(LOAD);
        command.args(["--protocol", "grpc", "--rate", "50", "--duration", "1s", "--url", &url, "--output"]);
        let output = command.arg(result.path()).output().unwrap();
        assert!(output.status.success(), "{}", text_of(&output));
        Recording::from_json(&fs::read_to_string(result.path()).unwrap()).unwrap()
    };
    let listed = call("ListAll");
    assert_eq!((listed.requests, listed.successes), (50, 50), "{:?}", listed.errors);
    let unknown = call("NoSuchMethod");
    assert_eq!((unknown.requests, unknown.successes), (50, 0));
    let kinds: Vec<_> = unknown.errors.keys().map(|kind| kind.name()).collect();
    assert_eq!(kinds, ["grpc_unimplemented"]);
    service.kill().unwrap();
    service.wait().unwrap();
}

#[test]
fn an_interrupted_generator_keeps_what_it_has() {
    let web = Web::start();
    let folder = tempfile::tempdir().unwrap();
    let [result, log, distribution] = ["json", "hlog", "hgrm"].map(|kind| folder.path().join(kind));
    let mut command = Command::new(LOAD);
    command.args(["--rate", "200", "--duration", "60s", "--events", "--url", &web.url]);
    command.arg("--output").arg(&result).arg("--hlog").arg(&log).arg("--hgrm").arg(&distribution);
    let mut generator = start(&mut command);
    let mut events = BufReader::new(generator.stdout.take().unwrap()).lines();
    let progressed = events.find(|line| line.as_ref().is_ok_and(|line| line.contains("\"progress\"")));
    assert!(progressed.is_some(), "the generator never made progress");
    send(Signal::SIGINT, &generator);
    events.for_each(drop);
    assert_eq!(generator.wait().unwrap().code(), Some(130));

    let recording = Recording::from_json(&fs::read_to_string(&result).unwrap()).unwrap();
    assert!(recording.interrupted && recording.successes > 0, "{} successes", recording.successes);
    assert!(recording.window_ns < 60_000_000_000);
    let log = fs::read_to_string(log).unwrap();
    assert!(log.lines().any(|line| line.starts_with("Tag=success,0.000,1.000,")), "{log}");
    let distribution = fs::read_to_string(distribution).unwrap();
    assert!(
        distribution.contains(&format!("Total count    = {:12}]", recording.successes)),
        "{distribution}"
    );
}

#[test]
fn a_generator_that_waits_for_its_start_ends_when_it_is_told_to() {
    let web = Web::start();
    let mut command = Command::new(LOAD);
    command.args([
        "--rate",
        "9",
        "--duration",
        "9s",
        "--start-at",
        "2200-01-01T00:00:00Z",
        "--url",
        &web.url,
    ]);
    let generator = start(command.stderr(Stdio::piped()));
    // Signals are caught from before the first connection on.
    eventually("the generator to be connected", || {
        let files =
            fs::read_dir(format!("/proc/{}/fd", generator.id())).map_err(|error| error.to_string())?;
        let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        let sockets = links.filter(|link| link.to_string_lossy().starts_with("socket:")).count();
        if sockets >= 16 { Ok(()) } else { Err(format!("{sockets} sockets are open")) }
    });
    send(Signal::SIGINT, &generator);
    let output = generator.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text_of(&output));
}

#[test]
fn shards_are_merged_into_one_recording_and_nothing_else_is() {
    let web = Web::start();
    let folder = tempfile::tempdir().unwrap();
    let start_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(10);
    let path = |name: &str| folder.path().join(name);
    let shard = |shard: &str, file: &str| {
        let mut command = Command::new(LOAD);
        command.args(["--rate", "201", "--duration", "1s", "--url", &web.url, "--shard", shard]);
        command.args(["--start-at", &start_at.as_nanos().to_string()]).arg("--output").arg(path(file));
        start(&mut command)
    };
    let generators = [shard("1/2", "1.json"), shard("2/2", "2.json")];
    for mut generator in generators {
        assert_eq!(generator.wait().unwrap().code(), Some(0));
    }
    let merge = |files: &[&str]| {
        Command::new(MESHBENCH).arg("merge").args(files.iter().map(|file| path(file))).output().unwrap()
    };

    let merged = merge(&["1.json", "2.json"]);
    assert_eq!(merged.status.code(), Some(0), "{}", text_of(&merged));
    let merged = Recording::from_json(&String::from_utf8(merged.stdout).unwrap()).unwrap();
    let parts = ["1.json", "2.json"]
        .map(|file| Recording::from_json(&fs::read_to_string(path(file)).unwrap()).unwrap());
    assert_eq!((merged.requests, merged.offered_rate), (201, Some(201.0)));
    assert_eq!(merged.successes, parts[0].successes + parts[1].successes);
    assert_eq!(merged.latency_ns.count(), merged.successes);

    fs::write(path("old.json"), r#"{"version":1}"#).unwrap();
    fs::write(path("no.json"), "[]").unwrap();
    for (files, expected) in [
        (["1.json", "1.json"], "are both shard 1/2"),
        (["1.json", "old.json"], "old.json: `version` is 1"),
        (["1.json", "no.json"], "no.json: it is not a recording"),
        (["1.json", "gone.json"], "cannot read"),
    ] {
        let refused = merge(&files);
        assert_eq!(refused.status.code(), Some(1), "{files:?}");
        assert!(refused.stdout.is_empty() && text_of(&refused).contains(expected), "{}", text_of(&refused));
    }
}

#[test]
fn the_sidecar_names_the_field_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sidecar.json");
    fs::write(&config, r#"{"identiti": "spiffe://meshbench.local/ns/a/sa/b"}"#).unwrap();
    let output = Command::new(SIDECAR).arg("--config").arg(&config).output().unwrap();
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("sidecar.json") && text.contains("identiti"), "{text}");
}
