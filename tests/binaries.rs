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

use meshbench_core::recording::Recording;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use support::{start, text_of};

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

#[rstest]
#[case::rate_zero(&["--rate", "0", "--url", "http://127.0.0.1:1/"], "rate")]
#[case::no_such_scheme(&["--rate", "1", "--url", "ftp://127.0.0.1:1/"], "ftp")]
#[case::unknown_flag(&["--rats", "1"], "--rats")]
fn the_generator_refuses_what_makes_no_sense(#[case] arguments: &[&str], #[case] expected: &str) {
    let output = Command::new(LOAD).args(arguments).args(["--duration", "1s"]).output().unwrap();
    let text = text_of(&output);
    assert!(output.status.code().is_some_and(|code| code != 0), "{text}");
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

#[test]
fn an_interrupted_generator_keeps_what_it_has() {
    let mut service = Command::new(EMOJIVOTO)
        .args(["web", "--listen-address", "127.0.0.1", "--web-port", "0"])
        .args(["--emojisvc-host", "127.0.0.1:1", "--votingsvc-host", "127.0.0.1:1"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first_line = String::new();
    BufReader::new(service.stderr.take().unwrap()).read_line(&mut first_line).unwrap();
    let address = first_line.split("listening on ").nth(1).unwrap().split([',', '\n']).next().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let result = folder.path().join("result.json");
    let mut command = Command::new(LOAD);
    command.args(["--rate", "200", "--duration", "60s", "--events", "--url", &format!("http://{address}/")]);
    let mut generator = start(command.arg("--output").arg(&result));
    let mut events = BufReader::new(generator.stdout.take().unwrap()).lines();
    let progressed = events.find(|line| line.as_ref().is_ok_and(|line| line.contains("\"progress\"")));
    assert!(progressed.is_some(), "the generator never made progress");
    send(Signal::SIGINT, &generator);
    events.for_each(drop);
    assert_eq!(generator.wait().unwrap().code(), Some(130));
    service.kill().unwrap();
    service.wait().unwrap();

    let recording: Recording = serde_json::from_str(&fs::read_to_string(&result).unwrap()).unwrap();
    assert!(recording.interrupted && recording.successes > 0, "{} successes", recording.successes);
    assert!(recording.window_ns < 60_000_000_000);
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
