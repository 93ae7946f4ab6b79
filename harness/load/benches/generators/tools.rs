//! The generators that are compared, and how each is told what to do.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use super::{GENERATOR, GENERATOR_CORE, ROLE, SECONDS};

/// A generator, and its arguments for a URL, a rate (none to saturate) and a number of connections; none where it cannot.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) arguments: fn(url: &str, rate: Option<u64>, connections: u64) -> Option<Vec<String>>,
}

pub(crate) const OURS: Tool = Tool { name: "meshbench-load", arguments: ours };

pub(crate) const OTHERS: [Tool; 5] = [
    Tool { name: "wrk2", arguments: wrk2 },
    Tool { name: "oha", arguments: oha },
    Tool { name: "h2load", arguments: h2load },
    Tool { name: "hey", arguments: hey },
    Tool { name: "wrk", arguments: wrk },
];

impl Tool {
    pub(crate) fn is_there(&self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.name == OURS.name || std::env::split_paths(&path).any(|folder| folder.join(self.name).is_file())
    }

    /// Runs it to its end on its core.
    pub(crate) fn run(&self, arguments: &[String]) {
        if self.name == OURS.name {
            return run_in_role(GENERATOR, arguments);
        }
        run_on_its_core(self.name.as_ref(), arguments, "");
    }
}

/// Runs this program in another role, to its end, on the generators' core.
pub(crate) fn run_in_role(role: &str, arguments: &[String]) {
    run_on_its_core(std::env::current_exe().unwrap().as_os_str(), arguments, role);
}

fn run_on_its_core(program: &OsStr, arguments: &[String], role: &str) {
    let mut command = Command::new("taskset");
    command.args(["-c", GENERATOR_CORE]).arg(program).args(arguments).env(ROLE, role);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?} ended with {status}");
}

fn words(text: &str) -> Option<Vec<String>> {
    Some(text.split(' ').map(str::to_owned).collect())
}

fn ours(url: &str, rate: Option<u64>, connections: u64) -> Option<Vec<String>> {
    let rate = rate.map_or("max".to_owned(), |rate| rate.to_string());
    words(&format!("--url {url} --rate {rate} --duration {SECONDS}s --connections {connections}"))
}

fn wrk2(url: &str, rate: Option<u64>, connections: u64) -> Option<Vec<String>> {
    // It has no way to saturate but a rate that nothing reaches.
    let rate = rate.unwrap_or(2_000_000);
    words(&format!("-t 1 -c {connections} -d {SECONDS}s -R {rate} {url}"))
}

fn oha(url: &str, rate: Option<u64>, connections: u64) -> Option<Vec<String>> {
    let rate = rate.map_or(String::new(), |rate| format!("-q {rate} --latency-correction "));
    words(&format!("--no-tui -c {connections} -z {SECONDS}s {rate}{url}"))
}

fn h2load(url: &str, rate: Option<u64>, connections: u64) -> Option<Vec<String>> {
    let rate = rate.map_or(String::new(), |rate| format!("--rps={} ", rate as f64 / connections as f64));
    words(&format!("--h1 -t 1 -c {connections} -D {SECONDS} {rate}{url}"))
}

fn hey(url: &str, rate: Option<u64>, connections: u64) -> Option<Vec<String>> {
    let rate = rate.map_or(String::new(), |rate| format!("-q {} ", rate as f64 / connections as f64));
    words(&format!("-c {connections} -z {SECONDS}s {rate}{url}"))
}

/// Closed loop only.
fn wrk(url: &str, rate: Option<u64>, connections: u64) -> Option<Vec<String>> {
    if rate.is_some() { None } else { words(&format!("-t 1 -c {connections} -d {SECONDS}s {url}")) }
}
