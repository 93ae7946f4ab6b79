use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::campaign_means::tests::{means, runs, subject};
use crate::campaign_means::{CampaignMeans, Mean};
use crate::comparison::{Floors, SmallestChanges, Strictness};
use crate::fingerprint::Fingerprint;
use crate::judge::Verdict;
use crate::resources::{ContainerUse, Group, ResourceUse};

const CASE: &str = "quick::reference::500rps::10s";

/// Runs whose mesh and application used CPU and memory.
fn runs_with_resources(mesh: &str, latencies_ms: &[u64]) -> Vec<Run> {
    let container = |group, cpu_ns| ContainerUse {
        container: "web-0".to_owned(),
        group,
        cpu_ns,
        cpu_error_ns: 0,
        resident_bytes: 54_321_000,
        peak_bytes: 60_000_000,
        vanished: false,
        ended_processes: 0,
    };
    let mut runs = runs(mesh, latencies_ms);
    for run in &mut runs {
        let cpu_ns = 1_000_000_000 + u64::from(run.block) * 12_345_678;
        let mut containers = vec![container(Group::Application, cpu_ns)];
        if mesh != "bare" {
            containers.push(container(Group::DataPlane, cpu_ns * 2));
        }
        run.resources = ResourceUse { containers };
        run.recording.achieved_rate = 500.0;
    }
    runs
}

fn accepted() -> (Baseline, String) {
    let (mesh, bare) =
        (runs_with_resources("reference", &[30, 31, 32]), runs_with_resources("bare", &[10, 10, 11]));
    let (mesh, bare): (Vec<_>, Vec<_>) = (mesh.iter().collect(), bare.iter().collect());
    Baseline::of("2026-11-10", subject(), &mesh, &bare).unwrap()
}

#[test]
fn a_baseline_reads_like_this() {
    insta::assert_snapshot!("baseline", accepted().0.to_toml());
}

#[test]
fn three_kilobytes_are_enough_for_long_names() {
    let (mut baseline, _) = accepted();
    baseline.subject.case = format!("{}::envoy-with-a-long-name::12000rps::30m", "scenario-".repeat(5));
    baseline.subject.executable = Some("envoy  version: ".to_owned() + &"1de1dd7a/".repeat(8));
    baseline.subject.fingerprint.cpu_model = "Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz".to_owned();
    baseline.rows = tabled_metrics()
        .map(|metric| Row {
            over_bare: Some(1.72),
            pair_sd: Some(0.0213),
            detectable: Some(1.04),
            ..Row::plain(metric.name(), RowUnit::of(metric.unit()), 123_456.0)
        })
        .collect();
    assert!(baseline.to_toml().len() <= 3_072, "{} bytes", baseline.to_toml().len());
}

#[test]
fn what_waits_for_review_is_read_like_what_was_accepted() {
    let (baseline, log) = accepted();
    let pending = baseline.to_pending("worse: p50 +4.2%\n\"quoted\"");
    assert_eq!(Baseline::from_toml(&pending, CASE).unwrap(), baseline);
    let kept = baseline.to_toml();
    let body = kept.split_once("\n\n").unwrap().1;
    assert!(pending.ends_with(body), "a difference would show more than the table");
    baseline.check_recordings(log.as_bytes()).unwrap();
}

#[rstest]
#[case::nothing("line 1: missing field `format`: it was edited or cut short, or another program wrote it", |_: &str| String::new())]
#[case::cut_short("line 1: missing field `metrics`: it was edited or cut short, or another program wrote it", |text: &str| text[..text.len() / 2].to_owned())]
#[case::a_merge_conflict("line 8: key with no value, expected `=`: it was edited or cut short, or another program wrote it", |text: &str| text.replace("runs = 3", "<<<<<<< HEAD\nruns = 3"))]
#[case::a_field_too_many("line 9: unknown field `runs_too`, expected one of `format`, `case`, `mesh_version`, `executable`, `campaign`, `runs`, `digests`, `fingerprint`, `metrics`: it was edited or cut short, or another program wrote it", |text: &str| text.replace("runs = 3", "runs = 3\nruns_too = 3"))]
#[case::an_edited_figure("its contents do not match the digest `table` in it: it was edited after it was accepted", |text: &str| text.replace("p50 = { value = 31.", "p50 = { value = 21."))]
#[case::an_edited_field("its contents do not match the digest `table` in it: it was edited after it was accepted", |text: &str| text.replace("runs = 3", "runs = 4"))]
#[case::an_edited_digest("its contents do not match the digest `table` in it: it was edited after it was accepted", |text: &str| text.replace("recordings = \"sha256:", "recordings = \"sha256:0"))]
#[case::a_metric_of_tomorrow("`p51` in its table means nothing to this meshbench: it was edited, or a later release wrote it", |text: &str| text.replace("p50 =", "p51 ="))]
#[case::a_unit_of_tomorrow("`MB` in its table means nothing to this meshbench: it was edited, or a later release wrote it", |text: &str| text.replace("\"MiB\"", "\"MB\""))]
#[case::a_format_of_tomorrow("its format is 2, and this meshbench reads format 1: use the release that wrote it", |text: &str| text.replace("format = 1", "format = 2"))]
#[case::another_file("line 1: missing field `format`: it was edited or cut short, or another program wrote it", |_: &str| "[package]\nname = \"meshbench\"\n".to_owned())]
fn a_damaged_table_is_refused(#[case] said: &str, #[case] damage: fn(&str) -> String) {
    let error = Baseline::from_toml(&damage(&accepted().0.to_toml()), CASE).unwrap_err();
    assert_eq!(error.to_string(), said);
}

#[test]
fn another_cases_table_is_refused() {
    let error = Baseline::from_toml(&accepted().0.to_toml(), "quick::haproxy::500rps::10s").unwrap_err();
    insta::assert_snapshot!(error, @"it is the baseline of quick::reference::500rps::10s and not of quick::haproxy::500rps::10s: it was renamed, or copied to the wrong place");
}

#[rstest]
#[case::cut_short(|log: &str| log.as_bytes()[..log.len() - 9].to_vec())]
#[case::nothing(|_: &str| Vec::new())]
#[case::no_text(|_: &str| vec![0xff, 0xfe])]
fn another_log_is_refused(#[case] damage: fn(&str) -> Vec<u8>) {
    let (baseline, log) = accepted();
    let error = baseline.check_recordings(&damage(&log)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the log of its runs does not match the digest `recordings`: it is cut short, edited, or of another baseline"
    );
}

#[test]
fn a_log_of_fewer_runs_is_refused_even_under_the_right_digest() {
    let (mut baseline, log) = accepted();
    let cut: String = log.lines().take(6).map(|line| format!("{line}\n")).collect();
    baseline.recordings = digest(cut.as_bytes());
    let error = baseline.check_recordings(cut.as_bytes()).unwrap_err();
    insta::assert_snapshot!(error, @"the log holds 1 runs where the table has 3");
}

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 1e-6..1e9_f64].prop_map(three_digits)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_table_is_read_as_it_was_written(
        texts in prop::collection::vec(".*", 4),
        executable in prop::option::of(".*"),
        numbers in (any::<u32>(), any::<u32>(), 0..u64::MAX / 2),
        figures in prop::collection::vec((figure(), prop::option::of(figure()), prop::option::of(figure())), 15),
    ) {
        let [case, mesh_version, campaign, kernel] = texts.try_into().unwrap();
        let (runs, cores, memory_bytes) = numbers;
        let fingerprint = Fingerprint { cores, memory_bytes, kernel, ..subject().fingerprint };
        let rows = tabled_metrics().zip(figures).map(|(metric, (value, over_bare, pair_sd))| {
            let (name, unit) = (metric.name().to_owned(), RowUnit::of(metric.unit()));
            Row { name, unit, value, over_bare, pair_sd, detectable: over_bare }
        });
        let baseline = Baseline {
            subject: Subject { case: case.clone(), mesh_version, executable, fingerprint, ..subject() },
            campaign,
            runs,
            recordings: digest(b"a log"),
            rows: rows.collect(),
        };
        prop_assert_eq!(&Baseline::from_toml(&baseline.to_toml(), &case).unwrap(), &baseline);
        prop_assert_eq!(&Baseline::from_toml(&baseline.to_pending("why"), &case).unwrap(), &baseline);
    }

    #[test]
    fn no_text_makes_reading_panic(text in ".*", cut in 0_usize..4_000) {
        let whole = accepted().0.to_toml();
        let cut = whole.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(0);
        prop_assert!(Baseline::from_toml(&text, CASE).is_err());
        prop_assert!(Baseline::from_toml(&whole[..cut], CASE).is_err());
    }
}

/// A campaign whose mesh takes so many milliseconds where `bare` takes a hundred.
fn campaign(n: usize, ms: u64) -> CampaignMeans {
    means(&format!("2026-11-{n}"), &[ms, ms], &[100, 100])
}

/// A baseline of the campaign 2026-11-10 with this history, the baseline's own campaign first.
fn stored(latencies_ms: &[u64]) -> Stored {
    let mesh = runs("reference", &[latencies_ms[0]; 2]);
    let bare = runs("bare", &[100; 2]);
    let (mesh, bare): (Vec<_>, Vec<_>) = (mesh.iter().collect(), bare.iter().collect());
    let (baseline, _) = Baseline::of("2026-11-10", subject(), &mesh, &bare).unwrap();
    let campaigns = (10..).zip(latencies_ms).map(|(n, &ms)| campaign(n, ms)).collect();
    Stored { baseline: Some(Ok(baseline)), campaigns }
}

fn strictness() -> Strictness {
    Strictness {
        alpha: 0.025,
        confirming_blocks: 8.try_into().unwrap(),
        smallest_changes: SmallestChanges { latency: 0.05, cpu: 0.05, memory: 0.1 },
        floors: Floors { p50_ns: 5e4, tail_ns: 1e5, cpu_ns_per_request: 2e3, memory_bytes: 5e6 },
    }
}

const EIGHT: [u64; 8] = [200, 202, 199, 201, 198, 200, 203, 201];

fn verdict(stored: &Stored, ms: u64) -> Option<Verdict> {
    stored.compare(&campaign(60, ms), &strictness(), 1.0).verdict()
}

#[rstest]
#[case::unchanged(201, "no change")]
#[case::worse(240, "REGRESSED")]
#[case::better(160, "improved")]
#[case::worse_by_too_little_to_matter(207, "INCONCLUSIVE")]
fn eight_stored_campaigns_decide(#[case] ms: u64, #[case] word: &str) {
    let verdict = verdict(&stored(&EIGHT), ms).unwrap();
    assert_eq!(verdict.word(), word, "{verdict:?}");
}

#[test]
fn verdicts_say_what_was_compared_and_what_to_do() {
    let sentences = |ms| {
        let verdict = verdict(&stored(&EIGHT), ms).unwrap();
        format!("{}: {}", verdict.word(), verdict.sentences().first().unwrap())
    };
    insta::assert_snapshot!([240, 160, 207].map(sentences).join("\n"), @"
    REGRESSED: worse: p50 +19.7% (+17.3% to +22.1%) against 8 stored campaigns; 240ms where 200ms was to be expected; repeat the campaign to see whether it stays, look for what changed, or take this campaign's: `meshbench baseline show` has it beside the old, `meshbench baseline accept` takes it
    improved: better: p50 -20.2% (-21.8% to -18.6%) against 8 stored campaigns; 160ms where 200ms was to be expected; to hold later campaigns to it, take this campaign's: `meshbench baseline show` has it beside the old, `meshbench baseline accept` takes it
    INCONCLUSIVE: cannot tell whether it is worse: p50 +3.2% (+1.2% to +5.3%) against 8 stored campaigns; 207ms where 200ms was to be expected; campaigns that differ like these show +3.3% and more: make them longer, or compare two versions in the same blocks (`compare:` in the scenario)
    ");
}

#[test]
fn fewer_than_eight_are_advisory() {
    let few = stored(&EIGHT[..7]);
    let standing = few.compare(&campaign(60, 400), &strictness(), 1.0);
    assert_eq!((standing.tier(), standing.verdict()), (Some(ComparisonTier::T3), None));
    insta::assert_snapshot!(standing.summary().unwrap(), @"against the baseline, version 0.1.0 in campaign 2026-11-10 (T3, advisory: 7 of the 8 campaigns that a verdict needs are stored): p50 +99.6% (+95.2% to +104.1%), p90 +99.6% (+95.2% to +104.1%)");
    let mut one = stored(&EIGHT[..1]);
    one.campaigns.clear();
    insta::assert_snapshot!(one.compare(&campaign(60, 210), &strictness(), 1.0).summary().unwrap(), @"against the baseline, version 0.1.0 in campaign 2026-11-10 (T3, advisory: 1 of the 8 campaigns that a verdict needs is stored): p50 +5.0%, p90 +5.0%");
}

#[test]
fn what_is_not_comparable_does_not_count() {
    let tier = |change: fn(&mut CampaignMeans)| {
        let mut stored = stored(&EIGHT);
        change(&mut stored.campaigns[3]);
        stored.compare(&campaign(60, 200), &strictness(), 1.0).tier()
    };
    assert_eq!(tier(|_| ()), Some(ComparisonTier::T2));
    for change in [
        |campaign: &mut CampaignMeans| campaign.subject.fingerprint.kernel.push('1'),
        |campaign: &mut CampaignMeans| campaign.subject.mesh_version.push('1'),
        |campaign: &mut CampaignMeans| campaign.subject.executable = Some("another".to_owned()),
        |campaign: &mut CampaignMeans| campaign.subject.workload.push('1'),
        |campaign: &mut CampaignMeans| campaign.subject.case.push('1'),
        |campaign: &mut CampaignMeans| campaign.campaign = "2026-11-09".to_owned(),
        |campaign: &mut CampaignMeans| campaign.verdict = "REGRESSED".to_owned(),
    ] {
        assert_eq!(tier(change), Some(ComparisonTier::T3));
    }
}

#[test]
fn a_slow_creep_does_not_take_its_limit_along() {
    let steady = [EIGHT, EIGHT, EIGHT].concat();
    let creeping = (1..=20).map(|n| 200 + 2 * n);
    let stored = stored(&steady.into_iter().chain(creeping).collect::<Vec<_>>());
    assert_eq!(verdict(&stored, 242).unwrap().word(), "REGRESSED");
}

#[test]
fn another_environment_is_refused_by_name() {
    let mut stored = stored(&EIGHT);
    if let Some(Ok(baseline)) = &mut stored.baseline {
        baseline.subject.fingerprint.kernel = "6.1.0".to_owned();
        baseline.subject.workload = digest(b"another workload");
    }
    let verdict = verdict(&stored, 400).unwrap();
    assert_eq!(verdict.word(), "new baseline");
    insta::assert_snapshot!(verdict.sentences().join("\n"), @"not compared with the baseline of campaign 2026-11-10: the kernel was 6.1.0 and is 6.12.1, the scenario's workload (apps, connections, timeout, requests, votes, warm-up, or what a limit is) is another. Numbers from different environments say nothing of each other; go back to that one, or take this campaign's: `meshbench baseline show` has it beside the old, `meshbench baseline accept` takes it");
}

#[test]
fn no_baseline_and_a_damaged_one_are_not_the_same() {
    let none = Stored::default();
    insta::assert_snapshot!(verdict(&none, 200).unwrap().sentences().join("\n"), @"there is no baseline yet: take this campaign's: `meshbench baseline show` has it beside the old, `meshbench baseline accept` takes it");
    let damaged = Stored { baseline: Some(Err("it was edited".to_owned())), campaigns: Vec::new() };
    assert_eq!(verdict(&damaged, 200), Some(Verdict::Error { causes: vec!["it was edited".to_owned()] }));
}

#[rstest]
#[case::as_ever(0.602, "no change")]
#[case::fallen(0.5, "REGRESSED")]
#[case::risen(0.72, "improved")]
fn a_limit_is_worse_where_it_falls(#[case] part_of_bare: f64, #[case] word: &str) {
    let mean = |part: f64| Mean { log: part.ln(), deviation: None, value: 1_000.0 * part, blocks: 3 };
    let (baseline, _) = Baseline::of_limit("2026-11-10", subject(), mean(0.6), &[]);
    let earlier = [0.6, 0.606, 0.597, 0.603, 0.594, 0.6, 0.609, 0.603].into_iter();
    let campaigns = (10..)
        .zip(earlier)
        .map(|(day, part)| CampaignMeans::of_limit(&format!("2026-11-{day}"), subject(), mean(part)));
    let stored = Stored { baseline: Some(Ok(baseline)), campaigns: campaigns.collect() };
    let now = CampaignMeans::of_limit("2026-12-01", subject(), mean(part_of_bare));
    let verdict = stored.compare(&now, &strictness(), 1.0).verdict();
    assert_eq!(verdict.as_ref().map(Verdict::word), Some(word), "{verdict:?}");
}
