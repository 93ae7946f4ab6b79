//! `meshbench report`: the page of finished campaigns, also where what they left is damaged.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use support::{Workshop, small_scenario, text_of};

/// A place with one short campaign, and its folder.
fn with_a_campaign() -> (Workshop, PathBuf) {
    let workshop = Workshop::new();
    workshop.scenario("small", &small_scenario("bare, reference", "1s"));
    // What it comes to is the machine's business: on a busy one a second of load says nothing.
    let output = workshop.meshbench(&["run"]).output().unwrap();
    let campaign = workshop.campaign();
    assert!(campaign.join("report.html").is_file(), "{}", text_of(&output));
    (workshop, campaign)
}

fn report(workshop: &Workshop, folders: &[&Path], more: &[&str]) -> Output {
    let folders: Vec<&str> = folders.iter().map(|folder| folder.to_str().unwrap()).collect();
    workshop.meshbench(&[&["report"], folders.as_slice(), more].concat()).output().unwrap()
}

fn page(folder: &Path) -> String {
    fs::read_to_string(folder.join("report.html")).unwrap()
}

/// A campaign's folder again, under another name.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => _ = fs::copy(&path, &target).unwrap(),
        }
    }
}

fn recordings(campaign: &Path, workshop: &Workshop) -> Vec<PathBuf> {
    let runs = workshop.report().cases.into_iter().flat_map(|case| case.runs);
    runs.map(|run| campaign.join(run.folder).join("recording.json")).collect()
}

#[test]
fn a_page_is_made_anew_and_names_what_is_damaged() {
    let (workshop, campaign) = with_a_campaign();
    let left = page(&campaign);
    assert!(left.contains("data-kind=\"latency-by-percentile\"") && left.contains("sidecar.json"));
    assert!(left.contains("description: "), "the scenario as it was run");
    fs::remove_file(campaign.join("report.html")).unwrap();
    let again = report(&workshop, &[&campaign], &[]);
    assert!(again.status.success(), "{}", text_of(&again));
    assert_eq!(page(&campaign), left, "from the recordings, the same page");

    let [missing, edited] = &recordings(&campaign, &workshop)[..] else { panic!("two runs") };
    fs::remove_file(missing).unwrap();
    let text = fs::read_to_string(edited).unwrap();
    fs::write(edited, text.replacen("\"requests\":", "\"requests\": ", 1)).unwrap();
    let damaged = report(&workshop, &[&campaign], &[]);
    let said = text_of(&damaged);
    assert!(damaged.status.success(), "{said}");
    assert!(said.contains("recording.json cannot be read") && said.contains("it was edited"), "{said}");
    let page = page(&campaign);
    assert!(page.contains("its figures are those of report.json") && page.contains("it was edited"));
    assert!(page.contains("data-kind=\"latency-by-percentile\""));
}

#[test]
fn several_campaigns_stand_on_one_page() {
    let (workshop, campaign) = with_a_campaign();
    let requests = workshop.report().cases[0].pooled_latency_ns.count;
    let other = workshop.output().join("other");
    copy(&campaign, &other);
    // The same again would not count twice.
    let text = fs::read_to_string(other.join("report.json")).unwrap();
    let id = campaign.file_name().unwrap().to_str().unwrap();
    fs::write(other.join("report.json"), text.replace(id, "another")).unwrap();
    let nowhere = report(&workshop, &[&campaign, &other], &[]);
    assert!(!nowhere.status.success() && text_of(&nowhere).contains("--to FOLDER"), "{}", text_of(&nowhere));
    let place = workshop.output().join("together");
    let together = report(&workshop, &[&campaign, &other], &["--to", place.to_str().unwrap()]);
    assert!(together.status.success(), "{}", text_of(&together));
    let page = page(&place);
    assert!(page.contains("2 of 2 pooled"), "{page}");
    assert!(page.contains("data-kind=\"pooled-curves\""));
    // Of what was measured once and is there twice, the pool has each request twice.
    assert!(page.contains(&format!("<td>2</td><td>{}</td>", 2 * requests)), "{requests}");
}

#[test]
fn a_folder_that_is_no_campaign_is_refused_by_name() {
    let workshop = Workshop::new();
    let folder = workshop.temporary();
    let nothing = report(&workshop, &[&folder], &[]);
    assert!(!nothing.status.success());
    assert!(
        text_of(&nothing).contains("report.json cannot be read: a campaign's folder is one under"),
        "{}",
        text_of(&nothing)
    );
    for (text, said) in [("{}", "is damaged"), ("nothing", "is damaged")] {
        fs::write(folder.join("report.json"), text).unwrap();
        let damaged = report(&workshop, &[&folder], &[]);
        assert!(!damaged.status.success() && text_of(&damaged).contains(said), "{}", text_of(&damaged));
        assert!(!folder.join("report.html").exists());
    }
}
