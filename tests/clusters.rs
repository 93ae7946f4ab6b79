//! Scenarios on clusters, as far as none is needed: what cases are called, what becomes of them where a cluster is not to be
//! had, and that what was made for a campaign is removed.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use meshbench_core::judge::Verdict;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::{Process, all_processes};
use rstest::rstest;
use support::{Workshop, eventually, eventually_within, small_scenario, start, text_of};

/// A scenario of `bare` with this in its section `kube`.
fn remote(kube: &str) -> Workshop {
    let workshop = Workshop::new();
    workshop.scenario("remote", &scenario(kube));
    workshop
}

/// The same, which looks for a limit.
fn remote_limit(kube: &str) -> Workshop {
    let workshop = Workshop::new();
    let scenario = scenario(kube)
        .replace("rates: [100rps]", "limit: {slo: {p50: 100ms}, from: 100rps, to: 800rps}")
        .replace("budgets:\n  error_share: {at_most: 1%}\n", "");
    workshop.scenario("remote", &scenario);
    workshop
}

fn scenario(kube: &str) -> String {
    let scenario = small_scenario("bare", "1s").replace("provider: local", "provider: kube");
    format!("{scenario}kube:\n  step_limit: 3m\n{kube}")
}

fn names(workshop: &Workshop, contexts: Option<&str>) -> Vec<String> {
    let mut list = workshop.meshbench(&["list"]);
    // A kubeconfig without any context.
    list.env("KUBECONFIG", "/dev/null")
        .env_remove("MESHBENCH_CONTEXT")
        .envs(contexts.map(|named| ("MESHBENCH_CONTEXT", named)));
    let output = list.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let is_case = |line: &&str| line.trim_start().starts_with("remote::");
    text.lines().filter(is_case).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_case_is_called_by_its_cluster_where_there_are_several() {
    let workshop = remote("  contexts: [north, south]\n");
    let case = "remote::bare::100rps::1s";
    assert_eq!(names(&workshop, None), [format!("{case}@north"), format!("{case}@south")]);
    assert_eq!(names(&workshop, Some("east, west,east")), [format!("{case}@east"), format!("{case}@west")]);
    assert_eq!(names(&workshop, Some("east")), [case]);
    assert_eq!(names(&remote(""), None), [format!("{case}  (cannot run here)")]);
    let limits = ["remote::bare::limit::1s@north", "remote::bare::limit::1s@south"];
    assert_eq!(names(&remote_limit("  contexts: [north, south]\n"), None), limits);
}

#[rstest]
#[case::at_a_rate(remote(""), "100rps")]
#[case::for_a_limit(remote_limit(""), "limit")]
fn clusters_that_are_not_to_be_had_fail_their_own_cases(#[case] workshop: Workshop, #[case] load: &str) {
    let mut run = workshop.meshbench(&["run", "remote", "--context", "east", "--context", "west"]);
    let output = run.env("KUBECONFIG", "/dev/null").output().unwrap();
    let text = text_of(&output);
    assert!(!output.status.success(), "{text}");
    let report = workshop.report();
    for (case, context) in report.cases.iter().zip(["east", "west"]) {
        assert_eq!(case.name, format!("remote::bare::{load}::1s@{context}"), "{text}");
        assert_eq!(case.cluster.as_deref(), Some(context), "{text}");
        let Verdict::Error { causes } = &case.verdict else { panic!("{text}") };
        assert!(causes.join("\n").contains(&format!("context {context}")), "{text}");
    }
    assert_eq!((report.cases.len(), report.pooled), (2, None), "{text}");
}

/// Where clusters are folders.
fn made(create: &str) -> (Workshop, PathBuf) {
    let workshop = remote("");
    let place = workshop.temporary().with_file_name("clusters");
    fs::create_dir_all(&place).unwrap();
    let create = create.replace("PLACE", &place.display().to_string());
    let kube = format!(
        "  cluster:\n    create: [sh, -c, \"{create}\"]\n    delete: [rmdir, \"{}/{{name}}\"]\n    context: made\n",
        place.display()
    );
    let scenario = small_scenario("bare", "1s").replace("provider: local", "provider: kube");
    workshop.scenario("remote", &format!("{scenario}kube:\n{kube}"));
    (workshop, place)
}

fn clusters(place: &Path) -> usize {
    fs::read_dir(place).unwrap().count()
}

/// Processes that make or remove clusters for campaigns here.
fn makers(workshop: &Workshop) -> usize {
    let here = fs::canonicalize(workshop.output()).unwrap();
    let is_one = |process: &Process| {
        let environment = process.environ().unwrap_or_default();
        let kubeconfig = environment.get(OsStr::new("KUBECONFIG"));
        environment.contains_key(OsStr::new("MESHBENCH_ERRAND"))
            && kubeconfig.is_some_and(|file| Path::new(file).starts_with(&here))
    };
    all_processes().unwrap().flatten().filter(is_one).count()
}

/// Fails unless nothing of any campaign or cluster is left.
fn assert_nothing_left(workshop: &Workshop, place: &Path, after: &str) {
    assert_eq!((clusters(place), makers(workshop)), (0, 0), "after {after}");
    workshop.assert_clean(after);
}

#[test]
fn a_cluster_that_cannot_be_made_or_reached_is_removed() {
    let (workshop, place) = made("mkdir PLACE/{name}; echo no room for a node; exit 1");
    let output = workshop.meshbench(&["run", "remote"]).output().unwrap();
    let text = text_of(&output);
    assert!(!output.status.success() && text.contains("| no room for a node"), "{text}");
    assert_nothing_left(&workshop, &place, &text);

    let (workshop, place) = made("mkdir PLACE/{name}; echo '{}' > $KUBECONFIG");
    let output = workshop.meshbench(&["run", "remote"]).output().unwrap();
    let text = text_of(&output);
    assert!(!output.status.success() && text.contains("context made"), "{text}");
    assert_nothing_left(&workshop, &place, &text);
}

#[test]
fn a_cluster_is_removed_whatever_signal_ends_its_campaign() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let (workshop, place) = made("mkdir PLACE/{name}; sleep 600");
        let mut campaign = start(&mut workshop.meshbench(&["run", "remote"]));
        eventually("a cluster that is being made", || match clusters(&place) {
            0 => Err("none".to_owned()),
            _ => Ok(()),
        });
        kill(Pid::from_raw(campaign.id() as i32), signal).unwrap();
        campaign.wait().unwrap();
        if signal == Signal::SIGKILL {
            let cleaned = text_of(&workshop.meshbench(&["clean"]).output().unwrap());
            assert!(cleaned.contains("which a killed campaign had made"), "{cleaned}");
        }
        assert_nothing_left(&workshop, &place, signal.as_str());
    }
}

#[test]
fn an_api_server_that_says_nothing_keeps_nobody_from_ending() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let workshop = remote("");
    let kubeconfig = workshop.scenarios().join("silent.kubeconfig");
    let address = silent.local_addr().unwrap();
    let config = format!(
        r#"{{"apiVersion": "v1", "kind": "Config", "users": [],
            "clusters": [{{"name": "silent", "cluster": {{"server": "http://{address}"}}}}],
            "contexts": [{{"name": "silent", "context": {{"cluster": "silent", "user": ""}}}}]}}"#
    );
    fs::write(&kubeconfig, config).unwrap();
    let mut run = workshop.meshbench(&["run", "remote", "--context", "silent"]);
    let mut campaign = start(run.env("KUBECONFIG", &kubeconfig));
    let mut asked = Vec::new();
    eventually("a question to the API server", || {
        asked.push(silent.accept().map_err(|error| error.to_string())?);
        Ok(())
    });
    kill(Pid::from_raw(campaign.id() as i32), Signal::SIGTERM).unwrap();
    // Far less than it would wait for an answer.
    eventually_within(Duration::from_secs(20), "the end of the campaign", || {
        match campaign.try_wait().unwrap() {
            None => Err("it runs".to_owned()),
            Some(_) => Ok(()),
        }
    });
    workshop.assert_clean("SIGTERM");
}
