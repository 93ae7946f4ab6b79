//! What the suites that test the suite share: a scenarios folder and an output
//! folder of their own, and `meshbench` run on them as a user would.

#![allow(dead_code, reason = "each suite uses its own part")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use meshbench_core::judge::{Gate, Verdict};
use procfs::process::{Process, all_processes};
use tempfile::TempDir;

/// The variable that marks a campaign's processes.
const CAMPAIGN_VARIABLE: &str = "MESHBENCH_CAMPAIGN";

/// A place to run in: scenarios, meshes and results, removed in the end.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// The shipped meshes and no scenario.
    pub(crate) fn new() -> Self {
        // On the disk of the shared cache, so that provisioned proxies can be moved into it.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/meshes");
        copy_folder(&shipped, &folder.path().join("scenarios/meshes"));
        // Proxies provisioned for the main job serve here too.
        let cache = shared_cache();
        fs::create_dir_all(&cache).unwrap();
        fs::create_dir_all(folder.path().join("output")).unwrap();
        fs::create_dir_all(folder.path().join("temporary")).unwrap();
        std::os::unix::fs::symlink(cache, folder.path().join("output/.cache")).unwrap();
        Self { folder }
    }

    pub(crate) fn scenarios(&self) -> PathBuf {
        self.folder.path().join("scenarios")
    }

    /// Where baselines and histories are.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.folder.path().join("snapshots")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    /// Where programs started here leave temporary files, if they do.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    /// Writes a scenario file.
    pub(crate) fn scenario(&self, name: &str, text: &str) {
        fs::write(self.scenarios().join(format!("{name}.yaml")), text).unwrap();
    }

    /// A copy of a mesh under another name, with one of its files changed.
    pub(crate) fn mesh(&self, from: &str, name: &str, file: &str, change: impl Fn(&str) -> String) {
        let meshes = self.scenarios().join("meshes");
        copy_folder(&meshes.join(from), &meshes.join(name));
        let path = meshes.join(name).join(file);
        let (before, after) = {
            let text = fs::read_to_string(&path).unwrap();
            (text.clone(), change(&text))
        };
        assert_ne!(before, after, "the change to {file} of {from} changed nothing");
        fs::write(path, after).unwrap();
    }

    /// `meshbench` with this place's folders.
    pub(crate) fn meshbench(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meshbench"));
        command
            .args(arguments)
            .env("MESHBENCH_SCENARIOS", self.scenarios())
            .env("MESHBENCH_OUTPUT", self.output())
            .env("TMPDIR", self.temporary())
            .env_remove("MESHBENCH_STRICT")
            .env_remove("MESHBENCH_REQUIRE_BASELINE")
            .env_remove("MESHBENCH_TEXTFILE")
            .env_remove("MESHBENCH_RECORD_HISTORY")
            .env_remove("GITHUB_STEP_SUMMARY")
            // As at somebody's desk, wherever this is tested.
            .env_remove("CI")
            .env_remove("TF_BUILD")
            .env_remove("INSTA_UPDATE")
            .stdin(Stdio::null());
        command
    }

    /// The newest campaign's folder.
    pub(crate) fn campaign(&self) -> PathBuf {
        let mut folders: Vec<_> = fs::read_dir(self.output())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
            .collect();
        folders.sort();
        folders.pop().expect("no campaign left a folder")
    }

    /// The newest campaign's report.
    pub(crate) fn report(&self) -> meshbench_core::report::Report {
        let text = fs::read_to_string(self.campaign().join("report.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The newest campaign's report: every selected case was measured, nothing went wrong, and the exit code is what the verdicts
    /// come to. A machine busy with something else may leave a case without a verdict, or short of the offered rate.
    pub(crate) fn measured(&self, output: &Output) -> meshbench_core::report::Report {
        let report = self.report();
        let selected = || report.cases.iter().filter(|case| case.selected);
        for case in selected() {
            let is_fine = match &case.verdict {
                Verdict::Error { .. } | Verdict::Regressed { .. } | Verdict::NotRun { .. } => false,
                Verdict::Fail { breaches } => breaches.iter().all(|breach| breach.contains("kept the rate")),
                _ => true,
            };
            assert!(is_fine && !case.runs.is_empty(), "{:?}: {}", case.verdict, text_of(output));
        }
        let fails = selected().any(|case| Gate::default().fails(&case.verdict));
        assert_eq!(output.status.success(), !fails, "{}", text_of(output));
        report
    }

    /// Ids of campaigns that still have a scratch folder here.
    pub(crate) fn live_campaigns(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.output().join(".live")) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// Fails unless nothing of any campaign here is left.
    pub(crate) fn assert_clean(&self, after: &str) {
        eventually(&format!("everything to be gone after {after}"), || {
            let (processes, campaigns) = (self.processes(), self.live_campaigns());
            let files: Vec<_> =
                fs::read_dir(self.temporary()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            let sockets = self.sockets();
            if processes.is_empty() && campaigns.is_empty() && files.is_empty() && sockets.is_empty() {
                return Ok(());
            }
            let names: Vec<_> = processes.iter().map(name_of).collect();
            Err(format!(
                "processes {names:?}, live campaigns {campaigns:?}, temporary files {files:?}, sockets {sockets:?}"
            ))
        });
    }

    /// Sockets with a name in the file system anywhere here.
    pub(crate) fn sockets(&self) -> Vec<PathBuf> {
        let here = fs::canonicalize(self.folder.path()).unwrap();
        let sockets = procfs::net::unix().unwrap().into_iter().filter_map(|socket| socket.path);
        sockets.filter(|path| path.starts_with(&here)).collect()
    }

    /// Processes that belong to a campaign whose working directory is here.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let here = fs::canonicalize(self.folder.path()).unwrap();
        let is_ours = |process: &Process| {
            process
                .environ()
                .is_ok_and(|environment| environment.contains_key(std::ffi::OsStr::new(CAMPAIGN_VARIABLE)))
                && process.cwd().is_ok_and(|folder| folder.starts_with(&here))
        };
        all_processes().unwrap().flatten().filter(is_ours).collect()
    }

    /// Waits for a process of a campaign whose command line contains `text`.
    pub(crate) fn await_process(&self, text: &str) -> Process {
        eventually(&format!("a process with {text:?} in its command line"), || {
            let mut processes = self.processes();
            let found = processes
                .iter()
                .position(|process| process.cmdline().is_ok_and(|words| words.join(" ").contains(text)));
            match found {
                Some(index) => Ok(processes.swap_remove(index)),
                None => Err(format!("{:?}", processes.iter().map(name_of).collect::<Vec<_>>())),
            }
        })
    }
}

/// Starts a command with its output piped.
pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Both output streams as text.
pub(crate) fn text_of(output: &Output) -> String {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("--- standard output\n{out}\n--- standard error\n{error}")
}

/// Looks until `look` answers `Ok`, at most for a while, and says what was last seen.
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Result<T, String>) -> T {
    eventually_within(Duration::from_secs(60), what, look)
}

/// The same for what may take longer.
pub(crate) fn eventually_within<T>(
    limit: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match look() {
            Ok(value) => return value,
            Err(seen) => assert!(Instant::now() < deadline, "waited in vain for {what}; last seen: {seen}"),
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A scenario of one app and one rate that takes little time.
pub(crate) fn small_scenario(meshes: &str, duration: &str) -> String {
    format!(
        "description: a test
tier: quick
provider: local
meshes: [{meshes}]
rates: [100rps]
durations: [{duration}]
warm_up: 500ms
repeats: 1
seed: 1
workload:
  apps: 1
  connections: 4
  timeout: 5s
  votes: {{\":flushed:\": 1}}
  requests:
    - {{path: \"/api/list\", weight: 1}}
    - {{path: \"/api/vote?choice=:flushed:\", weight: 1}}
budgets:
  error_share: {{at_most: 1%}}
"
    )
}

/// The executable of the main job, as cargo built it.
pub(crate) fn meshes_executable() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--test", "meshes", "--no-run", "--message-format=json", "--quiet"]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells a test of its package would be told to build scripts, one of which then runs anew, and all above it.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            cargo.env_remove(name);
        }
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
    let messages = String::from_utf8(output.stdout).unwrap();
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "meshes")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo named no executable for the test `meshes`")
}

fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("meshbench").join(".cache")
}

fn name_of(process: &Process) -> String {
    process.stat().map_or_else(|_| "gone".to_owned(), |stat| format!("{} ({})", stat.comm, stat.pid))
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A process that is killed with whoever started it, so that a test that fails leaves none to the next.
pub(crate) struct Started(pub(crate) Child);

impl Drop for Started {
    fn drop(&mut self) {
        // One that has ended is what it should be.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
