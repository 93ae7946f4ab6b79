//! Baselines as people handle them: proposed, shown, accepted, rejected, damaged; and the history beside them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use meshbench_core::baseline::{Baseline, Row, RowUnit, recordings};
use meshbench_core::campaign_means::{CampaignMeans, Mean, Subject};
use meshbench_core::digest::digest;
use meshbench_core::fingerprint::Fingerprint;
use meshbench_core::judge::{Gate, Verdict};
use rstest::rstest;
use support::{Workshop, small_scenario, text_of};

const CASE: &str = "quick::reference::500rps::10s";
const CLASS: &str = "local-test-processor-2-cores";

fn subject() -> Subject {
    Subject {
        case: CASE.to_owned(),
        mesh_version: "0.1.0".to_owned(),
        executable: None,
        workload: digest(b"a workload"),
        fingerprint: Fingerprint {
            cpu_model: "Test Processor".to_owned(),
            cores: 2,
            memory_bytes: 8 << 30,
            kernel: "6.12.1".to_owned(),
            virtualisation: "none".to_owned(),
            topology: "local: generator on [1], measured on [0]".to_owned(),
            generator: "meshbench-load 0.1.0".to_owned(),
            histogram: "1..3600000000000 ns with 3 digits".to_owned(),
            rate: "500rps".to_owned(),
            duration: "10s".to_owned(),
        },
    }
}

/// A baseline of no run, and the log of that.
fn baseline(campaign: &str, p50_ms: f64) -> (Baseline, String) {
    let log = recordings::write(&[]);
    let row = |name: &str, value, unit, over_bare| Row {
        name: name.to_owned(),
        value,
        unit,
        over_bare,
        pair_sd: over_bare.map(|_| 0.021),
        detectable: over_bare.map(|_| 1.03),
    };
    let rows = vec![
        row("p50", p50_ms, RowUnit::Milliseconds, Some(1.72)),
        row("error_share", 0.0, RowUnit::Percent, None),
    ];
    let (campaign, recordings) = (campaign.to_owned(), digest(log.as_bytes()));
    (Baseline { subject: subject(), campaign, runs: 0, recordings, rows }, log)
}

/// A place with an accepted baseline, and another that waits for review.
struct Review {
    workshop: Workshop,
}

impl Review {
    fn new() -> Self {
        let review = Self { workshop: Workshop::new() };
        let (accepted, log) = baseline("2026-11-10", 1.58);
        review.write(".toml", &accepted.to_toml());
        review.write(".hlog", &log);
        let (pending, log) = baseline("2026-11-11", 1.84);
        review.write(".toml.new", &pending.to_pending("worse: p50 +16.5%"));
        review.write(".hlog.new", &log);
        review
    }

    fn path(&self, end: &str) -> PathBuf {
        self.workshop.snapshots().join(CLASS).join("quick").join(format!("reference-500rps-10s{end}"))
    }

    fn write(&self, end: &str, text: &str) {
        write(&self.path(end), text);
    }

    fn read(&self, end: &str) -> String {
        fs::read_to_string(self.path(end)).unwrap()
    }

    fn accepted(&self) -> Baseline {
        Baseline::from_toml(&self.read(".toml"), CASE).unwrap()
    }

    /// What is said on standard output, or on standard error where the command fails.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.workshop.meshbench(arguments).output().unwrap();
        let said = if output.status.success() { output.stdout } else { output.stderr };
        let snapshots = self.workshop.snapshots();
        let folder = snapshots.parent().unwrap();
        let here = std::env::current_dir().unwrap();
        let from_here = folder.strip_prefix(here).unwrap_or(folder);
        let said = String::from_utf8(said).unwrap().replace(folder.to_str().unwrap(), "…");
        said.replace(from_here.to_str().unwrap(), "…")
    }

    /// The files there are of the case.
    fn files(&self) -> Vec<String> {
        let folder = self.path("");
        let entries = fs::read_dir(folder.parent().unwrap()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn lists_and_shows_what_waits_beside_what_was_accepted() {
    let review = Review::new();
    insta::assert_snapshot!(review.says(&["baseline", "list"]), @"
    local-test-processor-2-cores
      quick::reference::500rps::10s
        accepted: version 0.1.0, 0 runs of campaign 2026-11-10
        waits for review: version 0.1.0, 0 runs of campaign 2026-11-11
    ");
    insta::assert_snapshot!(review.says(&["baseline", "show"]), @"
    quick::reference::500rps::10s on local-test-processor-2-cores
      accepted: version 0.1.0, 0 runs of campaign 2026-11-10
      waits for review: version 0.1.0, 0 runs of campaign 2026-11-11
        p50                             1.58ms → 1.84ms (+16.5%)
        error_share                         0% → 0%
    ");
    assert_eq!(review.files().len(), 4, "looking changed something: {:?}", review.files());
}

#[test]
fn accepting_takes_both_files_and_rejecting_leaves_the_old_ones() {
    let review = Review::new();
    assert_eq!(review.says(&["baseline", "reject"]), format!("rejected {CASE} on {CLASS}\n"));
    assert_eq!(review.files(), ["reference-500rps-10s.hlog", "reference-500rps-10s.toml"]);
    assert_eq!(review.accepted().campaign, "2026-11-10");
    insta::assert_snapshot!(review.says(&["baseline", "accept"]), @"error: nothing waits for review: `meshbench baseline list` shows what there is");

    let review = Review::new();
    assert_eq!(
        review.says(&["baseline", "accept", "--exact", CASE]),
        format!("accepted {CASE} on {CLASS}\n")
    );
    assert_eq!(review.files(), ["reference-500rps-10s.hlog", "reference-500rps-10s.toml"]);
    assert_eq!(review.read(".toml"), baseline("2026-11-11", 1.84).0.to_toml());
}

/// What `cargo insta review` does, by the library it does it with.
#[test]
fn what_insta_accepts_is_accepted() {
    let review = Review::new();
    let pending = insta::Snapshot::from_file(&review.path(".toml.new")).unwrap();
    let old = insta::Snapshot::from_file(&review.path(".toml")).unwrap();
    let [old, new] = [&old, &pending].map(|snapshot| snapshot.as_text().unwrap().to_string());
    let changed: Vec<_> = new.lines().filter(|line| !old.lines().any(|other| other == *line)).collect();
    assert_eq!(changed.len(), 3, "campaign, digest and p50 changed, not {changed:#?}");
    assert_eq!(pending.metadata().description(), Some("worse: p50 +16.5%"));

    pending.save(&review.path(".toml")).unwrap();
    fs::remove_file(review.path(".toml.new")).unwrap();
    assert!(
        review.says(&["baseline", "list"]).contains("accepted: version 0.1.0, 0 runs of campaign 2026-11-11")
    );
    // Nothing waits, but the log must follow the table.
    assert!(review.says(&["baseline", "accept"]).contains("nothing waits for review"));
    assert_eq!(review.files(), ["reference-500rps-10s.hlog", "reference-500rps-10s.toml"]);
    assert_eq!(review.read(".toml"), baseline("2026-11-11", 1.84).0.to_toml());
}

#[test]
fn what_insta_rejects_is_rejected() {
    let review = Review::new();
    fs::remove_file(review.path(".toml.new")).unwrap();
    assert!(review.says(&["baseline", "reject"]).contains("nothing waits for review"));
    assert_eq!(review.files(), ["reference-500rps-10s.hlog", "reference-500rps-10s.toml"]);
    assert_eq!(review.accepted().campaign, "2026-11-10");
}

#[rstest]
#[case::an_edited_table(".toml", |text: &str| text.replace("1.58", "1.28"))]
#[case::a_cut_log(".hlog", |text: &str| text[..text.len() - 3].to_owned())]
#[case::another_cases(".toml", |text: &str| text.replace("quick::reference", "quick::haproxy"))]
fn a_damaged_baseline_is_named_and_left_alone(#[case] end: &str, #[case] damage: fn(&str) -> String) {
    let review = Review::new();
    let damaged = damage(&review.read(end));
    review.write(end, &damaged);
    let said = review.says(&["baseline", "list"]);
    assert!(said.contains("damaged: the baseline …/snapshots/local-test-processor-2-cores/quick/reference-500rps-10s.toml cannot be used: "), "{said}");
    assert!(said.contains("restore it and the .hlog beside it from version control"), "{said}");
    review.says(&["baseline", "reject"]);
    assert_eq!(review.read(end), damaged);
}

#[test]
fn a_campaigns_folder_can_be_accepted_elsewhere() {
    let review = Review::new();
    let campaign = review.workshop.output().join("2026-11-12");
    let (later, log) = baseline("2026-11-12", 1.6);
    let stem = campaign.join("baselines").join(CLASS).join("quick/reference-500rps-10s");
    write(&stem.with_extension("toml"), &later.to_toml());
    write(&stem.with_extension("hlog"), &log);
    let folder = campaign.to_str().unwrap();
    assert_eq!(
        review.says(&["baseline", "accept", "--campaign", folder]),
        format!("accepted {CASE} on {CLASS}\n")
    );
    assert_eq!(review.accepted(), later);
    let empty = review.workshop.temporary();
    insta::assert_snapshot!(review.says(&["baseline", "accept", "--campaign", empty.to_str().unwrap()]), @"error: …/temporary holds no baselines: a campaign's folder is one under target/meshbench, with report.json in it, and one whose cases were invalid has none to take");
}

/// The folder of a finished campaign of one case, the subject changed by `change`.
fn campaign(review: &Review, name: &str, p50_ms: f64, change: fn(&mut Baseline)) -> String {
    let folder = review.workshop.output().join(name);
    let (mut of_campaign, log) = baseline(name, p50_ms);
    of_campaign.rows[0].over_bare = Some(1.72 * p50_ms / 1.58);
    change(&mut of_campaign);
    let stem = folder.join("baselines").join(CLASS).join("quick/reference-500rps-10s");
    write(&stem.with_extension("toml"), &of_campaign.to_toml());
    write(&stem.with_extension("hlog"), &log);
    folder.to_str().unwrap().to_owned()
}

#[test]
fn finished_campaigns_are_compared_where_they_may_be() {
    let review = Review::new();
    review.workshop.scenario("quick", &small_scenario("reference", "10s"));
    let old = campaign(&review, "2026-11-12", 1.58, |_| {});
    let new = campaign(&review, "2026-11-13", 1.9, |_| {});
    let says = |old: &str, new: &str| {
        let output = review.workshop.meshbench(&["compare", old, new]).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.success())
    };
    let (said, is_fine) = says(&old, &new);
    assert!(is_fine, "two campaigns alone make no verdict: {said}");
    insta::assert_snapshot!(said, @"
    quick::reference::500rps::10s
      2026-11-13 (version 0.1.0) against 2026-11-12 (version 0.1.0): T3, advisory: a verdict needs 8 campaigns in the history, which with the older one has 1
        p50                              1.9ms where 1.58ms was to be expected: +20.3%
    ");

    let elsewhere = campaign(&review, "2026-11-14", 1.9, |baseline| {
        baseline.subject.fingerprint.kernel = "6.18.0".to_owned();
    });
    let (said, is_fine) = says(&old, &elsewhere);
    assert!(!is_fine, "{said}");
    insta::assert_snapshot!(said, @"
    quick::reference::500rps::10s
      not to be compared: 2026-11-12 (version 0.1.0) and 2026-11-14 (version 0.1.0)
        the kernel was 6.12.1 and is 6.18.0
    nothing could be compared
    ");

    let line = |n: u32| {
        let log = (1.72 + f64::from(n % 3) * 0.01_f64).ln();
        let means = BTreeMap::from([(
            "p50".to_owned(),
            Mean { log, deviation: Some(0.02), value: 1.58e6, blocks: 8 },
        )]);
        let (campaign, verdict) = (format!("2026-11-12-{n}"), "pass".to_owned());
        CampaignMeans { version: 1, campaign, subject: subject(), verdict, means }.to_line().unwrap()
    };
    let lines: Vec<_> = (10..20).map(line).collect();
    write(&review.workshop.snapshots().join(CLASS).join("history.jsonl"), &(lines.join("\n") + "\n"));
    let (said, is_fine) = says(&old, &new);
    assert!(!is_fine, "it is 20% slower than ten campaigns that hardly differ: {said}");
    insta::assert_snapshot!(said, @"
    quick::reference::500rps::10s
      2026-11-13 (version 0.1.0) against 2026-11-12 (version 0.1.0): T2, by 10 campaigns of the history
        p50                              1.9ms where 1.59ms was to be expected: +19.6% (+18.2% to +20.9%)
        worse: p50 +19.6% (+18.2% to +20.9%) against 10 stored campaigns; 1.9ms where 1.59ms was to be expected; repeat the campaign to see whether it stays, look for what changed, or take this campaign's: `meshbench baseline show` has it beside the old, `meshbench baseline accept` takes it
    ");

    let nothing = review.workshop.temporary();
    insta::assert_snapshot!(review.says(&["compare", &old, nothing.to_str().unwrap()]), @"error: …/temporary holds no figures to compare: a campaign's folder is one under target/meshbench, with report.json in it, and of one whose cases were invalid nothing is kept");
}

#[test]
fn history_shows_the_trend_and_where_it_shifted() {
    let review = Review::new();
    let line = |n: u32| {
        let log = if n < 16 { 0.5 } else { 0.7 } + f64::from(n % 3) * 0.01;
        let mean = |log: f64, value| Mean { log, deviation: Some(0.02), value, blocks: 8 };
        let means = BTreeMap::from([
            ("p50".to_owned(), mean(log, 1.58e6 * log.exp())),
            ("data_plane_memory".to_owned(), mean(54_321_000_f64.ln(), 54_321_000.0)),
        ]);
        let (campaign, verdict) = (format!("2026-11-{n}"), "pass".to_owned());
        CampaignMeans { version: 1, campaign, subject: subject(), verdict, means }.to_line().unwrap()
    };
    let lines: Vec<_> = (10..22).map(line).collect();
    let history = review.workshop.snapshots().join(CLASS).join("history.jsonl");
    write(&history, &(lines.join("\n") + "\n"));
    insta::assert_snapshot!(review.says(&["history", "reference"]), @"
    quick::reference::500rps::10s on local-test-processor-2-cores
      campaign    version  verdict  p50             data_plane_memory
      2026-11-10  0.1.0    pass     ×1.67 (2.63ms)  51.8MiB
      2026-11-11  0.1.0    pass     ×1.68 (2.66ms)  51.8MiB
      2026-11-12  0.1.0    pass     ×1.65 (2.6ms)   51.8MiB
      2026-11-13  0.1.0    pass     ×1.67 (2.63ms)  51.8MiB
      2026-11-14  0.1.0    pass     ×1.68 (2.66ms)  51.8MiB
      2026-11-15  0.1.0    pass     ×1.65 (2.6ms)   51.8MiB
      2026-11-16  0.1.0    pass     ×2.03 (3.21ms)  51.8MiB
      2026-11-17  0.1.0    pass     ×2.05 (3.25ms)  51.8MiB
      2026-11-18  0.1.0    pass     ×2.01 (3.18ms)  51.8MiB
      2026-11-19  0.1.0    pass     ×2.03 (3.21ms)  51.8MiB
      2026-11-20  0.1.0    pass     ×2.05 (3.25ms)  51.8MiB
      2026-11-21  0.1.0    pass     ×2.01 (3.18ms)  51.8MiB
      advisory: p50 seems +22.1% from 2026-11-16 on (Pettitt's test, p = 0.031): look at what changed there
    ");
    write(&history, &(lines.join("\n") + "\n{\"version\":1,\"camp"));
    insta::assert_snapshot!(review.says(&["history"]), @"error: line 13 of the history …/snapshots/local-test-processor-2-cores/history.jsonl cannot be used: it is not a campaign's means: the line was edited or cut short, or another program wrote it: EOF while parsing a string at line 1 column 18; restore the file, or remove that line; nothing was added to it");
}

/// As `cargo test` twice in a row, with an acceptance in between.
#[test]
fn a_first_campaign_proposes_and_the_next_is_compared_with_it() {
    let workshop = Workshop::new();
    workshop.scenario("short", &small_scenario("reference", "2s"));
    let case = "short::reference::100rps::2s";
    let run = |variables: &[(&str, &str)]| {
        let output = workshop.meshbench(&["run"]).envs(variables.iter().copied()).output().unwrap();
        let report = workshop.report();
        let of_case = report.cases.into_iter().find(|report| report.name == case).unwrap();
        (output, of_case)
    };
    // A machine busy with something else says nothing of the mesh, and nothing must be kept of that.
    let is_unfit = |verdict: &Verdict| matches!(verdict, Verdict::Invalid { .. } | Verdict::Fail { .. });
    let (mut output, mut first) = run(&[("CI", "true"), ("INSTA_UPDATE", "always")]);
    for _ in 0..2 {
        if is_unfit(&first.verdict) {
            assert!(!workshop.snapshots().exists(), "{}", text_of(&output));
            (output, first) = run(&[("CI", "true"), ("INSTA_UPDATE", "always")]);
        }
    }
    if is_unfit(&first.verdict) {
        assert!(!workshop.snapshots().exists(), "{}", text_of(&output));
        return;
    }
    assert_eq!(first.verdict.word(), "new baseline", "{}", text_of(&output));
    assert!(output.status.success() && !workshop.snapshots().exists(), "{}", text_of(&output));

    let (output, required) = run(&[("MESHBENCH_REQUIRE_BASELINE", "1")]);
    let gate = Gate { strict: false, require_baseline: true };
    assert_eq!(output.status.success(), !gate.fails(&required.verdict), "{required:?}");
    let accepted = workshop.meshbench(&["baseline", "accept"]).output().unwrap();
    let is_valid = required.verdict.word() == "new baseline";
    assert_eq!(accepted.status.success(), is_valid, "{}", text_of(&accepted));
    if is_valid {
        let (output, second) = run(&[]);
        let compared = second.against_baseline.and_then(|standing| standing.summary());
        let is_compared = compared.is_some_and(|said| said.contains("T3, advisory: 1 of the 8 campaigns"));
        assert!(is_compared || second.verdict.word() == "INVALID", "{}", text_of(&output));
    }
    workshop.assert_clean("campaigns with baselines");
}
