//! What the load generator tells while it runs: one [`LoadEvent`] a line of JSON.

use serde::{Deserialize, Serialize};

/// Something that happened during a run, written at once.
///
/// Whoever reads CPU counters of other processes for the measured window reads them when `window_opened` and
/// `window_closed` arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum LoadEvent {
    /// Commands are waited for; only an attended generator says so.
    Attended {
        /// The version of the plans it reads.
        plan_version: u32,
    },
    /// What time it is, as [`LoadCommand::Clock`](crate::load_command::LoadCommand::Clock) asks.
    Clock {
        /// Of the command.
        id: u32,
        /// Nanoseconds since 1970-01-01 UTC.
        unix_ns: u64,
    },
    /// The plan of an attended generator is read; it begins when the plan says.
    Planned,
    /// All connections are open and the first request is about to be due.
    Started {
        /// Kept-alive connections.
        connections: u32,
        /// Threads that send.
        threads: u32,
    },
    /// The warm-up is over; requests due from now on are recorded.
    WindowOpened {
        /// Nanoseconds since 1970-01-01 UTC.
        unix_ns: u64,
    },
    /// About once a second while the window is open.
    Progress {
        /// Milliseconds since the window opened.
        elapsed_ms: u64,
        /// Requests of the window done so far, failed or not.
        requests: u64,
        /// Those that failed.
        errors: u64,
        /// Median latency of the successes since the last progress.
        p50_ns: u64,
        /// 99th percentile of the latency of the successes since the last progress.
        p99_ns: u64,
        /// Median latency of all successes of the window until now.
        p50_so_far_ns: u64,
        /// 99th percentile of the latency of all successes of the window until now.
        p99_so_far_ns: u64,
    },
    /// No further request becomes due; unanswered ones are still waited for.
    WindowClosed {
        /// Nanoseconds since 1970-01-01 UTC.
        unix_ns: u64,
    },
    /// What an attended generator recorded.
    Recorded {
        /// The recording, as `--output` would have written it.
        recording: String,
        /// The digest of its text: whether it came whole.
        digest: String,
        /// The interval log, as `--hlog` would have written it.
        interval_log: String,
    },
    /// All is recorded and written; the generator ends.
    Finished,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_one_line_each_and_read_back() {
        let events = [
            LoadEvent::Attended { plan_version: 2 },
            LoadEvent::Clock { id: 1, unix_ns: 1_699_999_999_000_000_001 },
            LoadEvent::Planned,
            LoadEvent::Started { connections: 16, threads: 1 },
            LoadEvent::WindowOpened { unix_ns: 1_700_000_000_000_000_001 },
            LoadEvent::Progress {
                elapsed_ms: 1_000,
                requests: 500,
                errors: 2,
                p50_ns: 65_000,
                p99_ns: 120_000,
                p50_so_far_ns: 66_000,
                p99_so_far_ns: 130_000,
            },
            LoadEvent::WindowClosed { unix_ns: 1_700_000_010_000_000_001 },
            LoadEvent::Recorded {
                recording: "{}".to_owned(),
                digest: "sha256:44".to_owned(),
                interval_log: "#[a]\n".to_owned(),
            },
            LoadEvent::Finished,
        ];
        let lines: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        insta::assert_snapshot!(lines.join("\n"), @r##"
        {"event":"attended","plan_version":2}
        {"event":"clock","id":1,"unix_ns":1699999999000000001}
        {"event":"planned"}
        {"event":"started","connections":16,"threads":1}
        {"event":"window_opened","unix_ns":1700000000000000001}
        {"event":"progress","elapsed_ms":1000,"requests":500,"errors":2,"p50_ns":65000,"p99_ns":120000,"p50_so_far_ns":66000,"p99_so_far_ns":130000}
        {"event":"window_closed","unix_ns":1700000010000000001}
        {"event":"recorded","recording":"{}","digest":"sha256:44","interval_log":"#[a]\n"}
        {"event":"finished"}
        "##);
        let back: Vec<LoadEvent> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(back, events);
    }
}
